"""Captures a worker's output: to the log in whole lines, and to the terminal at once. Knows no processes."""

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
    """Yield the files for a process's standard output and error, and a list of what to append to the log.

    `path`: the log. `stdout`, `stderr`: where its output appears, if anywhere.
    Raises: DiskError, OSError if the log can't be written.
    """
    disk.make_folders(path.parent)
    disk.clear_path(path)
    log, appended = LogFile(path), list[bytes]()
    try:
        with _channels(log, stdout, stderr) as (child_stdout, child_stderr):
            yield child_stdout, child_stderr, appended
        log.append(b"".join(appended))
    finally:
        log.close()
    _strip_progress(path)


class LogFile:
    """A log that never stops its writers: an error of the disk is raised when it is closed."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self._lock = threading.Lock()
        self._error: OSError | None = None

    def writer(self, stream: TextIO | None) -> Callable[[bytes], None]:
        """Return a writer to the log, in whole lines, and to a stream at once; no bytes mean the end."""
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode  # a character may be cut in two
        pending = bytearray()

        def write(data: bytes) -> None:
            with self._lock:
                pending.extend(data)
                end = pending.rfind(b"\n") + 1 if data else len(pending)
                self.append(pending[:end])
                del pending[:end]
                if stream is not None:
                    with contextlib.suppress(OSError, ValueError):  # a terminal that is gone; the log goes on
                        stream.write(decode(data).replace("\r\n", "\n"))
                        stream.flush()

        return write

    def close(self) -> None:
        """Close the log. Raises: OSError if not all of it could be written."""
        self._file.close()
        if self._error:
            raise self._error

    def append(self, data: bytes | bytearray) -> None:
        """Write to the log."""
        try:
            while data and not self._error:
                data = data[self._file.write(data) :]
        except OSError as error:
            error.filename = self._file.name
            self._error = error


@contextlib.contextmanager
def _channels(log: LogFile, stdout: TextIO | None, stderr: TextIO | None) -> Iterator[tuple[int, int]]:
    """Yield the files that the process writes to: a pseudo-terminal if we have a terminal, so that progress is live."""
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
    threads = []
    for source, _, stream in channels:
        copying = threading.Thread(target=_copy, args=(source, log.writer(stream)), daemon=True)
        copying.start()
        threads.append(copying)
    try:
        yield channels[0][1], channels[-1][1]
    finally:
        for _, theirs, _ in channels:
            os.close(theirs)
        for thread in threads:
            thread.join(timeout=5)  # a process that left the group could hold the other end for ever


def _copy(source: int, write: Callable[[bytes], None]) -> None:
    with contextlib.suppress(OSError, ValueError):  # the other end of a pseudo-terminal is gone
        while data := os.read(source, 1 << 16):
            write(data)
    with contextlib.suppress(OSError, ValueError):
        write(b"")
    os.close(source)


def _strip_progress(log: Path) -> None:
    """Keep in the log what a terminal would show in the end: the last state of each progress bar."""
    data = log.read_bytes()
    lines = [line.rstrip(b"\r\x08") for line in data.split(b"\n")]
    stripped = b"\n".join(line[max(line.rfind(b"\r"), line.rfind(b"\x08")) + 1 :] for line in lines)
    if stripped != data:
        log.write_bytes(stripped)
