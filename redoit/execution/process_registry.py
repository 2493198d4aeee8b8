"""The worker processes that run now: each is killed at its time limit, and all at once when we are to stop."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator

from redoit.execution import orphans


class ProcessRegistry:
    """Processes that lead a group of their own, by number."""

    def __init__(self) -> None:
        self._changed = threading.Condition()  # whose lock a thread may take twice
        self._numbers: set[int] = set()
        self._stopped = False
        self._busy = 0

    @contextlib.contextmanager
    def work(self) -> Iterator[None]:
        """Do, in one of several threads, what `stop` must wait for."""
        with self._changed:
            self._busy += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def register(self, number: int, limit: float | None) -> Callable[[], bool]:
        """Register a process, to be killed after `limit` seconds; return a function that ends this.

        That function returns whether the limit was kept. Until it is called the process must not be reaped: its number
        could be another's.
        """
        late = threading.Event()

        def expire() -> None:
            with self._changed:  # so that nobody learns of its end before its cause is known
                if self._kill(number):
                    late.set()

        timer = threading.Timer(min(limit or 0, threading.TIMEOUT_MAX), expire)
        with self._changed:
            self._numbers.add(number)
            if self._stopped:
                self._kill(number)
        if limit is not None:
            timer.daemon = True
            timer.start()

        def unregister() -> bool:
            timer.cancel()
            with self._changed:
                self._numbers.discard(number)
            return not late.is_set()

        return unregister

    @property
    def stopped(self) -> bool:
        """Tell whether all are to stop."""
        return self._stopped

    def stop(self, patience: float) -> bool:
        """Kill all processes, also those to come; wait at most `patience` seconds for work, return whether it ended."""
        with self._changed:
            self._stopped = True
            for number in self._numbers:
                self._kill(number)
            return self._changed.wait_for(lambda: not self._busy, patience)

    def _kill(self, number: int) -> bool:
        """Kill a process group; return whether it was still registered."""
        with self._changed:
            if number not in self._numbers:
                return False
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(number, signal.SIGKILL)  # whatever it calls itself
            orphans.kill_left("", number, wait=False)
            return True


PROCESSES = ProcessRegistry()
