"""The terminal while stages run: below what stands for good, a line for each of them, and what its step still changes.

Whoever writes meanwhile writes through here, from any thread, so that nothing tears. rich, which draws, is imported in
a thread of its own as soon as a stage runs: the step need not wait for it.
"""

import atexit
import contextlib
import os
import threading
from typing import Any, TextIO

from redoit.terminal.rows import Rows
from redoit.terminal.screens import Streams
from redoit.terminal.stage_row import StageRow
from redoit.text import encodable

PERIOD = 1 / 8  # seconds between two looks of the display
BACKLOG = 1 << 18  # characters that may wait for the next one


class Live:
    """The display on a terminal. `coloured`: whether that may have colours."""

    def __init__(self, stream: TextIO, *, coloured: bool) -> None:
        self._stream = stream
        self._coloured = coloured
        self._lock = threading.RLock()
        self._shown: dict[str, StageRow] = {}
        self._others: set[str] = set()
        self._pending: list[str] = []
        self._waiting = 0  # characters of it
        self._rest = ""  # of a line that is written in pieces
        self._ticker: threading.Thread | None = None
        self._closed = threading.Event()
        self._region: Any = None

    def begin(self, name: str, estimate: float | None, *, alone: bool) -> None:
        """Show a stage from now on."""
        with self._lock:
            self._shown[name] = StageRow(name, estimate, Rows(coloured=self._coloured), alone)
            if self._ticker is None:
                self._ticker = threading.Thread(target=self._tick, daemon=True)
                self._ticker.start()
                atexit.register(self.close)  # whatever ends us leaves a terminal that can be used

    def screens(self, name: str, stdout: TextIO | None, stderr: TextIO | None) -> Streams | None:
        """Return what stands for the streams that a step's output is to appear on, if they are the terminal."""
        stream = stdout or stderr
        if stream is None or not stream.isatty():
            return None
        screen: Any = Screen(self, name, stream)  # all of a stream that is needed
        return screen if stdout else None, screen if stderr else None

    def feed(self, name: str, text: str) -> None:
        """Show what a stage's step prints."""
        with self._lock:
            if name not in self._shown:  # it was to be restored, and runs all the same
                self.begin(name, None, alone=False)
            shown = self._shown[name]
            lines = shown.lines(shown.rows.feed(text))
            self._pending.append(lines)
            self._waiting += len(lines)
            if self._closed.is_set() or self._waiting > BACKLOG:
                self._flush()

    def write(self, text: str) -> None:
        """Write what is to stand for good, in whole lines."""
        with self._lock:
            lines, end, self._rest = (self._rest + text).rpartition("\n")
            self._flush(lines + end)

    def end(self, name: str) -> None:
        """Show a stage no more; what its step left on the terminal stands for good."""
        with self._lock:
            shown = self._shown.get(name)
            if shown is None:
                return
            if len(self._shown) == 1:
                self._hide()
            del self._shown[name]
            self._flush(shown.lines(shown.rows.end()))

    def aside(self, name: str) -> None:
        """Leave the terminal to an ordinary task, which prints as it likes."""
        with self._lock:
            self._hide()
            self._others.add(name)

    def back(self, name: str) -> None:
        """Take the terminal back from an ordinary task."""
        with self._lock:
            self._others.discard(name)

    def close(self) -> None:
        """End the display; the terminal is as it was before. What comes now is written at once."""
        with self._lock:
            self._closed.set()
            self._hide()
            for name in list(self._shown):
                self.end(name)
            if self._rest:
                self.write("\n")

    def _tick(self) -> None:
        """Draw anew from time to time."""
        try:
            from redoit.terminal.region import Region  # imports rich

            while not self._closed.wait(PERIOD):
                with self._lock, contextlib.suppress(OSError, ValueError):  # a terminal that is gone; the work goes on
                    if self._region is None and self._shown and not self._others and not self._closed.is_set():
                        self._region = Region(self._stream, lambda: list(self._shown.values()), coloured=self._coloured)
                    self._flush()
        finally:  # also if drawing fails: what is printed is written without it
            with self._lock:
                self._closed.set()
                self._hide()
                self._flush()

    def _hide(self) -> None:
        if self._region:
            region, self._region = self._region, None
            with contextlib.suppress(OSError, ValueError):
                region.stop()

    def _flush(self, more: str = "") -> None:
        """Write what waits, and then more; the display follows below."""
        text = encodable("".join(self._pending) + more, self._stream.encoding)
        self._pending.clear()
        self._waiting = 0
        if self._region:
            self._region.draw(text)
        elif text:
            self._stream.write(text)
            self._stream.flush()


class Screen:
    """The terminal as the step of one stage sees it: some columns are taken."""

    taken = 2

    def __init__(self, live: Live, name: str, stream: TextIO) -> None:
        self._live = live
        self._name = name
        self.encoding = stream.encoding

    def write(self, text: str) -> int:
        """Show a text."""
        self._live.feed(self._name, text)
        return len(text)

    def flush(self) -> None:
        """Do nothing: what is to be seen is seen soon."""

    def isatty(self) -> bool:
        """Tell that this is a terminal."""
        return True


def display(stream: TextIO, *, coloured: bool) -> Live | None:
    """Return a display if a stream is a terminal that can move its cursor."""
    able = stream.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")
    return Live(stream, coloured=coloured) if able else None
