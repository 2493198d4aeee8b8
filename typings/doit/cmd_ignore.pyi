# The command `ignore`.

from doit.cmd_base import DoitCmdBase

class Ignore(DoitCmdBase): ...
