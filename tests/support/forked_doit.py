"""Runs of doit that cost little: in a fork of this process, which has doit imported, and whose steps are called.

All but the start of processes is as in a real run: doit's own `main`, redoit's commands, loader and engine.
"""

import contextlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from broken_engines import Defect
from doit import cmd_run
from doit.doit_cmd import DoitMain

from redoit.cli import cache, plan, run, verify
from redoit.engine.engine import Engine
from redoit.errors import StepError
from redoit.execution import worker
from redoit.execution.executor import StepCall, StepResult
from redoit.plugin import checkout, database, loader, reporter
from redoit.plugin.checkout import make_engine
from redoit.source.import_hook import import_from_source
from redoit.storage import disk

if TYPE_CHECKING:
    from redoit.engine.engine import Execute

IMPORTED = (database, loader, reporter, cache, run, plan, verify)  # by doit, in a process of its own each time


def forked(work: Callable[[], int], out: Path) -> int:
    """Do work in a fork of this process; what it prints goes to a file. Return the fork's number."""
    number = os.fork()
    if number:
        return number
    try:
        with out.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        sys.stdin = open(os.devnull)  # noqa: SIM115 - for as long as the process lives
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        code = work()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - the fork must not go on with what this process was doing
        traceback.print_exc()
        code = 70
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def ended(number: int, seconds: float | None = None) -> int:
    """Wait for the end of a fork, which is killed after some seconds if so wished; return how it ended."""
    if seconds is not None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found, status = os.waitpid(number, os.WNOHANG)
            if found:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.0005)
        os.kill(number, signal.SIGKILL)  # it is not reaped yet, so the number is its own
    _, status = os.waitpid(number, 0)
    return os.waitstatus_to_exitcode(status)


def doit(root: Path, arguments: tuple[str, ...], defect: Defect, execute: "Execute | None" = None) -> int:
    """Run doit's main in a folder with an engine that has a defect; return its exit status. `execute`: runs a step."""
    os.chdir(root)
    sys.argv = ["doit", *arguments]
    cmd_run.opt_outfile["default"] = sys.stdout  # doit took what it was when it was imported
    disk._fsynced.clear()  # a process of its own would know nothing yet
    call = execute or _called

    def made(*given: Any, **named: Any) -> Engine:
        engine = make_engine(*given, **named, execute=call)
        defect(engine)
        return engine

    checkout.make_engine = made
    return int(DoitMain().run(list(arguments)) or 0)


def _called(
    call: StepCall, log: Path, stdout: TextIO | None, stderr: TextIO | None, _later_stages: object
) -> StepResult:
    """Call a step as its own process would, with freshly imported modules."""
    forget_modules(Path.cwd().parent)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    path, hooks = list(sys.path), list(sys.path_hooks)
    try:
        import_from_source()
        outcome = worker.run_step(**json.loads(call.json()))
    finally:
        sys.path[:], sys.path_hooks[:] = path, hooks
    if "error" in outcome:
        raise StepError(f"step {call.step}", f"{outcome['error']}\n{outcome['traceback']}")
    return StepResult(outcome["metrics"])


def forget_modules(folder: Path) -> None:
    """Forget the steps, and what was imported from below a folder, so that it is imported again."""
    below = f"{folder}{os.sep}"
    for name, module in [*sys.modules.items()]:
        fields = getattr(module, "__dict__", {})
        places = [fields.get("__file__"), *(fields.get("__path__") or ())]
        own = name.partition(".")[0] == "steps" or any(str(place).startswith(below) for place in places)
        if own and name != "dodo":
            del sys.modules[name]
