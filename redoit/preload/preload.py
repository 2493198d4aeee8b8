"""Which steps are forked from a process that has imported something for them already, and from when on there is one.

Begins as soon as a stage runs and a later one of the same run, that will probably run as well, imports all of the
modules: their import goes on beside the stages between. Whatever can't be done so runs in a fresh process.
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
from redoit.execution.process import Files, Process
from redoit.model import Stage
from redoit.preload.forkserver_client import SUPPORTED, ForkServer

LaterStages = Callable[[], Iterable[Stage]]


class Preloader:
    """Some modules of the project, or none, imported once for a run."""

    def __init__(
        self, modules: tuple[str, ...], executed_modules: Callable[[str], set[str]], installed: Callable[[], object]
    ) -> None:
        self.modules = modules
        self._executed_modules = executed_modules
        self._installed = installed
        self._server: ForkServer | None = None
        self._over = not (modules and SUPPORTED)
        self._lock = threading.Lock()
        self._expected: dict[str, bool] = {}

    def execute(
        self, call: StepCall, log: Path, stdout: TextIO | None, stderr: TextIO | None, *, later_stages: LaterStages
    ) -> StepResult:
        """Make a call, in whatever process is right; `later_stages` tells what runs after it.

        A step that imports the modules does so first in any case, so that it is the same in both kinds of process.
        Raises: as `execute`.
        """
        if self._is_for(call.step):
            call = replace(call, first=self.modules)
            return execute(call, log, stdout, stderr, fork=partial(self._fork, later_stages))
        return execute(call, log, stdout, stderr, meanwhile=partial(self._prepare, later_stages))

    def close(self) -> None:
        """Import nothing more."""
        with self._lock:
            if self._server:
                self._server.end()
            self._server, self._over = None, True

    def _prepare(self, later_stages: LaterStages) -> None:
        """Begin to import, if a stage later_stages is for it and nobody has begun."""
        with self._lock, contextlib.suppress(OSError):
            if (
                self._server is None
                and not self._over
                and any(self._will_be_for(stage.step) for stage in later_stages())
            ):
                self._server = ForkServer(self.modules, self._installed())

    def _fork(self, later_stages: LaterStages, mark: str, files: Files, seconds: float | None) -> Process | None:
        """Return a process for a step that imports the modules; None if it is to be a fresh one.

        `seconds`: how long it may take until the modules are imported.
        """
        self._prepare(later_stages)
        server = self._server
        if server is None or not server.ready(seconds) or not server.fits(self._installed()):
            return None
        return server.fork(mark, files)

    def _will_be_for(self, step: str) -> bool:
        """Tell the same of a step that is still to come, and may change: this is asked often, and answered once."""
        if step not in self._expected:
            self._expected[step] = False
            with contextlib.suppress(RedoitError):  # it will be told of it in its turn
                self._expected[step] = self._is_for(step)
        return self._expected[step]

    def _is_for(self, step: str) -> bool:
        """Tell whether a step, when it is imported, imports all of the modules."""
        return bool(self.modules) and {*self.modules} <= self._executed_modules(step)
