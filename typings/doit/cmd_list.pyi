# The command `list`.

from doit.cmd_base import DoitCmdBase
from doit.task import Task

class List(DoitCmdBase):
    def _print_task(self, template: str, task: Task, status: bool, list_deps: bool, tasks: dict[str, Task]) -> None: ...
