"""The search path of a step's process, and what Python would find on it. Nothing is imported.

What is found is the project's wherever it lies, save the standard library and what distributions have installed.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.machinery import EXTENSION_SUFFIXES, BuiltinImporter, FrozenImporter, PathFinder
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from redoit.source import distributions

STANDARD = os.path.dirname(os.__file__)
OWN_FOLDER = str(Path(__file__).parents[2])  # that redoit itself is imported from
SUFFIXES = (*EXTENSION_SUFFIXES, ".py", ".pyc")
UNSEARCHED = ("__pycache__", *distributions.SITE)
MAPPINGS = ("MAPPING", "_redirections", "known_source_files", "_top_level_modules")  # where finders name their modules


class Location(NamedTuple):
    """Where a module was found. `path`: a file, or the folder of a namespace package. `folders`: of its submodules."""

    path: str
    folders: tuple[str, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """The file, or all folders of a namespace package."""
        return self.folders if self.path in self.folders else (self.path,)


class SearchPath:
    """The search path of the steps of one checkout at one time. Paths in the checkout are written from its root."""

    def __init__(self, root: Path, owners: distributions.Owners = distributions.owners) -> None:
        self.root = str(root)
        self._absolute = os.path.abspath(root)
        source = os.path.join(self.root, "src")
        own = [self.root, source] if os.path.isdir(source) else [self.root]
        self.entries = [*dict.fromkeys((*own, *map(self._from_root, _configured(self._absolute))))]
        self._owners = owners
        self._installed = dict.fromkeys((*own, ""), False)
        self._finders: dict[str, Any] = {}
        self._found: dict[str, Location | None] = {}

    def extended(self, entry: str, *, first: bool) -> "SearchPath":
        """Return a search path with one more entry, relative to the checkout, first or last."""
        other, added = object.__new__(SearchPath), self._from_root(entry)
        entries = [added, *self.entries] if first else [*self.entries, added]
        other.__dict__.update(self.__dict__, _found={}, entries=[*dict.fromkeys(entries)])
        return other

    def find(self, name: str) -> Location | None:
        """Return where Python would find a module, the project's or not; None if nowhere."""
        if name not in self._found:
            self._found[name] = self._find(name)
        return self._found[name]

    def find_own(self, name: str) -> str | None:
        """Return where Python would find a module, if that is the project's."""
        location = self.find(name)
        return next((path for path in location.paths if self.is_own(path)), None) if location else None

    def is_own(self, path: str) -> bool:
        """Tell whether a file or a folder is the project's: not of the standard library, and not installed."""
        entry = self._entry_of(path)
        return not self._owners(entry, _below(path, entry)) if self._is_installed(entry) else self.is_own_folder(path)

    def is_own_folder(self, path: str) -> bool:
        """Tell whether all below a folder is the project's."""
        entry = self._entry_of(path)
        if self._is_installed(entry) or entry == STANDARD or os.path.basename(entry) == "lib-dynload":
            return False
        return not set(_below(path, entry).split(os.sep)) & set(distributions.SITE)

    def versions(self, name: str) -> dict[str, str]:
        """Return distribution -> version of those that provide a module, also of what is installed to be edited."""
        location, versions = self.find(name), dict[str, str]()
        for path in location.paths if location else ():
            entry = self._entry_of(path)
            if self._is_installed(entry):
                versions.update(self._owners(entry, _below(path, entry)))
            elif not path.startswith(os.path.join(self.root, "")):
                for folder in filter(self._is_installed, self.entries):
                    versions.update(self._owners(folder, os.path.abspath(path)))
        return versions

    def version_of(self, distribution: str) -> str | None:
        """Return the version of an installed distribution, None if there is none; of `*` that of all of them."""
        if distribution == "*":
            return distributions.version_of_all(self.entries)
        for entry in self.entries:
            for name in distributions.metadata_names(entry):
                if distributions.normal_name(name) == distributions.normal_name(distribution):
                    return distributions.Distribution(Path(entry, name)).name_and_version[1]
        return None

    def name_of(self, file: str) -> str | None:
        """Return the name by which Python would import a file, None if by none. `file`: absolute, without links."""
        path = self._from_root(file)
        for entry in sorted(self.entries, key=len, reverse=True):
            if path.startswith(f"{entry}/"):
                inner = PurePath(path[len(entry) + 1 :]).with_suffix("")
                name = ".".join(inner.parent.parts if inner.name == "__init__" else inner.parts)
                if (found := self.find(name)) and os.path.realpath(found.path) == file:
                    return name
        return None

    def modules(self) -> Iterator[str]:
        """Yield the names of all modules of the project, packages before what they hold."""
        names: list[str] = []
        places: list[tuple[str, str]] = [("", entry) for entry in self.entries if self.is_own_folder(entry)]
        for finder in filter(_is_of_editable, sys.meta_path):
            holders = finder, sys.modules.get(finder.__module__)
            mapped = {name for holder in holders for each in MAPPINGS for name in getattr(holder, each, ())}
            names += sorted(filter(self.find_own, mapped))
        places += [(f"{name}.", folder) for name in names if (at := self.find(name)) for folder in at.folders]
        yield from dict.fromkeys((*names, *(name for place in places for name in _names_below(*place))))

    def _from_root(self, entry: str) -> str:
        if entry.startswith("__editable__"):  # stands for the namespace packages of an editable install
            return entry
        path = os.path.normpath(os.path.join(self._absolute, entry))
        if path == self._absolute:
            return self.root
        below = path.removeprefix(os.path.join(self._absolute, ""))
        return path if below == path else os.path.join(self.root, below)

    def _entry_of(self, path: str) -> str:
        """Return the innermost entry that a path lies below; an empty text if there is none."""
        return max((each for each in self.entries if f"{path}/".startswith(f"{each}/")), key=len, default="")

    def _is_installed(self, entry: str) -> bool:
        """Tell whether distributions have their files in an entry. Metadata beside their source is no installation."""
        if entry not in self._installed:
            is_site = os.path.basename(entry) in distributions.SITE
            self._installed[entry] = is_site or any(map(_is_metadata, distributions.metadata_names(entry)))
        return self._installed[entry]

    def _find(self, name: str) -> Location | None:
        owner, dot, last = name.rpartition(".")
        if not last or bool(dot) != bool(owner) or os.sep in last or "\0" in last:
            return None
        if not owner and (BuiltinImporter.find_spec(name) or FrozenImporter.find_spec(name)):
            return None
        folders = self.entries
        if owner:  # a package may extend its __path__ by the folders of its name that are elsewhere
            package = self.find(owner)
            elsewhere = (os.path.join(entry, *owner.split(".")) for entry in self.entries)
            folders = [*dict.fromkeys((*(package.folders if package else ()), *elsewhere))]
        for finder in sys.meta_path:
            if finder is PathFinder and (found := self._search(name, folders)):
                return found
            if _is_of_editable(finder) and (found := self._asked(finder, name)):
                return found
        return None

    def _search(self, name: str, folders: Iterable[str]) -> Location | None:
        portions: list[str] = []
        for folder in folders:
            if folder not in self._finders:
                self._finders[folder] = _finder(folder)
            found = self._asked(self._finders[folder], name)
            if found and found.path not in found.folders:
                return found
            portions += found.folders if found else ()
        return Location(portions[0], tuple(portions)) if portions else None

    def _asked(self, finder: Any, name: str) -> Location | None:
        spec = None
        with suppress(Exception):  # a finder that fails finds nothing
            spec = finder and finder.find_spec(name)
        if spec is None:
            return None
        folders = tuple(map(self._from_root, spec.submodule_search_locations or ()))
        path = self._from_root(spec.origin) if spec.has_location else next(iter(folders), "")
        return Location(path, folders) if path else None


