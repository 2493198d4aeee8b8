# The command `tabcompletion`.

from collections.abc import Callable

from doit.cmd_base import Command, DoitCmdBase
from doit.cmdparse import DefaultUpdate
from doit.plugin import PluginDict

opt_shell: dict[str, object]
opt_hardcode_tasks: dict[str, object]

class TabCompletion(DoitCmdBase):
    init_kwargs: dict[str, object]  # what makes any command
    cmds: dict[str, Callable[..., Command]]
    def __init__(self, cmds: PluginDict | None = None, **kwargs: object) -> None: ...
    def execute(self, opt_values: DefaultUpdate, pos_args: list[str]) -> int | None: ...
