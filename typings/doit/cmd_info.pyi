# The command `info`.

from doit.cmd_base import DoitCmdBase

class Info(DoitCmdBase):
    def _execute(self, pos_args: list[str], hide_status: bool = False) -> int: ...
