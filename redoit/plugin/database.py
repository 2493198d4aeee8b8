"""doit's database as redoit keeps it: sqlite3, and never in the way.

It remembers nothing that the traces do not know, so a corrupt one is begun anew, and one that can't be written is done
without: ordinary tasks, which have no traces, then run again next time.
"""

import contextlib
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

from doit.dependency import DatabaseException, SqliteDB

from redoit.errors import DiskError
from redoit.storage import disk

SUFFIXES = ("", "-journal", "-wal", "-shm")  # of the files that are one database of sqlite3


class Database(SqliteDB):
    """doit's sqlite3 backend; what it can't read, it forgets."""

    desc = "sqlite3 that begins anew when it is corrupt"
    _known: set[str] | None = None  # the tasks that are in it

    def _sqlite3(self, name: str) -> Any:
        for _ in range(2):
            try:
                for path in (f"{name}{suffix}" for suffix in SUFFIXES):
                    if os.path.lexists(path) and (os.path.islink(path) or not os.path.isfile(path)):
                        disk.clear_path(Path(path))  # sqlite would follow a link, or wait for the other end of a pipe
                connection = super()._sqlite3(name)
                _check(connection)
                return connection
            except (DatabaseException, sqlite3.Error) as error:
                if _is_held(error):
                    break  # by somebody else, who is not to lose it
                _put_aside(name)
            except DiskError:
                break
        return super()._sqlite3(":memory:")

    def _get_task_data(self, task_id: str) -> Any:
        if self._known is None:
            self._known = self._names()
        if task_id not in self._known:
            return {}
        try:
            found = super()._get_task_data(task_id)
        except (ValueError, RecursionError, sqlite3.Error):
            return {}
        return found if _is_record(found) else {}

    def _names(self) -> set[str]:
        """Return the tasks that are remembered: to ask for each one whether it is takes longer."""
        try:
            return {row["task_id"] for row in self._conn.execute("select task_id from doit")}
        except (ValueError, sqlite3.Error):
            return set()

    def in_(self, task_id: str) -> bool:
        """Tell whether a task is remembered."""
        try:
            return bool(super().in_(task_id))
        except (ValueError, sqlite3.Error):
            return False

    def remove(self, task_id: str) -> None:
        """Forget a task."""
        try:
            super().remove(task_id)
        except sqlite3.Error as error:
            self._say(error)

    def dump(self) -> None:
        """Write down what was learnt, and close."""
        try:
            super().dump()
        except sqlite3.Error as error:
            self._say(error)

    def _say(self, error: sqlite3.Error) -> None:
        text = f"{self.name}: can't be written ({error}); stages lose nothing, ordinary tasks run again next time"
        sys.stderr.write(f"{text}\n")


def _is_held(error: Exception) -> bool:
    """Tell whether a database is only locked."""
    return any(word in str(error) for word in ("is locked", "is busy"))


def _check(connection: Any) -> None:
    """Hold a database against the one that doit makes: a table, since a view may have rows without end.

    Raises: sqlite3.Error.
    """
    found = connection.execute("select type, name, rootpage from sqlite_master where sql is not null").fetchall()
    if [(row["type"], row["name"], row["rootpage"] > 0) for row in found] != [("table", "doit", True)]:
        raise sqlite3.DatabaseError("not as doit makes it")
    connection.execute("select count(task_id), count(task_data is null) from doit").fetchone()


def _is_record(found: Any) -> bool:
    """Tell whether what is remembered of a task has the types that doit relies on."""
    if not isinstance(found, dict) or not isinstance(found.get("_values_:", {}), dict):
        return False
    names = found.get("deps:", [])
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


def _put_aside(name: str) -> None:
    for path in (name, f"{name}-journal"):
        try:
            os.replace(path, f"{path}.corrupt")
        except FileNotFoundError:
            continue
        except OSError:  # where it can't be kept, it is removed
            with contextlib.suppress(DiskError):
                disk.clear_path(Path(path))
