"""What runs is ended at once, and what must not be left half done is waited for."""

import os
import signal
import subprocess
import threading

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


def test_who_takes_too_long_is_ended_with_all_it_started() -> None:
    """When the time of a process is over, those of its group end as well, and that it was late is told."""
    running, body = ProcessRegistry(), f"{FOR_EVER} & echo $!; wait"
    with subprocess.Popen(["sh", "-c", body], stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout
        child = int(process.stdout.readline())
        try:
            assert alive(child)
            unregister = running.register(process.pid, 0.01)
            until(lambda: not alive(process.pid) and not alive(child))
            assert not unregister()
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # else a test that fails waits for it
        assert process.wait() == -signal.SIGKILL
