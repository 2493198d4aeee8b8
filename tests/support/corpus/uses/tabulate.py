"""Use tabulate: one module, with a large table of formats."""

from steps.witness import executed
from tabulate import tabulate


def run(source, made):
    """Write rows as tables."""
    executed(made.name)
    rows = [line.split(",") for line in source.read_text().splitlines()]
    formats = ("simple", "grid", "github", "html", "rounded_outline")
    tables = [tabulate(rows, headers="firstrow", tablefmt=name, floatfmt=".2f", showindex=True) for name in formats]
    made.write_text("\n".join(tables))
