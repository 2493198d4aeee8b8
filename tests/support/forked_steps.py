"""Steps as they are executed: each in a fresh process, or forked from a server that has imported something."""

from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from redoit.execution.executor import StepCall, StepResult, execute
from redoit.execution.process import Process, WorkerFiles
from redoit.preload.preload import ForkServer

COMMON = "import json\n"
Execute = Callable[[StepCall, Path, TextIO | None, TextIO | None], StepResult]


class Forking:
    """Executes steps in forks of a server, which has imported the module `common` of the project."""

    def __init__(self) -> None:
        self._server: ForkServer | None = None

    def execute(self, call: StepCall, log: Path, stdout: TextIO | None, stderr: TextIO | None) -> StepResult:
        """Execute a step in a fork."""
        return execute(call, log, stdout, stderr, fork=self._fork)

    def end(self) -> None:
        """End the server."""
        if self._server:
            self._server.end()
        self._server = None

    def _fork(self, tag: str, files: WorkerFiles, seconds: float | None) -> Process:
        forked = self._server and self._server.fork(tag, files, seconds)
        if not forked:  # there is no server yet, or what it imported has changed
            self.end()
            self._server = ForkServer(["common"], dict, Path("observed"))
            forked = self._server.fork(tag, files, seconds)
        assert forked
        return forked