def file_of(path: str) -> str | None:
    """Return the file that a location is read from: of what is in an archive, the archive; None for a folder."""
    while path and not os.path.exists(path):
        path = os.path.dirname(path)
    return path if os.path.isfile(path) else None


def _configured(root: str) -> Iterator[str]:
    """Yield what PYTHONPATH, the installation and its `.pth` files put on the search path of any process."""
    given = os.environ.get("PYTHONPATH", "")
    first = sys.path.index(STANDARD) if STANDARD in sys.path else 0
    for entry in (*(given.split(os.pathsep) if given else ()), *sys.path[first:]):
        if entry != OWN_FOLDER or entry == root or os.path.basename(entry) in distributions.SITE:
            yield entry


def _is_of_editable(finder: object) -> bool:
    """Tell whether a build backend made a finder for an editable install: all have that word in their modules."""
    return "editable" in str(getattr(finder, "__module__", ""))


def _finder(folder: str) -> Any:
    """Return what finds modules in a folder, an archive or a placeholder; it remembers nothing from before."""
    for hook in sys.path_hooks:
        with suppress(ImportError):
            finder = hook(folder)
            getattr(finder, "invalidate_caches", bool)()
            return finder
    return None


def _names_below(prefix: str, place: str) -> Iterator[str]:
    """Yield the names of the modules in a folder or an archive, and of the packages around them."""
    for path in _files_below(place):
        inner = PurePath(path).relative_to(place)
        stem = next((inner.name.removesuffix(suffix) for suffix in SUFFIXES if path.endswith(suffix)), "")
        parts = [*inner.parts[:-1], *([] if stem == "__init__" else [stem])]
        if stem and not any("." in part for part in parts):
            yield from (prefix + ".".join(parts[: count + 1]) for count in range(len(parts)))


def _files_below(root: str) -> Iterator[str]:
    if os.path.isfile(root):
        import zipfile

        with suppress(OSError, zipfile.BadZipFile):
            yield from (os.path.join(root, name) for name in zipfile.ZipFile(root).namelist())
    seen: set[str] = set()  # a link may lead back up
    for folder, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen or (folder != root and "pyvenv.cfg" in files) or any(map(_is_metadata, folders)):
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if "." not in name and name not in UNSEARCHED)
        yield from (os.path.join(folder, name) for name in sorted(files))


def _is_metadata(name: str) -> bool:
    """Tell whether a name is that of an installed distribution's metadata. `.egg-info` is also beside plain source."""
    return name.endswith(".dist-info")


def _below(path: str, folder: str) -> str:
    """Return a path from a folder around it; that of a namespace package ends in a slash."""
    below = path[len(folder) :].lstrip(os.sep) if folder else path
    return below if "." in os.path.basename(below) else os.path.join(below, "")
