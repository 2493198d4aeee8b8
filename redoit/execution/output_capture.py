"""Where what a step prints goes: to its log, in whole lines, and at once to the terminal. Knows no processes."""

import codecs
import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from redoit.storage import disk


@contextlib.contextmanager
def captured_output(path: Path, stdout: TextIO | None, stderr: TextIO | None) -> Iterator[tuple[int, int, list[bytes]]]:
    """Yield what a process is to take for its standard output and error, and a list of what to add to the log.

    `path`: the log. `stdout`, `stderr`: the screens, if any. Raises: DiskError, OSError if the log can't be written.
    """
    disk.make_folders(path.parent)
    disk.clear_path(path)
    log, notes = LogFile(path), list[bytes]()
    try:
        with _pumped(log, stdout, stderr) as (child_stdout, child_stderr):
            yield child_stdout, child_stderr, notes
        log.append(b"".join(notes))
    finally:
        log.close()
    _tidy(path)


class LogFile:
    """A log, in whole lines, that never stops who writes to it: a disk that refuses is told at the end."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self._lock = threading.Lock()
        self._refused: OSError | None = None

    def writer(self, screen: TextIO | None) -> Callable[[bytes], None]:
        """Return a writer to the log, in whole lines, and to the screen at once; no bytes at all are the end."""
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode  # a character may be cut in two
        pending = bytearray()

        def write(data: bytes) -> None:
            with self._lock:
                pending.extend(data)
                end = pending.rfind(b"\n") + 1 if data else len(pending)
                self.append(pending[:end])
                del pending[:end]
                if screen is not None:
                    with contextlib.suppress(OSError, ValueError):  # a terminal that is gone; the log goes on
                        screen.write(decode(data).replace("\r\n", "\n"))
                        screen.flush()

        return write

    def close(self) -> None:
        """Close the log. Raises: OSError if not all of it could be written."""
        self._file.close()
        if self._refused:
            raise self._refused

    def append(self, data: bytes | bytearray) -> None:
        """Write to the log."""
        try:
            while data and not self._refused:
                data = data[self._file.write(data) :]
        except OSError as error:
            error.filename = self._file.name
            self._refused = error


@contextlib.contextmanager
def _pumped(log: LogFile, stdout: TextIO | None, stderr: TextIO | None) -> Iterator[tuple[int, int]]:
    """Yield what the process writes to; a terminal if we have one, so that progress is live."""
    if stdout is not None and stderr is not None and stdout.isatty():
        import pty
        import termios

        ours, theirs = pty.openpty()
        with contextlib.suppress(termios.error, OSError, AttributeError):
            columns, rows = os.get_terminal_size()
            termios.tcsetwinsize(theirs, (rows, max(columns - getattr(stdout, "reserved_columns", 0), 1)))
        channels: list[tuple[int, int, TextIO | None]] = [(ours, theirs, stdout)]
    else:
        channels = [(*os.pipe(), stdout), (*os.pipe(), stderr)]
    pumps = []
    for source, _, screen in channels:
        pump = threading.Thread(target=_pump, args=(source, log.writer(screen)), daemon=True)
        pump.start()
        pumps.append(pump)
    try:
        yield channels[0][1], channels[-1][1]
    finally:
        for _, theirs, _ in channels:
            os.close(theirs)
        for pump in pumps:
            pump.join(timeout=5)  # a process that left the group could hold the other end for ever


def _pump(source: int, write: Callable[[bytes], None]) -> None:
    with contextlib.suppress(OSError, ValueError):  # the other end of a pseudo-terminal is gone
        while data := os.read(source, 1 << 16):
            write(data)
    with contextlib.suppress(OSError, ValueError):
        write(b"")
    os.close(source)


def _tidy(log: Path) -> None:
    """Leave in the log what was left on the terminal: the last state of each progress bar."""
    data = log.read_bytes()
    lines = [line.rstrip(b"\r\x08") for line in data.split(b"\n")]
    tidied = b"\n".join(line[max(line.rfind(b"\r"), line.rfind(b"\x08")) + 1 :] for line in lines)
    if tidied != data:
        log.write_bytes(tidied)
