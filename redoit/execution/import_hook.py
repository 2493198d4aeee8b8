"""Imports the project from its source, never from `__pycache__`.

Python takes byte code for current if the source has an equal time (in whole seconds) and size. The fingerprint read the
source, so the step must run just that. The project is all that the search path calls its own, also elsewhere.
"""

import importlib.machinery
import os
import sys
from pathlib import Path
from types import CodeType

from redoit.execution import shadowing
from redoit.source.search_path import SearchPath

SOURCES = importlib.machinery.SOURCE_SUFFIXES
EXTENSIONS = importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES
BYTE_CODE = importlib.machinery.SourcelessFileLoader, importlib.machinery.BYTECODE_SUFFIXES


class SourceLoader(importlib.machinery.SourceFileLoader):
    """Compiles a module's source at each import."""

    def get_code(self, fullname: str) -> CodeType | None:
        """Return a module's code, compiled from its source."""
        path = self.get_filename(fullname)
        source = self.get_data(path)
        shadowing.standard_first().use_imports(source)
        return self.source_to_code(source, path)


def project_roots() -> list[str]:
    """Return the folders that the project is imported from: the working directory, and its `src`."""
    return [str(root) for root in (Path.cwd(), Path.cwd() / "src") if root.is_dir()]


def import_from_source(
    finder: type[importlib.machinery.FileFinder] = importlib.machinery.FileFinder,
    loader: type[SourceLoader] = SourceLoader,
) -> None:
    """Put the project first on `sys.path`, and import what is its own from source from now on.

    Nothing of the project is imported yet, save this package where redoit works on itself.
    """
    roots = project_roots()
    shadowing.protect(roots, sys.modules)
    sys.path[:0] = roots
    path, usual = SearchPath(Path.cwd()), importlib.machinery.SourceFileLoader.get_code

    def hook(folder: str) -> importlib.machinery.FileFinder:
        if not os.path.isdir(folder) or not path.is_own_folder(os.path.abspath(folder)):
            raise ImportError(folder)
        return finder(folder, EXTENSIONS, (loader, SOURCES), BYTE_CODE)

    def get_code(given: importlib.machinery.SourceFileLoader, fullname: str) -> CodeType | None:
        """Compile also what another finder, that of an editable install, gives a loader of Python's or of its own."""
        if not path.is_own_folder(os.path.dirname(os.path.abspath(given.path))):
            return usual(given, fullname)
        if type(given) is importlib.machinery.SourceFileLoader:
            return loader(fullname, given.path).get_code(fullname)
        return given.source_to_code(given.get_data(given.path), given.path)

    sys.path_hooks.insert(0, hook)
    # There is no other way to all loaders.
    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign,assignment]
    sys.path_importer_cache.clear()
    sys.dont_write_bytecode = True
