# What all commands share, and the loaders of tasks. An option of a command is a dict, as `CmdOption` takes it.

from collections.abc import Iterable, Iterator, Mapping
from typing import TextIO

from doit.cmdparse import CmdOption, CmdParse, DefaultUpdate
from doit.dependency import Dependency
from doit.plugin import PluginDict
from doit.task import Task

class Command:
    name: str | None  # None in a class, until doit makes the command
    doc_purpose: str
    doc_usage: str
    doc_description: str | None
    cmd_options: tuple[dict[str, object], ...]
    execute_tasks: bool
    config: dict[str, dict[str, object]]
    def __init__(
        self,
        config: dict[str, dict[str, object]] | None = None,
        bin_name: str = "doit",
        opt_vals: Mapping[str, object] | None = None,
        **kwargs: object,
    ) -> None: ...
    @property
    def cmdparser(self) -> CmdParse: ...
    def get_options(self) -> list[CmdOption]: ...
    def parse_execute(self, in_args: list[str]) -> int | None: ...
    def help(self) -> str: ...

class TaskLoader2:
    cmd_options: tuple[dict[str, object], ...]
    config: dict[str, dict[str, object]]  # once doit has found the loader
    def setup(self, opt_values: DefaultUpdate) -> None: ...
    def load_doit_config(self) -> dict[str, object]: ...
    def load_tasks(self, cmd: DoitCmdBase, pos_args: list[str]) -> list[Task]: ...

class DoitCmdBase(Command):
    sel_tasks: list[str] | None
    sel_default_tasks: bool
    dep_manager: Dependency  # from `execute` on
    task_list: list[Task]
    outstream: TextIO
    loader: TaskLoader2
    def __init__(self, task_loader: TaskLoader2, cmds: PluginDict | None = None, **kwargs: object) -> None: ...
    def execute(self, params: DefaultUpdate, args: list[str]) -> int | None: ...

def tasks_and_deps_iter(
    tasks: Mapping[str, Task], sel_tasks: Iterable[str], yield_duplicates: bool = False
) -> Iterator[Task]: ...
def subtasks_iter(tasks: Mapping[str, Task], task: Task) -> Iterator[Task]: ...
