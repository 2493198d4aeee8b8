"""How commands write: lines and tables in colour on a terminal, whole lines elsewhere.

A colour never stands alone: the word beside it says the same.
"""

import os
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import TextIO

from redoit.text import printable

STYLES = {"keep": "cyan", "restore": "cyan", "run": "bold", "fail": "red", "not run": "red", "ignored": "dim"}
StyledText = str | tuple[str, str]  # a text, or a text and its style

MIN_TABLE_COLUMNS = 50  # a narrower terminal shows no table
MAX_STYLED_ROWS = 1_000  # a longer table has no colours
UNWRAPPED_COLUMNS = 10_000  # without a terminal, no line is wrapped


class Console:
    """Shows text on a stream, by a console of `rich`, which is imported when this is made."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console

        self._encoding = stream.encoding
        width = None if stream.isatty() and os.environ.get("TERM") != "dumb" else UNWRAPPED_COLUMNS
        self.rich = Console(file=stream, width=width, highlight=False, markup=False, emoji=False)

    def line(self, *pieces: StyledText, indent: int = 0) -> None:
        """Write one line."""
        from rich.text import Text

        self.rich.print(Text.assemble(" " * indent, *map(self._escaped, pieces)), soft_wrap=True)

    def table(self, rows: Iterable[Sequence[StyledText]], right: Sequence[int] = ()) -> None:
        """Write rows in columns. `right`: columns that are aligned to the right. The last column is wrapped."""
        rows = [list(row) for row in rows]
        if len(rows) > MAX_STYLED_ROWS or not self.rich.is_terminal:
            self._plain_table(rows, right)
        elif self.rich.width < MIN_TABLE_COLUMNS:
            for row in rows:
                self.line(*(piece for cell in row if cell for piece in (cell, " ")))
        else:
            self._styled_table(rows, right)

    def _styled_table(self, rows: Sequence[Sequence[StyledText]], right: Sequence[int]) -> None:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        last = max(map(len, rows), default=1) - 1
        for column in range(last):
            table.add_column(justify="right" if column in right else "left", no_wrap=True, overflow="ellipsis")
        table.add_column(overflow="fold")
        for row in rows:
            table.add_row(*(Text(*self._escaped(cell)) for cell in row))
        with self.rich.capture() as shown:
            self.rich.print(table)
        for line in shown.get().splitlines():
            self.rich.file.write(f"{line.rstrip()}\n")  # rich fills the last column

    def _plain_table(self, rows: Sequence[Sequence[StyledText]], right: Sequence[int]) -> None:
        """Write rows in columns without styles and wrapping: rich takes seconds for thousands of rows."""
        from rich.cells import cell_len

        cells = [[self._escaped(cell)[0] for cell in row] for row in rows]
        widths = [max(map(cell_len, column)) for column in zip_longest(*cells, fillvalue="")]
        for row in cells:
            blanks = [" " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=False)]
            aligned = [blanks[at] + cell if at in right else cell + blanks[at] for at, cell in enumerate(row)]
            self.rich.file.write(f"{'  '.join(aligned).rstrip()}\n")

    def _escaped(self, piece: StyledText) -> tuple[str, str]:
        text, style = (piece, "") if isinstance(piece, str) else piece
        return printable(text, self._encoding), style
