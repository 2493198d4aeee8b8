"""The project's Python source: finds modules, reads them, parses them.

A module is looked up as the import system would find it, below the checkout and below its `src` folder, but never
imported. Knows nothing of names, effects and reachability: `fingerprint` caches these in a module's `memo`.
"""

import ast
import os
import re
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from pathlib import Path, PurePath
from typing import Any, ParamSpec, TypeVar

from redoit.digest import of_bytes
from redoit.errors import SourceError

P = ParamSpec("P")
T = TypeVar("T")

Parsed = tuple[bytes, ast.Module]  # a file's source, and its tree

SKIPPED_FOLDERS = frozenset({"__pycache__", "site-packages", "node_modules", "build", "dist"})
U_PREFIX = re.compile(rb"\b[uU]['\"]")


class Module:
    """One parsed module. `path` is relative to the checkout; a namespace package is a folder with an empty tree."""

    def __init__(self, name: str, path: Path, source: bytes, tree: ast.Module) -> None:
        self.name = name
        self.path = path
        self.source = source
        self.tree = tree
        self.is_opaque = False
        self.is_namespace = path.suffix != ".py"
        self.is_package = self.is_namespace or path.name == "__init__.py"
        self.memo: dict[object, Any] = {}

    @property
    def package(self) -> str:
        """The package that relative imports start from: the module itself if it is one."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    def parse(self) -> ast.Module:
        """Return a tree of the module's own, which may be changed."""
        return ast.parse(self.source)

    def __str__(self) -> str:
        """Return the module's dotted name."""
        return self.name


def cached_per_module(function: Callable[P, T]) -> Callable[P, T]:
    """Cache the results of a function in the `memo` of the Module that it takes last, after at most a Project."""

    @wraps(function)
    def cached(*args: P.args, **kwargs: P.kwargs) -> T:
        memo: dict[str, T] = args[-1].memo  # type: ignore[attr-defined]  # the last is a Module
        key = function.__qualname__
        if key not in memo:
            memo[key] = function(*args, **kwargs)
        return memo[key]

    return cached


class Project:
    """The importable source of one checkout at one time: each file is read once.

    It records what was asked of it: `locations`, module -> where it was found; `file_digests`, file -> digest of what
    was parsed, empty if it could not be read; `modules_listed`, whether all names were asked for. `parsed`: files that
    were parsed for another step at the same time.
    """

    def __init__(self, root: Path, parsed: dict[str, Parsed] | None = None) -> None:
        self.root = root
        source = root / "src"
        self.roots = [root, source] if source.is_dir() else [root]
        self.locations: dict[str, str | None] = {}
        self.file_digests: dict[str, str] = {}
        self.modules_listed = False
        self._parsed = {} if parsed is None else parsed
        self._modules: dict[str, Module | None] = {}
        self._python_folders: dict[str, bool] = {}

    def add_root(self, folder: str) -> bool:
        """Add a folder that code puts on Python's path; return whether it is new."""
        if Path(folder) in self.roots:
            return False
        self.roots.append(Path(folder))
        self.locations.clear()
        self._modules.clear()
        return True

    def module(self, name: str) -> Module | None:
        """Return a module by its dotted name; None if the project has none of that name.

        Raises: SourceError if its file can't be read or parsed.
        """
        if name not in self._modules:
            path = self.locate(name)
            self._modules[name] = None if path is None else self._module(name, Path(path))
        return self._modules[name]

    def locate(self, name: str) -> str | None:
        """Return the file of a module, or the folder of a namespace package; None if there is none of that name."""
        if name not in self.locations:
            self.locations[name] = self._find(name)
        return self.locations[name]

    def _find(self, name: str) -> str | None:
        components = name.split(".")
        if not all(components) or any(os.sep in part or "\0" in part for part in components):
            return None
        bases = [os.path.join(root, *components) for root in self.roots]
        for base in bases:
            for candidate in (os.path.join(base, "__init__.py"), f"{base}.py"):
                if os.path.isfile(candidate):
                    return candidate
        return next((base for base in bases if self._has_python(base)), None)

    def modules(self) -> Iterator[str]:
        """Yield the names of all modules of the project, packages before what they hold."""
        self.modules_listed = True
        seen: set[str] = set()
        for root in reversed(self.roots):
            for path in _python_files(root, excluded=[other for other in self.roots if other != root]):
                for name in _names_of(path.relative_to(root)):
                    if name not in seen:
                        seen.add(name)
                        yield name

    def _has_python(self, folder: str) -> bool:
        if folder not in self._python_folders:
            skipped = not os.path.isdir(folder) or _is_skipped(Path(folder))
            self._python_folders[folder] = not skipped and any(True for _ in _python_files(Path(folder)))
        return self._python_folders[folder]

    def _module(self, name: str, path: Path) -> Module:
        relative = path.relative_to(self.root)
        if path.is_dir():
            return Module(name, relative, b"", ast.Module([], []))
        source, tree = self._parsed.get(str(path)) or self._parse(path, relative)
        self.file_digests[str(path)] = of_bytes(source)
        return Module(name, relative, source, tree)

    def _parse(self, path: Path, relative: Path) -> Parsed:
        self.file_digests[str(path)] = ""
        try:
            source = path.read_bytes()
        except OSError as error:
            raise SourceError(relative.as_posix(), f"can't be read ({error.strerror})", "check the file") from error
        self.file_digests[str(path)] = of_bytes(source)
        parsed = self._parsed[str(path)] = source, _tree(source, relative)
        return parsed


def _tree(source: bytes, path: PurePath) -> ast.Module:
    try:
        tree = ast.parse(source, filename=path.as_posix())
    except SyntaxError as error:
        line = f"line {error.lineno}: " if error.lineno else ""
        raise SourceError(path.as_posix(), f"{line}{error.msg}", "fix it") from error
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes; nested too deeply
        found = str(error) or "nested too deeply to be parsed"
        raise SourceError(path.as_posix(), found.splitlines()[0], "fix it") from error
    for number in _misplaced_futures(tree):
        raise SourceError(path.as_posix(), f"line {number}: a __future__ import after other code", "move it to the top")
    if U_PREFIX.search(source):
        for item in ast.walk(tree):
            if isinstance(item, ast.Constant):
                item.kind = None  # u"x" and "x" are one spelling
    return tree


def _misplaced_futures(tree: ast.Module) -> Iterator[int]:
    """Yield the lines of `__future__` imports that the parser accepts and the compiler refuses."""
    other_code = False
    for index, item in enumerate(tree.body):
        if isinstance(item, ast.ImportFrom) and item.module == "__future__":
            if other_code:
                yield item.lineno
        elif index or not (isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant)):
            other_code = True


def _is_skipped(folder: Path) -> bool:
    name = folder.name
    return name.startswith(".") or name in SKIPPED_FOLDERS or (folder / "pyvenv.cfg").exists()


def _python_files(root: Path, excluded: Sequence[Path] = ()) -> Iterator[Path]:
    seen: set[str] = set()  # a link may lead back up
    for folder, folders, files in os.walk(root, followlinks=True):
        here = Path(folder)
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if here / name not in excluded and not _is_skipped(here / name))
        for name in sorted(files):
            if name.endswith(".py") and "." not in name[:-3]:
                yield here / name


def _names_of(path: PurePath) -> list[str]:
    """Return the names of a file's module and of the packages around it, outermost first."""
    components = list(path.with_suffix("").parts)
    if components[-1] == "__init__":
        components.pop()
    if any("." in part for part in components):
        return []
    return [".".join(components[: count + 1]) for count in range(len(components))]
