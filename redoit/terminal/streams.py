"""Streams that change text on its way to another stream: escape it, prefix its lines, hand it to the live display."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO, cast

from redoit.terminal.rows import Rows
from redoit.text import encodable, printable

if TYPE_CHECKING:  # imports this module
    from redoit.terminal.live import Live

Streams = tuple[TextIO | None, TextIO | None]  # of a step: standard output, standard error
WRITE_LOCK = threading.Lock()  # one write at a time, whichever stream it comes through


class TransformedStream:
    """A text stream that passes what is written through a function, and what that returns to another stream.

    Characters that the encoding lacks are escaped. `reserved_columns`: of the terminal, not available to the writer.
    Everything else is as in the other stream.
    """

    def __init__(self, stream: TextIO, transform: Callable[[str], str], reserved_columns: int = 0) -> None:
        self._stream = stream
        self._transform = transform
        self.reserved_columns = reserved_columns

    def write(self, text: str) -> int:
        """Write the transformed text."""
        transformed = self._transform(text)  # outside the lock: the live display has one of its own
        if transformed:
            with WRITE_LOCK:
                self._stream.write(encodable(transformed, self._stream.encoding))
        return len(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def transformed(stream: TextIO, transform: Callable[[str], str], reserved_columns: int = 0) -> TextIO:
    """Return a TransformedStream, which has all that a text stream has."""
    return cast("TextIO", TransformedStream(stream, transform, reserved_columns))


def printable_stream(stream: TextIO) -> TextIO:
    """Return a stream that escapes all that is not printable, save the ends of lines."""
    return transformed(stream, lambda text: "\n".join(map(printable, text.split("\n"))))


@contextlib.contextmanager
def step_streams(name: str, verbosity: int, display: "Live | None" = None, *, parallel: bool) -> Iterator[Streams]:
    """Yield the streams that show a step's output and errors: on the display, if they lead to the terminal.

    Elsewhere, with `parallel`, they get whole lines, prefixed with `name`; an unfinished one is written at the end.
    """
    stdout, stderr = sys.stdout if verbosity > 1 else None, sys.stderr if verbosity > 0 else None
    first = stdout or stderr
    if display and first and first.isatty():
        shown = display.step_stream(name, first)
        yield stdout and shown, stderr and shown
    elif parallel:
        out, err = Rows(name), Rows(name)
        try:
            yield stdout and transformed(stdout, out.feed), stderr and transformed(stderr, err.feed)
        finally:
            for stream, rows in ((stdout, out), (stderr, err)):
                with contextlib.suppress(OSError, ValueError):  # the terminal may be gone
                    if stream:
                        transformed(stream, str).write(rows.end())
    else:
        yield stdout, stderr
