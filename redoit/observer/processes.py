"""Observes which programs are started, and lets each of them inherit what it takes to observe it in turn.

    program <process> <folder> <argument>...     0 if its number is not known
    replaced <process>                           one that became such a program itself

A step that gives a program an environment of its own, or none, means no harm to the observer.
"""

from __future__ import annotations  # what they name is not imported

import os
import posix as system  # not os, as in `record`
import sys

from redoit.observer.record import OBSERVE, Recorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from redoit.observer.record import AnyPath

STEP = b"REDOIT_STEP"  # the variable that names the step, to find what it leaves running


class Processes:
    """Observes the programs that one process starts."""

    def __init__(self, recorder: Recorder) -> None:
        self._add = recorder.add
        self._recorder = recorder
        self._environment: dict[bytes, bytes] = os.environ._data  # type: ignore[attr-defined]  # noqa: SLF001 - unobserved
        self._wrap(recorder.guard(self._on_program))

    def handlers(self) -> dict[str, Callable[..., None]]:
        """Return audit event -> what to do at it."""
        return {
            "os.system": lambda command: self._on_program(0, None, "sh", "-c", command),
            "os.exec": self._on_replaced,
        }

    def _on_replaced(self, path: AnyPath, arguments: list[AnyPath], _: object) -> None:
        self._add("replaced", os.getpid())
        self._on_program(os.getpid(), None, path, *arguments[1:])

    def _on_program(self, number: int, folder: AnyPath | None, *arguments: AnyPath) -> None:
        self._add("program", number, os.fsdecode(folder or os.getcwd()), *map(os.fsdecode, arguments))

    def _observed(self, variables: Iterable[bytes] | None) -> list[bytes] | None:
        """Return an environment with what it takes to observe a program; None for ours, if that has it."""
        needed = {name: text for name, text in self._environment.items() if name == STEP}
        needed[os.fsencode(OBSERVE)] = os.fsencode(self._recorder.path)
        if variables is None and needed.items() <= self._environment.items():
            return None
        given = [name + b"=" + text for name, text in self._environment.items()] if variables is None else [*variables]
        names = {each.partition(b"=")[0] for each in given}
        return [*given, *(name + b"=" + text for name, text in needed.items() if name not in names)]

    def _wrap(self, started: Callable[..., None]) -> None:
        """Add the variables to each environment that lacks them."""
        import _posixsubprocess

        fork_exec = _posixsubprocess.fork_exec

        def observed_fork_exec(*given: Any) -> int:
            arguments, programs, close, kept, folder, variables, *rest = given
            observed = self._observed(None if variables is None else map(bytes, variables))
            number: int = fork_exec(arguments, programs, close, kept, folder, observed, *rest)
            program = next((each for each in programs if system.access(each, os.X_OK)), arguments[0])
            started(number, folder, program, *arguments[1:])
            return number

        def observing(spawn: Callable[..., int]) -> Any:
            def observed_spawn(path: AnyPath, argv: Any, env: Any, /, **options: Any) -> int:
                is_ours = env is None or env is os.environ  # which C code would copy
                texts = None if is_ours else [os.fsencode(k) + b"=" + os.fsencode(v) for k, v in env.items()]
                observed = self._observed(texts)
                pairs = self._environment if observed is None else dict(each.split(b"=", 1) for each in observed)
                number = spawn(path, argv, pairs, **options)
                started(number, None, path, *argv[1:])
                return number

            return observed_spawn

        _posixsubprocess.fork_exec = observed_fork_exec
        os.posix_spawn, os.posix_spawnp = observing(os.posix_spawn), observing(os.posix_spawnp)
        if (loaded := sys.modules.get("subprocess")) is not None:
            vars(loaded)["_fork_exec"] = observed_fork_exec  # which it has imported by name
