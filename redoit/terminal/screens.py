"""Where a step's output appears when there is no live display: as it is, or line by line where several steps run."""

import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import TextIO

from redoit.terminal.rows import Rows
from redoit.text import encodable, printable

Streams = tuple[TextIO | None, TextIO | None]
ONE_AT_A_TIME = threading.Lock()


class Lines:
    """A stream on top of another one, to which it passes whole lines, each with the name of who wrote it."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self._rows = Rows()
        self.encoding = stream.encoding

    def write(self, text: str) -> int:
        """Pass on the lines that are finished."""
        self._pass(self._rows.feed(text))
        return len(text)

    def end(self) -> None:
        """Pass on the rest."""
        self._pass(self._rows.end())

    def flush(self) -> None:
        """Let what was passed on appear."""
        self._stream.flush()

    def isatty(self) -> bool:
        """Tell whether this is a terminal."""
        return self._stream.isatty()

    def _pass(self, lines: list[str]) -> None:
        text = "".join(named(self._name, line) for line in lines)
        if text:
            with ONE_AT_A_TIME:
                self._stream.write(encodable(text, self.encoding))
                self._stream.flush()


@contextlib.contextmanager
def step_streams(name: str, verbosity: int, *, parallel: bool) -> Iterator[Streams]:
    """Yield the screens for the output and the errors of a step. `parallel`: others may print meanwhile."""
    streams = (sys.stdout if verbosity > 1 else None, sys.stderr if verbosity > 0 else None)
    if not parallel:
        yield streams
        return
    lines = [Lines(stream, name) if stream else None for stream in streams]
    try:
        yield lines[0], lines[1]  # type: ignore[misc] # they are all of a stream that is needed
    finally:
        for each in lines:
            if each:
                with contextlib.suppress(OSError, ValueError):  # a terminal that is gone
                    each.end()


def named(name: str, line: str) -> str:
    """Return a line with the name of who wrote it."""
    return f"{printable(name)} | {line}\n"
