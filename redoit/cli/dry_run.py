"""What `why` and `plan` share: they look ahead, with task names and parameters just as a run takes them."""

import json
from collections.abc import Mapping

from doit.cmd_run import opt_always, opt_continue, opt_num_process, opt_parallel_type, opt_single, opt_verbosity
from doit.control import TaskControl

from redoit.cli.base import StageCommand
from redoit.cli.console import Console
from redoit.planning.dry_run import PlannedStage
from redoit.planning.explain import Explainer
from redoit.plugin.checkout import engine
from redoit.plugin.dry_run_tasks import DryRunTasks, PlannedTask
from redoit.plugin.stage_task import stage_of

JSON = {"name": "json", "long": "json", "type": bool, "default": False, "help": "for programs"}


class DryRunCommand(StageCommand):
    """A command that shows what a run would do. Executes nothing, changes nothing, and waits for nobody."""

    exclusive = False
    stops = False  # where a run would stop: at the first failure, unless it is to continue
    goes_on = False
    execute_tasks = True  # so that doit reads the parameters that follow a task
    doc_usage = "[TASK/TARGET...]"
    # Those of a run that say how, and not what, are taken too: so one can write `plan` before any of its words.
    cmd_options = (opt_always, opt_single, JSON, opt_continue, opt_verbosity, opt_num_process, opt_parallel_type)

    def _execute(self, always: bool, single: bool, json: bool, continue_: bool) -> int:
        self.need_stages()
        self.loader.session.always = always
        self.goes_on = bool(continue_)
        control = TaskControl(self.task_list)
        control.process(self.sel_tasks)
        if single:
            _leave_out_needs(control)
        lookahead = DryRunTasks(self.loader.session, control.tasks, self.dep_manager)
        found: dict[str, PlannedStage | PlannedTask] = {}
        for task, one in lookahead.through(control.task_dispatcher()):
            if task.actions:
                found[task.name] = one
            if self.stops and one.word == "fail" and not continue_:
                break
        self.show(self._asked_for(control, found), found, as_json=json)
        return 0

    def show(
        self,
        asked: Mapping[str, PlannedStage | PlannedTask],
        found: Mapping[str, PlannedStage | PlannedTask],
        *,
        as_json: bool,
    ) -> None:
        """Show what was asked for, of all that was found, in the order in which it would come about."""
        raise NotImplementedError

    def explainer(self, found: Mapping[str, PlannedStage | PlannedTask]) -> Explainer:
        """Return what explains the stages among what was found."""
        tasks = {task.name: task for task in self.task_list}
        stages = {name: one for name, one in found.items() if isinstance(one, PlannedStage)}
        origins = {
            name: {
                reason.subject: stage.setting_source(tasks[name], reason.subject)
                for reason in one.reasons
                if reason.kind in ("setting", "setting added")
            }
            for name, one in stages.items()
            if (stage := stage_of(tasks[name]))
        }
        return Explainer(engine().workspace, engine().inspector, stages, origins)

    @property
    def printer(self) -> Console:
        """Where it is shown."""
        return Console(self.outstream)

    def write_json(self, value: object) -> None:
        """Write a value for programs."""
        self.outstream.write(f"{json.dumps(value, indent=2)}\n")

    def _asked_for(
        self, control: TaskControl, found: Mapping[str, PlannedStage | PlannedTask]
    ) -> dict[str, PlannedStage | PlannedTask]:
        """Return what was named on the command line, groups by their members; all of it if nothing was."""
        if self.sel_default_tasks:
            return dict(found)
        named = set(control.selected_tasks)
        return {name: one for name, one in found.items() if {name, control.tasks[name].subtask_of} & named}


def _leave_out_needs(control: TaskControl) -> None:
    """Let tasks be looked at without those that they need, as `doit -s` runs them."""
    for name in control.selected_tasks:
        task = control.tasks[name]
        for alone in [control.tasks[each] for each in task.task_dep] if task.has_subtask else [task]:
            alone.task_dep = []
