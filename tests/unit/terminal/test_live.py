"""The live display: what is written, in which order, and that nothing of the display is left."""

import io
import re
import sys
import threading
from collections.abc import Iterator

import pytest
from projects import PATIENCE, until
from pyte import ByteStream, Screen

from redoit.terminal import live
from redoit.terminal.live import INDENT_COLUMNS, MAX_PENDING_CHARACTERS, Live


class Terminal(io.StringIO):
    """A terminal, and what it received."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """Tell that this is a terminal."""
        return True

    @property
    def shown(self) -> str:
        """What its screen shows."""
        screen = Screen(80, 24)
        ByteStream(screen).feed(self.getvalue().replace("\n", "\r\n").encode())
        return "\n".join(line.rstrip() for line in screen.display).rstrip()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Return a terminal of 80 columns and 24 rows."""
    for name, value in {"COLUMNS": "80", "LINES": "24", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    return Terminal()


@pytest.fixture
def display(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """Yield a display that draws nothing by itself while the test lasts."""
    monkeypatch.setattr(live, "REFRESH_SECONDS", PATIENCE)
    shown = Live(terminal, coloured=False)
    yield shown
    shown.close()


@pytest.fixture
def drawn_display(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """Yield a display that is drawn all the time."""
    monkeypatch.setattr(live, "REFRESH_SECONDS", 0.001)
    shown = Live(terminal, coloured=False)
    yield shown
    shown.close()


def test_text_is_written_in_whole_lines(display: Live, terminal: Terminal) -> None:
    """A line is written once it is complete, the last one when the display is closed."""
    seen = []
    for text in ("on", "e\ntwo\nthr", "", "ee"):
        display.write(text)
        seen.append(terminal.getvalue())
    display.close()
    assert [*seen, terminal.getvalue()] == ["", "one\ntwo\n", "one\ntwo\n", "one\ntwo\n", "one\ntwo\nthree\n"]


def test_a_steps_lines_are_written_before_the_text_that_follows(display: Live, terminal: Terminal) -> None:
    """What a step has finished stands above what is written later; what it may rewrite waits for its end."""
    display.add_stage("train", None, parallel=False)
    assert display.feed("train", "first\n1/2\r2/2") == ""
    assert terminal.getvalue() == ""
    display.write("text\n")
    assert terminal.getvalue() == "first\ntext\n"
    display.end_task("train")
    display.end_task("train")
    assert terminal.getvalue() == "first\ntext\n2/2\n"


def test_the_end_of_a_stage_stands_below_its_rows(display: Live, terminal: Terminal) -> None:
    """What is written at the end of a stage follows its unfinished row, and the stage is shown no longer."""
    display.add_stage("train", None, parallel=False)
    display.feed("train", "half")
    display.end_task("train", "Traceback\n")
    display.end_task("train", "Failed\n")
    assert terminal.shown == "half\nTraceback\nFailed"


def test_an_unexpected_stage_is_shown_as_one_of_several(display: Live, terminal: Terminal) -> None:
    """Output of a stage that nobody added is its line, prefixed, and the stage is removed as any other."""
    display.feed("train", "one\ntwo")
    display.end_task("train")
    assert terminal.getvalue() == "train | one\ntrain | two\n"


def test_much_output_is_not_kept_until_the_display_is_drawn(display: Live, terminal: Terminal) -> None:
    """Finished lines are written at once when many of them wait."""
    display.add_stage("train", None, parallel=False)
    line = "x" * 999 + "\n"
    for _ in range(MAX_PENDING_CHARACTERS // len(line)):
        display.feed("train", line)
    assert terminal.getvalue() == ""
    display.feed("train", line)
    assert len(terminal.getvalue()) > MAX_PENDING_CHARACTERS


def test_a_closed_display_writes_at_once(display: Live, terminal: Terminal) -> None:
    """After the end, unfinished rows are there, and what still comes is written without waiting."""
    display.add_stage("train", None, parallel=False)
    display.feed("train", "half")
    display.close()
    display.feed("late", "one\n")
    display.write("two\n")
    assert terminal.getvalue() == "half\nlate | one\ntwo\n"


def test_running_stages_stand_below_what_is_written(drawn_display: Live, terminal: Terminal) -> None:
    """A stage has a line, and below it what its step may rewrite; when it is removed, only the finished lines stay."""
    drawn_display.write("before\n")
    drawn_display.add_stage("train", None, parallel=False)
    drawn_display.feed("train", "finished\n1/2")
    until(lambda: re.fullmatch(r"before\nfinished\ntrain .*\n  1/2", terminal.shown))
    drawn_display.end_task("train")
    assert terminal.shown == "before\nfinished\n1/2"


def test_an_ordinary_task_has_the_terminal_for_itself(drawn_display: Live, terminal: Terminal) -> None:
    """While a task is running nothing is drawn; the display comes back when the last of them has ended."""
    drawn_display.add_stage("train", None, parallel=False)
    until(lambda: terminal.shown.startswith("train "))
    for task in ("one", "two"):
        drawn_display.suspend(task)
    drawn_display.end_task("one")
    drawn_display.end_task("one")
    drawn_display.feed("train", "line\n")
    until(lambda: "line" in terminal.shown)
    assert terminal.shown == "line"
    drawn_display.end_task("two")
    until(lambda: terminal.shown.startswith("line\ntrain "))


def test_a_display_that_can_not_be_drawn_costs_no_output(
    drawn_display: Live, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where drawing fails, the lines are written all the same."""
    errors: list[type] = []
    monkeypatch.setattr(threading, "excepthook", lambda error: errors.append(error.exc_type))
    monkeypatch.setitem(sys.modules, "redoit.terminal.region", None)
    drawn_display.feed("train", "one\n")
    until(lambda: errors)
    assert errors == [ModuleNotFoundError]
    assert terminal.getvalue() == "train | one\n"
    drawn_display.feed("train", "two\n")
    assert terminal.getvalue() == "train | one\ntrain | two\n"


def test_a_steps_stream_leads_to_the_display(display: Live, terminal: Terminal) -> None:
    """What a step writes to the terminal is shown by the display, which needs some of its columns."""
    stream = display.step_stream("train", terminal)
    assert (stream.reserved_columns, stream.isatty()) == (INDENT_COLUMNS, True)
    stream.write("1/2\r2/2\n")
    assert terminal.getvalue() == ""
    display.close()
    assert terminal.getvalue() == "train | 2/2\n"
