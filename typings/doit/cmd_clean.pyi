# The command `clean`.

from doit.cmd_base import DoitCmdBase
from doit.task import Task

class Clean(DoitCmdBase):
    def clean_tasks(self, tasks: list[Task], dryrun: bool, cleanforget: bool) -> None: ...
