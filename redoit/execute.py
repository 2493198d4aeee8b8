"""Runs one step in a process of its own, so that its result can't depend on what ran before it.

A call is the step's name, paths and settings, as JSON. The process is fresh, leads a process group of its own and ends
with us, whichever way we end. What it prints goes to its log and, on demand, to the terminal.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TextIO

from redoit import strays
from redoit.errors import StepError
from redoit.printed import printed
from redoit.records import Setting
from redoit.running import RUNNING

ENVIRONMENT = {
    "PYTHONHASHSEED": "0",  # the order of a set must not differ between two executions
    "PYTHONUNBUFFERED": "1",  # lines appear when they are printed
}


@dataclass(frozen=True)
class Call:
    """One call of a step: role -> path from the project's root, settings, the seconds it may take, and for which stage.

    No two calls for one stage may be under way at once.
    """

    step: str
    paths: Mapping[str, str]
    settings: tuple[Setting, ...]
    time_limit: float | None = None
    stage: str = ""

    def json(self) -> bytes:
        """Return the call as one line of JSON."""
        settings = [[setting.name, setting.kind, setting.value] for setting in self.settings]
        fields = {"step": self.step, "paths": dict(self.paths), "settings": settings}
        return json.dumps(fields).encode() + b"\n"


@dataclass(frozen=True)
class Result:
    """What a call came to.

    `reads`: files of the project that were opened to be read, from its root; `variables`: environment variables that
    its code asked for; `left`: command lines of processes that it left behind, and that were ended.
    """

    metrics: Mapping[str, float]
    reads: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def execute(call: Call, log: Path, stdout: TextIO | None, stderr: TextIO | None) -> Result:
    """Make a call, wait for it and return its result. `stdout` and `stderr` receive what the step prints, as the log.

    Raises: StepError if the step raises, exits, is killed or takes too long; DiskError, OSError.
    """
    mark = strays.mark(call.stage)
    with _answer() as answer, printed(log, stdout, stderr) as (child_stdout, child_stderr, notes):
        process = subprocess.Popen(
            [sys.executable, "-m", "redoit.child", str(answer.fileno())],
            stdin=subprocess.PIPE,
            stdout=child_stdout,
            stderr=child_stderr,
            env={**os.environ, **ENVIRONMENT, strays.MARK: mark},
            pass_fds=(answer.fileno(),),
            start_new_session=True,
        )
        try:
            in_time = _wait(process, call)
        finally:
            left = strays.end(mark)
        answer.seek(0)
        outcome = _read(answer)
        notes.append(outcome.get("traceback", "").encode(errors="backslashreplace"))
    if process.returncode or "metrics" not in outcome or not in_time:
        found = outcome.get("error") or _ending(process.returncode)
        if not in_time:
            found = f"it ran longer than its time limit of {call.time_limit:g} s, and was ended"
        raise StepError(f"step {call.step}", found, f"its log is {os.path.relpath(log)}")
    return Result(outcome["metrics"], outcome["reads"], outcome["variables"], tuple(left))


def _wait(process: "subprocess.Popen[bytes]", call: Call) -> bool:
    """Send the call, wait for the end of the process and of its group, also when we are interrupted.

    Return whether it ended within its time.
    """
    assert process.stdin is not None
    with RUNNING.noted(process.pid, call.time_limit) as ended:
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
            in_time = ended()
            process.wait()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
    return in_time


def _answer() -> IO[bytes]:
    """Return a file for the answer: in memory where that can be, so that no full disk takes a result from us."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("answer"), "w+b")
    return tempfile.TemporaryFile()


def _read(answer: IO[bytes]) -> dict[str, Any]:
    """Return what the child wrote; nothing at all if it is not as a child writes it: a step can write there."""
    try:
        found = dict(json.loads(answer.read()))
        read: dict[str, Any] = {name: str(found[name]) for name in ("error", "traceback") if name in found}
        read |= {name: tuple(map(str, found.get(name, ()))) for name in ("reads", "variables")}
        if "metrics" in found:
            read["metrics"] = {name: float(value) for name, value in found["metrics"].items()}
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return {}
    return read


def _ending(code: int) -> str:
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return f"its process was killed by {name}"
    return f"its process ended with status {code} before run returned"
