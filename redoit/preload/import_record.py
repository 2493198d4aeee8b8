"""Records what the imports of a process found, to tell later whether a fresh process would find the same."""

import os
import sys
from importlib import machinery
from importlib.machinery import FileFinder, ModuleSpec
from pathlib import Path
from types import ModuleType

from redoit.source.import_hook import import_from_source

LOADERS = (  # as Python's own
    (machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES),
    (machinery.SourceFileLoader, machinery.SOURCE_SUFFIXES),
    (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES),
)
UNCHECKABLE = ""  # where nobody can tell whether an import would find the same


class ImportRecord:
    """What was found at each path: the bytes of a source, the location of a module without its suffix."""

    def __init__(self) -> None:
        self.found: dict[str, bytes | str | None] = {}

    def start(self) -> None:
        """Import the project from source from now on, and record what is found."""
        path, record = import_from_source(self.add), self

        class Finder(FileFinder):
            def find_spec(self, fullname: str, target: ModuleType | None = None) -> ModuleSpec | None:
                spec = super().find_spec(fullname, target)
                checkable = spec is None or spec.loader is None or isinstance(spec.loader, machinery.SourceFileLoader)
                name = os.path.join(str(self.path), fullname.rpartition(".")[2])
                record.add(name, _location(spec) if checkable else UNCHECKABLE)
                return spec

        def hook(folder: str) -> FileFinder:
            if not os.path.isdir(folder) or not path.is_own_folder(os.path.abspath(folder)):
                raise ImportError(folder)
            return Finder(folder, *LOADERS)

        sys.path_hooks.insert(0, hook)
        sys.path_importer_cache.clear()

    def add(self, path: str, found: bytes | str | None) -> None:
        """Record what was found at a path."""
        if self.found.setdefault(path, found) != found:
            self.found[path] = UNCHECKABLE

    def is_current(self) -> bool:
        """Tell whether the same imports would find the same now."""
        finders: dict[str, FileFinder] = {}  # each lists its folder once

        def find(path: str) -> str | None:
            folder, name = os.path.split(path)
            return _location(finders.setdefault(folder, FileFinder(folder, *LOADERS)).find_spec(name))

        try:
            return all(
                Path(path).read_bytes() == found if isinstance(found, bytes) else find(path) == found
                for path, found in self.found.items()
            )
        except OSError:
            return False


def _location(spec: ModuleSpec | None) -> str | None:
    """Return the file of a module, or the folder of a namespace package."""
    if spec is None:
        return None
    return spec.origin if spec.loader else next(iter(spec.submodule_search_locations or ()), None)
