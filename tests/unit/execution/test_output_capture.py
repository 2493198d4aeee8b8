"""What a process writes, in the log and on the terminal."""

import errno
import io
import os
import random
import termios
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from redoit.errors import DiskError
from redoit.execution import output_capture
from redoit.execution.output_capture import LogFile, captured_output


class TerminalText(io.StringIO):
    """A text stream that is a terminal, of which some columns are taken."""

    def __init__(self, reserved_columns: int) -> None:
        super().__init__()
        self.reserved_columns = reserved_columns

    def isatty(self) -> bool:
        """Tell that this is a terminal."""
        return True


class Refusing(io.StringIO):
    """A stream whose other end is gone."""

    def write(self, _text: str) -> int:
        """Refuse it."""
        raise BrokenPipeError


def captured(log: Path, out: bytes, err: bytes = b"", stdout: Any = None, stderr: Any = None) -> bytes:
    """Write bytes as a process does; return the log."""
    with captured_output(log, stdout, stderr) as (child_stdout, child_stderr, _):
        os.write(child_stdout, out)
        os.write(child_stderr, err)
    return log.read_bytes()


def test_each_stream_gets_its_own_and_the_log_gets_both(tmp_path: Path) -> None:
    """Output goes to one stream, errors to the other, and both to the log, whose folder is made."""
    out, err = io.StringIO(), io.StringIO()
    log = captured(tmp_path / "logs/train", "grün\n".encode(), b"red\n", out, err)
    assert (out.getvalue(), err.getvalue()) == ("grün\n", "red\n")
    assert sorted(log.decode().split("\n")) == ["", "grün", "red"]


def test_without_streams_there_is_the_log(tmp_path: Path) -> None:
    """Output that nobody wants to see is in the log, bytes that are no text included; no output is an empty log."""
    assert captured(tmp_path / "log", b"a\xffb\0") == b"a\xffb\0"
    assert captured(tmp_path / "log", b"") == b""


def test_what_is_appended_comes_last(tmp_path: Path) -> None:
    """What the caller appends is in the log after all output, and on no stream."""
    out = io.StringIO()
    with captured_output(tmp_path / "log", out, None) as (child_stdout, _, appended):
        appended.append(b"Traceback")
        os.write(child_stdout, b"output\n")
    assert (tmp_path / "log").read_bytes() == b"output\nTraceback"
    assert out.getvalue() == "output\n"


@pytest.mark.parametrize("place", ["file", "folder", "link", "dangling link"])
def test_an_earlier_log_is_replaced(tmp_path: Path, place: str) -> None:
    """Whatever stands where the log belongs makes way, and nothing is written through a link."""
    log, target = tmp_path / "log", tmp_path / "target"
    if place != "dangling link":
        target.write_bytes(b"theirs")
    if place == "file":
        log.write_bytes(b"an earlier log, which was longer")
    elif place == "folder":
        log.mkdir()
    else:
        log.symlink_to(target)
    assert captured(log, b"new") == b"new"
    assert not log.is_symlink()
    assert target.exists() == (place != "dangling link")
    assert not target.exists() or target.read_bytes() == b"theirs"


def test_a_log_whose_folder_can_not_be_made_is_an_error(tmp_path: Path) -> None:
    """A file where the folder of logs belongs is an error before anything runs."""
    (tmp_path / "logs").touch()
    with pytest.raises(DiskError, match="expected a folder"), captured_output(tmp_path / "logs/train", None, None):
        raise AssertionError


@pytest.mark.parametrize(
    ("output", "log"),
    [
        (b"10%\r50%\r100%\ndone\n", b"100%\ndone\n"),
        (b"10%\r100%", b"100%"),
        (b"10%\r100%\r", b"100%"),
        (b"one\r\ntwo\r\n", b"one\ntwo\n"),
        (b"1/2\x08\x08\x082/2\n", b"2/2\n"),
        (b"1\r2\x083\r\x08\n", b"3\n"),
        (b"\r\r\n\x08", b"\n"),
        (b"one\n\ntwo", b"one\n\ntwo"),
    ],
)
def test_the_log_has_the_last_state_of_a_progress_bar(tmp_path: Path, output: bytes, log: bytes) -> None:
    """Of a line that was rewritten, the log keeps what was written last."""
    assert captured(tmp_path / "log", output) == log


def test_output_is_in_the_log_at_once(tmp_path: Path) -> None:
    """The log has what was written, whether or not its line has ended: bars, prompts and bytes that are no text."""
    log = LogFile(tmp_path / "log")
    write, written = log.writer(None), b""
    for data in (b"10%\r", b"20%\r", b"on", b"e\n\x08", b"\xff" * 10**5, b"\0"):
        write(data)
        written += data
        assert (tmp_path / "log").read_bytes() == written
    log.close()


