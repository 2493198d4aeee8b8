"""Steps as they are executed: each in a fresh process, or forked from a server that has imported something."""

from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from redoit.execute import Call, Result, execute
from redoit.forks import Forked, Server
from redoit.processes import Files

COMMON = "import json\n"
Execute = Callable[[Call, Path, TextIO | None, TextIO | None], Result]


class Forking:
    """Executes steps in forks of a server, which has imported the module `common` of the project."""

    def __init__(self) -> None:
        self._server: Server | None = None

    def execute(self, call: Call, log: Path, stdout: TextIO | None, stderr: TextIO | None) -> Result:
        """Execute a step in a fork."""
        return execute(call, log, stdout, stderr, fork=self._fork)

    def end(self) -> None:
        """End the server."""
        if self._server:
            self._server.end()
        self._server = None

    def _fork(self, mark: str, files: Files, seconds: float | None) -> Forked:
        if self._server and not self._server.fits({}):
            self.end()
        self._server = self._server or Server(["common"], {})
        assert self._server.ready(seconds)
        assert self._server.fits({})
        forked = self._server.fork(mark, files)
        assert forked
        return forked
