"""Use dateutil: a parser of dates, and rules of recurrence."""

import datetime as dt

from dateutil import easter, parser, rrule, tz
from dateutil.relativedelta import relativedelta
from steps.witness import executed

DEFAULT = dt.datetime(2024, 1, 15, 6, 30)  # noqa: DTZ001 - what a parser of dates is given


def run(source, made):
    """Parse dates, and write what follows them."""
    executed(made.name)
    lines = []
    for line in source.read_text().splitlines():
        day = parser.parse(line, default=DEFAULT)
        lines += [day.isoformat(), (day + relativedelta(months=1, weekday=4)).isoformat()]
        lines += [each.isoformat() for each in rrule.rrule(rrule.WEEKLY, count=3, dtstart=day, byweekday=(0, 3))]
    made.write_text("\n".join([*lines, str(easter.easter(2024)), repr(tz.tzutc()), repr(tz.tzoffset("X", 3600))]))
