"""`doit plan`: what a run would do now, in order, why, and for how long; and the dry run that `why` shares with it."""

import json
from collections import Counter
from collections.abc import Mapping

from doit.cmd_run import opt_always, opt_continue, opt_num_process, opt_parallel_type, opt_single, opt_verbosity
from doit.control import TaskControl

from redoit.cli.base import StageCommand, option
from redoit.cli.console import STYLES, Console, StyledText
from redoit.model import PlannedStatus
from redoit.planning.planned_task import PlannedTask, explanation
from redoit.plugin.dry_run_tasks import DryRunTasks
from redoit.text import format_count, format_estimate

JSON = option("json", default=False, text="print JSON, for programs")


class DryRunCommand(StageCommand):
    """A command that shows what a run would do. Executes nothing, changes nothing, waits for no lock."""

    exclusive = False
    stops_at_failure = False  # as a run does without `-c`
    stopped = False
    execute_tasks = True  # so that doit reads the parameters that follow a task
    doc_usage = "[TASK/TARGET...]"
    # Those of a run that have no effect here are accepted, so that `plan` can be put before the arguments of any run.
    cmd_options = (opt_always, opt_single, JSON, opt_continue, opt_verbosity, opt_num_process, opt_parallel_type)

    def _execute(self, always: bool, single: bool, json: bool, continue_: bool) -> None:
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

    def show(self, plan: Mapping[str, PlannedTask], selected: list[PlannedTask], *, as_json: bool) -> None:
        """Show a plan, which is in the order of a run; `selected` are the tasks of it that the command line names."""
        raise NotImplementedError

    def write_json(self, value: object) -> None:
        """Write a value for programs."""
        self.outstream.write(f"{json.dumps(value, indent=2)}\n")


class Plan(DryRunCommand):
    """Shows one line per task."""

    stops_at_failure = True
    doc_purpose = "show what a run would do, in order, why, and for how long"
    doc_description = (
        "Takes tasks and parameters as a run does. Times are those of the closest earlier results. A question mark"
        " marks a status that is not certain yet: a stage that uses the outputs of one that runs is kept or restored"
        " instead if these are rebuilt with the same content. Executes nothing."
    )

    def show(self, plan: Mapping[str, PlannedTask], selected: list[PlannedTask], *, as_json: bool) -> None:
        """Show the whole plan: a run does what the selected tasks need, too."""
        del selected
        tasks = list(plan.values())
        if as_json:
            self.write_json(
                [
                    {"task": each.name, **each.to_json(), "why": explanation(each) or None, "stage": bool(each.stage)}
                    for each in tasks
                ]
            )
            return
        console = Console(self.outstream)
        rows: list[list[StyledText]] = [
            [planned.name, (planned.label, STYLES[planned.status]), _time(planned), explanation(planned)]
            for planned in tasks
        ]
        if rows:
            console.table(rows, right=(2,))
        console.line(_summary(tasks))
        if self.stopped:
            console.line("A run stops at the first failure; with -c it goes on with what does not need it.")


def _time(planned: PlannedTask) -> str:
    if planned.stage is None or not planned.executes:
        return ""
    return "?" if planned.seconds is None else format_estimate(planned.seconds)


def _summary(tasks: list[PlannedTask]) -> str:
    """Return how many tasks have which status, and how long they take."""
    counts = Counter(planned.label for planned in tasks)
    labels = [label for status in STYLES for label in (status, f"{status}?") if counts[label]]
    listed = ", ".join(f"{counts[label]} {label}" for label in labels) or "nothing to do"
    total = f"{format_count(len(tasks), 'task')}: {listed}"
    executed = [planned for planned in tasks if planned.stage and planned.executes]
    if not executed:
        return f"{total}."
    longest = format_estimate(sum(planned.seconds or 0 for planned in executed))
    shortest = format_estimate(sum(planned.seconds or 0 for planned in executed if not planned.uncertain))
    time = longest if shortest == longest else f"{shortest} to {longest}"
    unknown = sum(planned.seconds is None for planned in executed)
    if unknown == len(executed):
        return f"{total}; time unknown."
    return f"{total}; {time}{f', and {unknown} of unknown time' if unknown else ''}."
