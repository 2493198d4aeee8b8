r"""What a terminal would still change of what a step prints, and what stands for good. Pure text, no terminal.

A progress bar rewrites its row (`\r`), several of them move up to theirs. Colours stay, no other sequence does: what a
step prints can't clear the screen, name the window or move out of its place.
"""

import re

HELD = 20  # rows that bars may need at once
LONG = 1 << 16  # characters of a row, after which it is taken for finished
OPEN = 100  # characters of colours that are still on
TOKEN = re.compile(
    r"""[^\x00-\x08\n-\x1f\x7f-\x9f]+                # text, and tabs
    | \x1b\[(?P<values>[0-?]*)[ -/]*(?P<verb>[@-~])  # a control sequence
    | \x1b\][^\x07\x1b]*(?:\x07|\x1b\\)              # one for the window
    | \x1b[PX^_][^\x1b]*\x1b\\                       # one for the device
    | \x1b[ -/]*[0-~]                                # another escape
    | \x08+ | [\x00-\x1f\x7f-\x9f]                   # a control character
    """,
    re.VERBOSE,
)
CUT = re.compile(r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}|[\]PX^_][^\x07\x1b]{0,256}\x1b?|[ -/]{0,8})?\Z")
COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
RESETS = ("\x1b[m", "\x1b[0m")


class Rows:
    """The rows that a step may still change. `coloured`: whether its colours are kept."""

    def __init__(self, *, coloured: bool = True) -> None:
        self._coloured = coloured
        self._rows = [""]
        self._at = 0
        self._held = 0  # rows above the cursor that the step went back to before
        self._climb = 0  # rows that it has gone up since it wrote
        self._rewrites = False  # the next text replaces the row
        self._open = ""  # colours that are on
        self._cut = ""  # a sequence of which the end is to come

    @property
    def unfinished(self) -> list[str]:
        """The rows that are not finished, from the first to the last that has text."""
        last = next((index for index in range(len(self._rows), 0, -1) if bare(self._rows[index - 1])), 0)
        return self._rows[:last]

    def feed(self, text: str) -> list[str]:
        """Take what a step prints; return the rows that are finished by it."""
        text = self._cut + text
        cut = CUT.search(text, max(len(text) - 400, 0))
        self._cut = cut[0] if cut else ""
        for token in TOKEN.finditer(text, 0, cut.start() if cut else len(text)):
            if token["verb"]:
                self._obey(token[0], token["verb"], token["values"])
            else:
                self._take(token[0])
        return self._finished(max(self._at - self._held, 0))

    def end(self) -> list[str]:
        """Return what is left: the step prints no more."""
        self._at = self._held = 0
        return self._finished(len(self.unfinished))

    def _finished(self, number: int) -> list[str]:
        finished = [f"{row}\x1b[0m" if "\x1b" in row else row for row in self._rows[:number]]
        self._rows = self._rows[number:] or [""]
        self._at -= min(number, self._at)
        return finished

    def _take(self, text: str) -> None:
        sign = text[0]
        if sign == "\n":
            self._down()
        elif sign == "\r":
            self._rewrites = True
        elif sign == "\b":
            row = bare(self._rows[self._at])
            self._rows[self._at] = self._open + row[: max(len(row) - len(text), 0)]
        elif sign == "\t" or sign.isprintable() or sign > "\x9f":
            self._put(text)

    def _obey(self, token: str, verb: str, values: str) -> None:
        """Do what a control sequence says, if that is about the step's own rows."""
        number = int(values) if values.isdecimal() and len(values) < 4 else 0  # noqa: PLR2004 - more are no rows
        if verb == "m" and COLOUR.fullmatch(token) and self._coloured:
            self._open = "" if token in RESETS else (self._open + token)[-OPEN:]
            self._put(token)
        elif verb == "A":
            self._climb += number or 1
            self._at -= min(number or 1, self._at)
            self._held = min(max(self._held, self._climb), HELD)
        elif verb == "B":
            self._at = min(self._at + (number or 1), len(self._rows) - 1)
        elif verb == "G":
            self._rewrites = True
        elif verb == "J" and number == 0:
            del self._rows[self._at + 1 :]
        elif verb == "K" and (number or self._rewrites):
            self._rows[self._at] = ""

    def _down(self) -> None:
        self._climb = 0
        self._at += 1
        self._rewrites = self._at < len(self._rows)
        if not self._rewrites:
            self._rows.append(self._open)

    def _put(self, text: str) -> None:
        row = self._open if self._rewrites else self._rows[self._at]
        self._rows[self._at] = row + text
        self._rewrites = False
        self._climb = 0
        if len(row) > LONG:
            self._down()


def bare(row: str) -> str:
    """Return a row without its colours."""
    return COLOUR.sub("", row)
