"""The fork server, asked over its socket: when it is ready, what it forks, and when it ends."""

import contextlib
import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from examples import write
from projects import PATIENCE, until

from redoit.execution import orphans
from redoit.execution.executor import StepCall
from redoit.execution.process import start_python
from redoit.preload.forkserver import MAX_PACKET_BYTES, READY


class Server(NamedTuple):
    """A fork server, and our end of its socket."""

    process: "subprocess.Popen[bytes]"
    control: socket.socket

    def answer(self) -> bytes:
        """Return its next packet; nothing if it has ended."""
        return self.control.recv(MAX_PACKET_BYTES)

    def forked(self, tag: str) -> tuple[bytes, socket.socket]:
        """Ask for a process, whose result, output and errors go to files; return its number and its channel."""
        ours, theirs = socket.socketpair()
        ours.settimeout(PATIENCE)
        with theirs, open("result", "wb") as result, open("out", "wb") as out, open("err", "wb") as err:
            socket.send_fds(self.control, [tag.encode()], [file.fileno() for file in (theirs, result, out, err)])
        return ours.recv(MAX_PACKET_BYTES), ours


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a project with a module to preload, and a step that tells what it finds."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, mine__slow="print('imported')\nimports = 1\n")
    write(tmp_path, mine__one="from mine import slow\n\ndef run():\n    print('run')\n    return {'n': slow.imports}\n")


@contextlib.contextmanager
def started(*modules: str) -> Iterator[Server]:
    """Yield a fork server that imports modules; it ends with the test."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(PATIENCE)
    with ours, theirs:
        tag = "t".ljust(orphans.PADDED_TAG_BYTES, ".")
        process = start_python("redoit.preload.forkserver", tag, theirs.fileno(), *modules)
        theirs.close()
        yield Server(process, ours)
    try:
        process.wait(PATIENCE)
    finally:
        process.kill()


def test_a_forked_process_serves_a_call() -> None:
    """A forked process carries the tag that was asked for, has what the import printed, and serves one call."""
    tag = orphans.new_tag("train")
    with started("mine.slow") as server:
        assert server.answer() == READY
        number, channel = server.forked(tag)
        with channel:
            environment = orphans.read_proc(int(number), "environ").rstrip(b"\0").split(b"\0")
            assert [each for each in environment if each.startswith(b"REDOIT_STEP=")] == [f"REDOIT_STEP={tag}".encode()]
            assert os.getsid(int(number)) == int(number)
            channel.send(StepCall("mine.one", {}, (), preload=("mine.slow",)).json())
            server.control.send(number)
            assert server.answer() == b"0"
    assert json.loads(Path("result").read_bytes())["metrics"] == {"n": 1.0}
    assert Path("out").read_text() == "imported\nrun\n"


def test_an_exit_status_tells_the_signal() -> None:
    """The server, which alone can, answers how a forked process ended: with an exit status, or killed by a signal."""
    with started("mine.slow") as server:
        assert server.answer() == READY
        for sent, status in ((None, b"1"), (signal.SIGKILL, b"-9")):
            number, channel = server.forked("tag")
            if sent:
                os.kill(int(number), sent)
            channel.close()
            server.control.send(number)
            assert server.answer() == status


def test_nothing_is_forked_once_a_fresh_process_would_import_something_else() -> None:
    """After an edit of an imported module a request closes its channel unanswered; after it is undone, none does."""
    source = Path("mine/slow.py").read_text()
    with started("mine.slow") as server:
        assert server.answer() == READY
        Path("mine/slow.py").write_text("imports = 2\n")
        number, channel = server.forked("tag")
        channel.close()
        assert number == b""
        Path("mine/slow.py").write_text(source)
        number, channel = server.forked("tag")
        channel.close()
        assert int(number) > 0


NOT_READY = {
    "it is missing": "import mine.absent\n",
    "it exits": "raise SystemExit(0)\n",
    "it starts a thread": "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n",
}


@pytest.mark.parametrize("source", NOT_READY.values(), ids=NOT_READY)
def test_imports_that_can_not_be_checked_later_end_the_server(source: str) -> None:
    """A server whose imports fail, or left a thread, ends without being ready."""
    write(Path(), mine__slow=source)
    with started("mine.slow") as server:
        assert server.answer() == b""


def test_the_server_ends_with_its_peer_even_while_it_imports() -> None:
    """Who closes the socket ends the server: by a signal while a module is imported."""
    write(Path(), mine__slow="import time\nopen('begun', 'w').close()\ntime.sleep(1000)\n")
    with started("mine.slow") as server:
        until(Path("begun").exists)
    assert server.process.returncode == -signal.SIGIO


def test_an_idle_server_ends_with_its_peer() -> None:
    """A server that waits for requests ends well when its peer closes the socket."""
    with started("mine.slow") as server:
        assert server.answer() == READY
    assert server.process.returncode == 0
