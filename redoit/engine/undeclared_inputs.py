"""What a step read and its stage does not declare, in words."""

import os
from collections.abc import Iterable, Sequence

from redoit.model import Stage
from redoit.text import FEW, first_few


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
    quoted = ", ".join([*(f'"{name}"' for name in names[:FEW]), *["..."][: len(names) > FEW]])
    given = (("input", paths, "in inputs"), ("variable", names, f"with environ=[{quoted}]"))
    return [_line(noun, found, where) for noun, found, where in given if found]


def _line(noun: str, names: Sequence[str], where: str) -> str:
    plural, them = ("s", "them") if len(names) > 1 else ("", "it")
    return f"undeclared {noun}{plural} {first_few(names)}: changes to {them} are not tracked; declare {them} {where}"


def _resolved(path: str) -> str:
    """Return a path without links, from the project's root."""
    return os.path.relpath(os.path.realpath(path))
