"""doit's database as redoit keeps it: sqlite3, and never in the way.

It remembers nothing that the traces do not know, so a corrupt one is begun anew.
"""

import contextlib
import os
from typing import Any

from doit.dependency import DatabaseException, SqliteDB


class Database(SqliteDB):
    """doit's sqlite3 backend; what it can't read, it forgets."""

    desc = "sqlite3 that begins anew when it is corrupt"

    def _sqlite3(self, name: str) -> Any:
        import sqlite3

        for _ in range(2):
            try:
                connection = super()._sqlite3(name)
                connection.execute("select count(*) from doit").fetchone()
            except (DatabaseException, sqlite3.DatabaseError):
                for path in (name, f"{name}-journal"):
                    with contextlib.suppress(FileNotFoundError):
                        os.replace(path, f"{path}.corrupt")
            else:
                return connection
        return super()._sqlite3(name)

    def _get_task_data(self, task_id: str) -> Any:
        import sqlite3

        try:
            found = super()._get_task_data(task_id)
        except (ValueError, sqlite3.DatabaseError):
            return {}
        return found if isinstance(found, dict) else {}
