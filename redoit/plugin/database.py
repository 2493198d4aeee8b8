"""What doit remembers: the state of ordinary tasks in a database of sqlite3, and of a stage what its traces say.

So the database holds nothing about a stage that could be wrong, only that the user ignores it. It is replaced when it
is corrupt, and in memory when it can't be used: its loss costs no more than running the ordinary tasks again.
"""

import contextlib
import os
import sqlite3
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TypeGuard

from doit.dependency import DatabaseException, Dependency, DependencyStatus, SqliteDB
from doit.task import Task

from redoit.errors import DeclarationError, DiskError
from redoit.plugin.stage_task import StageTask
from redoit.state.workspace import FOLDER
from redoit.storage import disk

VALUES, RESULT, IGNORED, FILES = "_values_:", "result:", "ignore:", "deps:"  # keys of doit's database
SUFFIXES = ("", "-journal", "-wal", "-shm")  # of the files that are one database of sqlite3


class Database(SqliteDB):
    """doit's sqlite3 backend, read whole when it is opened; entries that can't be read count as absent."""

    desc = "sqlite3; a corrupt database is replaced"
    _stored: dict[str, bytes]

    def _sqlite3(self, name: str) -> sqlite3.Connection:
        """Return a connection to the database; to one in memory if it is locked or can't be written."""
        files = [Path(f"{name}{suffix}") for suffix in SUFFIXES]
        for _ in range(2):
            try:
                for path in files:
                    if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
                        _move_aside([path])  # sqlite would follow a link, or wait for the writer of a pipe
                with contextlib.ExitStack() as failed:
                    connection = failed.enter_context(contextlib.closing(super()._sqlite3(name)))
                    self._stored = _entries(connection)
                    failed.pop_all()
                return connection
            except (DatabaseException, sqlite3.Error) as error:
                if _is_locked(error):
                    break  # another process uses it
                _move_aside(files)
            except DiskError:
                break
        self._stored = {}
        return super()._sqlite3(":memory:")

    def _get_task_data(self, task_id: str) -> dict[str, object]:
        if task_id not in self._stored:
            return {}
        try:
            data = self.codec.decode(self._stored[task_id].decode())
        except (ValueError, RecursionError):
            return {}
        return data if _is_valid(data) else {}

    def in_(self, task_id: str) -> bool:
        """Return whether a task is stored."""
        self.get(task_id, VALUES)
        return bool(self._cache[task_id])

    def remove(self, task_id: str) -> None:
        """Remove a task."""
        self._stored.pop(task_id, None)
        try:
            super().remove(task_id)
        except sqlite3.Error as error:
            self._warn(error)

    def dump(self) -> None:
        """Write the changes, and close."""
        try:
            super().dump()
        except sqlite3.Error as error:
            self._warn(error)

    def _warn(self, error: sqlite3.Error) -> None:
        text = f"{self.name}: can't be written ({error}); stages lose nothing, ordinary tasks run again next time"
        sys.stderr.write(f"{text}\n")


def _is_locked(error: Exception) -> bool:
    """Return whether an error says that the database is locked."""
    return any(word in str(error) for word in ("is locked", "is busy"))


def _entries(connection: sqlite3.Connection) -> dict[str, bytes]:
    """Return task -> data of a database that has doit's one table, and no view, which may have rows without end.

    Raises: sqlite3.Error.
    """
    rows = connection.execute("select type, name, rootpage from sqlite_master where sql is not null").fetchall()
    if [(row["type"], row["name"], row["rootpage"] > 0) for row in rows] != [("table", "doit", True)]:
        raise sqlite3.DatabaseError("expected the table of doit")
    found = connection.execute("select task_id, cast(task_data as blob) as data from doit")
    return {row["task_id"]: row["data"] or b"" for row in found}


def _is_valid(data: object) -> TypeGuard[dict[str, object]]:
    """Return whether the data of a task has the types that doit relies on."""
    if not isinstance(data, dict) or not isinstance(data.get(VALUES, {}), dict):
        return False
    names = data.get(FILES, [])
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


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
        stage.setup(self, tasks_dict)
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
        """Store the state of an ordinary task that has run, and of a stage what its conditions compare.

        A stage has its trace; a group runs nothing.
        """
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


def _move_aside(files: list[Path]) -> None:
    """Rename the files of a corrupt database, or remove them where that fails.

    Raises: DeclarationError if `--db-file` names a user's own.
    """
    for path in files:
        if path.parent.name != FOLDER and os.path.lexists(path):
            raise DeclarationError(str(path), "found no database of doit", "name another file by --db-file")
        try:
            path.rename(f"{path}.corrupt")
        except OSError:
            with contextlib.suppress(DiskError):
                disk.clear_path(path)
