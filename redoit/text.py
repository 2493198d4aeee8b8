"""Numbers, sizes, times and spans as people read them. Pure."""

import os
import shlex
import sys
import time
from collections.abc import Sequence

MAX_LINE_CHARACTERS = 500  # of a text of somebody else in a message
WHOLE = 1e15  # above that a number is not shown to its last digit
UNITS = ("TB", "GB", "MB", "kB")
MINUTE, HOUR = 60, 3600
SOON = 0.05  # seconds


def format_number(value: float) -> str:
    """Return a number: a whole one to its last digit, any other to four."""
    return f"{value:,.0f}" if value.is_integer() and abs(value) < WHOLE else f"{value:.4g}"


def format_size(count: int) -> str:
    """Return a number of bytes, in decimal units."""
    for power, unit in zip(range(len(UNITS), 0, -1), UNITS, strict=True):
        if count >= 1000**power:
            return f"{count / 1000**power:.1f} {unit}"
    return format_count(count, "byte")


def format_count(count: int, noun: str) -> str:
    """Return a number of things: `1 trace`, `1,234 traces`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def format_duration(seconds: float) -> str:
    """Return a duration: `1.2 s`, `1 min 18 s`, `2 h 3 min`."""
    whole = round(seconds)
    if whole < MINUTE:
        return f"{seconds:.1f} s"
    hours, minutes = whole // HOUR, whole % HOUR // MINUTE
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {whole % MINUTE} s"


def format_short_duration(seconds: float) -> str:
    """Return a duration, in milliseconds if it is below a second: `12 ms`, `1.2 s`."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else format_duration(seconds)


def format_seconds(seconds: float) -> str:
    """Return a duration to the millisecond, as scripts read it: `2.420s`."""
    return f"{seconds:.3f}s"


def format_estimate(seconds: float) -> str:
    """Return a duration that is estimated: `~1.2 s`, or `<0.1 s` for next to none."""
    return f"~{format_duration(seconds)}" if seconds >= SOON else f"<{format_duration(2 * SOON)}"


def format_time(seconds: float) -> str:
    """Return a time since the epoch, as it is here."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def format_day(seconds: float) -> str:
    """Return the day of a time since the epoch, as it is here."""
    return time.strftime("%Y-%m-%d", time.localtime(seconds))


def join_names(names: Sequence[str]) -> str:
    """Return names as a list in a sentence: `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def printable(text: str, encoding: str | None = None) -> str:
    """Return a text that any terminal shows as one line: what is not printable, or the encoding lacks, is escaped."""
    if not text.isprintable():
        text = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
    return encodable(text, encoding)


def one_line(value: object) -> str:
    """Return a value as a plain text, and not a long one: somebody else may have made it."""
    text = str(value)
    shown = printable(text[:MAX_LINE_CHARACTERS])
    return shown if len(text) <= MAX_LINE_CHARACTERS >= len(shown) else f"{shown[:MAX_LINE_CHARACTERS]}..."


def encodable(text: str, encoding: str | None) -> str:
    """Return a text with what an encoding lacks escaped."""
    if text.isascii():
        return text
    known = encoding or "utf-8"
    return text.encode(known, "backslashreplace").decode(known)


def command_line() -> str:
    """Return the command that this process is, as one would write it."""
    name = os.path.basename(sys.argv[0])
    return shlex.join(["doit" if name == "__main__.py" else name, *sys.argv[1:]])
