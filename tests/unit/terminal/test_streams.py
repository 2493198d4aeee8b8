"""Text that changes on its way to another stream."""

import contextlib
import io
import sys

import pytest

from redoit.terminal.live import INDENT_COLUMNS, Live
from redoit.terminal.streams import TransformedStream, printable_stream, step_streams


def test_what_the_function_returns_is_written() -> None:
    """The other stream gets the transformed text; the writer hears that all of its own was written."""
    stream = io.StringIO()
    assert TransformedStream(stream, lambda text: text.upper() * 2).write("one\n") == 4
    assert stream.getvalue() == "ONE\nONE\n"


def test_nothing_is_written_where_nothing_is_left() -> None:
    """A function that returns no text leaves the other stream alone, even a closed one."""
    stream = io.StringIO()
    stream.close()
    assert TransformedStream(stream, lambda _text: "").write("one") == 3


def test_all_else_is_of_the_other_stream() -> None:
    """Whether it is a terminal, its encoding and its file are the other stream's; columns are reserved if asked for."""
    with io.TextIOWrapper(io.BytesIO(), "latin-1") as stream:
        shown = TransformedStream(stream, str, reserved_columns=2)
        assert (shown.encoding, shown.isatty(), shown.buffer) == ("latin-1", False, stream.buffer)
        assert shown.reserved_columns == 2
        assert TransformedStream(stream, str).reserved_columns == 0


@pytest.mark.parametrize(("encoding", "data"), [("ascii", rb"gr\xfcn \u2713"), ("latin-1", b"gr\xfcn \\u2713")])
def test_characters_that_the_encoding_lacks_are_escaped(encoding: str, data: bytes) -> None:
    """What the other stream can't encode is escaped, also what the function added."""
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding) as stream:
        TransformedStream(stream, lambda text: f"{text} \u2713").write("grün")
        stream.flush()
        assert raw.getvalue() == data


def test_a_function_may_write_to_such_a_stream_itself() -> None:
    """Streams share a lock, which nobody holds while the text is transformed."""
    stream = io.StringIO()
    inner = TransformedStream(stream, str)
    TransformedStream(stream, lambda text: text if inner.write("first ") else "").write("second")
    assert stream.getvalue() == "first second"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one\ntwo\n", "one\ntwo\n"),
        ("größe ✓", "größe ✓"),
        ("\x1b[2Jgone\r\n", "\\x1b[2Jgone\\r\n"),
        ("tab\there\x00\x9b", "tab\\there\\x00\\x9b"),
        ("\n\n", "\n\n"),
        ("", ""),
    ],
)
def test_only_the_ends_of_lines_are_not_escaped(text: str, shown: str) -> None:
    """A printable stream escapes whatever could move a terminal's cursor, save a line's end."""
    stream = io.StringIO()
    printable_stream(stream).write(text)
    assert stream.getvalue() == shown


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize(("verbosity", "shown"), [(0, (False, False)), (1, (False, True)), (2, (True, True))])
def test_verbosity_says_what_of_a_step_is_shown(
    capsys: pytest.CaptureFixture[str], verbosity: int, shown: tuple[bool, bool], parallel: bool
) -> None:
    """A step's errors are shown from 1 on, its output from 2 on."""
    with step_streams("train", verbosity, parallel=parallel) as (stdout, stderr):
        assert (stdout is not None, stderr is not None) == shown
        for stream in filter(None, (stdout, stderr)):
            stream.write("text\n")
    line = "train | text\n" if parallel else "text\n"
    assert capsys.readouterr() == tuple(line if each else "" for each in shown)


@pytest.mark.parametrize(("verbosity", "shown"), [(0, (False, False)), (1, (False, True)), (2, (True, True))])
def test_a_display_shows_what_goes_to_the_terminal(
    monkeypatch: pytest.MonkeyPatch, verbosity: int, shown: tuple[bool, bool]
) -> None:
    """On a terminal a step's output, and what else of it is shown, is on the display."""
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, terminal)
    display = Live(terminal, coloured=False)
    with step_streams("train", verbosity, display, parallel=False) as streams:
        assert tuple(stream is not None for stream in streams) == shown
        for stream in filter(None, streams):
            assert stream.reserved_columns == INDENT_COLUMNS


@pytest.mark.parametrize("verbosity", [0, 1, 2])
def test_output_that_does_not_go_to_the_terminal_is_not_displayed(
    capsys: pytest.CaptureFixture[str], verbosity: int
) -> None:
    """A step whose output is not shown, or goes to a file, has no streams of the display."""
    display = Live(sys.stdout, coloured=False)
    with step_streams("train", verbosity, display, parallel=False) as streams:
        assert streams == ((sys.stdout if verbosity > 1 else None), (sys.stderr if verbosity > 0 else None))


def test_output_of_a_step_alone_is_passed_on_at_once() -> None:
    """Where stages do not run in parallel, a step writes to our own streams."""
    with step_streams("train", 2, parallel=False) as streams:
        assert streams == (sys.stdout, sys.stderr)


def test_parallel_output_is_in_whole_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """In parallel a line is written once it is complete, what is left at the end; names can't move the cursor."""
    with step_streams("one", 2, parallel=True) as (one, _), step_streams("t\rwo", 2, parallel=True) as (two, _):
        assert one
        assert two
        for stream, text in ((one, "1/2"), (two, "a\nb"), (one, "\r2/2\nlast")):
            stream.write(text)
        assert capsys.readouterr() == ("t\\rwo | a\none | 2/2\n", "")
    assert capsys.readouterr() == ("t\\rwo | b\none | last\n", "")


def test_a_terminal_that_is_gone_in_the_end_is_no_error() -> None:
    """An unfinished line that can't be written any more is dropped."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), step_streams("train", 2, parallel=True) as (stdout, _):
        assert stdout
        stdout.write("half")
        out.close()
