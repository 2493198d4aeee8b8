"""Numbers, counts, sizes, durations and times as people read them: the one place for each of these. Pure."""

import os
import shlex
import sys
import time
from collections.abc import Sequence

MAX_LINE_CHARACTERS = 500  # of a text from outside in a message
MAX_LINES = 100  # likewise
MAX_WHOLE_NUMBER = 1e15  # above that a number is not shown to its last digit
MIN_ESTIMATE_SECONDS = 0.05  # below that an estimate is next to none
MAX_LISTED = 3  # texts of a list in one line
MINUTE, HOUR = 60, 3600  # seconds


def format_number(value: float) -> str:
    """Return a number: a whole one to its last digit, any other to four."""
    return f"{value:,.0f}" if value.is_integer() and abs(value) < MAX_WHOLE_NUMBER else f"{value:.4g}"


def format_count(count: int, noun: str) -> str:
    """Return a count of things: `1 trace`, `2,000 traces`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def format_size(count: int) -> str:
    """Return a number of bytes, in decimal units: `999 bytes`, `3.4 GB`."""
    from rich.filesize import decimal  # few commands show any

    return decimal(count)


def format_duration(seconds: float) -> str:
    """Return a duration: `1.2 s`, `1 min 18 s`, `2 h 3 min`."""
    whole = round(seconds)
    if whole < MINUTE:
        return f"{seconds:.1f} s"
    hours, minutes = whole // HOUR, whole % HOUR // MINUTE
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {whole % MINUTE} s"


def format_estimate(seconds: float) -> str:
    """Return an estimated duration: `~1.2 s`, `~2 h 3 min`, or `<0.1 s` for next to none."""
    return f"~{format_duration(seconds)}" if seconds >= MIN_ESTIMATE_SECONDS else "<0.1 s"


def format_seconds(seconds: float) -> str:
    """Return a duration as scripts read it in a run's lines: `1.234s`."""
    return f"{seconds:.3f}s"


def format_time(seconds: float) -> str:
    """Return the local time of seconds since the epoch."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def format_day(seconds: float) -> str:
    """Return the local day of seconds since the epoch."""
    return time.strftime("%Y-%m-%d", time.localtime(seconds))


def join_names(names: Sequence[str]) -> str:
    """Return names as a list in a sentence: `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def first_few(texts: Sequence[str]) -> str:
    """Return the first texts and how many more there are: `a, b, c and 2 more`."""
    more = f" and {len(texts) - MAX_LISTED} more" if len(texts) > MAX_LISTED else ""
    return ", ".join(texts[:MAX_LISTED]) + more


def printable(text: str, encoding: str | None = None) -> str:
    """Return a text that any terminal shows as one line: what is not printable, or the encoding lacks, is escaped."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return encodable(text, encoding)


def one_line(value: object) -> str:
    """Return a value as one printable line of limited length, whoever wrote it."""
    text = str(value)
    line = printable(text[:MAX_LINE_CHARACTERS])
    return line if len(text) <= MAX_LINE_CHARACTERS >= len(line) else f"{line[:MAX_LINE_CHARACTERS]}..."


def printable_lines(text: str) -> str:
    """Return a text as printable lines of limited length and number: of many, those in the middle are left out."""
    lines = [one_line(line.expandtabs()) for line in text.splitlines()]
    if len(lines) > MAX_LINES:
        lines[MAX_LINES // 2 : -MAX_LINES // 2] = [f"... {len(lines) - MAX_LINES:,} lines"]
    return "".join(f"{line}\n" for line in lines)


def encodable(text: str, encoding: str | None) -> str:
    """Return a text with the characters that an encoding lacks escaped."""
    if text.isascii():
        return text
    encoding = encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def command_line() -> str:
    """Return the command line of this process, as one would type it."""
    name = os.path.basename(sys.argv[0])
    return shlex.join(["doit" if name == "__main__.py" else name, *sys.argv[1:]])
