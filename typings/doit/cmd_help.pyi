# The command `help`.

from collections.abc import Callable

from doit.cmd_base import Command, DoitCmdBase
from doit.cmdparse import DefaultUpdate
from doit.plugin import PluginDict

class Help(DoitCmdBase):
    cmds: dict[str, Callable[..., Command]]
    def __init__(self, cmds: PluginDict | None = None, **kwargs: object) -> None: ...
    def execute(self, params: DefaultUpdate, args: list[str]) -> int: ...
    def _execute(self, pos_args: list[str]) -> bool: ...
