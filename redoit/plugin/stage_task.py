"""Stages as tasks of doit: their `uptodate` decides, and their action realises.

doit schedules; what it remembers is never the truth. So a decision asks the traces alone.
"""

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from doit.dependency import FileChangedChecker, UptodateCalculator
from doit.exceptions import TaskFailed

from redoit.engine.decision import Decision, Keep
from redoit.errors import DeclarationError, RedoitError
from redoit.execution.process_registry import PROCESSES
from redoit.model import Setting, Stage, Trace
from redoit.plugin import configuration
from redoit.plugin.checkout import engine
from redoit.plugin.graph import Graph
from redoit.plugin.parameters import Parameters
from redoit.plugin.session import Session
from redoit.reasons import Reason
from redoit.state.workspace import FOLDER

if TYPE_CHECKING:  # a run with nothing to do neither looks later_stages nor shows what steps print
    from redoit.planning.dry_run import DryRun, PlannedStage
    from redoit.terminal.streams import Streams

CACHE, TIME_LIMIT = "cache", "time_limit"  # the parameters that every stage has
NOWHERE = Session(Graph({}))  # of stages that no command has loaded


class ContentChecker(FileChangedChecker):
    """doit's question "has this file changed?", answered by content."""

    CheckerError = OSError

    def check_modified(self, file_path: str, _file_stat: os.stat_result, state: str) -> bool:
        """Tell whether a file's content is another than the one remembered."""
        return engine().workspace.stat_cache.digest(file_path) != state

    def get_state(self, dep: str, current_state: str | None) -> str | None:
        """Return what to remember of a file, or None if that is remembered already."""
        found = engine().workspace.stat_cache.digest(dep)
        return found if found != current_state else None


