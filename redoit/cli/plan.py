"""`doit plan`: what a run would do now, in order, why, and for how long."""

from collections import Counter
from collections.abc import Mapping

from redoit.cli.console import STYLES, StyledText
from redoit.cli.dry_run import DryRunCommand
from redoit.planning.dry_run import FEW, PlannedStage, why
from redoit.plugin.dry_run_tasks import PlannedTask, status_word
from redoit.text import format_estimate, join_names

LONGEST = 200  # characters of an error in a table


class Plan(DryRunCommand):
    """Shows one line per task."""

    name = "plan"
    stops = True
    doc_purpose = "show what a run would do, in order, why, and for how long"
    doc_description = (
        "Takes tasks and parameters just as a run does. Times are those of the closest earlier results. What is made"
        " anew has bytes that nobody knows: a stage behind runs, unless they stay the same. A question mark says that"
        " this can't be known yet. Executes nothing."
    )

    def show(
        self,
        asked: Mapping[str, PlannedStage | PlannedTask],
        found: Mapping[str, PlannedStage | PlannedTask],
        *,
        as_json: bool,
    ) -> None:
        """Show all that would come about."""
        del asked  # a run does what they need, too
        if as_json:
            self.write_json([_fields(name, one) for name, one in found.items()])
            return
        printer = self.printer
        rows: list[list[StyledText]] = [
            [name, (status_word(one), STYLES[one.word]), _time(one), _why(one)] for name, one in found.items()
        ]
        if rows:
            printer.table(rows, right=(2,))
        printer.line(_sum(list(found.values())))
        if any(one.word == "fail" for one in found.values()) and not self.goes_on:
            printer.line("A run stops at the first failure; with -c it goes on with what does not need it.")


def _fields(name: str, one: PlannedStage | PlannedTask) -> dict[str, object]:
    common: dict[str, object] = {"task": name, "verdict": one.word, "why": _why(one) or None}
    common |= {"certain": not one.is_open, "unless_same": one.unless or None}
    if isinstance(one, PlannedTask):
        return {**common, "stage": False, "awaits": list(one.awaited), "estimated_seconds": None}
    return {**common, "stage": True, "awaits": sorted(one.awaited), "estimated_seconds": one.seconds}


def _time(one: PlannedStage | PlannedTask) -> str:
    if isinstance(one, PlannedTask) or one.word not in ("run", "restore"):
        return ""
    return "?" if one.seconds is None else format_estimate(one.seconds)


def _why(one: PlannedStage | PlannedTask) -> str:
    if one.blocked:
        return f"it needs {join_names(one.blocked)}"
    if isinstance(one, PlannedTask):
        few = join_names(one.awaited) if len(one.awaited) <= FEW else f"all {len(one.awaited)} that it needs"
        unless = f", unless {few} {'stays' if len(one.awaited) == 1 else 'stay'} the same" if one.unless else ""
        return one.error[:LONGEST] or f"an ordinary task of doit{unless}"
    return one.error or why(one)


def _sum(found: list[PlannedStage | PlannedTask]) -> str:
    """Return all of a plan in one line: how many of what, and how long that takes."""
    number = f"{len(found)} task{'' if len(found) == 1 else 's'}"
    counts = Counter(map(status_word, found))
    words = ", ".join(f"{counts[word]} {word}" for each in STYLES for word in (each, f"{each}?") if counts[word])
    active = [one for one in found if isinstance(one, PlannedStage) and one.word in ("run", "restore")]
    if not active:
        return f"{number}: {words or 'nothing to do'}."
    most = sum(one.seconds or 0 for one in active)
    least = sum(one.seconds or 0 for one in active if not one.is_open)
    unknown = sum(one.seconds is None for one in active)
    about = (
        f"{format_estimate(least)} to {format_estimate(most)}"
        if format_estimate(least) != format_estimate(most)
        else format_estimate(most)
    )
    if unknown == len(active):
        about = "nobody knows for how long"
    elif unknown:
        about += f", and {unknown} that never ran"
    return f"{number}: {words}; {about}."
