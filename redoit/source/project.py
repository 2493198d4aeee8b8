"""The project's Python source: finds modules, reads them, parses them.

A module is looked up as the import system would find it, below the checkout and below its `src` folder, but never
imported. Knows nothing of what code means: names, effects and reachability belong to others, which keep what they
found out about a module in its `memo`.
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

SKIPPED = frozenset({"__pycache__", "site-packages", "node_modules", "build", "dist"})
_U_PREFIX = re.compile(rb"\b[uU]['\"]")


class Module:
    """One parsed module. `path` is relative to the checkout; a namespace package is a folder with an empty tree."""

    def __init__(
        self,
        name: str,
        path: Path,
        source: bytes,
        tree: ast.Module,
        *,
        is_package: bool = False,
        is_namespace: bool = False,
    ) -> None:
        self.name = name
        self.path = path
        self.source = source
        self.tree = tree
        self.is_package = is_package
        self.is_namespace = is_namespace
        self.memo: dict[object, Any] = {}

    @property
    def package(self) -> str:
        """The package that relative imports start from: the module itself if it is one."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    def __str__(self) -> str:
        """Return the module's dotted name."""
        return self.name


def remembered(function: Callable[P, T]) -> Callable[P, T]:
    """Let a function that takes a Module (last, after at most a Project) answer once for each module."""

    @wraps(function)
    def once(*args: P.args, **kwargs: P.kwargs) -> T:
        memo = args[-1].memo  # type: ignore[attr-defined]
        key = function.__qualname__
        if key not in memo:
            memo[key] = function(*args, **kwargs)
        found: T = memo[key]
        return found

    return once


class Project:
    """The importable source of one checkout, as read now: each file once. For a new look at the disk, make another.

    It tells what was asked of it: `located`, the names that were looked up and where they were found; `read`, file ->
    digest of what was parsed, empty if it could not be read; `listed`, whether all names were asked for. `shared`:
    files that were parsed in the same look, for another step.
    """

    def __init__(self, root: Path, shared: dict[str, Parsed] | None = None) -> None:
        self.root = root
        source = root / "src"
        self.roots = [root, source] if source.is_dir() else [root]
        self.located: dict[str, str | None] = {}
        self.read: dict[str, str] = {}
        self.listed = False
        self._shared = {} if shared is None else shared
        self._modules: dict[str, Module | None] = {}
        self._holds_python: dict[str, bool] = {}

    def module(self, name: str) -> Module | None:
        """Return a module by its dotted name; None if the project has none of that name.

        Raises: SourceError if its file can't be read or parsed.
        """
        if name not in self._modules:
            path = self.locate(name)
            self._modules[name] = None if path is None else self._parsed(name, path)
        return self._modules[name]

    def locate(self, name: str) -> Path | None:
        """Return the file of a module, or the folder of a namespace package; None if there is none of that name."""
        found = self.where(name)
        return None if found is None else Path(found)

    def where(self, name: str) -> str | None:
        """Return where a module is likewise, as a text."""
        if name not in self.located:
            self.located[name] = self._find(name)
        return self.located[name]

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
        self.listed = True
        seen: set[str] = set()
        for root in reversed(self.roots):
            for path in _python_files(root, besides=[other for other in self.roots if other != root]):
                for name in _names_of(path.relative_to(root)):
                    if name not in seen:
                        seen.add(name)
                        yield name

    def relative(self, path: Path) -> Path:
        """Return a path of the project as seen from the checkout."""
        return path.relative_to(self.root)

    def _has_python(self, folder: str) -> bool:
        if folder not in self._holds_python:
            skipped = not os.path.isdir(folder) or _skips(Path(folder))
            self._holds_python[folder] = not skipped and any(True for _ in _python_files(Path(folder)))
        return self._holds_python[folder]

    def _parsed(self, name: str, path: Path) -> Module:
        relative = self.relative(path)
        if path.is_dir():
            return Module(name, relative, b"", ast.Module([], []), is_package=True, is_namespace=True)
        source, tree = self._shared.get(str(path)) or self._parse(path, relative)
        self.read[str(path)] = of_bytes(source)
        return Module(name, relative, source, tree, is_package=path.name == "__init__.py")

    def _parse(self, path: Path, relative: Path) -> Parsed:
        self.read[str(path)] = ""
        try:
            source = path.read_bytes()
        except OSError as error:
            raise SourceError(relative.as_posix(), f"can't be read ({error.strerror})", "check the file") from error
        self.read[str(path)] = of_bytes(source)
        parsed = self._shared[str(path)] = source, _tree(source, relative)
        return parsed


def _tree(source: bytes, path: PurePath) -> ast.Module:
    try:
        tree = ast.parse(source, filename=path.as_posix())
    except SyntaxError as error:
        line = f"line {error.lineno}: " if error.lineno else ""
        raise SourceError(path.as_posix(), f"{line}{error.msg}", "mend it") from error
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes; nested too deeply
        found = str(error) or "nested too deeply to be parsed"
        raise SourceError(path.as_posix(), found.splitlines()[0], "mend it") from error
    for number in _misplaced_futures(tree):
        raise SourceError(path.as_posix(), f"line {number}: a __future__ import after other code", "move it to the top")
    if _U_PREFIX.search(source):
        for item in ast.walk(tree):
            if isinstance(item, ast.Constant):
                item.kind = None  # u"x" and "x" are one spelling
    return tree


def _misplaced_futures(tree: ast.Module) -> Iterator[int]:
    """Yield the lines of those imports that only the compiler refuses."""
    others = 0
    for index, item in enumerate(tree.body):
        if isinstance(item, ast.ImportFrom) and item.module == "__future__":
            if others:
                yield item.lineno
        elif index or not (isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant)):
            others += 1


def _skips(folder: Path) -> bool:
    name = folder.name
    return name.startswith(".") or name in SKIPPED or (folder / "pyvenv.cfg").exists()


def _python_files(root: Path, besides: Sequence[Path] = ()) -> Iterator[Path]:
    seen: set[str] = set()  # a link may lead back up
    for folder, folders, files in os.walk(root, followlinks=True):
        here = Path(folder)
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if here / name not in besides and not _skips(here / name))
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
