"""`doit plan`: what a run would do now, in order, why, and for how long."""

from collections import Counter
from collections.abc import Mapping

from redoit.cli.console import STYLES, Console, StyledText
from redoit.cli.dry_run import DryRunCommand
from redoit.planning.planned_task import PlannedTask, explanation
from redoit.text import format_count, format_estimate


class Plan(DryRunCommand):
    """Shows one line per task."""

    name = "plan"
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
            self.write_json([_fields(planned) for planned in tasks])
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


def _fields(planned: PlannedTask) -> dict[str, object]:
    why = explanation(planned) or None
    return {"task": planned.name, **planned.to_json(), "why": why, "stage": planned.stage is not None}


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
