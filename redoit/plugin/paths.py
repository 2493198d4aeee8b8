"""Paths of files as dodo.py writes them: their form in a project, and which of them name one file."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

MAX_LINKS = 40  # on the way to a file, as in the kernel


def project_path(path: str) -> str:
    """Return a path without `.` and `..`, from the project's folder where it lies inside, else as it is written."""
    normal = os.path.normpath(path)
    if not normal.startswith((os.sep, os.pardir)):
        return normal
    root = os.getcwd()
    whole = os.path.normpath(os.path.join(root, normal))
    for folder in (whole, *map(str, Path(whole).parents)):
        with contextlib.suppress(OSError, ValueError):  # the project's folder may be written through a link
            if folder == root or os.path.samefile(folder, root):
                return os.path.relpath(whole, folder)
    return normal


class Places:
    """Tells which paths name one file. Follows links, as they are when dodo.py loads."""

    def __init__(self) -> None:
        self._real: dict[str, str] = {}  # folder -> without links

    def of_output(self, path: str) -> str:
        """Return the place of a file that a task makes. A link at its end does not count: the file replaces it."""
        folder, name = os.path.split(os.path.normpath(path))
        if folder not in self._real:
            try:
                self._real[folder] = os.path.realpath(folder)
            except ValueError:  # no path at all; whoever opens it says so
                self._real[folder] = folder
        return os.path.join(self._real[folder], name)

    def of_input(self, path: str) -> Iterator[str]:
        """Yield the place of a file that a task reads, then that of each link on the way to its content."""
        for _ in range(MAX_LINKS):
            place = self.of_output(path)
            yield place
            try:
                path = os.path.join(os.path.dirname(place), os.readlink(place))
            except (OSError, ValueError):
                return
