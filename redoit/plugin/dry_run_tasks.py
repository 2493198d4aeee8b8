"""A dry run over doit's tasks, in doit's order: the engine decides about stages, doit about ordinary tasks."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace

from doit.control import ExecNode, TaskControl, TaskDispatcher
from doit.task import Task, result_dep

from redoit.errors import RedoitError
from redoit.model import PlannedStatus, Status
from redoit.planning.dry_run import IF_UNCHANGED, DryRun
from redoit.planning.planned_task import PlannedTask
from redoit.plugin.checkout import Session, engine
from redoit.plugin.database import StageDependency
from redoit.plugin.stage_task import NOT_UP_TO_DATE, ContentChecker, StageTask, stage_of, uncached_stages

RUN_STATUS = {
    PlannedStatus.KEEP: "up-to-date",
    PlannedStatus.FAIL: "failure",
    PlannedStatus.NOT_RUN: "failure",
    PlannedStatus.IGNORED: "ignore",
}  # for doit's dispatcher


class DryRunTasks:
    """What a run would do with the tasks of a project."""

    def __init__(self, session: Session, tasks: Mapping[str, Task], database: StageDependency) -> None:
        self._session = session
        self._tasks = tasks
        self._database = database
        self._dry_run = DryRun(engine())
        self._planned: dict[str, PlannedTask] = {}
        for name in uncached_stages(tasks):
            self._dry_run.invalidate(name, session.graph.dependents(name), "uncached")

    def plan(self, name: str) -> PlannedTask:
        """Return what a run would do with a task."""
        if name not in self._planned:
            control = TaskControl(list(self._tasks.values()))
            # A second request is `list -s`, which asks for all: one walk for each would take quadratic time.
            rest = [other for other, task in self._tasks.items() if not (task.loader or other in self._planned)]
            control.process([*dict.fromkeys([name, *rest])] if self._planned else [name])
            for _ in self.walk(control.task_dispatcher()):
                pass
        return self._planned[name]

    def walk(self, dispatcher: TaskDispatcher) -> Iterator[tuple[Task, PlannedTask]]:
        """Yield tasks in the order of a run, each with what the run would do."""
        node = None
        while True:
            try:
                node = dispatcher.generator.send(node)
            except StopIteration:
                return
            if node.run_status is not None:  # doit comes back to a task after its setup tasks
                node.run_status = "successful"
                continue
            planned = self._planned.get(node.task.name) or self._plan(node)
            self._planned[planned.name] = planned
            if planned.stage is None:  # a task may calculate the dependencies of others: take what it calculated last
                node.task.values = self._database.get_values(node.task.name)
            node.run_status = RUN_STATUS.get(planned.status) or ("run" if node.task.setup_tasks else "successful")
            yield node.task, planned

    def _plan(self, node: ExecNode) -> PlannedTask:
        task, stage, dry_run = node.task, stage_of(node.task), self._dry_run
        for path, target in self._session.graph.aliases.items():
            if target in dry_run.expected:
                dry_run.expected[path] = dry_run.expected[target]
        declaration = stage.stage if stage else None
        if node.ignored_deps or self._database.status_is_ignore(task):
            return PlannedTask(task.name, PlannedStatus.IGNORED, declaration)
        if node.bad_deps:
            blocked_by = tuple(sorted(dependency.task.name for dependency in node.bad_deps))  # doit's order is random
            return PlannedTask(task.name, PlannedStatus.NOT_RUN, declaration, blocked_by=blocked_by)
        conditions = task.uptodate
        commands = {item[0]: "" for item in conditions if isinstance(item[0], str)}
        # A true value for each, as it isn't executed: without any, the task would have no dependencies and always run.
        task.uptodate = [(True, [], {}) if isinstance(item[0], str) else item for item in conditions]
        try:
            return self._plan_stage(task, stage, commands) if stage else self._plan_ordinary(task, commands)
        finally:
            task.uptodate = conditions

    def _plan_stage(self, task: Task, stage: StageTask, commands: dict[str, str]) -> PlannedTask:
        stage.conditions_hold = self._database.conditions_hold(task, stage, self._tasks)
        try:
            settings, invalidated = stage.settings(task), stage.invalidation(task)
        except RedoitError as error:
            return PlannedTask(task.name, PlannedStatus.FAIL, stage.stage, error=str(error))
        if invalidated:
            dependents = () if invalidated == NOT_UP_TO_DATE else self._session.graph.dependents(task.name)
            self._dry_run.invalidate(task.name, dependents, invalidated.kind)
        planned = self._dry_run.plan_stage(stage.stage, settings)
        if not commands or planned.status not in IF_UNCHANGED or planned.trace is None:
            return planned
        digests = planned.trace.digests
        self._dry_run.rebuild(task.name, {path: digests.get(role) for role, path in stage.stage.outputs.items()})
        if_unchanged = IF_UNCHANGED[planned.status]
        return replace(planned, status=PlannedStatus.RUN, pending=commands, if_unchanged=if_unchanged, uncertain=True)

    def _plan_ordinary(self, task: Task, commands: dict[str, str]) -> PlannedTask:
        planned = self._by_doit(task, commands)
        if self._session.always and planned.status != PlannedStatus.FAIL:
            planned = PlannedTask(task.name, PlannedStatus.RUN)
        if planned.executes and task.actions:
            digest = engine().workspace.stat_cache.digest
            self._dry_run.rebuild(task.name, {path: digest(path) for path in map(os.path.normpath, task.targets)})
        return planned

    def _by_doit(self, task: Task, commands: dict[str, str]) -> PlannedTask:
        """Return what doit decides about an ordinary task once earlier tasks are done."""
        paths = {dep: os.path.normpath(dep) for dep in task.file_dep}
        expected = {dep: file for dep, path in paths.items() if (file := self._dry_run.expected.get(path))}
        status = self._database.get_status(task, self._tasks, get_log=True)
        reasons: dict[str, object] = dict(status.reasons)
        for kind in ("changed_file_dep", "missing_file_dep"):
            found = reasons.get(kind)
            reasons[kind] = [dep for dep in found if dep not in expected] if isinstance(found, list) else []
        if reasons["missing_file_dep"]:
            return PlannedTask(task.name, PlannedStatus.FAIL, error=status.get_error_message() or "")
        by_content = isinstance(self._database.checker, ContentChecker)  # else doit remembers no digests of files
        pending = {paths[dep]: file.maker for dep, file in expected.items() if file.pending or not by_content}
        used = {item[0].dep_name for item in task.uptodate if isinstance(item[0], result_dep)}
        pending |= {name: name for name in used if self._may_differ(name)} | commands
        known = [dep for dep in expected if paths[dep] not in pending]
        changed = any(self._database._get(task.name, dep) != expected[dep].digest for dep in known)  # noqa: SLF001 - nothing public tells
        if any(reasons.values()) or changed:
            return PlannedTask(task.name, PlannedStatus.RUN)
        if not pending:
            return PlannedTask(task.name, PlannedStatus.KEEP)
        return PlannedTask(task.name, PlannedStatus.RUN, pending=pending, if_unchanged=Status.KEPT, uncertain=True)

    def _may_differ(self, name: str) -> bool:
        """Tell whether a task, or a member of a group, will run."""
        return any(planned.executes for other, planned in self._planned.items() if f"{other}:".startswith(f"{name}:"))
