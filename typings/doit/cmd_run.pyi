# The command `run`, and the options of it that `doit plan` takes.

from doit.cmd_base import DoitCmdBase
from doit.control import TaskControl

opt_always: dict[str, object]
opt_continue: dict[str, object]
opt_num_process: dict[str, object]
opt_parallel_type: dict[str, object]
opt_single: dict[str, object]
opt_verbosity: dict[str, object]

class Run(DoitCmdBase):
    control: TaskControl  # once the tasks are accepted
    def __init__(self, **kwargs: object) -> None: ...
