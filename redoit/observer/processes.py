"""Observes which programs are started, and lets each of them inherit what it takes to observe it in turn.

    program <process> <folder> <argument>...     0 if its number is not known

A step that gives a program an environment of its own, or none, means no harm to the observer.
"""

from __future__ import annotations  # what they name is not imported

import os
import sys

from redoit.observer.record import OBSERVE, Recorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from redoit.observer.record import AnyPath

INHERITED = (OBSERVE, "REDOIT_STEP")  # variables: the second names the step, to find what it leaves running


class Processes:
    """Observes the programs that one process starts."""

    def __init__(self, recorder: Recorder) -> None:
        self._add = recorder.add
        self._wrap(recorder.guard(self._on_program))

    def handlers(self) -> dict[str, Callable[..., None]]:
        """Return audit event -> what to do at it."""
        return {
            "os.system": lambda command: self._on_program(0, None, "sh", "-c", command),
            "os.exec": lambda path, arguments, _: self._on_program(os.getpid(), None, path, *arguments[1:]),
        }

    def _on_program(self, number: int, folder: AnyPath | None, *arguments: AnyPath) -> None:
        self._add("program", number, os.fsdecode(folder or os.getcwd()), *map(os.fsdecode, arguments))

    @staticmethod
    def _wrap(started: Callable[..., None]) -> None:
        """Add the variables to each environment that lacks them."""
        import _posixsubprocess

        fork_exec, posix_spawn = _posixsubprocess.fork_exec, os.posix_spawn

        def observed_fork_exec(*given: Any) -> int:
            arguments, programs, close, kept, folder, variables, *rest = given
            if variables is not None:
                names = {bytes(each).partition(b"=")[0] for each in variables}
                missing = {name: text for name, text in _inherited().items() if os.fsencode(name) not in names}
                variables = [*variables, *(os.fsencode(f"{name}={text}") for name, text in missing.items())]
            number: int = fork_exec(arguments, programs, close, kept, folder, variables, *rest)
            started(number, folder, *arguments)
            return number

        def observed_posix_spawn(path: AnyPath, argv: Any, env: Any, /, **options: Any) -> int:
            given: Any = None if env is None else {**_inherited(), **env}  # None from 3.13 on
            number = posix_spawn(path, argv, given, **options)
            started(number, None, *argv)
            return number

        _posixsubprocess.fork_exec = observed_fork_exec
        os.posix_spawn = observed_posix_spawn  # type: ignore[assignment]  # which subprocess calls at times
        if (loaded := sys.modules.get("subprocess")) is not None:
            vars(loaded)["_fork_exec"] = observed_fork_exec  # which it has imported by name


def _inherited() -> dict[str, str]:
    return {name: os.environ[name] for name in INHERITED if name in os.environ}
