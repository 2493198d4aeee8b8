"""Where commands show lines and tables: in colour where there is a terminal, whole lines where there is none.

A colour never stands alone: the word beside it says the same.
"""

import os
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any, TextIO

from redoit.text import encodable, printable

STYLES = {"keep": "cyan", "restore": "cyan", "run": "bold", "fail": "red", "not run": "red", "ignored": "dim"}
Words = str | tuple[str, str]  # a text, and its style

NARROW = 50  # columns, below which a table is none
MANY = 1_000  # rows, above which a table has no colours
WIDE = 10_000  # columns where there is no terminal: no line is broken


class Console:
    """Shows text on a stream. Imports rich when it is made."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console

        self._encoding = stream.encoding
        width = None if stream.isatty() and os.environ.get("TERM") != "dumb" else WIDE
        self._console = Console(file=stream, width=width, highlight=False, markup=False, emoji=False)

    def line(self, *pieces: Words, indent: int = 0) -> None:
        """Write one line, of texts and of texts with a style."""
        from rich.text import Text

        text = Text(" " * indent)
        for piece in pieces:
            words, style = (piece, "") if isinstance(piece, str) else piece
            text.append(self._shown(words), style)
        self._console.print(text, soft_wrap=True)

    def table(self, rows: Iterable[Sequence[Words]], right: Sequence[int] = ()) -> None:
        """Write rows in columns, some of them aligned to the right; the last one is broken where it is too long."""
        from rich.table import Table
        from rich.text import Text

        rows = [list(row) for row in rows]
        if len(rows) > MANY or not self._console.is_terminal:
            self._columns(rows, right)
            return
        if self._console.width < NARROW:
            for row in rows:
                self.line(*(piece for cell in row if cell for piece in (cell, " ")))
            return
        table: Any = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        for column in range(max(map(len, rows), default=0)):
            last = column == len(rows[0]) - 1
            table.add_column(
                justify="right" if column in right else "left",
                no_wrap=not last,
                overflow="fold" if last else "ellipsis",
            )
        for row in rows:
            cells = ((cell, "") if isinstance(cell, str) else cell for cell in row)
            table.add_row(*(Text(self._shown(words), style) for words, style in cells))
        with self._console.capture() as shown:
            self._console.print(table)
        for line in shown.get().splitlines():
            self._console.file.write(f"{line.rstrip()}\n")  # rich fills the last column

    def _columns(self, rows: Sequence[Sequence[Words]], right: Sequence[int]) -> None:
        """Write rows in columns without a style, none of them broken: rich takes seconds for thousands."""
        from rich.cells import cell_len

        cells = [[self._shown(cell if isinstance(cell, str) else cell[0]) for cell in row] for row in rows]
        widths = [max(map(cell_len, column)) for column in zip_longest(*cells, fillvalue="")]
        for row in cells:
            blanks = [" " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=False)]
            aligned = [blanks[at] + cell if at in right else cell + blanks[at] for at, cell in enumerate(row)]
            self._console.file.write(f"{'  '.join(aligned).rstrip()}\n")

    def _shown(self, text: str) -> str:
        return encodable(printable(text), self._encoding)
