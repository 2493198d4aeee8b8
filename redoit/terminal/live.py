"""The live display: one line per running stage, and the output that its step may still rewrite.

While it is shown, whatever is written to the terminal goes through here, from any thread, so that nothing tears: first
the display is erased, then finished lines are written, then the display is drawn below them, all under one lock. rich,
which draws, is imported in the display's own thread once a stage runs, so that the step need not wait for it.
"""

import atexit
import contextlib
import io
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TextIO

from redoit.terminal.rows import Rows
from redoit.terminal.streams import transformed
from redoit.text import encodable

if TYPE_CHECKING:  # imports rich
    from redoit.terminal.region import Region

REFRESH_SECONDS = 1 / 8
MAX_PENDING_CHARACTERS = 1 << 18  # of finished lines between two refreshes
INDENT_COLUMNS = 2  # of a step's output


class StageRow(NamedTuple):
    """A running stage. `estimate`: expected seconds, if known; `started`: by the performance counter."""

    name: str
    estimate: float | None
    rows: Rows
    started: float


class Live:
    """The display on a terminal. `coloured`: use colours."""

    def __init__(self, stream: TextIO, *, coloured: bool) -> None:
        self._stream = stream
        self._coloured = coloured
        self._lock = threading.RLock()
        self._stages: dict[str, StageRow] = {}
        self._suspended_by: set[str] = set()
        self._pending = io.StringIO()
        self._partial_line = ""
        self._refresher: threading.Thread | None = None
        self._closed = threading.Event()
        self._region: Region | None = None

    def add_stage(self, name: str, estimate: float | None, *, parallel: bool) -> None:
        """Show a stage; `parallel`: its lines have its name, since others may run at the same time."""
        with self._lock:
            rows = Rows(name if parallel else "", coloured=self._coloured)
            self._stages[name] = StageRow(name, estimate, rows, time.perf_counter())
            if self._refresher is None:
                self._refresher = threading.Thread(target=self._refresh, daemon=True)
                self._refresher.start()
                atexit.register(self.close)  # however the process ends, the terminal stays usable

    def step_stream(self, name: str, stream: TextIO) -> TextIO:
        """Return the stream that shows a step's output on the display, in place of one to the terminal."""
        return transformed(stream, partial(self.feed, name), reserved_columns=INDENT_COLUMNS)

    def feed(self, name: str, text: str) -> str:
        """Show output of a stage's step. Return nothing: no more of it is to be written."""
        with self._lock:
            if name not in self._stages:  # it was to be restored, and runs after all
                self.add_stage(name, None, parallel=True)
            self._pending.write(self._stages[name].rows.feed(text))
            if self._closed.is_set() or self._pending.tell() > MAX_PENDING_CHARACTERS:
                self._flush()
        return ""

    def write(self, text: str) -> None:
        """Write text above the display, in whole lines."""
        with self._lock:
            lines, end, self._partial_line = (self._partial_line + text).rpartition("\n")
            self._flush(lines + end)

    def end_task(self, name: str, text: str = "") -> None:
        """Show a stage no longer: write its unfinished rows, then text. An ordinary task leaves the terminal to us."""
        with self._lock:
            self._suspended_by.discard(name)
            if stage := self._stages.get(name):
                if len(self._stages) == 1:
                    self._erase()
                del self._stages[name]
                self._flush(stage.rows.end())
            self.write(text)

    def suspend(self, name: str) -> None:
        """Leave the terminal to an ordinary task, which writes to it directly."""
        with self._lock:
            self._erase()
            self._suspended_by.add(name)

    def close(self) -> None:
        """Remove the display. Later text is written at once."""
        with self._lock:
            self._closed.set()
            self._erase()
            for name in list(self._stages):
                self.end_task(name)
            if self._partial_line:
                self.write("\n")

    def _refresh(self) -> None:
        """Draw the display until it is closed."""
        try:
            from redoit.terminal.region import Region  # imports rich

            while not self._closed.wait(REFRESH_SECONDS):
                with self._lock, contextlib.suppress(OSError, ValueError):  # the terminal may be gone; the work goes on
                    if not (self._region or self._suspended_by or self._closed.is_set()) and self._stages:
                        self._region = Region(self._stream, self._stages.values, coloured=self._coloured)
                    self._flush()
        finally:  # also if drawing fails: output is then written without a display
            with self._lock:
                self._closed.set()
                self._erase()
                self._flush()

    def _erase(self) -> None:
        if self._region:
            region, self._region = self._region, None
            with contextlib.suppress(OSError, ValueError):
                region.stop()

    def _flush(self, more: str = "") -> None:
        """Write the pending lines, then `more`, and draw the display below."""
        text = encodable(self._pending.getvalue() + more, self._stream.encoding)
        self._pending = io.StringIO()
        if self._region:
            self._region.draw(text)
        elif text:
            self._stream.write(text)
            self._stream.flush()
