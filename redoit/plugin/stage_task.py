"""Stages as tasks of doit: `uptodate` decides whether a stage is kept, its action restores or runs it.

doit schedules. What it remembers is never the truth: a decision depends on the traces alone.
"""

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

from doit.dependency import FileChangedChecker
from doit.exceptions import TaskFailed
from doit.task import Task

from redoit.engine.engine import RunOptions
from redoit.errors import DeclarationError, RedoitError
from redoit.history.run_log import StageRecord
from redoit.model import Decision, Keep, Outcome, Reason, Setting, Stage, Status, Trace
from redoit.plugin import configuration
from redoit.plugin.checkout import Session, engine, options
from redoit.source.settings import Declared
from redoit.state.stat_cache import identity
from redoit.state.workspace import FOLDER
from redoit.text import printable

if TYPE_CHECKING:  # a run with nothing to do does not import it
    from redoit.terminal.live import Live

CACHE, TIME_LIMIT = "cache", "time_limit"  # the parameters that every stage has
DEFAULTS = {CACHE: True, TIME_LIMIT: None}
NOT_UP_TO_DATE = Reason("uptodate")
NO_SESSION = Session()  # of stages that no command has loaded


class ContentChecker(FileChangedChecker):
    """Tells doit whether a file has changed, by its content."""

    def check_modified(self, file_path: str, _file_stat: os.stat_result, state: str) -> bool:
        """Return whether a file's content differs from the one remembered."""
        return engine().workspace.stat_cache.digest(file_path) != state

    def get_state(self, dep: str, current_state: str | None) -> str | None:
        """Return the digest of a file, or None if it is the one remembered."""
        digest = engine().workspace.stat_cache.digest(dep)
        return digest if digest != current_state else None


