"""Builds a project with thousands of stages as `doit` would, but calls its steps in this process, one after the other.

    python -m bench.prepare FOLDER

All that is recorded is what redoit itself records of a run: doit's own `main`, redoit's commands, loader and engine.
Of what it observes only the files that a step opens. A process for each of ten thousand steps would take an hour. The
next real `doit` has to keep all of it.
"""

import contextlib
import importlib
import io
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

from doit.doit_cmd import DoitMain

from redoit.engine.inspector import Inspector
from redoit.execution.executor import StepCall, StepResult
from redoit.execution.records import Touched
from redoit.plugin import checkout
from redoit.plugin.checkout import make_engine
from redoit.state.stat_cache import identity

OPENED: list[str] = []  # for reading, by the step that is called


def called(call: StepCall, log: Path, _stdout: Any, _stderr: Any, _later_stages: Any) -> StepResult:
    """Call a step here, write what it prints to its log, and return what it touched: files that it opened."""
    module = importlib.import_module(call.step)
    paths = {role: Path(path) for role, path in call.paths.items()}
    printed = io.StringIO()
    OPENED.clear()
    with contextlib.redirect_stdout(printed):
        metrics = module.run(**paths, **{setting.name: setting.value for setting in call.settings})
    read = tuple(("read", os.path.realpath(path), *map(str, identity(path) or ())) for path in OPENED)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(printed.getvalue())
    return StepResult({name: float(value) for name, value in (metrics or {}).items()}, Touched(read))


def on_event(event: str, arguments: tuple[Any, ...]) -> None:
    """Note a file that is opened for reading."""
    if event == "open" and arguments[2] & os.O_ACCMODE == os.O_RDONLY and not isinstance(arguments[0], int):
        OPENED.append(os.fspath(arguments[0]))


def main(root: str) -> int:
    """Build the project in a folder; return doit's exit status."""
    os.chdir(root)
    sys.path[0] = root
    sys.argv = ["doit"]
    checkout.make_engine = partial(make_engine, execute=called)
    # No source changes meanwhile, so it need not be read again after each of ten thousand stages.
    refresh = Inspector.refresh
    Inspector.refresh = lambda _self: None
    sys.addaudithook(on_event)
    try:
        return int(DoitMain().run([]) or 0)
    finally:
        Inspector.refresh = refresh


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
