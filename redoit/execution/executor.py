"""Runs one step in a worker process, so that its result can't depend on what ran before it.

A call is the step's name, paths and settings, as one line of JSON. The worker is fresh, or forked by `preload` from a
process that has imported nothing but modules of the project. It leads a process group, and ends when we end. What it
prints goes to its log and, if asked for, to the terminal.
"""

import contextlib
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TextIO

from redoit.errors import StepError
from redoit.execution import orphans, records
from redoit.execution.output_capture import captured_output
from redoit.execution.process import PROCESSES, Process, WorkerFiles, fresh_process, kill_group
from redoit.execution.records import Touched
from redoit.model import Setting, Stage

LaterStages = Callable[[], Iterable[Stage]]  # returns the stages that will probably run after one
Fork = Callable[[str, WorkerFiles, float | None], Process | None]  # tag, files, seconds to wait for it

UNTOUCHED = Touched()


@dataclass(frozen=True)
class StepCall:
    """One call of a step: role -> path from the project's root, settings, time limit in seconds, and the stage.

    `preload`: modules that are imported before the step. `defaults`: those of `run`, as its source reads; the worker
    refuses the call if they are not Python's. `record`: the file that takes what is observed, within `scope`: the
    project's folder and other paths, or nothing. `declared`: paths that its stage declares. `prefix`: a command that
    runs the process, which is then a fresh one. No two calls for one stage may be under way at once.
    """

    step: str
    paths: Mapping[str, str]
    settings: tuple[Setting, ...]
    time_limit: float | None = None
    stage: str = ""
    preload: tuple[str, ...] = ()
    defaults: tuple[Setting, ...] = ()
    record: str = ""
    scope: tuple[str, ...] = ()
    declared: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()

    def json(self) -> bytes:
        """Return the call as one line of JSON."""
        return json.dumps(vars(self)).encode() + b"\n"  # a setting as a list of name, kind and value


@dataclass(frozen=True)
class StepResult:
    """The metrics that a step returned, and what its execution touched.

    `warnings`: what it left running, and what it returned that is no metric, in words.
    """

    metrics: Mapping[str, float]
    touched: Touched = UNTOUCHED
    warnings: tuple[str, ...] = ()


def execute(
    call: StepCall, log: Path, stdout: TextIO | None, stderr: TextIO | None, *, fork: Fork | None = None
) -> StepResult:
    """Run a step in a worker process and return its result. `stdout` and `stderr` receive its output, as the log does.

    `fork` may return a forked process instead of a fresh one. What the process leaves running is killed, also when we
    are interrupted. Raises: StepError if the step raises, exits, is killed or takes too long; DiskError, OSError.
    """
    tag, began, in_time = orphans.new_tag(call.stage), time.monotonic(), True
    with _result_file() as file, captured_output(log, stdout, stderr) as (child_stdout, child_stderr, appended):
        files = file.fileno(), child_stdout, child_stderr
        recording_from = records.begin(Path(call.record), call.scope) if call.record else 0
        forked = fork(tag, files, call.time_limit) if fork and not call.prefix else None
        process = forked or fresh_process(tag, files, call.record, call.prefix)
        try:
            with PROCESSES.registered(process.number):
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    process.channel.write(call.json())
                    process.channel.flush()
                in_time = process.wait(None if call.time_limit is None else began + call.time_limit - time.monotonic())
                if not in_time:
                    kill_group(process.number)
        finally:
            killed = orphans.kill_left(tag, process.number)
            status = process.reap()
        file.seek(0)
        result = _parse(file)
        traceback = result.get("traceback", "")
        appended.append(traceback.encode(errors="backslashreplace"))
    if not in_time:
        raise StepError.with_log(call.step, f"exceeded its time limit of {call.time_limit:g} s and was killed", log)
    if status != 0 or "metrics" not in result:
        raise StepError.with_log(call.step, result.get("error") or _ending(status), log, traceback)
    warnings = [f"a process that its step left running was killed ({each[:80]})" for each in killed]
    touched = records.read(Path(call.record), recording_from) if call.scope else Touched(observed=False)
    return StepResult(result["metrics"], touched, (*warnings, *result["left_out"]))


def _result_file() -> IO[bytes]:
    """Return a file for the result: in memory where that can be, so that no full disk takes it from us."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("result"), "w+b")
    return tempfile.TemporaryFile()


def _parse(file: IO[bytes]) -> dict[str, Any]:
    """Return what the worker wrote; nothing if it is malformed: a step can write there."""
    try:
        found = dict(json.loads(file.read()))
        result: dict[str, Any] = {name: str(found[name]) for name in ("error", "traceback") if name in found}
        result["left_out"] = tuple(map(str, found.get("left_out", ())))
        if "metrics" in found:
            result["metrics"] = {name: float(value) for name, value in found["metrics"].items()}
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return {}
    return result


def _ending(status: int | None) -> str:
    if status is None:
        return "its process was lost, because the process that it was forked from ended"
    if status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else str(-status)
        return f"its process was killed by {name}"
    return f"its process exited with status {status} before run returned"
