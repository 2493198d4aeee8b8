"""Places of files: absolute paths, and what they lie in. Pure, save for following links."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet


def from_root(path: str) -> str:
    """Return a path from the project's root, if it lies there."""
    root = os.path.join(os.getcwd(), "")  # the system's own path: it has no links
    return path.removeprefix(root) if path.startswith(root) else "." if os.path.join(path, "") == root else path


def places(paths: Iterable[str]) -> set[str]:
    """Return absolute paths, as they are written and without links: a link may lead out of the project."""
    return {place for path in paths for place in (os.path.abspath(path), os.path.realpath(path))}


def is_below(path: str, known: AbstractSet[str]) -> bool:
    """Tell whether a path is known, or a folder around it."""
    return not known.isdisjoint((path, *folders(path)))


def is_within(path: str, made: AbstractSet[str]) -> bool:
    """Tell whether a path is one of those, or in such a folder: who makes a link makes nothing behind it."""
    return path in made or any(folder in made and not os.path.islink(folder) for folder in folders(path))


def folders(path: str) -> Iterator[str]:
    """Yield the folders around an absolute path, from the inside out."""
    while path := path.rpartition("/")[0]:
        yield path


def is_temporary(path: str) -> bool:
    """Tell whether a file lies in the folder for temporary files, where the project does not."""
    root, temporary = os.path.join(os.getcwd(), ""), os.path.join(os.path.realpath(tempfile.gettempdir()), "")
    return path.startswith(temporary) and not root.startswith(temporary)
