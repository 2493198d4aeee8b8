"""The import system of this process, which a test may change and use: afterwards it is as before."""

import contextlib
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader

import pytest


@contextlib.contextmanager
def isolated_imports(*packages: str) -> Iterator[None]:
    """Undo, at the end, what was changed of the import system; forget the modules of some packages."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("path", "path_hooks", "meta_path", "argv", "orig_argv"):
            patch.setattr(sys, name, [*getattr(sys, name)])
        patch.setattr(sys, "path_importer_cache", {**sys.path_importer_cache})
        patch.setattr(sys, "dont_write_bytecode", sys.dont_write_bytecode)
        patch.setattr(SourceFileLoader, "get_code", SourceFileLoader.get_code)
        try:
            yield
        finally:
            for name in [*sys.modules]:
                if name.partition(".")[0] in packages:
                    del sys.modules[name]
