"""Which steps are forked, and what a forked process is to the one that asked for it."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from examples import write
from projects import PATIENCE, alive, until

from redoit.errors import SourceError
from redoit.execution.executor import StepCall
from redoit.execution.orphans import PADDED_TAG_BYTES
from redoit.execution.process import Process
from redoit.model import Stage
from redoit.preload.preload import ForkServer, Preloader

PRELOADED = {"mine.plain": (), "mine.one": ("mine.slow",)}
PARENT = "import os, sys\n\ndef run():\n    return {'parent': os.getppid(), 'slow': 'mine.slow' in sys.modules}\n"
LATER = [Stage("one", "mine.one", {}, {})]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a project with a slow module, a step that imports it, and one that does not."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, mine__slow="", mine__plain=PARENT, mine__one=f"import mine.slow\n{PARENT}")


def run(preloader: Preloader, step: str, later: Callable[[], list[Stage]]) -> tuple[bool, bool]:
    """Run a step; return whether its process was forked by another than us, and whether it has the slow module."""
    call = StepCall(step, {}, (), PATIENCE, preload=PRELOADED[step])
    found = preloader.execute(call, Path("log"), None, None, later).metrics
    return found["parent"] != os.getpid(), bool(found["slow"])


def unasked() -> Any:
    """Fail: nobody need know."""
    raise AssertionError


def test_the_server_starts_for_a_later_step_and_ends_when_it_is_closed() -> None:
    """A step that does not import the module runs afresh, one that does is forked, and afresh again after `close`."""
    preloader = Preloader(("mine.slow",), lambda stage: PRELOADED[stage.step], dict, Path("observed"))
    assert run(preloader, "mine.plain", lambda: LATER) == (False, False)
    assert run(preloader, "mine.one", unasked) == (True, True)
    preloader.close()
    preloader.close()
    assert run(preloader, "mine.one", unasked) == (False, True)


def test_a_step_that_needs_the_module_alone_is_not_forked() -> None:
    """Where no later step imports the module, a step imports it itself, and first."""
    write(Path(), mine__slow="import sys\nassert 'mine.one' not in sys.modules\n")
    preloader = Preloader(("mine.slow",), lambda stage: PRELOADED[stage.step], dict, Path("observed"))
    assert run(preloader, "mine.one", lambda: [Stage("plain", "mine.plain", {}, {})]) == (False, True)


def test_without_modules_nobody_is_asked() -> None:
    """Where there is nothing to preload, neither the later stages nor what steps need is looked at."""
    assert run(Preloader((), unasked, unasked, Path("observed")), "mine.plain", unasked) == (False, False)


def test_a_later_step_that_can_not_be_read_needs_nothing() -> None:
    """An error in the source of a later step is left to its own stage, and looked for once."""
    asked = []

    def preloaded(stage: Stage) -> tuple[str, ...]:
        asked.append(stage.step)
        raise SourceError(stage.step, "it can't be parsed")

    preloader = Preloader(("mine.slow",), preloaded, unasked, Path("observed"))
    for _ in range(2):
        assert run(preloader, "mine.plain", lambda: [Stage("bad", "mine.bad", {}, {})]) == (False, False)
    assert asked == ["mine.bad"]


@contextlib.contextmanager
def started(module: str, installed: Callable[[], object] = dict) -> Iterator[ForkServer]:
    """Yield a fork server that imports a module: not as a fixture, for pytest changes the environment until a test."""
    server = ForkServer([module], installed, Path("observed"))
    try:
        yield server
    finally:
        server.end()


def forked(server: ForkServer, tag: str = "tag") -> Process | None:
    """Ask for a process; its output is not looked at."""
    with open(os.devnull, "wb") as nowhere:
        return server.fork(tag, (nowhere.fileno(),) * 3, PATIENCE)


def test_nothing_is_forked_that_a_fresh_process_would_not_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """None is forked for a tag without room, nor where environment, folders or packages are no longer as they were."""
    installed = {"numpy": "2.0"}
    with started("mine.slow", installed.copy) as server:
        assert forked(server, "t" * (PADDED_TAG_BYTES + 1)) is None
        with monkeypatch.context() as patch:
            patch.setenv("ADDED", "1")
            assert forked(server) is None
        os.mkdir("src")  # from now on another root of the project
        assert forked(server) is None
        os.rmdir("src")
        installed["numpy"] = "2.1"
        assert forked(server) is None
        installed["numpy"] = "2.0"
        process = forked(server, "t" * PADDED_TAG_BYTES)
        assert process is not None
        process.channel.close()
        process.wait(None)
        assert process.reap() == 1  # it had no call


def test_without_its_server_a_process_has_no_exit_status() -> None:
    """Nobody waits any longer for what a killed server has forked, and its exit status is lost."""
    with started("mine.slow") as server:
        process = forked(server)
        assert process is not None
        os.kill(server._process.pid, signal.SIGKILL)
        process.wait(None)
        assert process.reap() is None
        process.channel.close()


def test_a_forked_process_goes_on_when_its_server_is_ended() -> None:
    """The end of the server is not that of what it forked, which ends with its channel."""
    with started("mine.slow") as server:
        process = forked(server)
        assert process is not None
    assert alive(process.number)
    assert process.reap() is None
    process.channel.close()
    until(lambda: not alive(process.number))


@pytest.mark.parametrize("module", ["mine.absent", "mine.plain"])
def test_a_server_that_has_ended_forks_nothing(module: str) -> None:
    """A server whose import failed, or that was ended, gives no process."""
    with started(module) as server:
        if module == "mine.absent":
            assert forked(server) is None
    assert forked(server) is None
