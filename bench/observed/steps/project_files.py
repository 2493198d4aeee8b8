"""Reads files of the project."""

from pathlib import Path

from steps import shared


def run(sizes: Path, made: Path) -> None:
    """Reads files of the project."""
    made.write_text(str(shared.read("files", shared.sizes_of(sizes)["files"])))
