"""Calls likewise in forked worker processes."""

from pathlib import Path

from steps import shared


def run(sizes: Path, made: Path) -> None:
    """Calls likewise in forked worker processes."""
    made.write_text(str(shared.total_of_workers("fork", 2 * shared.sizes_of(sizes)["rounds"])))
