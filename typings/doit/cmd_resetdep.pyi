# The command `reset-dep`.

from doit.cmd_base import DoitCmdBase

class ResetDep(DoitCmdBase): ...
