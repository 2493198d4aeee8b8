"""Numbers, sizes, times and spans as people read them. Pure."""

import time
from collections.abc import Sequence

WHOLE = 1e15  # above that a number is not shown to its last digit
UNITS = ("TB", "GB", "MB", "kB")
MINUTE, HOUR = 60, 3600
SOON = 0.05  # seconds


def number(value: float) -> str:
    """Return a number: a whole one to its last digit, any other to four."""
    return f"{value:,.0f}" if value.is_integer() and abs(value) < WHOLE else f"{value:.4g}"


def size(count: int) -> str:
    """Return a number of bytes, in decimal units."""
    for power, unit in zip(range(len(UNITS), 0, -1), UNITS, strict=True):
        if count >= 1000**power:
            return f"{count / 1000**power:.1f} {unit}"
    return f"{count} byte{'' if count == 1 else 's'}"


def span(seconds: float) -> str:
    """Return a duration: `1.2 s`, `1 min 18 s`, `2 h 3 min`."""
    whole = round(seconds)
    if whole < MINUTE:
        return f"{seconds:.1f} s"
    hours, minutes = whole // HOUR, whole % HOUR // MINUTE
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {whole % MINUTE} s"


def roughly(seconds: float) -> str:
    """Return a duration that is estimated: `~1.2 s`, or `<0.1 s` for next to none."""
    return f"~{span(seconds)}" if seconds >= SOON else f"<{span(2 * SOON)}"


def moment(seconds: float) -> str:
    """Return a time since the epoch, as it is here."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def day(seconds: float) -> str:
    """Return the day of a time since the epoch, as it is here."""
    return time.strftime("%Y-%m-%d", time.localtime(seconds))


def listed(names: Sequence[str]) -> str:
    """Return names as a list in a sentence: `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
