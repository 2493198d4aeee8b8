"""Imports the project from its source, never from `__pycache__`.

Python takes byte code for current if the source has an equal time (in whole seconds) and size. The fingerprint read the
source, so the step must run just that.
"""

import importlib.machinery
import sys
from pathlib import Path
from types import CodeType

from redoit.execution import shadowing

SOURCES = importlib.machinery.SOURCE_SUFFIXES
EXTENSIONS = importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES
INSTALLED = "site-packages"


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
    """Put the project first on `sys.path`, and import what is below it from source from now on.

    Nothing of the project is imported yet, save this package where redoit works on itself.
    """
    roots = project_roots()
    shadowing.protect(roots, ["redoit"])
    sys.path[:0] = roots

    def hook(folder: str) -> importlib.machinery.FileFinder:
        root = next((root for root in roots if Path(folder).is_relative_to(root)), None)
        if root is None or INSTALLED in Path(folder).relative_to(root).parts:
            raise ImportError(folder)
        return finder(folder, EXTENSIONS, (loader, SOURCES))

    sys.path_hooks.insert(0, hook)
    sys.path_importer_cache.clear()
    sys.dont_write_bytecode = True
