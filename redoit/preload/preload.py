"""Decides which steps are forked from a process that has imported some modules for them already, and starts it.

It is started as soon as a stage runs and a later stage of this run, which will probably run too, imports all of the
modules: they are imported while the stages between run. What can't be forked runs in a fresh process.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TextIO

from redoit.errors import RedoitError
from redoit.execution.executor import StepCall, StepResult, execute
from redoit.execution.process import Process, WorkerFiles
from redoit.model import Stage
from redoit.preload.forkserver_client import SUPPORTED, ForkServer

LaterStages = Callable[[], Iterable[Stage]]


class Preloader:
    """Imports some modules of the project, or none, once for a run."""

    def __init__(
        self, modules: tuple[str, ...], executed_modules: Callable[[str], set[str]], installed: Callable[[], object]
    ) -> None:
        self._modules = modules
        self._executed_modules = executed_modules
        self._installed = installed
        self._server: ForkServer | None = None
        self._closed = not (modules and SUPPORTED)
        self._lock = threading.Lock()
        self._later: dict[str, bool] = {}

    def execute(
        self, call: StepCall, log: Path, stdout: TextIO | None, stderr: TextIO | None, *, later_stages: LaterStages
    ) -> StepResult:
        """Run a step in a forked or a fresh process; `later_stages` returns what runs after it.

        A step that imports the modules imports them first in any case, so that it is the same in both kinds of process.
        Raises: as `execute`.
        """
        if self._imports_modules(call.step):
            call = replace(call, preload=self._modules)
            return execute(call, log, stdout, stderr, fork=partial(self._fork, later_stages))
        return execute(call, log, stdout, stderr, while_running=partial(self._start, later_stages))

    def close(self) -> None:
        """End the fork server, and start none any more."""
        with self._lock:
            if self._server:
                self._server.end()
            self._server, self._closed = None, True

    def _start(self, later_stages: LaterStages) -> None:
        """Start the fork server, if there is none yet and a later stage needs it."""
        with self._lock, contextlib.suppress(OSError):
            needed = self._server is None and not self._closed
            if needed and any(self._will_import_modules(stage.step) for stage in later_stages()):
                self._server = ForkServer(self._modules, self._installed)

    def _fork(self, later_stages: LaterStages, tag: str, files: WorkerFiles, seconds: float | None) -> Process | None:
        """Return a forked process; None if a fresh one is needed. `seconds`: how long to wait for the imports."""
        self._start(later_stages)
        server = self._server
        return server.fork(tag, files, seconds) if server else None

    def _will_import_modules(self, step: str) -> bool:
        """Return the answer of `_imports_modules` for a later step, cached: this is asked often."""
        if step not in self._later:
            self._later[step] = False
            with contextlib.suppress(RedoitError):  # its own stage reports it
                self._later[step] = self._imports_modules(step)
        return self._later[step]

    def _imports_modules(self, step: str) -> bool:
        """Tell whether the import of a step imports all of the modules."""
        return bool(self._modules) and {*self._modules} <= self._executed_modules(step)
