"""doit's dependency manager: the status of a stage comes from its traces, that of an ordinary task from the database.

So the database holds nothing about a stage that could be wrong, only that the user ignores it.
"""

from collections.abc import Mapping
from typing import Any

from doit.dependency import Dependency, DependencyStatus

from redoit.plugin.stage_task import StageTask

VALUES, RESULT, IGNORED = "_values_:", "result:", "ignore:"  # keys of doit's database


class StageDependency(Dependency):
    """Replaces doit's own, once it is known which tasks are stages."""

    def __init__(self, inner: Dependency, stages: Mapping[str, StageTask]) -> None:
        self.__dict__.update(vars(inner))
        self._stages = stages
        self._get = self._stored  # doit's own methods read values and results of tasks through these
        self._in = self._is_stored

    def get_status(self, task: Any, tasks_dict: Mapping[str, Any], get_log: bool = False) -> DependencyStatus:  # noqa: FBT002 - as doit calls it
        """Return whether a task is up to date; for a stage its traces alone decide."""
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
        """Store the state of an ordinary task that has run. A stage has its trace; a group runs nothing."""
        if task.name not in self._stages and not (task.has_subtask and not task.actions):
            super().save_success(task, result_hash)

    def remove_success(self, task: Any) -> None:
        """Forget an ordinary task that failed. A stage keeps its earlier traces."""
        if task.name not in self._stages:
            super().remove_success(task)

    def _stored(self, name: str, key: str) -> Any:
        stage = self._stages.get(name)
        if stage is None or key == IGNORED:
            return self.backend.get(name, key)
        return stage.values() if key in (VALUES, RESULT) else None

    def _is_stored(self, name: str) -> bool:
        stage = self._stages.get(name)
        return bool(self.backend.in_(name)) if stage is None else stage.values() is not None
