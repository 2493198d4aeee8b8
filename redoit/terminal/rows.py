r"""Splits a step's output into finished rows and rows that it may still rewrite. Pure text, no terminal.

A progress bar rewrites its row (`\r`); several bars move up to theirs. Colours are kept, every other control sequence
is dropped: a step can't clear the screen, set the window's title or write outside its own rows.
"""

import re

from redoit.text import printable

MAX_REWRITTEN_ROWS = 20  # above the cursor
MAX_ROW_CHARACTERS = 1 << 16  # a longer row counts as finished
MAX_COLOUR_CHARACTERS = 100  # of the colour sequences in force
TOKEN = re.compile(
    r"""[^\x00-\x08\n-\x1f\x7f-\x9f]+                # text, and tabs
    | \x1b\[(?P<values>[0-?]*)[ -/]*(?P<final>[@-~])  # a control sequence
    | \x1b\][^\x07\x1b]*(?:\x07|\x1b\\)              # an operating system command: the window's title
    | \x1b[PX^_][^\x1b]*\x1b\\                       # a device control string
    | \x1b[ -/]*[0-~]                                # another escape
    | \x08+ | [\x00-\x1f\x7f-\x9f]                   # a control character
    """,
    re.VERBOSE,
)
INCOMPLETE = re.compile(r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}|[\]PX^_][^\x07\x1b]{0,256}\x1b?|[ -/]{0,8})?\Z")
COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
RESETS = ("\x1b[m", "\x1b[0m")


class Rows:
    """The rows that a step may still rewrite. `label`: of finished ones. `coloured`: keep its colours."""

    def __init__(self, label: str = "", *, coloured: bool = True) -> None:
        self._prefix = f"{printable(label)} | " if label else ""
        self._coloured = coloured
        self._rows = [""]
        self._cursor = 0  # index of the row that the cursor is in
        self._rewritten = 0  # how many rows above the cursor the step rewrites
        self._climbed = 0  # how many rows the cursor has moved up since the last text
        self._replaces = False  # whether the next text replaces the row
        self._colours = ""  # sequences in force
        self._incomplete = ""  # a control sequence whose end has not arrived

    @property
    def unfinished(self) -> list[str]:
        """The unfinished rows, up to the last that has text."""
        last = next((index for index in range(len(self._rows), 0, -1) if without_colours(self._rows[index - 1])), 0)
        return self._rows[:last]

    def feed(self, text: str) -> str:
        """Add output of the step; return the rows that it finishes, as lines."""
        text = self._incomplete + text
        incomplete = INCOMPLETE.search(text, max(len(text) - 400, 0))
        self._incomplete = incomplete[0] if incomplete else ""
        for token in TOKEN.finditer(text, 0, incomplete.start() if incomplete else len(text)):
            if token["final"]:
                self._apply_sequence(token[0], token["final"], token["values"])
            else:
                self._apply_text(token[0])
        return self._finished(max(self._cursor - self._rewritten, 0))

    def end(self) -> str:
        """Return the unfinished rows as finished: the step has ended."""
        self._cursor = self._rewritten = 0
        return self._finished(len(self.unfinished))

    def _finished(self, number: int) -> str:
        rows = ((row, RESETS[1] if COLOUR.search(row) else "") for row in self._rows[:number])
        finished = "".join(f"{self._prefix}{row}{reset}\n" for row, reset in rows)
        self._rows = self._rows[number:] or [""]
        self._cursor -= min(number, self._cursor)
        return finished

    def _apply_text(self, text: str) -> None:
        first = text[0]
        if first == "\n":
            self._next_row()
        elif first == "\r":
            self._replaces = True
        elif first == "\b":
            row = without_colours(self._rows[self._cursor])
            self._rows[self._cursor] = self._colours + row[: max(len(row) - len(text), 0)]
        elif first == "\t" or first.isprintable() or first > "\x9f":
            self._append(text)

    def _apply_sequence(self, token: str, final: str, values: str) -> None:
        """Apply a control sequence that concerns the step's own rows; ignore any other."""
        number = int(values) if values.isdecimal() and len(values) < 4 else 0  # noqa: PLR2004 - no terminal has more rows
        if final == "m" and COLOUR.fullmatch(token) and self._coloured:
            self._colours = "" if token in RESETS else (self._colours + token)[-MAX_COLOUR_CHARACTERS:]
            self._append(token)
        elif final == "A":
            self._climbed += number or 1
            self._cursor -= min(number or 1, self._cursor)
            self._rewritten = min(max(self._rewritten, self._climbed), MAX_REWRITTEN_ROWS)
        elif final == "B":
            self._cursor = min(self._cursor + (number or 1), len(self._rows) - 1)
        elif final == "G":
            self._replaces = True
        elif final == "J" and number == 0:
            del self._rows[self._cursor + 1 :]
        elif final == "K" and (number or self._replaces):
            self._rows[self._cursor] = ""

    def _next_row(self) -> None:
        self._climbed = 0
        self._cursor += 1
        self._replaces = self._cursor < len(self._rows)
        if not self._replaces:
            self._rows.append(self._colours)

    def _append(self, text: str) -> None:
        row = self._colours if self._replaces else self._rows[self._cursor]
        self._rows[self._cursor] = row + text
        self._replaces = False
        self._climbed = 0
        if len(row) > MAX_ROW_CHARACTERS:
            self._next_row()


def without_colours(row: str) -> str:
    """Return a row without its colour sequences."""
    return COLOUR.sub("", row)
