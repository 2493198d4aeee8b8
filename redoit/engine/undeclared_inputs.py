"""What a step read and its stage does not declare, in words."""

import os
from collections.abc import Iterable, Sequence

from redoit.model import Stage

MAX_NAMES = 3  # in one line


def undeclared_inputs(
    stage: Stage, declared: Iterable[str], folders: Sequence[str], files: Iterable[str], variables: Iterable[str]
) -> list[str]:
    """Return a line for the undeclared files of the project that a step read, and one for undeclared variables.

    `declared`: files that are part of its action; `folders`: where it writes, and may read again.
    """
    own = tuple(os.path.join(folder, "") for folder in (*folders, *map(_resolved, folders)))
    known = {path for each in declared for path in (each, _resolved(each))}
    paths = [path for path in files if path not in known and not path.startswith(own)]
    names = [name for name in variables if name not in stage.environ]
    lines = []
    if paths:
        lines.append(_line("input", paths, "in inputs"))
    if names:
        quoted = ", ".join([*(f'"{name}"' for name in names[:MAX_NAMES]), *["..."][: len(names) > MAX_NAMES]])
        lines.append(_line("variable", names, f"with environ=[{quoted}]"))
    return lines


def _line(noun: str, names: Sequence[str], where: str) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    plural, them = ("s", "them") if len(names) > 1 else ("", "it")
    listed = ", ".join(names[:MAX_NAMES]) + more
    return f"undeclared {noun}{plural} {listed}: changes to {them} are not tracked; declare {them} {where}"


def _resolved(path: str) -> str:
    """Return a path without links, from the project's root."""
    return os.path.relpath(os.path.realpath(path))
