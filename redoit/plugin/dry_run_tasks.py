"""Looks ahead through tasks in doit's own order: at stages as the engine decides, at ordinary ones as doit does."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from doit.control import TaskControl
from doit.task import result_dep

from redoit.planning.dry_run import DryRun, PlannedStage
from redoit.plugin.checkout import engine
from redoit.plugin.session import Session
from redoit.plugin.stage_task import ContentChecker, stage_of

FAILING = ("fail", "not run")


@dataclass(frozen=True)
class PlannedTask:
    """What would become of a task that redoit does not decide. `word`: as that of a forecast, or `ignored`.

    `unless`: what becomes of it instead if what it awaits stays the same. `awaited`: files and tasks.
    """

    name: str
    word: str
    unless: str = ""
    awaited: tuple[str, ...] = ()
    error: str = ""
    blocked: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether that can't be known."""
        return bool(self.awaited)


def status_word(one: PlannedStage | PlannedTask) -> str:
    """Return what would become of a task, in a word; with a question mark where that can't be known yet."""
    return f"{one.word}?" if one.is_open and one.word in ("run", "restore") else one.word


class DryRunTasks:
    """What would become of tasks, by name. Those that a task needs are to be looked at before it."""

    def __init__(self, session: Session, tasks: Mapping[str, Any], database: Any) -> None:
        self._session = session
        self._tasks = tasks
        self._database = database
        self._forecaster = DryRun(engine())
        self._counted, self._calculated = -1, False
        self._asked = False
        self.found: dict[str, PlannedStage | PlannedTask] = {}
        for name, task in tasks.items():
            stage = stage_of(task)
            if stage and stage.is_uncached(task):
                self._forecaster.invalidate(name, session.graph.dependents(name), "uncached")

    def of(self, name: str) -> PlannedStage | PlannedTask:
        """Return what would become of a task, once all that it needs has been looked at."""
        if name not in self.found:
            control = TaskControl(list(self._tasks.values()))
            # Who asks for a second one may ask for all, and to begin anew each time takes as long as there are tasks.
            rest = [other for other, task in self._tasks.items() if not (task.loader or other in self.found)]
            control.process([*dict.fromkeys([name, *rest])] if self._asked else [name])
            self._asked = True
            for _ in self.through(control.task_dispatcher()):
                pass
        return self.found[name]

    def through(self, dispatcher: Any) -> Iterator[tuple[Any, PlannedStage | PlannedTask]]:
        """Yield tasks as doit would come to them, and what would become of them."""
        turn = None
        while True:
            try:
                turn = dispatcher.generator.send(turn)
            except StopIteration:
                return
            if turn.run_status is not None:  # for the second time: its setup tasks have been looked at
                turn.run_status = "successful"
                continue
            blocked = tuple(other.task.name for other in turn.bad_deps)
            known = self.found.get(turn.task.name)
            found = known or self.look(turn.task, blocked, ignored=bool(turn.ignored_deps))
            turn.run_status = self._status(turn.task, found)
            yield turn.task, found

    def look(self, task: Any, blocked: tuple[str, ...] = (), *, ignored: bool = False) -> PlannedStage | PlannedTask:
        """Return what would become of a task, which needs others that fail, or are ignored."""
        stage = stage_of(task)
        if ignored or self._database.status_is_ignore(task):
            ordinary = PlannedTask(task.name, "ignored")
            self.found[task.name] = PlannedStage(stage.stage, ignored=True) if stage else ordinary
        elif blocked and stage:
            self.found[task.name] = PlannedStage(stage.stage, blocked=blocked)
        elif blocked:
            self.found[task.name] = PlannedTask(task.name, "not run", blocked=blocked)
        else:
            self.found[task.name] = stage.dry_run(task, self._forecaster) if stage else self._ordinary(task)
        return self.found[task.name]

    def _calculates(self) -> bool:
        """Tell whether any task, also of those that were made meanwhile, has others calculate what it needs."""
        if len(self._tasks) != self._counted:
            self._counted = len(self._tasks)
            self._calculated = any(task.calc_dep for task in self._tasks.values())
        return self._calculated

    def _ordinary(self, task: Any) -> PlannedTask:
        found = self._by_doit(task)
        if self._session.always and found.word == "keep":
            found = PlannedTask(task.name, "run")
        if found.word == "run" and task.actions:
            self._forecaster.make(task.name, map(os.path.normpath, task.targets))
        return found

    def _by_doit(self, task: Any) -> PlannedTask:
        """Return what doit would decide once the tasks before have done what is foreseen. Executes no command."""
        ahead = {dep: os.path.normpath(dep) for dep in task.file_dep if self._expected(dep) is not None}
        reasons, error = self._reasons(task)
        for kind in ("changed_file_dep", "missing_file_dep"):
            reasons[kind] = [dep for dep in reasons.get(kind) or () if dep not in ahead]
        if reasons["missing_file_dep"]:
            return PlannedTask(task.name, "fail", error=error)
        awaited = [path for path in ahead.values() if self._forecaster.is_awaited(path)]
        awaited += [item[0].dep_name for item in task.uptodate if self._may_differ(item[0])]
        awaited += [item[0] for item in task.uptodate if isinstance(item[0], str)]
        if not isinstance(self._database.checker, ContentChecker):
            awaited += ahead  # whatever doit remembers of a file then, it is no digest of ours
        known = [dep for dep, path in ahead.items() if path not in awaited and dep not in awaited]
        changed = any(self._database._get(task.name, dep) != self._expected(dep) for dep in known)  # noqa: SLF001 - nothing public tells
        if any(reasons.values()) or changed:
            return PlannedTask(task.name, "run")
        return PlannedTask(task.name, "run", "kept", tuple(awaited)) if awaited else PlannedTask(task.name, "keep")

    def _reasons(self, task: Any) -> tuple[dict[str, Any], str]:
        """Return why doit would run a task now, and what it complains about, without asking the user's commands."""
        uptodate = task.uptodate
        try:
            # A task that only a command decides is none that has no dependencies.
            task.uptodate = [item if not isinstance(item[0], str) else (True, [], {}) for item in uptodate]
            status = self._database.get_status(task, self._tasks, get_log=True)
        finally:
            task.uptodate = uptodate
        return dict(status.reasons), (status.get_error_message() or "") if status.status == "error" else ""

    def _expected(self, dep: str) -> str | None:
        return self._forecaster.expected(os.path.normpath(dep))

    def _may_differ(self, uptodate: Any) -> bool:
        """Tell whether something asks for the result of a task, which may be another by then."""
        if not isinstance(uptodate, result_dep):
            return False
        name = uptodate.dep_name
        others = [one for other, one in self.found.items() if other == name or other.startswith(f"{name}:")]
        return any(one.word in ("run", "restore") for one in others)

    def _status(self, task: Any, found: PlannedStage | PlannedTask) -> str:
        """Return what doit is to take a task for."""
        if found.word in FAILING:
            return "failure"
        if found.word == "ignored":
            return "ignore"
        if self._calculates():  # of its last run: what calculates dependencies tells them so
            task.values = self._database.get_values(task.name)
        if found.word == "keep":
            return "up-to-date"
        return "run" if task.setup_tasks else "successful"
