"""Records what the imports of a process found, to tell later whether a fresh process would find the same."""

import functools
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path

from redoit.source.import_hook import import_from_source

UNCHECKABLE = ""  # where nobody can tell whether an import would find the same


class ImportRecord:
    """What was found at each path: the bytes of a source, the location of a module without its suffix.

    A finder, which finds nothing: what is looked for, it looks for in the folders of the project, and takes notes.
    """

    def __init__(self) -> None:
        self.found: dict[str, bytes | str | None] = {}

    def start(self) -> None:
        """Import the project from source from now on, and record what is found."""
        self._is_own_folder = functools.cache(import_from_source(self.add).is_own_folder)
        sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: Sequence[str] | None, _target: object = None) -> None:
        """Record what each folder of the project has for a module that is looked for."""
        for folder in map(os.path.abspath, sys.path if path is None else path):
            if self._is_own_folder(folder):
                place = os.path.join(folder, name.rpartition(".")[2])
                self.add(place, _location(place))

    def add(self, path: str, found: bytes | str | None) -> None:
        """Record what was found at a path."""
        if self.found.setdefault(path, found) != found:
            self.found[path] = UNCHECKABLE

    def is_current(self) -> bool:
        """Tell whether the same imports would find the same now."""
        importlib.invalidate_caches()  # each folder is listed once
        try:
            return UNCHECKABLE not in self.found.values() and all(
                (Path(path).read_bytes() if isinstance(found, bytes) else _location(path)) == found
                for path, found in self.found.items()
            )
        except OSError:
            return False


def _location(place: str) -> str | None:
    """Return the file of a module, or the folder of a namespace package; None if there is none."""
    folder, name = os.path.split(place)
    finder = pkgutil.get_importer(folder)
    spec = finder.find_spec(name) if finder else None
    if spec is None or spec.loader is None:
        return next(iter(spec.submodule_search_locations or ()), None) if spec else None
    return spec.origin if isinstance(spec.loader, SourceFileLoader) else UNCHECKABLE
