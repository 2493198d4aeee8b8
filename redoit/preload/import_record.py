"""Records what the imports of a process found, to tell later whether a fresh process would find the same."""

import os
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType

from redoit.execution.import_hook import BYTE_CODE, EXTENSIONS, SOURCES, SourceLoader

UNCHECKABLE = ""  # where nobody can tell whether an import would find the same


class ImportRecord:
    """What was found at each path: the bytes of a source, the location of a module without its suffix."""

    def __init__(self) -> None:
        self.found: dict[str, bytes | str | None] = {}

    def add(self, path: str, found: bytes | str | None) -> None:
        """Record what was found at a path."""
        if self.found.setdefault(path, found) != found:
            self.found[path] = UNCHECKABLE

    def is_current(self) -> bool:
        """Tell whether the same imports would find the same now."""
        finders: dict[str, FileFinder] = {}  # each lists its folder once

        def find(path: str) -> str | None:
            folder, name = os.path.split(path)
            finder = finders.setdefault(folder, FileFinder(folder, EXTENSIONS, (SourceFileLoader, SOURCES), BYTE_CODE))
            return _location(finder.find_spec(name))

        try:
            return all(
                Path(path).read_bytes() == found if isinstance(found, bytes) else find(path) == found
                for path, found in self.found.items()
            )
        except OSError:
            return False

    def types(self) -> tuple[type[FileFinder], type[SourceLoader]]:
        """Return a finder and a loader of the project's modules that record what they find."""
        record = self

        class RecordingFinder(FileFinder):
            def find_spec(self, fullname: str, target: ModuleType | None = None) -> ModuleSpec | None:
                spec = super().find_spec(fullname, target)
                compiled = spec is not None and isinstance(spec.loader, (EXTENSIONS[0], BYTE_CODE[0]))
                path = os.path.join(str(self.path), fullname.rpartition(".")[2])
                record.add(path, UNCHECKABLE if compiled else _location(spec))
                return spec

        class RecordingLoader(SourceLoader):
            def get_data(self, path: str) -> bytes:
                data = super().get_data(path)
                record.add(path, data)
                return data

        return RecordingFinder, RecordingLoader


def _location(spec: ModuleSpec | None) -> str | None:
    """Return the file of a module, or the folder of a namespace package."""
    if spec is None:
        return None
    return spec.origin if spec.loader else next(iter(spec.submodule_search_locations or ()), None)
