"""How a step's process imports the project: from source, and noting what it finds.

So others can ask later whether to import anew would find the same. Python takes an equal time (in whole seconds) and
size for equal source. The fingerprint read the source, so the step must run just that, and `__pycache__` is never
asked. Imports nothing of the engine.
"""

import importlib.machinery
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SOURCE, COMPILED = importlib.machinery.SOURCE_SUFFIXES, importlib.machinery.EXTENSION_SUFFIXES
FOREIGN = "site-packages"


@dataclass
class ImportRecord:
    """What imports came to so far.

    `sources`: path -> what was compiled; `found`: path without suffix -> what was there of that name, a file or a
    folder, None for nothing; `odd`: modules of which it can't be told whether they are still the same.
    """

    sources: dict[str, bytes] = field(default_factory=dict)
    found: dict[str, str | None] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)

    def note(self, name: str, path: str, source: bytes) -> None:
        """Note the source of a module."""
        if self.sources.setdefault(path, source) != source:
            self.odd.append(name)

    @property
    def digests(self) -> dict[str, str]:
        """The digest of each source."""
        return {path: _digest(source) for path, source in self.sources.items()}


def roots() -> list[str]:
    """Return the folders that the project is imported from; it is the working directory."""
    return [str(root) for root in (Path.cwd(), Path.cwd() / "src") if root.is_dir()]


def import_from(folders: list[str]) -> ImportRecord:
    """Put the project's folders first on the path, and import what is below them from source.

    Return what is imported, which is filled from now on.
    """
    sys.path[:0] = folders
    imported = ImportRecord()
    details = ((importlib.machinery.ExtensionFileLoader, COMPILED), (_loader(imported), SOURCE))

    def hook(folder: str) -> Any:
        if not any(Path(folder).is_relative_to(root) for root in folders) or FOREIGN in folder:
            raise ImportError(folder)
        return _Finder(imported, folder, *details)

    sys.path_hooks.insert(0, hook)
    sys.path_importer_cache.clear()
    # Nothing of the project is imported yet, save this package where redoit works on itself.
    sys.dont_write_bytecode = True
    return imported


def unchanged(digests: Mapping[str, str], found: Mapping[str, str | None]) -> bool:
    """Tell whether the same imports would find the same now."""
    names: dict[str, frozenset[str]] = {}
    same = all(_there(base, names) == what for base, what in found.items())
    return same and all(_digest_of(path) == digest for path, digest in digests.items())


class _Finder(importlib.machinery.FileFinder):
    """Finds modules in one folder of the project, and notes what it was asked for."""

    def __init__(self, imported: ImportRecord, folder: str, *details: Any) -> None:
        super().__init__(folder, *details)
        self._imported = imported

    def find_spec(self, fullname: str, target: Any = None) -> Any:
        """Return the spec of a module, or None if it is not here."""
        spec = super().find_spec(fullname, target)
        what = None
        if spec is not None:
            what = spec.origin if spec.loader else next(iter(spec.submodule_search_locations or ()), None)
            if isinstance(spec.loader, importlib.machinery.ExtensionFileLoader):
                self._imported.odd.append(fullname)
        base = os.path.join(str(self.path), fullname.rpartition(".")[2])
        if self._imported.found.setdefault(base, what) != what:
            self._imported.odd.append(fullname)
        return spec


def _loader(imported: ImportRecord) -> type[importlib.machinery.SourceFileLoader]:
    class SourceLoader(importlib.machinery.SourceFileLoader):
        """Imports a project's modules from their source, never from `__pycache__`."""

        def get_code(self, fullname: str) -> Any:
            """Return a module's code, compiled from its source."""
            path = self.get_filename(fullname)
            source = self.get_data(path)
            imported.note(fullname, path, source)
            return self.source_to_code(source, path)

    return SourceLoader


def _there(base: str, names: dict[str, frozenset[str]]) -> str | None:
    """Return what an import finds of this name: a package first, then a module, then a folder without `__init__`."""
    folder, name = os.path.split(base)
    if folder not in names:
        names[folder] = _listed(folder)
    suffixes = (*COMPILED, *SOURCE)
    within = [os.path.join(name, f"__init__{suffix}") for suffix in suffixes] if name in names[folder] else []
    beside = [name + suffix for suffix in suffixes if name + suffix in names[folder]]
    files: Iterable[str] = (os.path.join(folder, each) for each in (*within, *beside))
    file = next(filter(os.path.isfile, files), None)
    return file or (base if within and os.path.isdir(base) else None)


def _listed(folder: str) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))
    except OSError:
        return frozenset()


def _digest_of(path: str) -> str | None:
    try:
        return _digest(Path(path).read_bytes())
    except OSError:
        return None


def _digest(source: bytes) -> str:
    import hashlib  # a step that is not forked need not wait for it

    return hashlib.blake2b(source).hexdigest()
