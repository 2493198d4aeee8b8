"""Notes, in a step's process, what it reads: files of the project, and environment variables that its code asks for.

Sees what Python opens (its audit events), not what a C library or another process opens, and what goes through
`os.environ`. Tells what was read; whether it was declared is the engine's business. Imports nothing of the engine.
"""

import importlib.util
import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any

MANY = 1000  # names that are worth telling
CACHES = "__pycache__"


class AccessAudit:
    """Watches from its making on: there is no way to take an audit hook away. `root`: as the system resolves it."""

    def __init__(self, root: Path) -> None:
        self._root = os.path.join(root, "")
        prefixes = (os.path.join(prefix, "") for prefix in (sys.prefix, sys.base_prefix))
        self._foreign = tuple(prefix for prefix in prefixes if prefix.startswith(self._root))
        self._folders: dict[str, str] = {}
        self._reads: set[str] = set()
        self._written: set[str] = set()
        self._variables: set[str] = set()
        sys.addaudithook(self._hear)
        self._watch_environment()

    @property
    def reads(self) -> list[str]:
        """The files that were opened to be read, from the project's root, without those that were written before."""
        found = (os.path.relpath(path, self._root) for path in self._reads)
        return sorted(path.encode(errors="backslashreplace").decode() for path in found)[:MANY]

    @property
    def variables(self) -> list[str]:
        """The environment variables that code of the project asked for, and that it had not set itself."""
        return sorted(self._variables)[:MANY]

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        try:
            if event == "open":
                self._opened(*arguments)
            elif event == "sqlite3.connect":
                self._opened(arguments[0], "r+", 0)
            elif event == "os.rename":
                self._written.add(self._resolved(arguments[1]))
        except (OSError, ValueError, TypeError):  # a hook that raises would fail the step
            return

    def _opened(self, path: Any, mode: str | None, flags: int) -> None:
        if isinstance(path, int):
            return
        name = self._resolved(path)
        if not self._is_of_project(name):
            name = os.path.abspath(os.fsdecode(path))  # a link that leads out of the project is itself a part of it
            if not self._is_of_project(name):
                return
        if mode is None:
            reads = flags & os.O_ACCMODE != os.O_WRONLY and not flags & os.O_TRUNC
            writes = flags & os.O_ACCMODE != os.O_RDONLY
        else:
            reads = "r" in mode or ("+" in mode and "a" in mode)
            writes = not mode.startswith("r") or "+" in mode
        # Looked at before it is opened: it may be made by that, and be gone when the step ends.
        if reads and name not in self._written and os.path.isfile(name):
            self._note(name)
        if writes:
            self._written.add(name)

    def _note(self, name: str) -> None:
        """Note a file; of what Python compiled, its source, and nothing of what else is remembered beside it."""
        if os.path.basename(os.path.dirname(name)) != CACHES:
            self._reads.add(name)
        elif name.endswith(".pyc"):
            self._reads.add(importlib.util.source_from_cache(name))

    def _resolved(self, path: Any) -> str:
        """Return where a path leads to."""
        folder, name = os.path.split(os.path.abspath(os.fsdecode(path)))
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        found = os.path.join(self._folders[folder], name)
        return os.path.realpath(found) if os.path.islink(found) else found

    def _is_of_project(self, name: str) -> bool:
        inside = name.startswith(self._root) and "site-packages" not in name[len(self._root) :]
        return inside and not name.startswith(self._foreign)

    def _watch_environment(self) -> None:
        environment = type(os.environ)
        get, put, iterate = environment.__getitem__, environment.__setitem__, environment.__iter__
        given: set[str] = set()  # by the step: to ask for these tells nothing of the outside
        passing: set[Any] = set()  # who copies the environment, for a process, asks once for each name that it yields

        def getitem(this: Any, key: Any) -> Any:
            if key in passing:
                passing.discard(key)
            elif os.fsdecode(key) not in given and self._is_asked_by_project(sys._getframe(1)):  # noqa: SLF001 - there is no other way
                self._variables.add(os.fsdecode(key))
            return get(this, key)

        def setitem(this: Any, key: Any, value: Any) -> None:
            put(this, key, value)
            given.add(os.fsdecode(key))

        def iterator(this: Any) -> Any:
            for key in iterate(this):
                passing.add(key)
                yield key

        environment.__getitem__ = getitem  # type: ignore[method-assign]
        environment.__setitem__ = setitem  # type: ignore[method-assign]
        environment.__iter__ = iterator  # type: ignore[method-assign]

    def _is_asked_by_project(self, frame: FrameType | None) -> bool:
        while frame is not None and frame.f_code.co_filename.startswith("<frozen "):  # os and collections.abc
            if frame.f_code.co_name == "expanduser":  # whose home it is makes no result
                return False
            frame = frame.f_back
        return frame is not None and self._is_of_project(os.path.abspath(frame.f_code.co_filename))
