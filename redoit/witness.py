"""Notes, in a step's process, what it reads: files of the project, and environment variables that its code asks for.

Sees what Python opens (its audit event `open`), not what a C library opens by itself, and what goes through
`os.environ`. Tells what was read; whether it was declared is the engine's business. Imports nothing of the engine.
"""

import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any

MANY = 1000  # names that are worth telling


class Witness:
    """Watches from its making on: there is no way to take an audit hook away."""

    def __init__(self, root: Path) -> None:
        self._root = os.path.join(root, "")
        self._reads: set[str] = set()
        self._written: set[str] = set()
        self._variables: set[str] = set()
        sys.addaudithook(self._hear)
        self._watch_environment()

    @property
    def reads(self) -> list[str]:
        """The files that were opened to be read, from the project's root, without those that were written before."""
        found = (os.path.relpath(path, self._root) for path in self._reads if os.path.isfile(path))
        return sorted(path.encode(errors="backslashreplace").decode() for path in found)[:MANY]

    @property
    def variables(self) -> list[str]:
        """The environment variables that code of the project asked for."""
        return sorted(self._variables)[:MANY]

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        try:
            if event == "open":
                self._opened(*arguments)
            elif event == "os.rename":
                self._written.add(os.path.abspath(os.fsdecode(arguments[1])))
        except (OSError, ValueError, TypeError):  # a hook that raises would fail the step
            return

    def _opened(self, path: Any, mode: str | None, flags: int) -> None:
        if isinstance(path, int):
            return
        name = os.path.abspath(os.fsdecode(path))
        if not self._is_of_project(name):
            return
        if mode is None:
            reads = flags & os.O_ACCMODE != os.O_WRONLY and not flags & os.O_TRUNC
            writes = flags & os.O_ACCMODE != os.O_RDONLY
        else:
            reads = "r" in mode or ("+" in mode and "a" in mode)
            writes = not mode.startswith("r") or "+" in mode
        if reads and name not in self._written:
            self._reads.add(name)
        if writes:
            self._written.add(name)

    def _is_of_project(self, name: str) -> bool:
        inside = name.startswith(self._root)
        return inside and "site-packages" not in name and not name.startswith(os.path.join(sys.prefix, ""))

    def _watch_environment(self) -> None:
        environment = type(os.environ)
        get, iterate = environment.__getitem__, environment.__iter__
        passing: set[Any] = set()  # who copies the environment, for a process, asks once for each name that it yields

        def getitem(this: Any, key: Any) -> Any:
            if key in passing:
                passing.discard(key)
            elif self._is_asked_by_project(sys._getframe(1)):  # noqa: SLF001 - there is no other way
                self._variables.add(os.fsdecode(key))
            return get(this, key)

        def iterator(this: Any) -> Any:
            for key in iterate(this):
                passing.add(key)
                yield key

        environment.__getitem__ = getitem  # type: ignore[method-assign]
        environment.__iter__ = iterator  # type: ignore[method-assign]

    def _is_asked_by_project(self, frame: FrameType | None) -> bool:
        while frame is not None and frame.f_code.co_filename.startswith("<frozen "):  # os and collections.abc
            frame = frame.f_back
        return frame is not None and self._is_of_project(os.path.abspath(frame.f_code.co_filename))
