"""Runs one step in a process of its own, so that its result can't depend on what ran before it.

A call is the step's name, paths and settings, as JSON. The process is fresh, or as good as that (see `forks`), leads a
process group of its own and ends with us, whichever way we end. What it prints goes to its log and, on demand, to the
terminal.
"""

import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TextIO

from redoit.errors import StepError
from redoit.execution import orphans
from redoit.execution.output_capture import captured_output
from redoit.execution.process import Files, FreshProcess, Process
from redoit.execution.process_registry import PROCESSES
from redoit.model import Setting

Fork = Callable[[str, Files, float | None], Process | None]  # mark, files, seconds to wait for it


@dataclass(frozen=True)
class StepCall:
    """One call of a step: role -> path from the project's root, settings, the seconds it may take, and for which stage.

    `first`: modules that are imported before the step. No two calls for one stage may be under way at once.
    """

    step: str
    paths: Mapping[str, str]
    settings: tuple[Setting, ...]
    time_limit: float | None = None
    stage: str = ""
    first: tuple[str, ...] = ()

    def json(self) -> bytes:
        """Return the call as one line of JSON."""
        settings = [[setting.name, setting.kind, setting.value] for setting in self.settings]
        fields = {"step": self.step, "paths": dict(self.paths), "settings": settings, "first": self.first}
        return json.dumps(fields).encode() + b"\n"


@dataclass(frozen=True)
class StepResult:
    """What a call came to.

    `reads`: files of the project that were opened to be read, from its root; `variables`: environment variables that
    its code asked for; `left`: command lines of processes that it left behind, and that were ended.
    """

    metrics: Mapping[str, float]
    reads: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def execute(
    call: StepCall,
    log: Path,
    stdout: TextIO | None,
    stderr: TextIO | None,
    *,
    fork: Fork = lambda _mark, _files, _seconds: None,
    meanwhile: Callable[[], None] = lambda: None,
) -> StepResult:
    """Make a call, wait for it and return its result. `stdout` and `stderr` receive what the step prints, as the log.

    `fork` may return a process that is not fresh; `meanwhile` is done while the step runs.

    Raises: StepError if the step raises, exits, is killed or takes too long; DiskError, OSError.
    """
    mark, began = orphans.new_tag(call.stage), time.monotonic()
    with _answer() as answer, captured_output(log, stdout, stderr) as (child_stdout, child_stderr, notes):
        files = Files(answer.fileno(), child_stdout, child_stderr)
        process = fork(mark, files, call.time_limit)
        seconds = None if call.time_limit is None else call.time_limit - (time.monotonic() - began)
        if process is None and seconds is not None and seconds <= 0:
            raise StepError(f"step {call.step}", _lateness(call), _where(log))
        process = process or FreshProcess(mark, files)
        try:
            code, in_time = _wait(process, call, seconds, meanwhile)
        finally:
            left = orphans.kill_tagged(mark)
        answer.seek(0)
        outcome = _read(answer)
        notes.append(outcome.get("traceback", "").encode(errors="backslashreplace"))
    if code != 0 or "metrics" not in outcome or not in_time:
        found = outcome.get("error") or _ending(code)
        raise StepError(f"step {call.step}", found if in_time else _lateness(call), _where(log))
    return StepResult(outcome["metrics"], outcome["reads"], outcome["variables"], tuple(left))


def _wait(
    process: Process, call: StepCall, seconds: float | None, meanwhile: Callable[[], None]
) -> tuple[int | None, bool]:
    """Send the call, wait for the end of the process and of its group, also when we are interrupted.

    Return its exit status, and whether it ended within its time.
    """
    with PROCESSES.registered(process.number, seconds) as ended:
        try:
            process.call(call.json())
            meanwhile()
            process.wait()
        finally:
            in_time = ended()
            code = process.reap()
    return code, in_time


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


def _ending(code: int | None) -> str:
    if code is None:
        return "the process that its own was forked from ended before run returned"
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return f"its process was killed by {name}"
    return f"its process ended with status {code} before run returned"


def _lateness(call: StepCall) -> str:
    return f"it ran longer than its time limit of {call.time_limit:g} s, and was ended"


def _where(log: Path) -> str:
    return f"its log is {os.path.relpath(log)}"
