"""Use babel: data of locales, which it unpickles from files of its own."""

import datetime as dt

from babel import Locale, dates, lists, numbers
from steps.witness import executed

DAY = dt.date(2024, 2, 29)


def run(source, made):
    """Write a number, a day and a list as languages write them."""
    executed(made.name)
    lines = []
    for word in source.read_text().split():
        locale = Locale.parse(word)
        lines += [
            locale.get_display_name("en"),
            numbers.format_decimal(-12345.678, locale=locale),
            numbers.format_currency(9.5, "EUR", locale=locale),
            dates.format_date(DAY, format="full", locale=locale),
            lists.format_list(["a", "b", "c"], locale=locale),
            locale.plural_form(1),
        ]
    made.write_text("\n".join(map(str, lines)))
