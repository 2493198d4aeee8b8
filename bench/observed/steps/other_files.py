"""Reads files elsewhere."""

from pathlib import Path

from steps import shared


def run(sizes: Path, made: Path) -> None:
    """Reads files elsewhere."""
    given = shared.sizes_of(sizes)
    made.write_text(str(shared.read(given["elsewhere"], given["files"])))
