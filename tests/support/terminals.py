"""A real doit in a real pseudo-terminal, and what its screen shows meanwhile."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence

import pyte
from projects import Pipeline

PATIENCE = 30  # seconds


class Terminal:
    """A terminal of so many columns and rows, with doit or another program in it. `raw` is what it received."""

    def __init__(
        self,
        pipeline: Pipeline,
        *arguments: str,
        columns: int = 80,
        rows: int = 24,
        program: Sequence[str] = (sys.executable, "-m", "doit"),
        **variables: str,
    ) -> None:
        self.screen = pyte.HistoryScreen(columns, rows, history=10_000, ratio=0.001)
        self._stream = pyte.ByteStream(self.screen)
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.raw = bytearray()
        pipeline.witness.write_text("")
        self.process = subprocess.Popen(
            [*program, *arguments],
            cwd=pipeline.root,
            env={**pipeline.env, "TERM": "xterm-256color", **variables},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def until(self, true: Callable[[str], object]) -> str:
        """Return the screen as soon as something is true of it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if true(self.text):
                return self.text
            if not self._read():
                break
        self.process.kill()
        self.process.wait()
        os.close(self._ours)
        raise AssertionError(f"it was not seen; there was:\n{self.text}")

    def finish(self) -> str:
        """Wait for the end of doit; return the whole text, also what was scrolled away."""
        end = time.monotonic() + PATIENCE
        while self._read():
            assert time.monotonic() < end, self.text
        self.process.wait(PATIENCE)
        os.close(self._ours)
        return "\n".join([*self.scrolled, *self.text.split("\n")]).rstrip()

    def type(self, text: str) -> None:
        """Type a text."""
        os.write(self._ours, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    @property
    def text(self) -> str:
        """What the screen shows."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    @property
    def scrolled(self) -> list[str]:
        """The lines that were scrolled away."""
        columns = range(self.screen.columns)
        return ["".join(line[column].data for column in columns).rstrip() for line in self.screen.history.top]

    def _read(self) -> bool:
        """Take what doit writes; return whether more may come."""
        ready, _, _ = select.select([self._ours], [], [], 0.05)
        data = b""
        if ready:
            with contextlib.suppress(OSError):
                data = os.read(self._ours, 1 << 16)
            if not data:
                return False
        self.raw += data
        self._stream.feed(data)
        return True
