"""The worker process of a step, as the executor sees it, and the usual kind: a fresh interpreter."""

import os
import subprocess
import sys
from pathlib import Path
from typing import IO, NamedTuple, Protocol

from redoit.execution import orphans

ENVIRONMENT = {
    "PYTHONHASHSEED": "0",  # the order of a set must not differ between two executions
    "PYTHONUNBUFFERED": "1",  # lines appear when they are printed
}
# What redoit needs is imported before anything else that lies on PYTHONPATH.
START = """
import os, sys
path, standard = sys.path[:], os.path.dirname(os.__file__)
installed = [each for each in path if each.endswith("-packages")]
sys.path[:] = [each for each in path if each.startswith(standard) and each not in installed]
sys.path += [sys.argv.pop(1), *installed, *path]
from {} import main
sys.path[:] = path
main()
"""


def python(module: str, *arguments: str) -> list[str]:
    """Return the command line of a Python process that calls the function `main` of a module of redoit.

    Modules of the project do not replace redoit's or the standard library's.
    """
    return [sys.executable, "-P", "-c", START.format(module), str(Path(__file__).parents[2]), *arguments]


class WorkerFiles(NamedTuple):
    """The open files of ours that a worker writes to."""

    result: int
    stdout: int
    stderr: int


class Process(Protocol):
    """A worker, which leads a process group and ends when we do."""

    number: int
    channel: IO[bytes]  # takes the step call, and stays open: its end tells the worker that we are gone

    def wait(self) -> None:
        """Wait for its end without reaping it: its group is killed by its number, which could then be another's."""

    def reap(self) -> int | None:
        """Return its exit status, minus the number of the signal that killed it; None if it is lost."""


class FreshProcess:
    """An interpreter that has imported nothing yet."""

    def __init__(self, tag: str, files: WorkerFiles) -> None:
        self._process = subprocess.Popen(
            python("redoit.execution.worker", str(files.result)),
            stdin=subprocess.PIPE,
            stdout=files.stdout,
            stderr=files.stderr,
            env={**os.environ, **ENVIRONMENT, orphans.TAG_VARIABLE: tag},
            pass_fds=(files.result,),
            start_new_session=True,
        )
        assert self._process.stdin is not None
        self.number, self.channel = self._process.pid, self._process.stdin

    def wait(self) -> None:
        """Wait for its end, without reaping it where that can be."""
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, self.number, os.WEXITED | os.WNOWAIT)
        else:
            self._process.wait()

    def reap(self) -> int:
        """Return its exit status."""
        return self._process.wait()
