"""Runs one step in a process of its own, so that its result can't depend on what ran before it.

A call is the step's name, paths and settings, as JSON. The process is fresh, leads a process group of its own and ends
with us, whichever way we end. What it prints goes to its log and, on demand, to the terminal.
"""

import codecs
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TextIO

from redoit.errors import StepError
from redoit.records import Setting

ENVIRONMENT = {
    "PYTHONHASHSEED": "0",  # the order of a set must not differ between two executions
    "PYTHONUNBUFFERED": "1",  # lines appear when they are printed
}


@dataclass(frozen=True)
class Call:
    """One call of a step: role -> path from the project's root, and settings."""

    step: str
    paths: Mapping[str, str]
    settings: tuple[Setting, ...]

    def json(self) -> bytes:
        """Return the call as one line of JSON."""
        settings = [[setting.name, setting.kind, setting.value] for setting in self.settings]
        fields = {"step": self.step, "paths": dict(self.paths), "settings": settings}
        return json.dumps(fields).encode() + b"\n"


def execute(call: Call, log: Path, *, stdout: TextIO | None, stderr: TextIO | None) -> dict[str, float]:
    """Make a call, wait for it and return its metrics. `stdout` and `stderr` receive what the step prints, as the log.

    Raises: StepError if the step raises, exits or is killed.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as written, tempfile.TemporaryFile() as answer:
        with _streams(written, stdout, stderr) as (child_stdout, child_stderr):
            process = subprocess.Popen(
                [sys.executable, "-m", "redoit.child", str(answer.fileno())],
                stdin=subprocess.PIPE,
                stdout=child_stdout,
                stderr=child_stderr,
                env={**os.environ, **ENVIRONMENT},
                pass_fds=(answer.fileno(),),
                start_new_session=True,
            )
            _wait(process, call)
        answer.seek(0)
        outcome = _read(answer)
        written.write(outcome.get("traceback", "").encode(errors="backslashreplace"))
    _tidy(log)
    if process.returncode or "metrics" not in outcome:
        found = outcome.get("error") or _ending(process.returncode)
        raise StepError(f"step {call.step}", found, f"its log is {os.path.relpath(log)}")
    return {name: float(value) for name, value in outcome["metrics"].items()}


def _wait(process: "subprocess.Popen[bytes]", call: Call) -> None:
    """Send the call and wait for the end of the process and of all it started, also when we are interrupted."""
    assert process.stdin is not None
    try:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(call.json())
            process.stdin.flush()
        # The pipe stays open: its end tells the child that we are gone.
        if hasattr(os, "waitid"):
            # Without reaping it, so that its number can't be another's when its group is killed.
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        else:
            process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


@contextlib.contextmanager
def _streams(log: IO[bytes], stdout: TextIO | None, stderr: TextIO | None) -> Iterator[tuple[int, int]]:
    """Yield what the process writes to; a terminal if we have one, so that progress is live."""
    if stdout is not None and stderr is not None and stdout.isatty():
        import pty
        import termios

        ours, theirs = pty.openpty()
        with contextlib.suppress(termios.error, OSError, AttributeError):
            termios.tcsetwinsize(theirs, os.get_terminal_size()[::-1])
        channels: list[tuple[int, int, TextIO | None]] = [(ours, theirs, stdout)]
    else:
        channels = [(*os.pipe(), stdout), (*os.pipe(), stderr)]
    lock = threading.Lock()
    pumps = []
    for source, _, screen in channels:
        pump = threading.Thread(target=_pump, args=(source, _writer(log, screen, lock)), daemon=True)
        pump.start()
        pumps.append(pump)
    try:
        yield channels[0][1], channels[-1][1]
    finally:
        for _, theirs, _ in channels:
            os.close(theirs)
        for pump in pumps:
            pump.join(timeout=5)  # a process that left the group could hold the other end for ever


def _writer(log: IO[bytes], screen: TextIO | None, lock: threading.Lock) -> Callable[[bytes], None]:
    """Return a writer to the log, in whole lines, and to the screen at once; no bytes at all are the end."""
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode  # a character may be cut in two
    pending = bytearray()

    def write(data: bytes) -> None:
        with lock:
            pending.extend(data)
            end = pending.rfind(b"\n") + 1 if data else len(pending)
            log.write(pending[:end])
            log.flush()
            del pending[:end]
            if screen is not None:
                with contextlib.suppress(OSError, ValueError):  # a terminal that is gone; the log goes on
                    screen.write(decode(data).replace("\r\n", "\n"))
                    screen.flush()

    return write


def _pump(source: int, write: Callable[[bytes], None]) -> None:
    with contextlib.suppress(OSError, ValueError):  # the other end of a pseudo-terminal is gone
        while data := os.read(source, 1 << 16):
            write(data)
    with contextlib.suppress(OSError, ValueError):
        write(b"")
    os.close(source)


def _tidy(log: Path) -> None:
    """Leave in the log what was left on the terminal: the last state of each progress bar."""
    data = log.read_bytes()
    lines = [line.rstrip(b"\r\x08") for line in data.split(b"\n")]
    tidied = b"\n".join(line[max(line.rfind(b"\r"), line.rfind(b"\x08")) + 1 :] for line in lines)
    if tidied != data:
        log.write_bytes(tidied)


def _read(answer: IO[bytes]) -> dict[str, Any]:
    try:
        return dict(json.loads(answer.read()))
    except ValueError:
        return {}


def _ending(code: int) -> str:
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return f"its process was killed by {name}"
    return f"its process ended with status {code} before run returned"
