"""What runs is ended at once, and what must not be left half done is waited for."""

import threading

from redoit.execution.process_registry import ProcessRegistry


def test_who_is_to_stop_waits_for_work_and_tells_whether_it_is_done() -> None:
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
    assert running.stop(10)
    thread.join()
