"""The lines of the live display, drawn with rich: the running stages, each with its progress and unfinished output."""

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO

from rich.console import Console, ConsoleOptions, OverflowMethod, RenderResult
from rich.live import Live as RedrawnLines
from rich.progress_bar import ProgressBar
from rich.segment import Segment, Segments
from rich.text import Text

from redoit.terminal.live import StageRow
from redoit.terminal.rows import without_colours
from redoit.text import encodable, format_duration, format_estimate, printable

BAR_COLUMNS = range(8, 31)
MAX_NAME_COLUMNS = 24
MAX_ROW_CHARACTERS = 2000  # of an unfinished row with its colours; the rest is not looked at


class Region:
    """The drawn lines at the bottom of a terminal. `stages` returns the running stages."""

    def __init__(self, stream: TextIO, stages: Callable[[], Iterable[StageRow]], *, coloured: bool) -> None:
        self._stream = stream
        self._stages = stages
        self._console = Console(file=stream, force_terminal=True, no_color=not coloured)
        self._lines = RedrawnLines(
            self,
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._measure()
        with self._console:
            self._lines.start()
            self._console.show_cursor()  # a process that is killed or stopped must not leave it hidden

    def draw(self, text: str) -> None:
        """Write whole lines above the region, and redraw it."""
        self._measure()
        self._console.print(Segments([Segment(text)]), end="", crop=False)

    def stop(self) -> None:
        """Erase the region."""
        self._lines.stop()

    def _measure(self) -> None:
        """Take the size from the terminal: COLUMNS and LINES, which rich prefers, may be those of another one."""
        with contextlib.suppress(OSError, ValueError):  # no terminal, or one that is gone
            columns, rows = os.get_terminal_size(self._stream.fileno())
            if columns and rows:
                self._console.size = columns, rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield as many lines as fit: the stages first, then their unfinished rows."""
        stages = list(self._stages())
        height = max(console.height - 2, 1)
        hidden = len(stages) - height
        listed = stages[: height - 1] if hidden > 0 else stages
        spare = height - len(stages)
        width = min(max((len(printable(stage.name)) for stage in listed), default=0), MAX_NAME_COLUMNS)
        for stage in listed:
            yield from _progress(stage, width, options)
            rows = stage.rows.unfinished[-spare:] if spare > 0 else []
            spare -= len(rows)
            yield from (_output(encodable(row, console.encoding), options.max_width) for row in rows)
        if hidden > 0:
            yield Text(f"and {hidden + 1} more", style="dim")


def _progress(stage: StageRow, width: int, options: ConsoleOptions) -> Iterator[Text | ProgressBar]:
    """Yield the line of a stage: its elapsed time, and the share of the expected time as a number and a bar."""
    columns = options.max_width
    overflow: OverflowMethod = "crop" if options.ascii_only else "ellipsis"
    name = Text(printable(stage.name, options.encoding), style="bold")
    name.truncate(width, overflow=overflow, pad=True)
    seconds, estimate = time.perf_counter() - stage.started, stage.estimate
    share = seconds / estimate if estimate else 0.0
    line = Text.assemble(name, f"  {format_duration(seconds)}", _expected(estimate, share), no_wrap=True, end="")
    percent = f"  {100 * share:3.0f} %" if 0 < share <= 1 else ""
    if line.cell_len + len(percent) <= columns:
        line.append(percent)
    bar = min(columns - line.cell_len - 2, BAR_COLUMNS[-1])
    if percent and bar in BAR_COLUMNS:
        shown = ProgressBar(total=1, completed=share, width=bar, complete_style="cyan", finished_style="cyan")
        yield from (line, Text("  ", end=""), shown, Text(""))
    else:
        line.truncate(columns, overflow=overflow)
        line.end = "\n"
        yield line


def _expected(estimate: float | None, share: float) -> Text:
    """Return how the elapsed time compares to the estimate, of which it is a share."""
    if not estimate:
        return Text(" running")
    if share > 1:
        return Text(f" running, longer than last time ({format_duration(estimate)})", style="yellow")
    return Text(f" of {format_estimate(estimate)}")


def _output(row: str, columns: int) -> Text:
    """Return an unfinished row, cropped to the terminal's width less one: at the end some wrap a combining mark."""
    if len(row) > MAX_ROW_CHARACTERS:
        row = without_colours(row)[:MAX_ROW_CHARACTERS]
    text = Text.from_ansi(f"  {row}", style="dim", no_wrap=True, overflow="crop")
    text.expand_tabs(8)
    text.truncate(max(columns - 1, 1), overflow="crop")
    return text
