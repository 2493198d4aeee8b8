"""What runs is ended at once, and what must not be left half done is waited for."""

import os
import signal
import subprocess
import threading

import pytest
from projects import FOR_EVER, PATIENCE, alive, until

from redoit.execution.process_registry import ProcessRegistry


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
