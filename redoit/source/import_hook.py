"""Imports the project from its source, and keeps its modules apart from others of their name: `json.py`, `types.py`.

Python takes byte code for current if the source has an equal time (in whole seconds) and size. The fingerprint read the
source, so the step must run just that. The project is all that the search path calls its own, also elsewhere.

redoit, the standard library and installed packages go on with the standard library's module. The project's own code
gets the project's, as when it is called by hand: from the moment that a source which imports it is to be compiled.
"""

import ast
import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from redoit.source.search_path import SearchPath

BUILT_IN = ("built-in", "frozen")  # the origins of modules that Python finds before it looks at any path


def project_roots() -> list[str]:
    """Return the folders that the project is imported from: the working directory, and its `src`."""
    return [str(root) for root in (Path.cwd(), Path.cwd() / "src") if root.is_dir()]


def import_from_source(on_read: Callable[[str, bytes], None] = lambda _path, _source: None) -> SearchPath:
    """Put the project first on `sys.path`, import what is its own from source from now on; return the search path.

    Nothing of the project is imported yet, save this package where redoit works on itself. `on_read`: is called with
    the path and the bytes of each source.
    """
    protect(sys.modules)
    sys.path[:0] = project_roots()
    path, usual = SearchPath(Path.cwd()), SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, fullname: str) -> CodeType | None:
        """Compile a module, whoever found it: Python, or the finder of an editable install."""
        file = os.path.abspath(loader.path)
        if not path.is_own_folder(os.path.dirname(file)):
            return usual(loader, fullname)
        source = loader.get_data(loader.path)
        on_read(file, source)
        standard_first().use_imports(source)
        return loader.source_to_code(source, loader.path)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign,assignment]  # the only way to all loaders
    sys.dont_write_bytecode = True
    return path


class StandardFirst:
    """A finder that looks for some names elsewhere than in the project, until the project uses them."""

    def __init__(self, roots: Sequence[str] = (), names: Iterable[str] = ()) -> None:
        self.roots = roots
        self._names = {*names}
        self._used = set[str]()
        self._replaced: dict[str, ModuleType] = {}

    def find_spec(self, name: str, path: Sequence[str] | None, _target: object = None) -> ModuleSpec | None:
        """Return the spec of a module that is not the project's."""
        if path is not None or name not in self._names - self._used:
            return None
        return PathFinder.find_spec(name, [each for each in sys.path if each not in self.roots])

    def use(self, modules: Iterable[str]) -> None:
        """Let imports of these modules find those of the project from now on."""
        new = {module.partition(".")[0] for module in modules} & self._names - self._used
        self._used |= new
        for name in _loaded(new):
            self._replaced[name] = sys.modules.pop(name)

    def use_imports(self, source: bytes) -> None:
        """Let what a source of the project imports be the project's."""
        with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):  # Python says it itself
            for node in ast.walk(ast.parse(source)) if self._names else ():
                if isinstance(node, ast.Import):
                    self.use(alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    self.use([node.module])

    def restore(self) -> None:
        """Let imports find what is not the project's again."""
        for name in _loaded(self._used):
            del sys.modules[name]
        sys.modules.update(self._replaced)
        self._used.clear()
        self._replaced.clear()


def protect(names: Iterable[str]) -> None:
    """Protect the standard library, and other modules of these names, from modules of the project."""
    roots = project_roots()
    if standard_first().roots == roots:
        return
    found = {name.partition(".")[0] for root in roots for name in os.listdir(root)}
    shadowing = [name for name in found & {*sys.stdlib_module_names, *names} if _is_shadowed(name, roots)]
    if shadowing:
        others = [each for each in sys.meta_path if not isinstance(each, StandardFirst)]
        sys.meta_path[:] = [StandardFirst(roots, shadowing), *others]


def standard_first() -> StandardFirst:
    """Return the finder that protects modules, or one that has nothing to do."""
    return next((each for each in sys.meta_path if isinstance(each, StandardFirst)), StandardFirst())


def _is_shadowed(name: str, roots: Sequence[str]) -> bool:
    """Tell whether the project has a module, not only a folder, of the name of another that Python looks for."""
    ours, module = PathFinder.find_spec(name, roots), sys.modules.get(name)
    if ours is None or ours.loader is None or name in sys.builtin_module_names:
        return False
    theirs = getattr(module, "__spec__", ours)  # ours also where redoit works on itself; none of `__main__`
    return module is None or (theirs is not None and theirs.origin not in (*BUILT_IN, ours.origin))


def _loaded(names: set[str]) -> list[str]:
    """Return the loaded modules of some names, and those below them."""
    return [module for module in sys.modules if module.partition(".")[0] in names]
