"""Modules of a project: written below a folder, or parsed from a text that is on no disk."""

import ast
import textwrap
from pathlib import Path

from redoit.source.project import Module

Files = dict[str, str]


def written(root: Path, files: Files) -> Path:
    """Write files below a folder and return it."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return root


def parsed(text: str, name: str = "steps.train", *, is_package: bool = False) -> Module:
    """Return a module of this text."""
    path = Path(*name.split("."), "__init__.py") if is_package else Path(*name.split(".")).with_suffix(".py")
    source = textwrap.dedent(text).encode()
    return Module(name, path, source, ast.parse(source))
