"""Captures a worker's output: to the log and to the terminal at once. Knows no processes."""

import codecs
import contextlib
import mmap
import os
import re
import selectors
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from redoit.storage import disk

BLOCK_BYTES = 1 << 16  # read at once: what a pipe holds
WAIT_SECONDS = 0.05  # for the end of a line, before the start of another one
REWRITTEN = re.compile(rb"^[^\n]*[\r\x08](?=[^\r\x08\n])|[\r\x08]+$", re.MULTILINE)  # what a terminal shows no longer


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
        log.writer(None)(b"".join(appended))
    finally:
        log.close()
    if log.has_progress:
        with contextlib.suppress(OSError):  # a full disk: the log has all states of the progress bar
            _strip_progress(path)


class LogFile:
    """A log that never stops its writers: an error of the disk is raised when it is closed.

    `unfinished`: the writer whose line has no end yet.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self.unfinished: object = None
        self._error: OSError | None = None
        self.has_progress = False

    def writer(self, stream: TextIO | None) -> Callable[[bytes], None]:
        """Return a writer to the log and to a stream; no bytes mean the end. It ends another's unfinished line."""
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode  # a character may be cut in two

        def write(data: bytes) -> None:
            if data:
                self._append(b"\n" + data if self.unfinished not in (None, write) else data)
                self.unfinished = None if data.endswith(b"\n") else write
            if stream is not None:
                with contextlib.suppress(OSError, ValueError):  # a terminal that is gone; the log goes on
                    stream.write(decode(data, not data).replace("\r\n", "\n"))
                    stream.flush()

        return write

    def close(self) -> None:
        """Close the log. Raises: OSError if not all of it could be written."""
        self._file.close()
        if self._error:
            raise self._error

    def _append(self, data: bytes) -> None:
        self.has_progress = self.has_progress or b"\r" in data or b"\x08" in data
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
    writers = {source: log.writer(stream) for source, _, stream in channels}
    copying = threading.Thread(target=_copy, args=(log, writers), daemon=True)
    copying.start()
    try:
        yield channels[0][1], channels[-1][1]
    finally:
        for _, theirs, _ in channels:
            os.close(theirs)
        copying.join(timeout=5)  # a process that left the group could hold the other end for ever


def _copy(log: LogFile, writers: dict[int, Callable[[bytes], None]]) -> None:
    """Copy from open files to writers, so that a line which was whole before the next one stays whole.

    Of what is there at a time whole lines go first. The start of a line waits for a moment if another's line has no end
    yet: that was written before, or both are written at once.
    """
    rest = dict.fromkeys(writers, b"")
    waiting: set[int] = set()
    with selectors.DefaultSelector() as selector, contextlib.suppress(ValueError):  # closed: nobody waits any longer
        for source in writers:
            selector.register(source, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select(WAIT_SECONDS if waiting else None):
                data = b""
                with contextlib.suppress(OSError):  # the other end of a pseudo-terminal is gone
                    data = os.read(key.fd, BLOCK_BYTES)
                rest[key.fd] += data
                if not data:
                    waiting.add(key.fd)
                    selector.unregister(key.fd)
            for source in sorted(writers, key=lambda source: log.unfinished is not writers[source]):
                lines, end, rest[source] = rest[source].rpartition(b"\n")
                if end:
                    writers[source](lines + end)
            for source, write in writers.items():
                if rest[source] and (source in waiting or log.unfinished in (None, write)):
                    write(rest[source])
                    rest[source] = b""
            waiting = {source for source in writers if rest[source]}
    for source, write in writers.items():
        with contextlib.suppress(ValueError):
            write(b"")
        os.close(source)


def _strip_progress(log: Path) -> None:
    """Keep in the log what a terminal would show in the end: the last state of each progress bar. Raises: OSError."""
    with log.open("rb") as reader, disk.temporary(log.parent) as path:
        data = mmap.mmap(reader.fileno(), 0, access=mmap.ACCESS_READ)  # a log may be larger than the memory
        with path.open("xb") as writer:
            shown = 0
            for rewritten in REWRITTEN.finditer(data):
                writer.write(memoryview(data)[shown : rewritten.start()])
                shown = rewritten.end()
            writer.write(memoryview(data)[shown:])
        path.replace(log)
