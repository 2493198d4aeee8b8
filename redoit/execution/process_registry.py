"""What runs now: the processes of steps, each of which is ended in time, and all at once when we are to stop."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator

LONGEST = threading.TIMEOUT_MAX  # seconds that a timer can wait, some centuries


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
        """Do something, in one of several threads, that is not to be left half done."""
        with self._idle:
            self._busy += 1
        try:
            yield
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    @contextlib.contextmanager
    def registered(self, number: int, limit: float | None) -> Iterator[Callable[[], bool]]:
        """Note a process that is not reaped before its end is told by the function that is yielded.

        `limit`: in seconds. That function ends the whole group, and returns whether the limit was held.
        """
        late = threading.Event()
        timer = threading.Timer(min(limit or 0, LONGEST), lambda: late.set() if self._kill(number) else None)
        with self._lock:
            self._numbers.add(number)
            stopped = self._stopped
        if stopped:
            self._kill(number)
        if limit is not None:
            timer.daemon = True
            timer.start()

        def ended() -> bool:
            timer.cancel()
            self._kill(number)
            with self._lock:  # from here on its number can be another's
                self._numbers.discard(number)
            return not late.is_set()

        yield ended

    def stop(self, patience: float) -> bool:
        """End all processes that run or are still to come; wait, that many seconds at most, until no work is done.

        Return whether none is.
        """
        with self._lock:
            self._stopped = True
            numbers = list(self._numbers)
        for number in numbers:
            self._kill(number)
        with self._idle:
            return self._idle.wait_for(lambda: not self._busy, patience)

    def _kill(self, number: int) -> bool:
        """End a group; tell whether it was ours to end."""
        with self._lock:
            if number not in self._numbers:
                return False
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(number, signal.SIGKILL)
            return True


PROCESSES = ProcessRegistry()
