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
from projects import PATIENCE, Pipeline

STILL = 0.05  # seconds without output: less than between two looks of the display


class Terminal:
    """A terminal of so many columns and rows, with doit or another program in it. `raw` is what it received.

    Who opens one closes it, as the fixture `open_terminal` does, whatever becomes of the test.
    """

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
        ours, theirs = pty.openpty()
        self._ours = open(ours, "r+b", buffering=0)  # noqa: SIM115 - until `close`
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
        """Return the screen as soon as it stands still and something is true of it."""
        end = time.monotonic() + PATIENCE
        more = True
        while more and time.monotonic() < end:
            received = len(self.raw)
            more = self._read()
            if len(self.raw) == received and true(self.text):  # else it may be half drawn
                return self.text
        raise AssertionError(f"it was not seen; there was:\n{self.text}")

    def finish(self) -> str:
        """Wait for the end of doit; return the whole text, also what was scrolled away."""
        end = time.monotonic() + PATIENCE
        while self._read():
            assert time.monotonic() < end, self.text
        self.process.wait(PATIENCE)
        return "\n".join([*self.scrolled, *self.text.split("\n")]).rstrip()

    def close(self) -> None:
        """Close the terminal, which ends who is still in it."""
        self._ours.close()
        self.process.send_signal(signal.SIGHUP)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def type(self, text: str) -> None:
        """Type a text."""
        self._ours.write(text.encode())

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
        """Take what doit writes, if it does so at once; return whether more may come."""
        ready, _, _ = select.select([self._ours], [], [], STILL)
        data = b""
        if ready:
            with contextlib.suppress(OSError):
                data = self._ours.read(1 << 16)
            if not data:
                return False
        self.raw += data
        self._stream.feed(data)
        return True


Opener = Callable[..., Terminal]