def test_an_unfinished_line_is_ended_by_another_writer(tmp_path: Path) -> None:
    """A line that another stream interrupts is ended there, so that the next one begins a line of its own."""
    log = LogFile(tmp_path / "log")
    one, two = log.writer(None), log.writer(None)
    for write, data in ((one, b"50%"), (two, b""), (one, b"\r60%"), (two, b"two\n"), (one, b"70%"), (one, b"")):
        write(data)
    log.close()
    assert (tmp_path / "log").read_bytes() == b"50%\r60%\ntwo\n70%"


def test_lines_that_were_written_one_after_the_other_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that writes its lines in pieces, to both of its streams in turn, has them whole in its log."""
    monkeypatch.setattr(output_capture, "WAIT_SECONDS", 60)  # however busy the machine is
    with captured_output(tmp_path / "log", None, None) as (child_stdout, child_stderr, _):
        for number in range(300):
            for piece in (b"one ", b"line", b" %d\n" % number):
                os.write((child_stdout, child_stderr)[number % 2], piece)
    lines = (tmp_path / "log").read_text().splitlines()
    assert sorted(lines) == sorted(f"one line {number}" for number in range(300))


@pytest.mark.parametrize("signs", ["ab\r\n", "abc\r\x08\n", "a\r"])
def test_progress_is_stripped_alike_wherever_a_block_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signs: str
) -> None:
    """A log is stripped in blocks as it is in one."""
    chance = random.Random(signs)
    for _ in range(300):
        output = "".join(chance.choices(signs, k=chance.randrange(1, 40))).encode()
        monkeypatch.setattr(output_capture, "BLOCK_BYTES", 10**6)
        whole = captured(tmp_path / "log", output)
        monkeypatch.setattr(output_capture, "BLOCK_BYTES", chance.randrange(1, 8))
        assert captured(tmp_path / "log", output) == whole, output


def test_a_long_line_takes_little_memory(tmp_path: Path) -> None:
    """A bar that rewrites a line of many megabytes is stripped block by block."""
    log = tmp_path / "log"
    log.write_bytes(b"first\n" + b"x" * (40 << 20) + b"\rdone")
    tracemalloc.start()
    try:
        output_capture._strip_progress(log)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert log.read_bytes() == b"first\ndone"
    assert peak < 2 << 20


def test_a_stream_gets_text_at_once(tmp_path: Path) -> None:
    """A stream gets output before its line is complete, characters once they are whole, and plain line ends."""
    log, out = LogFile(tmp_path / "log"), io.StringIO()
    write = log.writer(out)
    seen = []
    for data in (b"10%\r", "ü".encode()[:1], "ü".encode()[1:], b"\xff", b"end\r\n"):
        write(data)
        seen.append(out.getvalue())
    log.close()
    assert seen == ["10%\r", "10%\r", "10%\rü", "10%\rü\ufffd", "10%\rü\ufffdend\n"]


@pytest.mark.parametrize("stream", [Refusing(), io.TextIOWrapper(io.BytesIO(), "ascii")], ids=["gone", "ascii"])
def test_a_stream_that_fails_does_not_stop_the_log(tmp_path: Path, stream: Any) -> None:
    """Where the terminal is gone or can't show a character, the log has everything."""
    log = LogFile(tmp_path / "log")
    write = log.writer(stream)
    for data in ("é\n".encode(), b"more\n", b""):
        write(data)
    log.close()
    assert (tmp_path / "log").read_text() == "é\nmore\n"


def test_a_full_disk_is_told_when_the_log_is_closed() -> None:
    """An error of the disk stops no writer, whose stream goes on; it is raised at the end, with the log's name."""
    log, out = LogFile(Path("/dev/full")), io.StringIO()
    write = log.writer(out)
    write(b"one\n")
    write(b"two\n")
    with pytest.raises(OSError, match="No space left") as caught:
        log.close()
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, "/dev/full")
    assert out.getvalue() == "one\ntwo\n"


@pytest.mark.parametrize(("reserved", "columns"), [(0, 80), (2, 78), (90, 1)])
def test_on_a_terminal_the_process_has_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reserved: int, columns: int
) -> None:
    """If both streams are a terminal, the process writes to one as well, which lacks the reserved columns."""
    monkeypatch.setattr(os, "get_terminal_size", lambda: os.terminal_size((80, 24)))
    out = TerminalText(reserved)
    with captured_output(tmp_path / "log", out, out) as (child_stdout, child_stderr, _):
        assert child_stdout == child_stderr
        assert (os.isatty(child_stdout), termios.tcgetwinsize(child_stdout)) == (True, (24, columns))
        os.write(child_stdout, b"50%\r100%\n")
    assert (out.getvalue(), (tmp_path / "log").read_bytes()) == ("50%\r100%\n", b"100%\n")
