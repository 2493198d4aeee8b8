# The command `forget`.

from doit.cmd_base import DoitCmdBase

class Forget(DoitCmdBase): ...
