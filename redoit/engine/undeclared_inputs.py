"""What a step read that its stage does not declare, in words."""

import os
from collections.abc import Iterable, Sequence

from redoit.model import Stage

FEW = 3  # names in one line


def undeclared_inputs(
    stage: Stage, declared: Iterable[str], folders: Iterable[str], reads: Iterable[str], variables: Iterable[str]
) -> list[str]:
    """Return what of a step's reads its stage does not declare.

    `declared`: files that count for it; `folders`: where it writes, and may read again; `reads`: files of the project
    that it opened; `variables`: names of the environment that it asked for.
    """
    places = list(folders)
    own = tuple(os.path.join(folder, "") for folder in (*places, *map(_resolved, places)))
    known = {path for each in declared for path in (each, _resolved(each))}
    files = [path for path in reads if path not in known and not path.startswith(own)]
    names = [name for name in variables if name not in stage.environ]
    found = []
    if files:
        these = f"which is no input of {stage.name}" if len(files) == 1 else f"which are no inputs of {stage.name}"
        found.append(f"read {_few(files)}, {these}")
    if names:
        noun = "variable" if len(names) == 1 else "variables"
        found.append(f"asked for the environment {noun} {_few(names)}, not named in environ=[...]")
    return found


def _resolved(path: str) -> str:
    """Return where a path leads to, from the project's root."""
    return os.path.relpath(os.path.realpath(path))


def _few(names: Sequence[str]) -> str:
    more = len(names) - FEW
    return ", ".join(names[:FEW]) + (f" and {more} more" if more > 0 else "")
