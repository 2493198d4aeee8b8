# The command `reset-dep`.

from doit.cmd_base import DoitCmdBase

class ResetDep(DoitCmdBase):
    def _execute(self, pos_args: list[str] | None = None) -> int | None: ...
