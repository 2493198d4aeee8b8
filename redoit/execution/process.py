"""Worker processes: started as fresh interpreters, waited for until their end or time limit, all killed at once."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from socket import socket
from typing import IO

from redoit.execution import orphans
from redoit.observer.record import OBSERVE

WorkerFiles = tuple[int, int, int]  # open files of ours that it writes to: its result, standard output and error
ENVIRONMENT = {
    "PYTHONHASHSEED": "0",  # the order of a set must not differ between two executions
    "PYTHONUNBUFFERED": "1",  # lines appear when they are printed
}
MAX_WAIT_SECONDS = 2_000_000.0  # poll takes milliseconds in 31 bits; who waits longer has no limit
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


def start_python(
    module: str,
    tag: str,
    handle: int,
    *arguments: str,
    record: str = "",
    streams: tuple[int, int, int] = (subprocess.DEVNULL,) * 3,
    prefix: Sequence[str] = (),
) -> "subprocess.Popen[bytes]":
    """Start a Python process that calls the function `main` of a module of redoit, and leads a session.

    `handle`: an open file, whose number is its first argument. `record`: the file that takes what is observed.
    `streams`: its standard input, output and error. `prefix`: a command that runs it. Modules of the project do not
    replace redoit's or the standard library's.
    """
    start = [sys.executable, "-P", "-c", START.format(module), str(Path(__file__).parents[2]), str(handle), *arguments]
    return subprocess.Popen(
        [*prefix, *start],
        env={**os.environ, **ENVIRONMENT, orphans.TAG_VARIABLE: tag, OBSERVE: record},
        pass_fds=(handle,),
        start_new_session=True,
        stdin=streams[0],
        stdout=streams[1],
        stderr=streams[2],
    )


class Process:
    """A worker, which leads a process group and ends when we do.

    `channel`: takes the step call, and stays open: its end tells the worker that we are gone. `end`: waits at most for
    some seconds, and returns the exit status. `server`: what the worker was forked from, which hangs up when it ends.
    """

    def __init__(
        self, number: int, channel: IO[bytes], end: Callable[[float | None], int | None], server: socket | None = None
    ) -> None:
        self.number, self.channel = number, channel
        self._end, self._server = end, server
        self._handle: int | None = None
        with contextlib.suppress(OSError, AttributeError):  # on other systems than Linux, and on early ones
            self._handle = os.pidfd_open(number)

    def wait(self, seconds: float | None) -> bool:
        """Wait for its end, or for that of its server, which alone could tell its exit status; return if in time.

        Does not reap it, where that can be: its group is killed by its number, which could then be another's.
        """
        seconds = None if seconds is None or seconds > MAX_WAIT_SECONDS else max(seconds, 0)
        if self._handle is None:
            try:
                self._end(seconds)
            except subprocess.TimeoutExpired:
                return False
            return True
        poller = select.poll()
        poller.register(self._handle, select.POLLIN)
        if self._server is not None:
            poller.register(self._server, 0)  # reports a hang-up only
        return bool(poller.poll(None if seconds is None else seconds * 1000))

    def reap(self) -> int | None:
        """Return its exit status, minus the number of the signal that killed it; None if it is lost."""
        with contextlib.suppress(OSError):
            self.channel.close()
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        return self._end(None)


def fresh_process(tag: str, files: WorkerFiles, record: str = "", prefix: Sequence[str] = ()) -> Process:
    """Start an interpreter that has imported nothing yet. `prefix`: a command that runs it."""
    result, stdout, stderr = files
    streams = subprocess.PIPE, stdout, stderr
    process = start_python("redoit.execution.worker", tag, result, record=record, streams=streams, prefix=prefix)
    assert process.stdin is not None
    return Process(process.pid, process.stdin, process.wait)


class ProcessRegistry:
    """The processes that run now, each of which leads a group, by number. `stopped`: all are to stop."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers: set[int] = set()
        self._busy = 0
        self.stopped = False

    @contextlib.contextmanager
    def work(self) -> Iterator[None]:
        """Do, in one of several threads, what `stop` must wait for."""
        with self._changed:
            self._busy += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    @contextlib.contextmanager
    def registered(self, number: int) -> Iterator[None]:
        """Register a process, which must not be reaped meanwhile: its number could be another's."""
        with self._changed:
            self._numbers.add(number)
            if self.stopped:
                kill_group(number)
        try:
            yield
        finally:
            with self._changed:
                self._numbers.discard(number)

    def stop(self, patience: float) -> bool:
        """Kill all processes, also those to come; wait at most `patience` seconds for work, return whether it ended."""
        with self._changed:
            self.stopped = True
            for number in self._numbers:
                kill_group(number)
            return self._changed.wait_for(lambda: not self._busy, patience)


def kill_group(number: int) -> None:
    """Kill a process, whatever it calls itself, and its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(number, signal.SIGKILL)
    orphans.kill_left("", number, wait=False)


PROCESSES = ProcessRegistry()
