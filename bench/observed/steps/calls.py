"""Calls functions, methods, properties and generators."""

from pathlib import Path

from steps import shared


def run(sizes: Path, made: Path) -> None:
    """Calls functions, methods, properties and generators."""
    made.write_text(str(shared.total(shared.sizes_of(sizes)["rounds"])))