class StageTask:
    """One stage between doit and the engine.

    `declared`: all its parameters; `defaults`: its settings as `run` gives them. The command that loads the stage sets
    `section` (its section of the configuration files, None before), `overrides` (its settings among the variables of
    the command line) and `session`; the reporter may set `display`, which shows the step's output, and
    `reports_warnings`, if it does. `decision` is the engine's, `outcome` that of a stage that is kept or built.
    `conditions_hold`: no other entry of `uptodate` is false.
    """

    def __init__(self, stage: Stage, declared: Mapping[str, Declared], defaults: tuple[Setting, ...]) -> None:
        self.stage = stage
        self.declared = declared
        self._defaults = defaults
        self.section: dict[str, object] | None = None
        self.overrides: Mapping[str, object] = {}
        self.session = NO_SESSION
        self.display: Live | None = None
        self.decision: Decision | None = None
        self.outcome: Outcome | None = None
        self.conditions_hold = True
        self.reports_warnings = False

    def configure_task(self, task: Task) -> None:
        """Take the name, which doit derives from the function that declares the stage."""
        self.stage = self.stage._replace(name=task.name)

    def __call__(self, task: Task) -> bool:
        """Return whether the stage is kept."""
        started = time.perf_counter()
        self.decision = self.outcome = None
        try:
            self._invalidate_uncached()
            self.decision = engine().decide(self.stage, self.settings(task), self.invalidation(task))
        except (RedoitError, OSError):
            return False  # the action meets the same error, and reports it
        if not isinstance(self.decision, Keep):
            return False
        self.outcome = Outcome(Status.KEPT, self.decision.trace, time.perf_counter() - started)
        self.session.end(task.name, self.outcome)
        return True

    def build(self, task: Task) -> dict[str, object] | TaskFailed:
        """Restore the stage, or run its step and commit: the task's action."""
        from redoit.execution.process import PROCESSES
        from redoit.terminal.streams import step_streams

        started = time.perf_counter()
        shown = step_streams(task.name, task.verbosity, self.display, parallel=self.session.parallel)
        with PROCESSES.work():  # an interrupted run waits until the stage is recorded
            try:
                invalidated = self.invalidation(task)
                alone = invalidated == NOT_UP_TO_DATE  # dependents follow if bytes change
                with shown as streams:
                    self.outcome = engine().build(
                        self.stage,
                        self.settings(task),
                        RunOptions(self.time_limit(task), streams, self._later_stages, self._section_changed),
                        invalidated=invalidated,
                        dependents=lambda: () if alone else self.session.graph.dependents(self.stage.name),
                    )
            except RedoitError as error:
                self._show_traceback(error)
                return self._failed(str(error), started)
            except OSError as error:
                text = f"{error.filename or FOLDER}: {error.strerror}; nothing was recorded, mend that and run again"
                return self._failed(text, started)
            except KeyboardInterrupt:
                self._failed("interrupted", started)
                raise
            for warning in () if self.reports_warnings else self.outcome.warnings:
                sys.stderr.write(f"WARNING {task.name}: {printable(warning)}\n")
            self.session.end(task.name, self.outcome)
            return values_of(self.outcome.trace)

    def _show_traceback(self, error: RedoitError) -> None:
        """Show the traceback of a step that failed, whatever the reporter shows."""
        if text := getattr(error, "traceback", ""):
            with contextlib.suppress(OSError, ValueError):  # the terminal may be gone
                if self.display:
                    self.display.end_task(self.stage.name, text)
                else:
                    sys.stderr.write(f"{text}{error}\n")

    def _failed(self, error: str, started: float) -> TaskFailed:
        seconds = time.perf_counter() - started
        self.session.records[self.stage.name] = StageRecord(Status.FAILED, seconds=seconds, error=error)
        return TaskFailed(error)

    def settings(self, task: Task) -> tuple[Setting, ...]:
        """Return the settings in force. Raises: DeclarationError if the stage was declared too late to have any."""
        if self.section is None:
            found = "declared too late to be configured"
            raise DeclarationError(self.stage.name, found, "declare it without create_after, and run it with doit")
        if task.options is None and not task.cfg_values:
            return self._defaults
        return tuple(setting._replace(value=self.value_of(task, setting.name)) for setting in self._defaults)

    def _later_stages(self) -> Iterator[Stage]:
        """Yield the stages that will probably run after this one, so that their imports can be preloaded."""
        dependents = set(self.session.graph.dependents(self.stage.name))
        for name in self.session.graph.needed(self.session.selected()):
            other = stage_of(self.session.tasks[name])
            if other is None or other is self or name in self.session.records:
                continue
            if self.session.always or name in dependents or engine().workspace.latest(other.stage) is None:
                yield other.stage

    def _invalidate_uncached(self) -> None:
        """Invalidate durably, before the first stage runs, each stage that the command line runs with `--no-cache`."""
        for name in () if self.session.begun else uncached_stages(self.session.tasks):
            engine().workspace.invalidations.add(name, self.session.graph.dependents(name), "uncached")
        self.session.begun = True

    def setting_source(self, task: Task, name: str) -> str:
        """Return where the value of a setting comes from, in words."""
        value, default = self.value_of(task, name), self.declared[name].default
        if (task.cfg_values or {}).get(name, default) != value or name in self.overrides:
            return "the command line"
        files = configuration.setting_files(self.stage.name)
        if name not in DEFAULTS:
            return files.get(name, "the default of run")
        return files.get(name, "the default of redoit" if value == DEFAULTS[name] else "dodo.py")

    def _section_changed(self) -> bool:
        """Return whether the stage's section of the configuration files was edited since it was read."""
        if [*map(identity, configuration.FILES)] == self.session.configuration_files:
            return False  # and the section may have come from elsewhere, by a call of doit
        try:
            return configuration.sections().get(configuration.SECTION_PREFIX + self.stage.name, {}) != self.section
        except (OSError, ValueError):
            return True

    def invalidation(self, task: Task) -> Reason | None:
        """Return why earlier results do not count in this run, or None if they do."""
        if self.session.always:
            return Reason("always")
        if not (self.value_of(task, CACHE) and options().cache):
            return Reason("uncached")
        return None if self.conditions_hold else NOT_UP_TO_DATE

    def value_of(self, task: Task, name: str) -> object:
        """Return the value in force of a parameter; doit sets the options of tasks that the command line names."""
        if task.options is not None:
            return task.options[name]
        return (task.cfg_values or {}).get(name, self.declared[name].default)

    def time_limit(self, task: Task) -> float | None:
        """Return the seconds that the step may run, None if there is no limit."""
        return cast("float | None", self.value_of(task, TIME_LIMIT))

    def values(self) -> dict[str, object] | None:
        """Return what other tasks get from the stage by doit's `getargs`; None if it has no result."""
        trace = self.outcome.trace if self.outcome else engine().workspace.latest(self.stage)
        return values_of(trace) if trace else None


def values_of(trace: Trace) -> dict[str, object]:
    """Return what other tasks get from a stage by doit's `getargs`: its metrics, and role -> digest as `outputs`."""
    return {**trace.metrics, "outputs": trace.digests}


def uncached_stages(tasks: Mapping[str, Task]) -> list[str]:
    """Return the stages for which the command line says `--no-cache`: doit has set their options."""
    return [name for name, task in tasks.items() if task.options and stage_of(task) and not task.options[CACHE]]


def stage_of(task: Task) -> StageTask | None:
    """Return the stage behind a task, or None if the task is an ordinary one."""
    for item in task.uptodate or ():
        if isinstance(item[0], StageTask):
            return item[0]
    for action in task._actions:  # noqa: SLF001 - dodo.py may have replaced `uptodate`
        if isinstance(stage := getattr(action, "__self__", None), StageTask):
            return stage
    return None
