"""The worker processes that run now: each is killed at its time limit, and all at once when we are to stop."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator


class ProcessRegistry:
    """Processes that lead a group of their own, by number."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: set[int] = set()
        self._stopped = False
        self._busy = 0
        self._idle = threading.Condition()

    @contextlib.contextmanager
    def work(self) -> Iterator[None]:
        """Do, in one of several threads, what `stop` must wait for."""
        with self._idle:
            self._busy += 1
        try:
            yield
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    def register(self, number: int, limit: float | None) -> Callable[[], bool]:
        """Register a process, to be killed after `limit` seconds; return a function that ends this.

        That function kills the whole group, and returns whether the limit was kept. Until it is called the process must
        not be reaped: its number could be another's.
        """
        late = threading.Event()
        seconds = min(limit or 0, threading.TIMEOUT_MAX)
        timer = threading.Timer(seconds, lambda: late.set() if self._kill(number) else None)
        with self._lock:
            self._numbers.add(number)
            stopped = self._stopped
        if stopped:
            self._kill(number)
        if limit is not None:
            timer.daemon = True
            timer.start()

        def unregister() -> bool:
            timer.cancel()
            self._kill(number)
            with self._lock:
                self._numbers.discard(number)
            return not late.is_set()

        return unregister

    def stop(self, patience: float) -> bool:
        """Kill all processes, also those to come; wait at most `patience` seconds for work, return whether it ended."""
        with self._lock:
            self._stopped = True
            numbers = list(self._numbers)
        for number in numbers:
            self._kill(number)
        with self._idle:
            return self._idle.wait_for(lambda: not self._busy, patience)

    def _kill(self, number: int) -> bool:
        """Kill a process group; return whether it was still registered."""
        with self._lock:
            if number not in self._numbers:
                return False
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(number, signal.SIGKILL)
            return True


PROCESSES = ProcessRegistry()
