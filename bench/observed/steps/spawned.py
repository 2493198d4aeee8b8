"""Calls likewise in worker processes that start anew."""

from pathlib import Path

from steps import shared


def run(sizes: Path, made: Path) -> None:
    """Calls likewise in worker processes that start anew."""
    made.write_text(str(shared.total_of_workers("spawn", 2 * shared.sizes_of(sizes)["rounds"])))
