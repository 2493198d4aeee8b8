"""The process that a step runs in, as whoever waits for it sees it, and the usual kind: a fresh interpreter."""

import contextlib
import os
import subprocess
import sys
from typing import NamedTuple, Protocol

from redoit.execution import orphans

ENVIRONMENT = {
    "PYTHONHASHSEED": "0",  # the order of a set must not differ between two executions
    "PYTHONUNBUFFERED": "1",  # lines appear when they are printed
}


class Files(NamedTuple):
    """Open files of ours that a step's process writes to."""

    answer: int
    stdout: int
    stderr: int


class Process(Protocol):
    """A process that leads a group of its own, and that ends when we do."""

    number: int

    def call(self, line: bytes) -> None:
        """Tell it what to do."""

    def wait(self) -> None:
        """Wait for its end, and let its number be its own until it is reaped: its group is to be killed by that."""

    def reap(self) -> int | None:
        """Return its exit status, minus a signal's number if that ended it; None if that can't be told."""


class FreshProcess:
    """An interpreter that has imported nothing yet."""

    def __init__(self, mark: str, files: Files) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "redoit.execution.worker", str(files.answer)],
            stdin=subprocess.PIPE,
            stdout=files.stdout,
            stderr=files.stderr,
            env={**os.environ, **ENVIRONMENT, orphans.TAG_VARIABLE: mark},
            pass_fds=(files.answer,),
            start_new_session=True,
        )
        self.number = self._process.pid

    def call(self, line: bytes) -> None:
        """Send the call. The pipe stays open: its end tells the process that we are gone."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def wait(self) -> None:
        """Wait for its end, without reaping it where that can be."""
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, self.number, os.WEXITED | os.WNOWAIT)
        else:
            self._process.wait()

    def reap(self) -> int:
        """Return its exit status."""
        assert self._process.stdin is not None
        code = self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        return code
