"""A fresh process: how it begins and ends, that its number stays its own until it is reaped, and who stops it."""

import json
import math
import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from examples import write
from projects import FOR_EVER, PATIENCE, alive, until

from redoit.execution import orphans
from redoit.execution.executor import StepCall
from redoit.execution.process import ENVIRONMENT, Process, ProcessRegistry, fresh_process

LOOK = """
import json
import math
import os
import sys


def run():
    names = ("PYTHONHASHSEED", "PYTHONUNBUFFERED", "REDOIT_STEP", "INHERITED")
    print(json.dumps({name: os.environ[name] for name in names}))
    print(json.dumps([os.getpid(), os.getpgid(0), os.getsid(0)]), file=sys.stderr)
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a project."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INHERITED", "yes")


def started(tag: str) -> Process:
    """Start a process, whose result, output and errors go to files."""
    with open("result", "wb") as result, open("out", "wb") as out, open("err", "wb") as err:
        return fresh_process(tag, (result.fileno(), out.fileno(), err.fileno()))


def test_a_process_leads_a_session_and_carries_its_tag() -> None:
    """A process inherits our environment, with its tag and fixed hashes, and has a session and a group of its own."""
    write(Path(), mine__look=LOOK)
    tag = orphans.new_tag("train")
    process = started(tag)
    process.channel.write(StepCall("mine.look", {}, ()).json())
    process.channel.flush()
    process.wait(None)
    assert process.reap() == 0
    process.channel.close()
    result, out, err = (json.loads(Path(name).read_bytes()) for name in ("result", "out", "err"))
    assert result["metrics"] == {}
    assert out == {**ENVIRONMENT, "REDOIT_STEP": tag, "INHERITED": "yes"}
    assert err == [process.number] * 3


def test_what_lies_on_pythonpath_does_not_replace_what_redoit_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PYTHONPATH leads to modules that have names of the standard library's or of packages, a process starts."""
    names = ("json", "ast", "select", "traceback", "blake3", "redoit")
    write(Path(), **dict.fromkeys(names, "raise AssertionError(__name__)\n"), mine__one="def run():\n    pass\n")
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    process = started("tag")
    process.channel.write(StepCall("mine.one", {}, ()).json())
    process.channel.flush()
    process.wait(None)
    assert (process.reap(), Path("err").read_text()) == (0, "")
    process.channel.close()


@pytest.mark.parametrize("call", [b"", b'{"step": "mine'], ids=["none", "half"])
def test_a_process_without_a_call_ends(call: bytes) -> None:
    """A process whose channel ends before a whole line exits with an error, and writes no result."""
    process = started("tag")
    process.channel.write(call)
    process.channel.close()
    process.wait(None)
    assert process.reap() == 1
    assert Path("err").read_text() == "no step call on standard input\n"
    assert Path("result").read_bytes() == b""


def test_a_process_is_not_reaped_before_it_is_asked_for() -> None:
    """After its end is awaited, the number of a process is still its own; then its exit status names the signal."""
    process = started("tag")
    os.killpg(process.number, signal.SIGKILL)
    process.wait(None)
    os.killpg(process.number, 0)  # fails if nobody has that number
    assert process.reap() == process.reap() == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.killpg(process.number, 0)
    process.channel.close()


def test_where_waiting_reaps_the_exit_status_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a process can't be awaited without reaping it, it is in time or not, and its exit status is known."""
    monkeypatch.delattr(os, "pidfd_open")
    process = started("tag")
    assert not process.wait(0.01)
    process.channel.close()
    assert process.wait(None)
    assert process.reap() == 1


def test_a_process_is_awaited_for_as_long_as_it_may_take() -> None:
    """Who is not done in time is told, however short that is; a limit beyond all clocks is none."""
    process = started("tag")
    assert not any(process.wait(seconds) for seconds in (-1, 0, 0.01))
    process.channel.close()
    assert process.wait(math.inf)
    assert process.wait(1e300)
    assert process.reap() == 1


def test_stopping_waits_for_work_and_says_if_it_is_done() -> None:
    """A commit in another thread is waited for as long as patience lasts."""
    running, begun, done = ProcessRegistry(), threading.Event(), threading.Event()

    def commit() -> None:
        with running.work():
            begun.set()
            done.wait()

    thread = threading.Thread(target=commit)
    thread.start()
    begun.wait()
    assert not running.stop(0.01)
    done.set()
    assert running.stop(PATIENCE)
    thread.join()


@pytest.mark.parametrize("later", [False, True])
def test_stopping_kills_groups(*, later: bool) -> None:
    """A process that is registered, before or after all are to stop, is killed with all of its group."""
    running, body = ProcessRegistry(), f"{FOR_EVER} & echo $!; wait"
    assert not later or running.stop(PATIENCE)
    with subprocess.Popen(["sh", "-c", body], stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout
        child = int(process.stdout.readline())
        try:
            with running.registered(process.pid):
                assert later or running.stop(PATIENCE)
                until(lambda: not alive(process.pid) and not alive(child))
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # else a test that fails waits for it
        assert process.wait() == -signal.SIGKILL
