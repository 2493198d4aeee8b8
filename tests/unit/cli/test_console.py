"""How commands write: the same words on a terminal and elsewhere, with colours and width only on a terminal."""

import io
import re
from collections.abc import Callable

import pytest
from rich.cells import cell_len

from redoit.cli.console import MAX_STYLED_ROWS, MIN_TABLE_COLUMNS, STYLES, Console, StyledText
from redoit.model import PlannedStatus

ESCAPE = "\x1b["
LONG = f"data/{'long' * 20}.txt"
ROWS: list[list[StyledText]] = [
    ["make", ("run?", "bold"), "~1.2 s", f"unless sort rebuilds {LONG} with the same content"],
    ["größe-東京", ("keep", "cyan"), "", ""],
]


class Stream(io.StringIO):
    """A stream of an encoding; a terminal or none."""

    def __init__(self, *, terminal: bool = False, encoding: str = "utf-8") -> None:
        super().__init__()
        self._terminal = terminal
        self._encoding = encoding

    @property
    def encoding(self) -> str:
        """The encoding, which this stream does not use."""
        return self._encoding

    def isatty(self) -> bool:
        """Tell whether it is a terminal."""
        return self._terminal


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Stream]:
    """Return a maker of terminals with so many columns."""

    def make(columns: int) -> Stream:
        for name, value in {"TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": "24"}.items():
            monkeypatch.setenv(name, value)
        for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
            monkeypatch.delenv(name, raising=False)
        return Stream(terminal=True)

    return make


def test_each_planned_status_has_a_style() -> None:
    """What a dry run can decide is what has a style."""
    assert STYLES.keys() == set(PlannedStatus)


LINES: dict[str, tuple[str, str]] = {
    "markup": ("[bold]x[/bold] :smile:", "[bold]x[/bold] :smile:"),
    "control characters": ("a\x1b[2Jb\rc\nd", "a\\x1b[2Jb\\rc\\nd"),
    "other scripts": ("größe 東京", "größe 東京"),
    "empty": ("", ""),
    "long": ("word " * 3_000 + "end", "word " * 3_000 + "end"),
}


@pytest.mark.parametrize(("text", "shown"), LINES.values(), ids=LINES)
def test_a_line_is_its_text_escaped(text: str, shown: str) -> None:
    """Without a terminal, a text is one line of any length, without markup, and commands no terminal."""
    stream = Stream()
    Console(stream).line(text)
    assert stream.getvalue() == f"{shown}\n"


def test_pieces_of_a_line_follow_an_indent() -> None:
    """A line is its indent and its pieces; without a terminal their styles show nothing."""
    stream = Stream()
    Console(stream).line(("make", "bold"), ": ", ("run", STYLES["run"]), indent=4)
    assert stream.getvalue() == "    make: run\n"


def test_what_an_encoding_lacks_is_escaped() -> None:
    """In an ASCII locale, lines and tables are written with escapes."""
    stream = Stream(encoding="ascii")
    console = Console(stream)
    console.line("größe")
    console.table([["größe", "東"]])
    assert stream.getvalue() == "gr\\xf6\\xdfe\ngr\\xf6\\xdfe  \\u6771\n"


TABLES: dict[str, tuple[list[list[StyledText]], tuple[int, ...], list[str]]] = {
    "left": ([["a", "b"], ["aaa", "bb"]], (), ["a    b", "aaa  bb"]),
    "right": ([["a", "1", "x"], ["aaa", "1,000", "y"]], (1,), ["a        1  x", "aaa  1,000  y"]),
    "styles and wide characters": ([[("東京", "red"), "x"], ["a", "y"]], (), ["東京  x", "a     y"]),
    "empty cells": ([["a", "", ""], ["", "b", ""]], (), ["a", "   b"]),
    "rows of other lengths": ([["a"], ["bb", "c"]], (), ["a", "bb  c"]),
    "no rows": ([], (), []),
}


@pytest.mark.parametrize(("rows", "right", "lines"), TABLES.values(), ids=TABLES)
def test_a_table_is_aligned(rows: list[list[StyledText]], right: tuple[int, ...], lines: list[str]) -> None:
    """Columns are as wide as their widest cell on a screen, with no blanks at the end of a line."""
    stream = Stream()
    Console(stream).table(rows, right)
    assert stream.getvalue().splitlines() == lines


@pytest.mark.parametrize("columns", [MIN_TABLE_COLUMNS, 60, 200])
def test_a_table_fits_a_terminal(terminal: Callable[[int], Stream], columns: int) -> None:
    """On a terminal a table is coloured, only its last column is wrapped, and no line is wider than the terminal."""
    stream = terminal(columns)
    Console(stream).table(ROWS, right=(2,))
    shown = stream.getvalue()
    assert ESCAPE in shown
    lines = unstyled(shown).splitlines()
    assert max(map(cell_len, lines)) <= columns
    assert lines[0].startswith("make        run?  ~1.2 s  unless")
    assert lines[-1] == "größe-東京  keep"
    assert (len(lines) == 2) == (columns == 200)
    assert "".join("".join(lines[:-1]).split()) == f"makerun?~1.2sunlesssortrebuilds{LONG}withthesamecontent"


def test_a_narrow_terminal_shows_no_table(terminal: Callable[[int], Stream]) -> None:
    """On a terminal too narrow for columns, each row is a line of its cells that are not empty."""
    stream = terminal(MIN_TABLE_COLUMNS - 1)
    Console(stream).table(ROWS, right=(2,))
    first, second = unstyled(stream.getvalue()).splitlines()
    assert first.rstrip() == f"make run? ~1.2 s unless sort rebuilds {LONG} with the same content"
    assert second.rstrip() == "größe-東京 keep"


@pytest.mark.parametrize(("count", "coloured"), [(MAX_STYLED_ROWS, True), (MAX_STYLED_ROWS + 1, False)])
def test_a_long_table_has_no_colours(terminal: Callable[[int], Stream], count: int, coloured: bool) -> None:
    """Beyond a number of rows a table is written plainly, also on a terminal."""
    stream = terminal(80)
    Console(stream).table([[("a", "red"), "b"]] * count)
    assert unstyled(stream.getvalue()) == "a  b\n" * count
    assert (ESCAPE in stream.getvalue()) == coloured


def test_a_dumb_terminal_wraps_nothing(terminal: Callable[[int], Stream], monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that understands no escape sequences gets plain, whole lines."""
    stream = terminal(60)
    monkeypatch.setenv("TERM", "dumb")
    Console(stream).table(ROWS, right=(2,))
    assert len(stream.getvalue().splitlines()) == len(ROWS)
    assert ESCAPE not in stream.getvalue()


def unstyled(text: str) -> str:
    """Return a text without its colours."""
    return re.sub(r"\x1b\[[\d;]*m", "", text)
