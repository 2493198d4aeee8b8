"""The part of the terminal that is drawn again and again, with rich: the stages that run, each with its progress."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TextIO

from rich.console import Console, ConsoleOptions, OverflowMethod, RenderResult
from rich.live import Live as Redrawn
from rich.progress_bar import ProgressBar
from rich.segment import Segment
from rich.text import Text

from redoit.terminal.rows import bare
from redoit.terminal.stage_row import StageRow
from redoit.text import encodable, printable

BAR = range(8, 31)  # columns of a progress bar
NAME = 24  # columns of a stage's name
LONGEST = 2000  # characters of a row, with its colours, that are looked at
MINUTE, HOUR = 60, 3600


class Region:
    """The drawn part. `shown` returns the stages that run now."""

    def __init__(self, stream: TextIO, shown: Callable[[], Sequence[StageRow]], *, coloured: bool) -> None:
        self._stream = stream
        self._shown = shown
        file: Any = Fitting(stream)  # all of a stream that is needed
        self._console = Console(
            file=file, force_terminal=True, no_color=not coloured, highlight=False, markup=False, emoji=False
        )
        self._redrawn = Redrawn(
            get_renderable=lambda: self,
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._measure()
        with self._console:
            self._redrawn.start()
            self._console.show_cursor()  # whoever kills or stops us must not be left without

    def draw(self, text: str) -> None:
        """Write whole lines above, and draw anew."""
        self._measure()
        if text:
            self._console.print(Verbatim(text), end="", crop=False)
        else:
            self._redrawn.refresh()

    def stop(self) -> None:
        """Take the region from the terminal."""
        self._redrawn.stop()

    def _measure(self) -> None:
        """Take the size of the terminal itself: COLUMNS and LINES, which rich prefers, may be those of another one."""
        with contextlib.suppress(OSError, ValueError):  # no terminal, or one that is gone
            columns, rows = os.get_terminal_size(self._stream.fileno())
            if columns and rows:
                self._console.size = columns, rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines: as many as there is room for, those of the stages first."""
        shown = self._shown()
        room = max(console.height - 2, 1)
        more = len(shown) - room
        listed = shown[: room - 1] if more > 0 else shown
        rest = room - len(shown)
        width = min(max((len(printable(one.name)) for one in listed), default=0), NAME)
        for one in listed:
            yield from _progress(one, width, options)
            rows = one.rows.unfinished[-rest:] if rest > 0 else []
            rest -= len(rows)
            yield from (_row(encodable(row, console.encoding), options.max_width) for row in rows)
        if more > 0:
            yield Text(f"and {more + 1} more", style="dim")


class Fitting:
    """A stream on top of another one, to which it passes what that can show."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding
        self.flush = stream.flush
        self.fileno = stream.fileno

    def write(self, text: str) -> None:
        """Pass on a text; what the encoding lacks is escaped."""
        self._stream.write(encodable(text, self.encoding))


class Verbatim:
    """A text that is drawn as it is."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_console__(self, _console: Console, _options: ConsoleOptions) -> RenderResult:
        """Yield the text."""
        yield Segment(self._text)


def _progress(one: StageRow, width: int, options: ConsoleOptions) -> Iterator[Text | ProgressBar]:
    """Yield the line of a stage: how long it has run, and how much that is of last time."""
    columns = options.max_width
    overflow: OverflowMethod = "crop" if options.ascii_only else "ellipsis"
    name = Text(encodable(printable(one.name), options.encoding), style="bold")
    name.truncate(width, overflow=overflow, pad=True)
    part = one.seconds / one.estimate if one.estimate else 0.0
    line = Text.assemble(name, f"  {clock(one.seconds)}", _words(one.estimate, part), no_wrap=True, end="")
    percent = f"  {100 * part:3.0f} %" if 0 < part <= 1 else ""
    if line.cell_len + len(percent) <= columns:
        line.append(percent)
    bar = min(columns - line.cell_len - 2, BAR[-1])
    if percent and bar in BAR:
        yield line
        yield Text("  ", end="")
        yield ProgressBar(total=1, completed=part, width=bar, complete_style="cyan", finished_style="cyan")
        yield Text("")
        return
    line.truncate(columns, overflow=overflow)
    line.end = "\n"
    yield line


def _words(estimate: float | None, part: float) -> Text:
    """Return what a duration so far means; `part`: of the estimate."""
    if not estimate:
        return Text(" running")
    if part > 1:
        return Text(f" running, longer than last time ({clock(estimate)})", style="yellow")
    return Text(f" of ~{clock(estimate)}")


def _row(row: str, columns: int) -> Text:
    """Return a row that a step still changes, cropped."""
    if len(row) > LONGEST:
        row = bare(row)[:LONGEST]
    text = Text.from_ansi(f"  {row}", style="dim", no_wrap=True, overflow="crop")
    text.expand_tabs(8)
    text.truncate(columns, overflow="crop")
    return text


def clock(seconds: float) -> str:
    """Return a duration as it is read on a clock: `12.3s`, `2:05`, `1:02:03`."""
    whole = round(seconds)
    if seconds < MINUTE and whole < MINUTE:
        return f"{seconds:.1f}s"
    if whole < HOUR:
        return f"{whole // MINUTE}:{whole % MINUTE:02}"
    return f"{whole // HOUR}:{whole % HOUR // MINUTE:02}:{whole % MINUTE:02}"
