"""Processes that are forked from one that has imported already what is slow to import: our side of `server`.

A step that is forked is as one in a fresh process: it leads a session, carries its own mark, ends when we do, and is
reaped only after its group was killed. The server is ours to end; when it ends by itself, so do those forked from it.
"""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable
from typing import Any

from redoit.execution import import_hook, orphans
from redoit.execution.process import ENVIRONMENT, Files
from redoit.execution.process_registry import PROCESSES

SHORT = 1 << 10  # bytes of an answer
SUPPORTED = sys.platform == "linux" and hasattr(os, "pidfd_open") and hasattr(socket, "send_fds")


class ForkServer:
    """A process that imports modules of the project, beside whatever else is done, and then is forked.

    `installed`: what is known of installed packages. Raises: OSError.
    """

    def __init__(self, modules: Iterable[str], installed: object) -> None:
        orphans.kill_orphans(orphans.FORKSERVER)
        self._surroundings = _surroundings(installed)
        self._found = os.fdopen(os.memfd_create("found"), "w+b")
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        life, self._life = os.pipe()
        handles = theirs.fileno(), life, self._found.fileno()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "redoit.preload.forkserver", *map(str, handles), *modules],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **ENVIRONMENT, orphans.TAG_VARIABLE: orphans.padded_tag()},
                pass_fds=handles,
                start_new_session=True,
            )
        finally:
            theirs.close()
            os.close(life)
        self._stack = contextlib.ExitStack()
        self._ended = self._stack.enter_context(PROCESSES.registered(self._process.pid, None))
        self._asking, self._waiting = threading.Lock(), threading.Lock()
        self._facts: dict[str, Any] | None = None

    @property
    def control(self) -> int:
        """An open file that hangs up when the server has ended."""
        return self._control.fileno()

    def ready(self, seconds: float | None) -> bool:
        """Wait until all is imported, so many seconds at most; tell whether steps can be forked."""
        if not self._waiting.acquire(timeout=-1 if seconds is None else min(seconds, threading.TIMEOUT_MAX)):
            return False
        try:
            if self._facts is None and _readable(self._control.fileno(), seconds):
                self._facts = self._read()
            return bool(self._facts and self._facts["usable"])
        finally:
            self._waiting.release()

    def fits(self, installed: object) -> bool:
        """Tell whether a fresh process would import now just what was imported, in the same surroundings."""
        facts = self._facts or {"digests": {"": ""}, "found": {}}
        same = self._surroundings == _surroundings(installed)
        return same and import_hook.unchanged(facts["digests"], facts["found"])

    def fork(self, mark: str, files: Files) -> "ForkedProcess | None":
        """Return a new process, which waits for its call; None if the server could not make one."""
        if len(mark) > orphans.PADDED_TAG_BYTES:
            return None
        given, call = os.pipe()
        told, telling = os.pipe()
        try:
            with self._asking:
                handles = [given, files.answer, telling, files.stdout, files.stderr]
                socket.send_fds(self._control, [json.dumps({"fork": mark}).encode()], handles)
            os.close(telling)
            telling = -1
            return ForkedProcess(self, int(os.read(told, SHORT)), call)
        except (OSError, ValueError):  # it ended instead
            os.close(call)
            return None
        finally:
            for handle in (given, told, telling):
                if handle >= 0:
                    os.close(handle)

    def reap(self, number: int) -> int | None:
        """Return the exit status of a forked process that has ended; None if the server is gone."""
        try:
            with self._asking:
                self._control.send(json.dumps({"reap": number}).encode())
                return int(self._control.recv(SHORT))
        except (OSError, ValueError):
            return None

    def end(self) -> None:
        """End the server; what was forked from it goes on."""
        self._ended()
        self._stack.close()
        self._process.wait()
        self._control.close()
        self._found.close()
        os.close(self._life)

    def _read(self) -> dict[str, Any]:
        """Return what the server says of its imports; nothing if one failed."""
        try:
            if not self._control.recv(SHORT):
                return {}
            self._found.seek(0)
            return dict(json.load(self._found))
        except (OSError, ValueError):
            return {}


class ForkedProcess:
    """A process that was forked from a server. Raises: OSError if it is gone already."""

    def __init__(self, server: ForkServer, number: int, call: int) -> None:
        self.number = number
        self._server = server
        self._handle = os.pidfd_open(number)
        self._call = call

    def call(self, line: bytes) -> None:
        """Send the call. The pipe stays open: its end tells the process that we are gone."""
        with contextlib.suppress(BrokenPipeError):
            while line:
                line = line[os.write(self._call, line) :]

    def wait(self) -> None:
        """Wait for its end, or for that of the server, after which nobody could tell how it ended."""
        poller = select.poll()
        poller.register(self._handle, select.POLLIN)
        poller.register(self._server.control, 0)  # which tells of a hang-up only
        poller.poll()

    def reap(self) -> int | None:
        """Return its exit status."""
        os.close(self._handle)
        code = self._server.reap(self.number)
        os.close(self._call)
        return code


def _surroundings(installed: object) -> tuple[object, ...]:
    """Return what a process takes over from us, and what it finds."""
    return os.getcwd(), import_hook.roots(), dict(os.environ), installed


def _readable(handle: int, seconds: float | None) -> bool:
    poller = select.poll()
    poller.register(handle, select.POLLIN)
    return bool(poller.poll(None if seconds is None else min(seconds * 1000, 2**31 - 1)))
