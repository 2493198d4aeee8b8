"""The checkout in the working directory: its options, its engine, and the session of one command with it.

The parts of an engine are put together here alone.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doit.task import Task

from redoit.engine.engine import Engine
from redoit.engine.inspector import Inspector
from redoit.engine.surroundings import Surroundings
from redoit.history.run_log import RunLog, RunRecord, StageRecord
from redoit.model import Code, Outcome, Status
from redoit.plugin import configuration
from redoit.plugin.graph import Graph
from redoit.source.project import Project
from redoit.state.stat_cache import Identity
from redoit.state.workspace import OBSERVED, Workspace
from redoit.text import command_line

if TYPE_CHECKING:
    from redoit.engine.engine import Execute
    from redoit.execution.executor import StepCall, StepResult
    from redoit.execution.watcher import Watcher
    from redoit.preload.preload import Preloader


def engine() -> Engine:
    """Return the engine of the project in the working directory, made once in a command. Raises: DeclarationError."""
    return _project_in(os.getcwd())[1]


def options() -> configuration.Options:
    """Return the options of the project in the working directory, read once in a command. Raises: DeclarationError."""
    return _project_in(os.getcwd())[0]


def forget_project() -> None:
    """Forget what was read of a project: a command begins, perhaps not the first one of this process."""
    _project_in.cache_clear()
    configuration.sections_of.cache_clear()


@lru_cache(maxsize=1)
def _project_in(_folder: str) -> tuple[configuration.Options, Engine]:
    found = configuration.options()
    store = Path(found.store).expanduser() if found.store else None
    return found, make_engine(Path(), store, strict=found.strict, preload=found.preload)


def make_engine(
    root: Path,
    store: Path | None = None,
    *,
    strict: bool = False,
    execute: "Execute | None" = None,
    preload: tuple[str, ...] = (),
) -> Engine:
    """Return an engine for the project in a folder.

    `store`: the folder of the store, if it is not the project's own. `execute`: runs a step, if not in a process of its
    own. `strict`, `preload`: as of the project's options.
    """
    workspace = Workspace(root, store)
    inspector = Inspector(root, workspace, code_of, preload)
    around, runner = Surroundings(workspace, inspector), Runner(root, workspace, inspector, preload)
    return Engine(workspace, inspector, around, execute or runner, _canonicalize, strict=strict, close=runner.close)


class Runner:
    """Runs the steps of one project, each in a process of its own. What this needs is imported for the first one."""

    def __init__(self, root: Path, workspace: Workspace, inspector: Inspector, preload: tuple[str, ...]) -> None:
        record = workspace.root / OBSERVED / ".preload"
        self._root = root
        self._preloading = preload, inspector.preloaded, workspace.installed.stamps, record
        self._opened: tuple[Preloader, Watcher] | None = None
        self._lock = threading.Lock()  # stages may start at the same time

    def __call__(self, call: "StepCall", *streams: Any) -> "StepResult":
        """Run a step, and watch meanwhile what other programs open. Raises: as `execute`."""
        preloader, watcher = self._open()
        if not call.scope:
            return preloader.execute(call, *streams)
        with watcher.window(Path(call.record), call.declared, call.scope[1:]) as window:
            result = preloader.execute(call, *streams)
        seen = {name: getattr(window, name) for name in ("opened", "created", "modified", "links", "watched")}
        return replace(result, touched=result.touched._replace(**seen))

    def close(self) -> None:
        """End what was started."""
        for each in self._opened or ():
            each.close()

    def _open(self) -> "tuple[Preloader, Watcher]":
        from redoit.execution.watcher import Watcher
        from redoit.preload.preload import Preloader

        with self._lock:
            if self._opened is None:
                self._opened = Preloader(*self._preloading), Watcher(os.path.realpath(self._root))
            return self._opened


def code_of(project: Project, step: str, roots: Iterable[tuple[str, str]], bodies: bool) -> Code:
    """Return the code that a step and other parts can reach. What this needs is imported when source must be read."""
    from redoit import fingerprint

    return fingerprint.code_of(project, step, extra_roots=roots, bodies=bodies)


def _canonicalize(path: Path) -> None:
    """Rewrite an output without clocks and addresses. What this needs is imported for the first one."""
    from redoit.formats.canonicalize import canonicalize

    canonicalize(path)


def run_log() -> RunLog:
    """Return the run log of the checkout."""
    return RunLog(engine().workspace.root)


class Session:
    """What the stages of one command share, and the outcome of each.

    `tasks`: all, by name. `graph`: theirs. `configuration_files`: as they were read. `always`: `doit -a`. `parallel`:
    several stages are built at once. `selected`: returns the tasks that the user asked for, once they are known.
    `records`: the outcomes so far, for the run log.
    """

    def __init__(self) -> None:
        self.tasks: Mapping[str, Task] = {}
        self.graph = Graph({})
        self.configuration_files: list[Identity | None] = []
        self.always = False
        self.parallel = False
        self.interrupted = False
        self.selected: Callable[[], Iterable[str]] = tuple
        self.begun = False
        self.records: dict[str, StageRecord] = {}
        self.started = time.time()
        self.clock = time.perf_counter()

    def end(self, stage: str, outcome: Outcome) -> None:
        """Note the outcome of a stage."""
        trace = outcome.trace
        self.records[stage] = StageRecord(
            outcome.status, trace.action.key, trace.name, outcome.seconds, trace.seconds, outcome.reasons
        )

    def record(self) -> None:
        """Append the run to the run log, with the selected stages that it did not reach."""
        selected = self.graph.needed(self.selected())
        missed = {name: StageRecord(Status.NOT_RUN) for name in selected if name not in self.records}
        stages = self.records | missed
        if not stages:
            return
        saved = sum(record.saved for record in stages.values())
        seconds = time.perf_counter() - self.clock
        run_log().append(RunRecord(command_line(), self.started, seconds, stages, saved, not self.interrupted))
