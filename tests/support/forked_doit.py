"""Runs of doit that cost little: in a fork of this process, which has doit imported, as are their steps.

All but the start of processes is as in a real run: doit's own `main`, redoit's commands, loader, engine and observer.
"""

import contextlib
import dataclasses
import functools
import json
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TextIO

from broken_engines import Defect
from doit import cmd_run
from doit.doit_cmd import DoitMain

from redoit import observer
from redoit.cli import cache, plan, run, verify
from redoit.engine.engine import Engine
from redoit.errors import StepError
from redoit.execution import records, worker
from redoit.execution.executor import StepCall, StepResult
from redoit.execution.watcher import Watcher
from redoit.plugin import checkout, database, loader, reporter
from redoit.plugin.checkout import make_engine
from redoit.source.import_hook import import_from_source
from redoit.storage import disk

if TYPE_CHECKING:
    from redoit.engine.engine import Execute

NATIVE = ("h5py", "pyarrow")  # packages with native code that opens files
IMPORTED = (database, loader, reporter, cache, run, plan, verify)  # by doit, in a process of its own each time


def forked(work: Callable[[], int], out: Path) -> int:
    """Do work in a fork of this process; what it prints goes to a file. Return the fork's number."""
    with warnings.catch_warnings(action="ignore"):  # of the watcher's thread, which holds nothing that a fork needs
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


def _called(call: StepCall, *streams: Any) -> StepResult:
    """Call a step in a fork, as its own process would; watch it if it is to be observed."""
    if not call.scope:
        return _result(call, *streams)
    with _watcher().window(Path(call.record), call.declared, call.scope[1:]) as window:
        result = _result(call, *streams)
    seen = {name: getattr(window, name) for name in ("opened", "created", "watched")}
    return dataclasses.replace(result, touched=result.touched._replace(**seen))


@functools.cache
def _watcher() -> Watcher:
    """Return what watches the project in the working directory, for this process alone."""
    return Watcher(os.path.realpath(os.getcwd()))


def _result(
    call: StepCall, log: Path, stdout: TextIO | None, _stderr: TextIO | None, _later_stages: object
) -> StepResult:
    log.parent.mkdir(parents=True, exist_ok=True)
    records.begin(Path(call.record), call.scope)
    with tempfile.TemporaryFile("w+") as file:
        code = ended(forked(lambda: _call(call, file), log))
        print(log.read_text(errors="replace"), end="", file=stdout)
        file.seek(0)
        outcome = json.loads(file.read() or f'{{"error": "its process exited with status {code}", "traceback": ""}}')
    if "error" in outcome:
        raise StepError(f"step {call.step}", f"{outcome['error']}\n{outcome['traceback']}")
    touched = records.read(Path(call.record)) if call.scope else records.Touched(observed=False)
    return StepResult(outcome["metrics"], touched)


def _call(call: StepCall, result: TextIO) -> int:
    """Call a step with freshly imported modules; write its outcome."""
    forget_modules(Path.cwd().parent)
    sys.meta_path.insert(0, _ImportedBefore())
    fields = json.loads(call.json())
    os.environ[observer.OBSERVE] = fields.pop("record")
    observer.start()
    import_from_source()
    json.dump(worker.run_step(**fields), result)
    result.flush()
    return 0


class _ImportedBefore:
    """Imports a module that this process has imported already, so that it is seen that the step imports native code."""

    def __init__(self) -> None:
        self._modules = {name: sys.modules.pop(name) for name in NATIVE if name in sys.modules}

    def find_spec(self, name: str, _path: Sequence[str] | None, _target: object = None) -> ModuleSpec | None:
        """Return the spec of such a module."""
        return ModuleSpec(name, self) if name in self._modules else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return it, as the import of its native code would be seen."""
        below = [each for name, each in sys.modules.items() if name.startswith(f"{spec.name}.")]
        native = next(each for each in below if isinstance(getattr(each, "__loader__", None), ExtensionFileLoader))
        sys.audit("import", native.__name__, native.__file__, None, None, None)
        return self._modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        """It is executed already."""


def forget_modules(folder: Path) -> None:
    """Forget the steps, and what was imported from below a folder, so that it is imported again."""
    below = f"{folder}{os.sep}"
    for name, module in [*sys.modules.items()]:
        fields = getattr(module, "__dict__", {})
        places = [fields.get("__file__"), *(fields.get("__path__") or ())]
        own = name.partition(".")[0] == "steps" or any(str(place).startswith(below) for place in places)
        if own and name != "dodo":
            del sys.modules[name]
