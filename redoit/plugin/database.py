"""What doit remembers: the state of ordinary tasks in a database, and of a stage what its traces say.

So the database holds nothing about a stage that could be wrong, only that the user ignores it. It is replaced when it
is corrupt: its loss costs no more than running the ordinary tasks again.
"""

import contextlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from doit.dependency import Dependency, DependencyStatus, JSONCodec, JsonDB
from doit.task import Task

from redoit.errors import DeclarationError, DiskError
from redoit.plugin.stage_task import StageTask
from redoit.state.workspace import FOLDER
from redoit.storage import disk
from redoit.storage.serialize import MALFORMED, seal, unseal

VALUES, RESULT, IGNORED, FILES = "_values_:", "result:", "ignore:", "deps:"  # keys of doit's database


class Database(JsonDB):
    """doit's database of JSON, in a sealed file that is read and written whole.

    Raises: DeclarationError if `--db-file` names what is no database.
    """

    desc = "a sealed file of JSON; a corrupt one is replaced"

    def __init__(self, name: str, codec: JSONCodec, *, module_name: str | None = None) -> None:
        del module_name
        self.name, self.codec = name, codec
        self._path = Path(name).absolute()  # a task may leave the project's folder
        self._db = self._load()
        self._stored = {task: dict(data) for task, data in self._db.items()}

    def _load(self) -> dict[str, dict[str, object]]:
        """Return task -> data; nothing if there is no database. What else stands there is moved aside."""
        path = self._path
        try:
            data = disk.read(path.parent, path.name, max_bytes=sys.maxsize)
            found = unseal(data) if data else {}  # a user may have made the file that `--db-file` names
            return {task: _checked(self.codec.decode(text)) for task, text in found.items()}
        except FileNotFoundError:
            return {}
        except (OSError, *MALFORMED) as error:
            if isinstance(error, OSError) and error.errno not in disk.ABSENT:
                raise DeclarationError(str(path), f"can't be read ({error.strerror})", "mend that") from None
            if path.parent.name != FOLDER:
                found = "found no database of doit"
                raise DeclarationError(str(path), found, "name another file by --db-file") from None
        with contextlib.suppress(DiskError):
            disk.move(path, path.with_name(f"{path.name}.corrupt"))
        return {}

    def dump(self) -> None:
        """Write the database, if it has changed."""
        if self._db == self._stored:
            return
        try:
            disk.write_unsynced(self._path, seal({task: self.codec.encode(self._db[task]) for task in self._db}))
        except DiskError as error:
            lost = "stages lose nothing, ordinary tasks run again next time"
            sys.stderr.write(f"{self.name}: can't be written ({error.found}); {lost}\n")


def _checked(data: Any) -> dict[str, object]:
    """Return the data of a task. Raises: TypeError if it has other types than doit relies on."""
    values, names = data.get(VALUES, {}), data.get(FILES, [])
    if not (isinstance(values, dict) and isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise TypeError(data)
    return dict(data)


class StageDependency(Dependency):
    """doit's dependency manager, once it is known which tasks are stages: the traces alone decide about those."""

    def __init__(self, inner: Dependency, stages: Mapping[str, StageTask]) -> None:
        self.__dict__.update(vars(inner))
        self._stages = stages
        self._get = self._stored  # doit's own methods read values and results of tasks through these
        self._in = self._is_stored

    def get_status(self, task: Task, tasks_dict: Mapping[str, Task], get_log: bool = False) -> DependencyStatus:  # noqa: FBT002 - as doit calls it
        """Return whether a task is up to date."""
        stage = self._stages.get(task.name)
        if stage is None:
            return super().get_status(task, tasks_dict, get_log)
        task.dep_changed = []
        status = DependencyStatus(get_log)
        stage.conditions_hold = self.conditions_hold(task, stage, tasks_dict)
        if not stage(task):
            status.add_reason("uptodate_false", (stage, [], {}))
        return status

    def conditions_hold(self, task: Task, stage: StageTask, tasks: Mapping[str, Task]) -> bool:
        """Return whether no entry of `uptodate` but the stage itself is false."""
        conditions = [item for item in task.uptodate if item[0] is not stage]
        if not conditions:
            return True
        fields = task.uptodate, task.file_dep, task.targets
        # A true value at first: without any, the task would have no dependencies and always run.
        task.uptodate, task.file_dep, task.targets = [(True, [], {}), *conditions], set(), []
        try:
            return super().get_status(task, tasks).status == "up-to-date"
        finally:
            task.uptodate, task.file_dep, task.targets = fields

    def save_success(self, task: Task, result_hash: object = None) -> None:
        """Store the state of a task that has run; of a stage, which has its trace, only what its conditions compare."""
        stage = self._stages.get(task.name)
        if stage is None:
            if not task.has_subtask or task.actions:
                super().save_success(task, result_hash)
        elif len(task.uptodate) > 1:
            results = stage.values() or {}
            values = {name: value for name, value in task.values.items() if name not in results}
            self._set(task.name, VALUES, values)

    def remove_success(self, task: Task) -> None:
        """Forget an ordinary task that failed. A stage keeps its earlier traces."""
        if task.name not in self._stages:
            super().remove_success(task)

    def _stored(self, name: str, key: str) -> object:
        stage = self._stages.get(name)
        if stage is None or key == IGNORED:
            return self.backend.get(name, key)
        if key == VALUES:
            conditions = self.backend.get(name, key)
            return {**(conditions if isinstance(conditions, dict) else {}), **(stage.values() or {})}
        return stage.values() if key == RESULT else None

    def _is_stored(self, name: str) -> bool:
        stage = self._stages.get(name)
        return bool(self.backend.in_(name)) if stage is None else stage.values() is not None
