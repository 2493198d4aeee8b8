"""The worker processes that run now: all are killed at once when we are to stop."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator

from redoit.execution import orphans


class ProcessRegistry:
    """Processes that lead a group of their own, by number. `stopped`: all are to stop."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers: set[int] = set()
        self._busy = 0
        self.stopped = False

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

    @contextlib.contextmanager
    def registered(self, number: int) -> Iterator[None]:
        """Register a process, which must not be reaped meanwhile: its number could be another's."""
        with self._changed:
            self._numbers.add(number)
            if self.stopped:
                kill_group(number)
        try:
            yield
        finally:
            with self._changed:
                self._numbers.discard(number)

    def stop(self, patience: float) -> bool:
        """Kill all processes, also those to come; wait at most `patience` seconds for work, return whether it ended."""
        with self._changed:
            self.stopped = True
            for number in self._numbers:
                kill_group(number)
            return self._changed.wait_for(lambda: not self._busy, patience)


def kill_group(number: int) -> None:
    """Kill a process, whatever it calls itself, and its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(number, signal.SIGKILL)
    orphans.kill_left("", number, wait=False)


PROCESSES = ProcessRegistry()
