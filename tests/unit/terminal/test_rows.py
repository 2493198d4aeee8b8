"""What stands for good of what a step prints, and what may still change."""

import pytest

from redoit.terminal.rows import MAX_REWRITTEN_ROWS, MAX_ROW_CHARACTERS, Rows


def fed(*texts: str, coloured: bool = True) -> tuple[list[str], list[str]]:
    """Return the finished and the unfinished rows of texts."""
    rows = Rows(coloured=coloured)
    finished = "".join(map(rows.feed, texts))
    return finished.split("\n")[:-1], rows.unfinished


ROWS = {
    "lines": ("one\ntwo\nthr", ["one", "two"], ["thr"]),
    "empty lines": ("one\n\ntwo\n", ["one", "", "two"], []),
    "a bar": ("1/3\r2/3\r3/3", [], ["3/3"]),
    "a bar that is done": ("1/3\r2/3\r3/3\ndone\n", ["3/3", "done"], []),
    "a bar whose cursor waits at the start": ("1/3\r2/3\r", [], ["2/3"]),
    "a terminal's line ends": ("one\r\ntwo\r\n", ["one", "two"], []),
    "a bar of Keras": ("1/2 loss: 10\b\b\b\b\b\b\b\b\b\b\b\b\r2/2 loss: 9", [], ["2/2 loss: 9"]),
    "a spinner": ("busy |\b/\b-", [], ["busy -"]),
    "colours": ("\x1b[1;31mred\x1b[0m\n", ["\x1b[1;31mred\x1b[0m\x1b[0m"], []),
    "a colour over lines": ("\x1b[31mone\ntwo\n", ["\x1b[31mone\x1b[0m", "\x1b[31mtwo\x1b[0m"], []),
    "an erased row": ("draft\x1b[2Kfinal", [], ["final"]),
    "a cleared screen": ("\x1b[2J\x1b[H\x1b[3Jtext", [], ["text"]),
    "a title": ("\x1b]0;owned\x07\x1b]2;owned\x1b\\text", [], ["text"]),
    "a device's string": ("\x1bPowned\x1b\\\x1b_owned\x1b\\text", [], ["text"]),
    "other escapes": ("\x1b(0\x1b=\x1bctext\x1b[?1049h\x1b[6n\x1b[5;9r", [], ["text"]),
    "control characters": ("\x00\x07\x0b\x0c\x0e\x7f\x9b\x90te\txt", [], ["te\txt"]),
    "a sequence without end": ("text\x1b]0;owned", [], ["text"]),
}


@pytest.mark.parametrize(("text", "finished", "unfinished"), ROWS.values(), ids=ROWS)
def test_rows(text: str, finished: list[str], unfinished: list[str]) -> None:
    """Rows are what a terminal would show, in whole or in pieces; no sequence but a colour gets through."""
    assert fed(text) == (finished, unfinished)
    assert fed(*text) == (finished, unfinished)


def test_without_colours() -> None:
    """Where no colours are wanted, there are none."""
    assert fed("\x1b[31mred\x1b[0m\n", coloured=False) == (["red"], [])


def test_bars_below_each_other() -> None:
    """Bars that move up to their rows stay there: they are not finished before the step goes on below."""
    rows = Rows()
    seen = ""
    for number in range(50):
        seen += rows.feed(f"\router {number // 10}\n\rinner {number}\x1b[A")
        assert rows.unfinished == [f"outer {number // 10}", f"inner {number}"]
    assert seen == ""
    assert rows.feed("\n\n") + rows.end() == "outer 4\ninner 49\n"


def test_bars_above_the_cursor() -> None:
    """Rows that a step has moved up to before are kept, however it moves up."""
    rows = Rows()
    rows.feed("first\nsecond\nthird")
    seen = ""
    for number in range(50):
        seen += rows.feed(f"\r\x1b[2K\x1b[1A\x1b[2K\x1b[1A\x1b[2Kfirst {number}\nsecond {number}\nthird {number}")
    assert seen in ("", "first\nsecond\n")
    assert rows.unfinished == ["first 49", "second 49", "third 49"]


def test_only_a_few_rows_are_kept() -> None:
    """Only a few rows are kept, however far up a step moves."""
    rows = Rows()
    rows.feed("\x1b[999A")
    rows.feed("row\n" * 1000)
    assert len(rows.unfinished) <= MAX_REWRITTEN_ROWS


def test_a_row_without_end() -> None:
    """A row that never ends is finished when it is long."""
    finished, unfinished = fed(*["x" * 1000] * 200)
    assert sum(map(len, finished + unfinished)) == 200_000
    assert max(map(len, finished + unfinished)) <= MAX_ROW_CHARACTERS + 2000


def test_the_rest() -> None:
    """At the end, what is left is finished."""
    rows = Rows()
    rows.feed("one\ntwo")
    assert rows.end() == "two\n"
    assert rows.end() == ""


def test_a_label_stands_before_each_finished_row() -> None:
    """Lines of a stage among others begin with its name, which can't move the cursor; rows that change do not."""
    rows = Rows("t\rain")
    assert rows.feed("one\ntwo") == "t\\rain | one\n"
    assert rows.unfinished == ["two"]
    assert rows.end() == "t\\rain | two\n"
