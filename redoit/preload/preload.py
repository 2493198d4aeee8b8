"""Starts the fork server, and decides which steps are forked from it.

The fork server is started as soon as a stage runs and a later stage of this run, which will probably run too, may
import all of the modules. A forked process is as a fresh one: it leads a session, carries its own tag, ends when we do,
and is reaped only after its group was killed. If the server ends by itself, the exit status of what it forked is lost.
"""

import contextlib
import functools
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TextIO

from redoit.errors import RedoitError
from redoit.execution import orphans, records
from redoit.execution.executor import LaterStages, StepCall, StepResult, execute
from redoit.execution.process import MAX_WAIT_SECONDS, PROCESSES, Process, WorkerFiles, start_python
from redoit.model import Policy, Stage
from redoit.source import import_hook

FORKSERVER = "\n"  # in a tag, in place of a stage, whose name is one line
MAX_ANSWER_BYTES = 1 << 10
SUPPORTED = sys.platform == "linux" and hasattr(os, "pidfd_open") and hasattr(socket, "send_fds")


class Preloader:
    """Imports some modules of the project, or none, once for a run.

    `preloaded`: returns those that are imported before a step; an error is left to the step's own stage. `record`: the
    file that takes what their imports touch, which counts for each step that is forked.
    """

    def __init__(
        self,
        modules: tuple[str, ...],
        preloaded: Callable[[Stage], object],
        installed: Callable[[], object],
        record: Path,
    ) -> None:
        self._new_server = functools.partial(ForkServer, modules, installed, record)
        self._preloaded = preloaded
        self._server: ForkServer | None = None
        self._closed = not (modules and SUPPORTED)
        self._lock = threading.Lock()
        self._needs: dict[tuple[str, Policy], bool] = {}  # of a later stage: asked often

    def execute(
        self, call: StepCall, log: Path, stdout: TextIO | None, stderr: TextIO | None, later_stages: LaterStages
    ) -> StepResult:
        """Run a step in a forked or a fresh process; `later_stages` returns what runs after it. Raises: as `execute`.

        Modules to preload are imported before the step in any case, so that it is the same in both kinds of process.
        """
        with self._lock, contextlib.suppress(OSError):
            if self._server is None and not self._closed and any(map(self._needs_server, later_stages())):
                self._server = self._new_server()
        server = self._server if call.preload else None
        return execute(call, log, stdout, stderr, fork=server.fork if server else None)

    def close(self) -> None:
        """End the fork server, and start none any more."""
        with self._lock:
            if self._server:
                self._server.end()
            self._server, self._closed = None, True

    def _needs_server(self, stage: Stage) -> bool:
        key = stage.step, stage.policy
        if key not in self._needs:
            self._needs[key] = False
            with contextlib.suppress(RedoitError):
                self._needs[key] = bool(self._preloaded(stage))
        return self._needs[key]


class ForkServer:
    """A process that imports modules of the project in the background, and is then forked.

    `installed`: returns the installed packages. Raises: OSError.
    """

    def __init__(self, modules: Iterable[str], installed: Callable[[], object], record: Path) -> None:
        os.close(os.pidfd_open(os.getpid()))  # else nobody could wait for what it forks
        orphans.kill_orphans(FORKSERVER)
        self._installed = installed
        self._surroundings = self._current_surroundings()
        self._lock, self._ready = threading.Lock(), False
        self._tag = orphans.new_tag(FORKSERVER).ljust(orphans.PADDED_TAG_BYTES, ".")
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            handle, path = theirs.fileno(), os.path.abspath(record)
            records.begin(record, (os.getcwd(),))
            self._process = start_python("redoit.preload.forkserver", self._tag, handle, *modules, record=path)
        self._registered = contextlib.ExitStack()  # when we are to stop, no thread must go on to wait for its imports
        self._registered.enter_context(PROCESSES.registered(self._process.pid))

    def fork(self, tag: str, files: WorkerFiles, seconds: float | None) -> Process | None:
        """Return a new process, which waits for its call; None if it would not be as good as a fresh one.

        `seconds`: how long to wait for the imports.
        """
        channel, theirs = socket.socketpair()
        seconds = min(seconds or MAX_WAIT_SECONDS, MAX_WAIT_SECONDS)
        with channel, contextlib.suppress(OSError, ValueError):  # it refused, or ended
            with theirs:
                self._request_fork(tag, [theirs.fileno(), *files], seconds)
            number = int(channel.recv(MAX_ANSWER_BYTES))
            return Process(number, channel.makefile("wb"), lambda _: self._exit_status(number), self._control)
        return None

    def end(self) -> None:
        """End the server; what was forked from it goes on."""
        self._registered.close()
        orphans.kill_left(self._tag, self._process.pid, wait=False)
        self._process.wait()
        self._control.close()

    def _exit_status(self, number: int) -> int | None:
        """Return the exit status of a forked process that has ended; None if the server is gone."""
        with contextlib.suppress(OSError, ValueError), self._lock:
            self._control.send(str(number).encode())
            return int(self._control.recv(MAX_ANSWER_BYTES))
        return None

    def _request_fork(self, tag: str, files: list[int], wait_seconds: float) -> None:
        """Ask for a process, once all is imported. Raises: OSError, ValueError if none would be good."""
        if len(tag) > orphans.PADDED_TAG_BYTES or not self._lock.acquire(timeout=wait_seconds):
            raise ValueError(tag)
        try:
            if not self._ready:
                self._control.settimeout(wait_seconds)
                self._ready = bool(self._control.recv(MAX_ANSWER_BYTES))
                self._control.settimeout(None)
            if not self._ready or self._surroundings != self._current_surroundings():
                raise ValueError(tag)
            socket.send_fds(self._control, [tag.encode()], files)
        finally:
            self._lock.release()

    def _current_surroundings(self) -> tuple[object, ...]:
        """Return what a process inherits from us, and what it finds."""
        return os.getcwd(), import_hook.project_roots(), dict(os.environ), self._installed()
