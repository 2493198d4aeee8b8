"""Which processes a test has brought into the world, and which of them are still there."""

import os
import secrets
import time

from projects import PATIENCE, Pipeline

MARK = "TEST_MARK"


class ChildProcesses:
    """The processes that a project's doit starts, directly or not, found by a tag in their environment."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._mark = f"{MARK}={secrets.token_hex(8)}"
        pipeline.env[MARK] = self._mark.partition("=")[2]

    def alive(self) -> list[str]:
        """Return those that run, as number and command."""
        found = []
        for number in filter(str.isdecimal, os.listdir("/proc")):
            try:
                with open(f"/proc/{number}/environ", "rb") as environ, open(f"/proc/{number}/cmdline", "rb") as command:
                    if self._mark.encode() in environ.read().split(b"\0"):
                        found.append(f"{number} {command.read().replace(bytes(1), b' ').decode(errors='replace')}")
            except OSError:  # it has ended
                continue
        return found

    def left(self) -> list[str]:
        """Return those that still run after a while: the kernel may take a moment to end them."""
        end = time.monotonic() + PATIENCE
        while (found := self.alive()) and time.monotonic() < end:
            time.sleep(0.02)
        return found
