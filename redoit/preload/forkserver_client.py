"""Starts the fork server, and gives processes that it forks to the executor.

A forked process is as a fresh one: it leads a session, carries its own tag, ends when we do, and is reaped only after
its group was killed. We end the server; if it ends by itself, the exit status of what it forked is lost.
"""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable

from redoit.execution import import_hook, orphans
from redoit.execution.process import ENVIRONMENT, WorkerFiles
from redoit.execution.process_registry import PROCESSES
from redoit.preload.forkserver import PADDED_TAG_BYTES, READY

FORKSERVER = "\n"  # in a tag, in place of a stage, whose name is one line
MAX_ANSWER_BYTES = 1 << 10
MAX_WAIT_SECONDS = 2_000_000.0  # poll takes milliseconds in 31 bits
SUPPORTED = sys.platform == "linux" and hasattr(os, "pidfd_open") and hasattr(socket, "send_fds")


class ForkServer:
    """A process that imports modules of the project in the background, and is then forked.

    `installed`: returns the installed packages. `control`: a socket that hangs up when the server has ended.
    Raises: OSError.
    """

    def __init__(self, modules: Iterable[str], installed: Callable[[], object]) -> None:
        orphans.kill_orphans(FORKSERVER)
        self._installed = installed
        self._surroundings = self._current_surroundings()
        self._lock = threading.Lock()
        self._ready = False
        padded_tag = orphans.new_tag(FORKSERVER).ljust(PADDED_TAG_BYTES, ".")
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "redoit.preload.forkserver", str(theirs.fileno()), *modules],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **ENVIRONMENT, orphans.TAG_VARIABLE: padded_tag},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._stack = contextlib.ExitStack()  # when we are to stop, threads must not wait for imports
        self._unregister = self._stack.enter_context(PROCESSES.registered(self._process.pid, None))

    def fork(self, tag: str, files: WorkerFiles, seconds: float | None) -> "ForkedProcess | None":
        """Return a new process, which waits for its call; None if it would not be as good as a fresh one.

        `seconds`: how long to wait for the imports.
        """
        channel, theirs = socket.socketpair()
        try:
            with theirs:
                self._request_fork(tag, [theirs.fileno(), *files], seconds)
            return ForkedProcess(self, int(channel.recv(MAX_ANSWER_BYTES)), channel)
        except (OSError, ValueError):  # the server refused, or ended
            channel.close()
            return None

    def reap(self, number: int) -> int | None:
        """Return the exit status of a forked process that has ended; None if the server is gone."""
        try:
            with self._lock:
                self.control.send(json.dumps({"reap": number}).encode())
                return int(self.control.recv(MAX_ANSWER_BYTES))
        except (OSError, ValueError):
            return None

    def end(self) -> None:
        """End the server; what was forked from it goes on."""
        self._unregister()
        self._stack.close()
        self._process.wait()
        self.control.close()

    def _request_fork(self, tag: str, files: list[int], seconds: float | None) -> None:
        """Ask for a process, as soon as all is imported. Raises: OSError, ValueError if none would be good."""
        limit = None if seconds is None else min(seconds, MAX_WAIT_SECONDS)
        if len(tag) > PADDED_TAG_BYTES or not self._lock.acquire(timeout=-1 if limit is None else limit):
            raise ValueError(tag)
        try:
            if not self._ready:
                self.control.settimeout(limit)
                self._ready = self.control.recv(MAX_ANSWER_BYTES) == READY
                self.control.settimeout(None)
            if not self._ready or self._surroundings != self._current_surroundings():
                raise ValueError(tag)
            socket.send_fds(self.control, [json.dumps({"fork": tag}).encode()], files)
        finally:
            self._lock.release()

    def _current_surroundings(self) -> tuple[object, ...]:
        """Return what a process inherits from us, and what it finds."""
        return os.getcwd(), import_hook.project_roots(), dict(os.environ), self._installed()


class ForkedProcess:
    """A process that was forked by a server. Raises: OSError if it is gone already."""

    def __init__(self, server: ForkServer, number: int, channel: socket.socket) -> None:
        self.number = number
        self._server = server
        self._handle = os.pidfd_open(number)
        self._channel = channel

    def send(self, line: bytes) -> None:
        """Send the step call. The channel stays open: its end tells the process that we are gone."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._channel.sendall(line)

    def wait(self) -> None:
        """Wait for its end, or for that of the server, which alone could tell its exit status."""
        poller = select.poll()
        poller.register(self._handle, select.POLLIN)
        poller.register(self._server.control, 0)  # reports a hang-up only
        poller.poll()

    def reap(self) -> int | None:
        """Return its exit status."""
        os.close(self._handle)
        status = self._server.reap(self.number)
        self._channel.close()
        return status