class StageTask(UptodateCalculator):
    """One stage between doit and the engine.

    `decision` is what the reporter announces, `seconds` how long it took, `trace` the one whose outputs are in place
    since. The command that loads the stages sets the rest: `configured` is the stage's section of the configuration
    files, `overridden` what variables on the command line say, `session` what all stages share; the reporter may say in
    `screens` where the step's output is to appear.
    """

    def __init__(self, stage: Stage, parameters: Parameters) -> None:
        super().__init__()
        self.stage = stage
        self.declared = parameters.declared
        self._usual = parameters.usual
        self.configured: dict[str, Any] | None = None
        self.overridden: Mapping[str, Any] = {}
        self.session = NOWHERE
        self.screens: Streams | None = None
        self.decision: Decision | None = None
        self.trace: Trace | None = None  # of the result in place, once it is known in this run
        self.seconds = 0.0

    def configure_task(self, task: Any) -> None:
        """Learn the name, which doit takes from the function that declares the stage."""
        self.stage = self.stage._replace(name=task.name)

    def setup(self, dep_manager: Any, tasks_dict: Mapping[str, Any]) -> None:
        """Learn where doit remembers; doit calls this before each decision."""
        super().setup(dep_manager, tasks_dict)
        self._database = dep_manager

    def __call__(self, task: Any) -> bool:
        """Decide: True if what is in place is to be kept."""
        if not self.session.executing:
            found = self.session.dry_run(task.name, self._database)
            return found is not None and found.word == "keep"
        began = time.perf_counter()
        self.decision = None
        try:
            self._begin()
            self.decision = engine().decide(self.stage, self.settings(task), self._invalidated(task))
        except (RedoitError, OSError):
            self.decision = None
            return False  # the action meets the same error, and fails with it
        self.seconds = time.perf_counter() - began
        if not isinstance(self.decision, Keep):
            return False
        self.trace = self.decision.trace
        self.session.keep(task.name, self.decision, self.seconds)
        return True

    def build(self, task: Any) -> Any:
        """Be the task's action: restore, or run and commit."""
        with PROCESSES.work():  # until it is noted what became of the stage: a run that is stopped waits for that
            return self._build(task)

    def _build(self, task: Any) -> Any:
        from redoit.terminal.streams import step_streams

        began = time.perf_counter()
        plain = step_streams(task.name, task.verbosity, parallel=self.session.parallel)
        shown = contextlib.nullcontext(self.screens) if self.screens else plain
        try:
            with shown as streams:
                task.outcome = engine().build(
                    self.stage,
                    self.settings(task),
                    edited=self._edited,
                    invalidated=self._invalidated(task),
                    dependents=lambda: self.session.graph.dependents(self.stage.name),
                    time_limit=self.time_limit(task),
                    screens=streams,
                    later_stages=self._ahead,
                )
        except RedoitError as error:
            return self._failed(str(error), began)
        except OSError as error:
            text = f"{error.filename or FOLDER}: {error.strerror}; nothing was recorded, mend it and run again"
            return self._failed(text, began)
        except KeyboardInterrupt:
            self._failed("interrupted", began)
            raise
        self.trace = task.outcome.trace
        self.session.end(task.name, task.outcome)
        return values_of(task.outcome.trace)

    def _failed(self, error: str, began: float) -> TaskFailed:
        self.session.fail(self.stage.name, error, time.perf_counter() - began)
        return TaskFailed(error)

    def settings(self, task: Any) -> tuple[Setting, ...]:
        """Return the settings in force.

        Raises: DeclarationError if nobody configured the stage.
        """
        if self.configured is None:
            found = "declared too late to be configured"
            raise DeclarationError(self.stage.name, found, "declare it without create_after, and run it with doit")
        if task.options is None and not task.cfg_values:  # nobody says anything of it
            return self._usual
        return tuple(setting._replace(value=self.option(task, setting.name)) for setting in self._usual)

    def is_told_to_run(self, task: Any) -> bool:
        """Tell whether the command line says `--no-cache` of this stage."""
        return bool(task.options) and not task.options[CACHE]  # doit has read the options of those named there

    def dry_run(self, task: Any, forecaster: "DryRun") -> "PlannedStage":
        """Return what would become of the stage, now that all it needs has been looked at."""
        from redoit.planning.dry_run import PlannedStage

        try:
            settings, invalidated = self.settings(task), self._invalidated(task)
        except RedoitError as error:
            return PlannedStage(self.stage, error=str(error))
        return forecaster.look(self.stage, settings, invalidated, lambda: self.session.graph.dependents(task.name))

    def _ahead(self) -> Iterator[Stage]:
        """Yield the stages of this run that will probably run after this one."""
        behind = set(self.session.graph.dependents(self.stage.name))
        for name in self.session.graph.needed(self.session.selected()):
            other = stage_of(self.tasks_dict[name]) if name in self.session.graph.stages else None
            if other is None or other is self or name in self.session.verdicts:
                continue
            if self.session.always or name in behind or engine().workspace.latest(other.stage) is None:
                yield other.stage

    def _begin(self) -> None:
        """Remember for which stages the command line says `--no-cache`, before the first one begins, also if we die."""
        if self.session.begun:
            return
        for name, task in self.tasks_dict.items():
            stage = stage_of(task)
            if stage and stage.is_told_to_run(task):
                engine().workspace.invalidations.add(name, self.session.graph.dependents(name), "uncached")
        self.session.begun = True

    def origin(self, task: Any, name: str) -> str:
        """Return where the value of a setting comes from, in words."""
        value, default = self.option(task, name), self.declared[name].default
        if (task.cfg_values or {}).get(name, default) != value or name in self.overridden:
            return "the command line"
        files = configuration.origins(self.stage.name)
        return files.get(name, "dodo.py" if name in (CACHE, TIME_LIMIT) else "the default of run")

    def _edited(self) -> bool:
        """Tell whether the configuration files say something else of the stage by now."""
        try:
            return configuration.sections().get(configuration.SECTION + self.stage.name, {}) != self.configured
        except (OSError, ValueError):
            return True

    def _invalidated(self, task: Any) -> Reason | None:
        """Return why earlier results do not count in this run, if so."""
        if self.session.always:
            return Reason("always")
        cached = self.option(task, CACHE) and self.session.caching
        return None if cached else Reason("uncached")

    def time_limit(self, task: Any) -> float | None:
        """Return how many seconds the step may run."""
        limit: float | None = self.option(task, TIME_LIMIT)
        return limit

    def option(self, task: Any, name: str) -> Any:
        """Return the value of a parameter in force: doit reads those of tasks that the command line names."""
        if task.options is not None:
            return task.options[name]
        return (task.cfg_values or {}).get(name, self.declared[name].default)

    def values(self) -> dict[str, Any] | None:
        """Return what other tasks get from the stage by doit's `getargs`, None if it has no result."""
        trace = self.trace or engine().workspace.latest(self.stage)
        return values_of(trace) if trace else None


def values_of(trace: Trace) -> dict[str, Any]:
    """Return what other tasks get from a stage by doit's `getargs`: its metrics, and role -> digest as `outputs`."""
    return {**trace.metrics, "outputs": trace.digests}


def stage_of(task: Any) -> StageTask | None:
    """Return the stage behind a task, or None if the task is an ordinary one."""
    for item in task.uptodate or ():
        if isinstance(item[0], StageTask):
            return item[0]
    return None
