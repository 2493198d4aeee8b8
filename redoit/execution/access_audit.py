"""Records what a worker reads: files of the project, and environment variables that its code asks for.

Sees what Python opens (its audit events) and what goes through `os.environ`, not what a C library or another process
opens. Does not know what is declared. Imports nothing of the engine.
"""

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

MAX_NAMES = 1000  # of files, and of variables
BYTE_CODE = "__pycache__"
REDOIT = os.path.join(Path(__file__).parents[1], "")
AnyPath = str | bytes | os.PathLike[str]


class AccessAudit:
    """Records from its creation on: an audit hook can't be removed. `root`: the project, without links."""

    def __init__(self, root: Path) -> None:
        self._root = os.path.join(root, "")
        prefixes = (os.path.join(prefix, "") for prefix in (sys.prefix, sys.base_prefix))
        self._installed = tuple(prefix for prefix in prefixes if prefix.startswith(self._root))
        self._folders: dict[str, str] = {}
        self._reads: set[str] = set()
        self._written: set[str] = set()
        self._variables: set[str] = set()
        sys.addaudithook(self._on_event)
        self._record_variables()

    @property
    def files_read(self) -> list[str]:
        """The files that were opened for reading, from the project's root, save those that were written before."""
        paths = (os.path.relpath(path, self._root) for path in self._reads)
        return sorted(path.encode(errors="backslashreplace").decode() for path in paths)[:MAX_NAMES]

    @property
    def variables_read(self) -> list[str]:
        """The environment variables that code of the project asked for, save those that it had set itself."""
        return sorted(self._variables)[:MAX_NAMES]

    def _on_event(self, event: str, arguments: tuple[Any, ...]) -> None:
        try:
            if event == "open":
                self._on_open(arguments[0], arguments[2])
            elif event == "sqlite3.connect":
                self._on_open(arguments[0], os.O_RDWR)
            elif event == "os.rename":
                self._written.add(self._resolved(arguments[1]))
        except (OSError, ValueError, TypeError):  # a hook that raises would fail the step
            return

    def _on_open(self, path: int | AnyPath, flags: int) -> None:
        if isinstance(path, int):
            return
        name = self._resolved(path)
        if not self._is_of_project(name):
            name = os.path.abspath(os.fsdecode(path))  # a link that leads out of the project is itself a part of it
            if not self._is_of_project(name):
                return
        access = flags & os.O_ACCMODE
        reads = access != os.O_WRONLY and not flags & os.O_TRUNC
        # Checked before it is opened: opening may create it, and it may be gone when the step ends.
        if reads and name not in self._written and os.path.isfile(name):
            self._add(name)
        if access != os.O_RDONLY:
            self._written.add(name)

    def _add(self, name: str) -> None:
        """Record a file: for byte code its source, and nothing else that a `__pycache__` holds."""
        if os.path.basename(os.path.dirname(name)) != BYTE_CODE:
            self._reads.add(name)
        elif name.endswith(".pyc"):
            self._reads.add(importlib.util.source_from_cache(name))

    def _resolved(self, path: AnyPath) -> str:
        """Return an absolute path without links."""
        folder, name = os.path.split(os.path.abspath(os.fsdecode(path)))
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        found = os.path.join(self._folders[folder], name)
        return os.path.realpath(found) if os.path.islink(found) else found

    def _is_of_project(self, name: str) -> bool:
        folders = name[len(self._root) :].split(os.sep)[:-1]
        return name.startswith(self._root) and "site-packages" not in folders and not name.startswith(self._installed)

    def _record_variables(self) -> None:
        environment = type(os.environ)
        get, put, iterate = environment.__getitem__, environment.__setitem__, environment.__iter__
        set_by_step: set[str] = set()  # these tell nothing of the outside
        yielded: set[str] = set()  # a copy of the environment, for a process, asks once for each name that it yields

        def getitem(this: "os._Environ[str]", key: str) -> str:
            if key in yielded:
                yielded.discard(key)
            elif os.fsdecode(key) not in set_by_step and self._is_asked_by_project(sys._getframe(1)):  # noqa: SLF001 - there is no other way
                self._variables.add(os.fsdecode(key))
            return get(this, key)

        def setitem(this: "os._Environ[str]", key: str, value: str) -> None:
            put(this, key, value)
            set_by_step.add(os.fsdecode(key))

        def iterator(this: "os._Environ[str]") -> Iterator[str]:
            for key in iterate(this):
                yielded.add(key)
                yield key

        environment.__getitem__ = getitem  # type: ignore[method-assign]  # each way to read it passes here
        environment.__setitem__ = setitem  # type: ignore[method-assign]  # each way to read it passes here
        environment.__iter__ = iterator  # type: ignore[method-assign]  # each way to read it passes here

    def _is_asked_by_project(self, frame: FrameType | None) -> bool:
        while frame is not None and frame.f_code.co_filename.startswith("<frozen "):  # os and collections.abc
            if frame.f_code.co_name == "expanduser":  # where the home folder lies makes no result
                return False
            frame = frame.f_back
        file = os.path.abspath(frame.f_code.co_filename) if frame else ""
        return self._is_of_project(file) and not file.startswith(REDOIT)  # which may itself lie in the project
