"""The project's Python source: finds modules, reads them, parses them.

A module is looked up as the import system would find it, but never imported. Knows nothing of names, effects and
reachability: `fingerprint` caches these in a module's `memo`.
"""

import ast
import errno
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path, PurePath
from typing import Any, ParamSpec, TypeVar

from redoit.digest import of_bytes, of_file
from redoit.errors import SourceError
from redoit.source.search_path import SearchPath, file_of

P = ParamSpec("P")
T = TypeVar("T")

Parsed = tuple[bytes, ast.Module, str]  # a module's source, its tree, the digest of the file that it is in
Added = tuple[tuple[str, bool], ...]  # folders that modules put on `sys.path`, and whether first

OPAQUE = (".so", ".pyd", ".pyc")  # suffixes of modules that have no source


class Module:
    """One parsed module. `path` is relative to the checkout if it lies there.

    A namespace package is a folder with an empty tree. So is an opaque module, an extension or byte code: its `source`
    is a line with the digest of the file it is in.
    """

    def __init__(self, name: str, path: Path, source: bytes, tree: ast.Module) -> None:
        self.name = name
        self.path = path
        self.source = source
        self.tree = tree
        self.is_opaque = path.suffix in OPAQUE
        self.is_namespace = path.suffix != ".py" and not self.is_opaque
        self.is_package = self.is_namespace or path.name.partition(".")[0] == "__init__"
        self.package = name if self.is_package else name.rpartition(".")[0]  # that relative imports start from
        self.memo: dict[object, Any] = {}

    def __str__(self) -> str:
        """Return the module's dotted name."""
        return self.name


def cached_per_module(function: Callable[P, T]) -> Callable[P, T]:
    """Cache the results of a function in the `memo` of the Module that it takes last, after at most a Project."""

    @wraps(function)
    def cached(*args: P.args, **kwargs: P.kwargs) -> T:
        memo: dict[object, T] = args[-1].memo  # type: ignore[attr-defined]  # the last is a Module
        if function not in memo:
            memo[function] = function(*args, **kwargs)
        return memo[function]

    return cached


class Project:
    """The importable source of one checkout at one time: each file is read once.

    It records what was asked of it: `locations`, module -> where it was found; `file_digests`, file -> digest of what
    was parsed, empty if it could not be read; `modules_listed`, whether all names were asked for; `added`, the roots
    that modules add. `parsed`: files that were parsed for another step at the same time. `path`: the search path.
    """

    def __init__(
        self, root: Path, parsed: dict[str, Parsed] | None = None, path: SearchPath | None = None, added: Added = ()
    ) -> None:
        self.root = root
        self.path = path or SearchPath(root)
        self.locations: dict[str, str | None] = {}
        self.file_digests: dict[str, str] = {}
        self.modules_listed = False
        self.added: Added = ()
        self._parsed = {} if parsed is None else parsed
        self._modules: dict[str, Module | None] = {}
        self._with_roots: dict[Added, Project] = {}
        for folder, first in added:
            self.add_root(folder, first=first)

    def add_root(self, folder: str, *, first: bool = False) -> bool:
        """Search a folder or zip archive, too: one that a module puts on `sys.path`, last or first.

        Return whether it is new. Then all modules are looked up again: names that were resolved so far count no more.
        """
        if (folder, first) in self.added:
            return False
        self.added = (*self.added, (folder, first))
        self.path = self.path.extended(folder, first=first)
        self.locations.clear()
        self._modules.clear()
        return True

    def with_roots(self, added: Added) -> "Project":
        """Return the project with these roots added, the same one each time."""
        if added not in self._with_roots:
            self._with_roots[added] = Project(self.root, self._parsed, self.path, added) if added else self
        return self._with_roots[added]

    def renew(self, path: SearchPath, parsed: dict[str, Parsed]) -> None:
        """Look from now on for modules that were not asked for yet by a new search path."""
        self.path, self._parsed = path, parsed
        for folder, first in self.added:
            self.path = self.path.extended(folder, first=first)

    def module(self, name: str) -> Module | None:
        """Return a module by its dotted name; None if the project has none of that name.

        Raises: SourceError if its file can't be read or parsed.
        """
        if name not in self._modules:
            path = self.locate(name)
            self._modules[name] = None if path is None else self._module(name, path)
        return self._modules[name]

    def locate(self, name: str) -> str | None:
        """Return the file of a module, or the folder of a namespace package; None if the project has none of that name.

        What is in a zip archive has the path of the archive, and in it that of the file.
        """
        if name not in self.locations:
            owner = name.rpartition(".")[0]
            self.locations[name] = None if owner and self.locate(owner) is None else self.path.find_own(name)
        return self.locations[name]

    def modules(self) -> Iterator[str]:
        """Yield the names of all modules of the project, packages before what they hold."""
        self.modules_listed = True
        yield from self.path.modules()

    def _module(self, name: str, path: str) -> Module:
        relative = Path(path).relative_to(self.root) if Path(path).is_relative_to(self.root) else Path(path)
        if not relative.suffix:
            return Module(name, relative, b"", ast.Module([], []))
        file = file_of(path) or path
        if path not in self._parsed:
            self.file_digests[file] = ""
            try:
                source, content = _read(path, file)
            except OSError as error:
                raise SourceError(relative.as_posix(), f"can't be read ({error.strerror})", "check the file") from error
            self.file_digests[file] = content
            tree = ast.Module([], []) if relative.suffix in OPAQUE else _tree(source, relative)
            self._parsed[path] = source, tree, content
        source, tree, self.file_digests[file] = self._parsed[path]
        return Module(name, relative, source, tree)


def _read(path: str, file: str) -> tuple[bytes, str]:
    """Return the source of a module, and the digest of the file that it is in. Raises: OSError."""
    if path.endswith(OPAQUE):
        content = of_file(Path(file))
        return f"{content}\n".encode(), content
    data = Path(file).read_bytes()
    if path == file:
        return data, of_bytes(data)
    import io
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.read(PurePath(path).relative_to(file).as_posix()), of_bytes(data)
    except (KeyError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        raise OSError(errno.EIO, f"{file} is damaged") from error


def _tree(source: bytes, path: PurePath) -> ast.Module:
    try:
        return ast.parse(source, filename=path.as_posix())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # null bytes; nested too deeply
        line = f"line {number}: " if (number := getattr(error, "lineno", None)) else ""
        found = getattr(error, "msg", "") or str(error) or "nested too deeply to be parsed"
        raise SourceError(path.as_posix(), line + found.splitlines()[0], "fix it") from error
