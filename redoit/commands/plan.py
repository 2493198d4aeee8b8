"""`doit plan`: what a run would do now, in order, why, and for how long."""

from collections import Counter
from collections.abc import Mapping

from redoit.commands.foresight import Foresight
from redoit.commands.printer import STYLES, Words
from redoit.forecast import Forecast, why
from redoit.lookahead import Ordinary
from redoit.words import span

LONGEST = 200  # characters of an error in a table


class Plan(Foresight):
    """Shows one line per task."""

    name = "plan"
    doc_purpose = "show what a run would do, in order, why, and for how long"
    doc_description = (
        "Takes tasks and parameters just as a run does. Times are those of the closest earlier results. What is made"
        " anew has bytes that nobody knows: a stage behind runs, unless they stay the same. Executes nothing."
    )

    def show(
        self, asked: Mapping[str, Forecast | Ordinary], found: Mapping[str, Forecast | Ordinary], *, as_json: bool
    ) -> None:
        """Show all that would come about."""
        del asked  # a run does what they need, too
        if as_json:
            self.write_json([_fields(name, one) for name, one in found.items()])
            return
        screen = self.screen
        rows: list[list[Words]] = [
            [name, (one.word, STYLES[one.word]), _time(one), _why(one)] for name, one in found.items()
        ]
        if rows:
            screen.table(rows, right=(2,))
        screen.line(_sum(list(found.values())))


def _fields(name: str, one: Forecast | Ordinary) -> dict[str, object]:
    common = {"task": name, "verdict": one.word, "why": _why(one) or None}
    if isinstance(one, Ordinary):
        return {**common, "stage": False, "unless_same": None, "awaits": [], "estimated_seconds": None}
    awaits = [one.stage.inputs[role] for role in sorted(one.awaited)]
    unless = {"unless_same": one.unless or None, "awaits": awaits}
    return {**common, "stage": True, **unless, "estimated_seconds": one.seconds}


def _time(one: Forecast | Ordinary) -> str:
    if isinstance(one, Ordinary) or one.word not in ("run", "restore"):
        return ""
    return "?" if one.seconds is None else f"~{span(one.seconds)}"


def _why(one: Forecast | Ordinary) -> str:
    if one.blocked:
        return f"it needs {', '.join(one.blocked)}"
    if isinstance(one, Ordinary):
        return one.error[:LONGEST] or "an ordinary task of doit"
    return one.error or why(one)


def _sum(found: list[Forecast | Ordinary]) -> str:
    counts = Counter(one.word for one in found)
    words = ", ".join(f"{counts[word]} {word}" for word in STYLES if counts[word])
    times = [one.seconds for one in found if isinstance(one, Forecast)]
    known = sum(seconds for seconds in times if seconds is not None)
    number = f"{len(found)} task{'' if len(found) == 1 else 's'}"
    if not counts["run"] and not counts["restore"]:
        return f"{number}: {words or 'nothing to do'}."
    unknown = times.count(None)
    if unknown == counts["run"]:
        return f"{number}: {words}; nobody knows for how long."
    more = f", and {unknown} that never ran" if unknown else ""
    return f"{number}: {words}; about {span(known)}{more}."
