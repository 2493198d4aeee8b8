"""What `why` and `plan` share: a dry run, with task names and parameters as a run takes them."""

import json
from collections.abc import Mapping

from doit.cmd_run import opt_always, opt_continue, opt_num_process, opt_parallel_type, opt_single, opt_verbosity
from doit.control import TaskControl

from redoit.cli.base import StageCommand
from redoit.model import PlannedStatus
from redoit.planning.planned_task import PlannedTask
from redoit.plugin.dry_run_tasks import DryRunTasks

JSON = {"name": "json", "long": "json", "type": bool, "default": False, "help": "print JSON, for programs"}


class DryRunCommand(StageCommand):
    """A command that shows what a run would do. Executes nothing, changes nothing, waits for no lock."""

    exclusive = False
    stops_at_failure = False  # as a run does without `-c`
    stopped = False
    execute_tasks = True  # so that doit reads the parameters that follow a task
    doc_usage = "[TASK/TARGET...]"
    # Those of a run that have no effect here are accepted, so that `plan` can be put before the arguments of any run.
    cmd_options = (opt_always, opt_single, JSON, opt_continue, opt_verbosity, opt_num_process, opt_parallel_type)

    def _execute(self, always: bool, single: bool, json: bool, continue_: bool) -> int:
        self.need_stages()
        self.loader.session.always = always
        control = TaskControl(self.task_list)
        control.process(self.sel_tasks)
        for name in control.selected_tasks if single else ():  # as `doit -s` runs them
            task = control.tasks[name]
            for member in [control.tasks[each] for each in task.task_dep] if task.has_subtask else [task]:
                member.task_dep = []
        plan: dict[str, PlannedTask] = {}
        dry_run = DryRunTasks(self.loader.session, control.tasks, self.dep_manager)
        for task, planned in dry_run.walk(control.task_dispatcher()):
            if task.actions:
                plan[task.name] = planned
            if self.stops_at_failure and planned.status == PlannedStatus.FAIL and not continue_:
                self.stopped = True
                break
        named = set(control.tasks if self.sel_default_tasks else control.selected_tasks)
        selected = [each for name, each in plan.items() if {name, control.tasks[name].subtask_of} & named]
        self.show(plan, selected, as_json=json)
        return 0

    def show(self, plan: Mapping[str, PlannedTask], selected: list[PlannedTask], *, as_json: bool) -> None:
        """Show a plan, which is in the order of a run; `selected` are the tasks of it that the command line names."""
        raise NotImplementedError

    def write_json(self, value: object) -> None:
        """Write a value for programs."""
        self.outstream.write(f"{json.dumps(value, indent=2)}\n")
