"""doit's `help` and `dumpdb`, whose errors are one line, and which know redoit's options and database."""

import json
import pprint
from collections.abc import Mapping

from doit import cmd_help
from doit.cmd_base import TaskLoader2
from doit.cmd_dumpdb import dbm_iter
from doit.cmdparse import DefaultUpdate
from doit.dependency import DbmDB, SqliteDB
from doit.plugin import PluginDict

from redoit.cli.base import StageCommand, guard_stdout
from redoit.errors import DeclarationError
from redoit.source.settings import nearest


class Help(StageCommand):
    """doit's `help`, on commands, on the fields of a task, or on a task."""

    doc_purpose = "show help"
    doc_usage = "[TASK] [COMMAND]"
    exclusive = False

    def __init__(self, task_loader: TaskLoader2, cmds: PluginDict, **named: object) -> None:
        super().__init__(task_loader, cmds, **named)
        self._help = cmd_help.Help(cmds=cmds, task_loader=task_loader, **named)

    def execute(self, params: DefaultUpdate, args: list[str]) -> int:
        """Print the help on commands and fields, for which dodo.py need not be loaded; else that on a task."""
        if len(args) == 1 and args[0] not in {"task", *self._help.cmds}:
            return super().execute(params, args)
        return guard_stdout(lambda: self._help.execute(params, args))

    def _execute(self, pos_args: list[str]) -> None:
        if pos_args[0] not in self.tasks:
            todo = nearest(pos_args[0], [*self.tasks, *self._help.cmds])
            raise DeclarationError(pos_args[0], "no such command or task", todo)
        self._help.task_list = self.task_list
        self._help._execute(pos_args)  # noqa: SLF001 - the rest of it loads dodo.py


class DumpDB(StageCommand):
    """doit's `dumpdb`, of whatever database is in use. What redoit knows of stages is not there."""

    doc_purpose = "dump the database of ordinary tasks"
    exclusive = False

    def _execute(self) -> None:
        for name, data in sorted(_entries(self.dep_manager.backend).items()):
            self.outstream.write(f"{name} -> {pprint.pformat(data, indent=4, width=100)}\n")


def _entries(backend: object) -> Mapping[str, object]:
    """Return task -> data, of any database of doit."""
    if isinstance(backend, SqliteDB):
        rows = vars(backend)["_conn"].execute("select task_id, task_data from doit")
        return {row["task_id"]: row["task_data"] for row in rows}
    if isinstance(backend, DbmDB):
        return {key.decode(): json.loads(data) for key, data in dbm_iter(vars(backend)["_dbm"])}
    return dict(getattr(backend, "_db", {}))
