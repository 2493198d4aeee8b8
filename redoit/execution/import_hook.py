"""Imports the project from its source, never from `__pycache__`.

Python takes byte code for current if the source has an equal time (in whole seconds) and size. The fingerprint read the
source, so the step must run just that. The project is all that the search path calls its own, also elsewhere.
"""

import os
import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

from redoit.execution import shadowing
from redoit.source.search_path import SearchPath


def project_roots() -> list[str]:
    """Return the folders that the project is imported from: the working directory, and its `src`."""
    return [str(root) for root in (Path.cwd(), Path.cwd() / "src") if root.is_dir()]


def import_from_source(on_read: Callable[[str, bytes], None] = lambda _path, _source: None) -> SearchPath:
    """Put the project first on `sys.path`, import what is its own from source from now on; return the search path.

    Nothing of the project is imported yet, save this package where redoit works on itself. `on_read`: is called with
    the path and the bytes of each source.
    """
    roots = project_roots()
    shadowing.protect(roots, sys.modules)
    sys.path[:0] = roots
    path, usual = SearchPath(Path.cwd()), SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, fullname: str) -> CodeType | None:
        """Compile a module, whoever found it: Python, or the finder of an editable install."""
        file = os.path.abspath(loader.path)
        if not path.is_own_folder(os.path.dirname(file)):
            return usual(loader, fullname)
        source = loader.get_data(loader.path)
        on_read(file, source)
        shadowing.standard_first().use_imports(source)
        return loader.source_to_code(source, loader.path)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign,assignment]  # the only way to all loaders
    sys.dont_write_bytecode = True
    return path
