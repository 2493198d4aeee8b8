"""Shows rows: a table on the terminal, Markdown for a page, JSON for programs."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.rows import Row, row_of, shown

HEADS = ("what", "here", "against", "there", "figure", "spread", "goal", "")


def cells(row: Row) -> tuple[str, ...]:
    """Return the texts of a row."""
    figure = "" if row.value is None else shown(row.value, row.unit)
    spread = "" if row.spread is None else f"{shown(row.spread[0], row.unit)} to {shown(row.spread[1], row.unit)}"
    return row.what, row.ours, row.against, row.theirs, figure, spread, str(row.goal or ""), row.verdict


def remark(row: Row) -> str:
    """Return a row's note, preceded by what was measured."""
    return f"{row.what}: {row.note}" if row.against == "-" else f"{row.what}, against {row.against}: {row.note}"


def show(rows: Sequence[Row], machine: Mapping[str, str]) -> None:
    """Print tables and notes. rich is imported only now, so that this process is small while others are measured."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 150)
    for group in dict.fromkeys(row.group for row in rows):
        table = Table(title=group, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for head in HEADS:
            table.add_column(head, justify="right" if head in ("here", "there", "figure") else "left")
        for row in rows:
            if row.group == group:
                table.add_row(*cells(row), style="" if not row.verdict.startswith("missed") else "bold")
        console.print(table)
        for row in rows:
            if row.group == group and row.note:
                console.print(remark(row), highlight=False, markup=False)
        console.print()
    for name, value in machine.items():
        console.print(f"{name}: {value}", highlight=False, markup=False)


def markdown(rows: Sequence[Row], machine: Mapping[str, str]) -> str:
    """Return tables and notes as Markdown."""
    lines = ["| | |", "|---|---|"]
    lines += [f"| {name} | {_escaped(value)} |" for name, value in machine.items()]
    for group in dict.fromkeys(row.group for row in rows):
        lines += ["", f"### {group}", "", f"| {' | '.join(HEADS)} |", "|" + "---|" * len(HEADS)]
        mine = [row for row in rows if row.group == group]
        lines += [f"| {' | '.join(map(_escaped, cells(row)))} |" for row in mine]
        notes = [f"- {remark(row)}" for row in mine if row.note]
        lines += ["", *notes] if notes else []
    return "\n".join(lines) + "\n"


def write_json(path: Path, rows: Sequence[Row], machine: Mapping[str, str], wrong: Sequence[str] = ()) -> None:
    """Write the rows with every single run, and the errors in `wrong`."""
    found: dict[str, Any] = {"machine": dict(machine), "rows": [row.fields() for row in rows], "wrong": [*wrong]}
    path.write_text(json.dumps(found, indent=1) + "\n")


def read_json(path: Path) -> tuple[list[Row], dict[str, str]]:
    """Return the rows and the machine that JSON holds. Raises: ValueError if a result was wrong."""
    found = json.loads(path.read_text())
    if found["wrong"]:
        raise ValueError(f"{path}: found wrong results ({found['wrong'][0][:200]}), expected none; measure again")
    return [row_of(fields) for fields in found["rows"]], found["machine"]


def write_figures(page: Path, text: str) -> None:
    """Write Markdown between the comments of a page that mark its figures; replace a page without them."""
    begin, end = "<!-- figures -->", "<!-- end of figures -->"
    before = page.read_text() if page.exists() else ""
    if begin not in before or end not in before:
        page.write_text(text)
        return
    head, tail = before.split(begin, 1)[0], before.split(end, 1)[1]
    page.write_text(f"{head}{begin}\n{text}{end}{tail}")


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
