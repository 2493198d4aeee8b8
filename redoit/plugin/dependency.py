"""What doit remembers of tasks: of stages, what their traces say; of ordinary tasks, what its database does.

So the database holds nothing of a stage that could be wrong, save that the user wants it ignored.
"""

from collections.abc import Mapping
from typing import Any

from doit.dependency import Dependency, DependencyStatus

from redoit.plugin.stage_task import StageTask

VALUES, RESULT, IGNORED = "_values_:", "result:", "ignore:"  # doit's names of what it remembers


class StageDependency(Dependency):
    """Takes the place of doit's own, once it is known which tasks are stages."""

    def __init__(self, inner: Dependency, stages: Mapping[str, StageTask]) -> None:
        self.__dict__.update(vars(inner))
        self._stages = stages
        self._get = self._recall  # where doit's own helpers ask for the result of another task
        self._in = self._knows

    def get_status(self, task: Any, tasks_dict: Mapping[str, Any], get_log: bool = False) -> DependencyStatus:  # noqa: FBT002 - as doit calls it
        """Tell whether a task is up to date; about a stage its traces decide alone."""
        stage = self._stages.get(task.name)
        if stage is None:
            return super().get_status(task, tasks_dict, get_log)
        task.dep_changed = []
        status = DependencyStatus(get_log)
        stage.setup(self, tasks_dict)
        if not stage(task):
            status.add_reason("uptodate_false", (stage, [], {}))
        return status

    def save_success(self, task: Any, result_hash: Any = None) -> None:
        """Remember what an ordinary task was run with. A stage has recorded its trace; a group was not run."""
        if task.name not in self._stages and not (task.has_subtask and not task.actions):
            super().save_success(task, result_hash)

    def remove_success(self, task: Any) -> None:
        """Forget an ordinary task that failed. What a stage made before still stands."""
        if task.name not in self._stages:
            super().remove_success(task)

    def get_values(self, task_name: str) -> dict[str, Any]:
        """Return what a task left for others."""
        return self._recall(task_name, VALUES) or {}

    def get_result(self, task_name: str) -> Any:
        """Return what a task came to, so that others can tell whether that has changed."""
        return self._recall(task_name, RESULT)

    def _recall(self, name: str, what: str) -> Any:
        stage = self._stages.get(name)
        if stage is None or what == IGNORED:
            return self.backend.get(name, what)
        return stage.values() if what in (VALUES, RESULT) else None

    def _knows(self, name: str) -> bool:
        stage = self._stages.get(name)
        return bool(self.backend.in_(name)) if stage is None else stage.values() is not None
