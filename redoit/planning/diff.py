"""A readable diff of normalised source, line by line. Pure.

Normalised source has one statement a line, however long. A long line is wrapped first, each item of a bracket on a line
of its own, so that a changed number is not lost in three hundred columns.
"""

import difflib
import itertools
import re

MAX_COLUMNS = 100  # of a line that is not wrapped
MAX_BRACKET_COLUMNS = 60  # in a bracket that is not wrapped
# Brackets and commas; texts are passed, since what is in them is neither.
SIGNS = re.compile(r"""[][(){},]|'(?:[^'\\]|\\.)*'?|"(?:[^"\\]|\\.)*"?""")


def diff(before: str, after: str) -> list[str]:
    """Return the lines of a unified diff."""
    old, new = wrapped_lines(before), wrapped_lines(after)
    return list(difflib.unified_diff(old, new, "before", "now", lineterm=""))


def changed_lines(lines: list[str]) -> set[str]:
    """Return the added and removed lines of a diff, each with its sign and without its indent."""
    return {line[0] + line[1:].strip() for line in lines[2:] if line.startswith(("+", "-"))}


def wrapped_lines(text: str) -> list[str]:
    """Return the lines of a source, the long ones wrapped."""
    return [piece for line in text.splitlines() for piece in _wrapped(line)]


def _wrapped(line: str) -> list[str]:
    """Return the pieces of a line, each indented by the brackets around it."""
    indent = len(line) - len(line.lstrip())
    depths = {0: 0, **(_breaks(line) if len(line) > MAX_COLUMNS else {}), len(line): 0}
    pieces = [(depths[begin], line[begin:end].strip()) for begin, end in itertools.pairwise(sorted(depths))]
    return [" " * (indent + 4 * depth) + piece for depth, piece in pieces if piece] or [line]


def _breaks(line: str) -> dict[int, int]:
    """Return where to break a line, at the items of its wide brackets: column -> number of such brackets around it."""
    breaks: dict[int, int] = {}
    opened: list[list[int]] = []  # of each open bracket, the columns at which its items begin
    for sign in SIGNS.finditer(line):
        if sign[0] in "([{":
            opened.append([sign.end()])
        elif sign[0] == "," and opened:
            opened[-1].append(sign.end())
        elif sign[0] in ")]}" and opened:
            columns = opened.pop()
            if sign.start() - columns[0] > MAX_BRACKET_COLUMNS:
                breaks |= dict.fromkeys(columns, len(opened) + 1) | {sign.start(): len(opened)}
    return breaks
