"""doit's own `list` and `info`, for stages: they show the same as `doit plan`."""

import sys
from functools import cached_property

from doit import cmd_info, cmd_list
from doit.cmd_base import TaskLoader2
from doit.plugin import PluginDict
from doit.task import Task

from redoit.cli.base import StageCommand
from redoit.cli.console import Console
from redoit.engine.undeclared import undeclared_inputs
from redoit.errors import DeclarationError
from redoit.model import PlannedStatus
from redoit.planning.planned_task import explanation
from redoit.plugin.checkout import engine
from redoit.plugin.dry_run_tasks import DryRunTasks
from redoit.plugin.stage_task import StageTask, stage_of
from redoit.source.settings import nearest
from redoit.terminal.streams import printable_stream

STATUS_HELP = "print what a run would do: (U)p-to-date, (R)un or restore, (E) fail or not run, (I)gnored"
LETTERS = {"keep": "U", "run": "R", "restore": "R", "fail": "E", "not run": "E", "ignored": "I"}


class EscapingCommand(StageCommand):
    """A command that shows names as a terminal can, plans tasks one by one, and changes nothing."""

    exclusive = False

    def __init__(self, task_loader: TaskLoader2, cmds: PluginDict | None = None, **named: object) -> None:
        super().__init__(task_loader, cmds, **named)
        self.outstream = printable_stream(sys.stdout)

    @cached_property
    def dry_run(self) -> DryRunTasks:
        """The dry run of a project with stages, begun once doit has set the options of tasks."""
        return DryRunTasks(self.loader.session, self.tasks, self.dep_manager)


class List(EscapingCommand, cmd_list.List):
    """doit's `list`; `-s` shows the letter of each task's planned status."""

    cmd_options = tuple(
        {**option, "help": STATUS_HELP} if option["name"] == "status" else option
        for option in cmd_list.List.cmd_options
    )

    def _print_task(self, template: str, task: Task, status: bool, list_deps: bool, tasks: dict[str, Task]) -> None:
        if status and self.loader.has_stages:
            template, status = template.replace("{status}", LETTERS[self.dry_run.plan(task.name).status]), False
        super()._print_task(template, task, status, list_deps, tasks)


class Info(EscapingCommand, cmd_info.Info):
    """doit's `info`; of a stage: its planned status and why, its settings and where they come from, its files."""

    def _execute(self, pos_args: list[str], hide_status: bool = False) -> int:  # noqa: FBT002 - as doit calls it
        tasks = self.tasks
        for name in pos_args:
            if name not in tasks:
                raise DeclarationError(name, "no such task", nearest(name, tasks))
        if not self.loader.has_stages or len(pos_args) != 1:
            return super()._execute(pos_args, hide_status)
        task = tasks[pos_args[0]]
        planned = None if hide_status else self.dry_run.plan(task.name)
        stage = stage_of(task)
        if stage is None:
            super()._execute([task.name], hide_status=True)
        else:
            self.say(task.name, *(("", task.doc) if task.doc else ()))
        if planned:
            why = explanation(planned)
            self.say("", f"status: {planned.label}", *([f"  {why}"] if why else []))
        if stage:
            self._tables(task, stage)
        return 0 if planned is None or planned.status == PlannedStatus.KEEP else 1

    def _tables(self, task: Task, stage: StageTask) -> None:
        latest = engine().workspace.latest(stage.stage)
        undeclared = undeclared_inputs(latest.observations if latest else ())
        tables: dict[str, list[tuple[str, ...]]] = {
            "settings": [
                (name, str(stage.value_of(task, name)), f"from {stage.setting_source(task, name)}", setting.help)
                for name, setting in stage.declared.items()
            ],
            "inputs": list(stage.stage.inputs.items()),
            "uses": [(path,) for path in stage.stage.uses],
            "undeclared inputs, tracked": [(row.name, row.kind) for row in undeclared],
            "outputs": list(stage.stage.outputs.items()),
            "step": [(stage.stage.step, stage.stage.policy.words)],
        }
        for title, rows in tables.items():
            if rows:
                self.say("", f"{title}:")
                Console(self.outstream).table([(f"  {name}", *cells) for name, *cells in rows])
