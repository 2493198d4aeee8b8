"""`doit why`: the status of each stage, and why in full."""

from collections.abc import Iterator, Mapping
from typing import Any

from redoit.cli.console import STYLES, Console
from redoit.cli.plan import DryRunCommand
from redoit.model import PlannedStatus
from redoit.planning.diff import changed_lines
from redoit.planning.explain import Explainer
from redoit.planning.planned_task import PlannedTask, condition, explanation
from redoit.plugin.checkout import engine
from redoit.plugin.stage_task import stage_of
from redoit.text import format_estimate, format_time, one_line

DIGEST_CHARACTERS = 12  # shown
DIFFERENCES = {"step", "setting", "input", "uses", "code", "platform", "package", "outputs"}  # first words of kinds
DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}  # by the first character of a line

Line = tuple[int, str, str]  # indent, text, style


class Why(DryRunCommand):
    """Shows a few lines per stage, with a diff of each piece of code that changed."""

    doc_purpose = "show for each stage whether it would be kept, restored or run, and exactly why"
    doc_description = (
        "Takes tasks and parameters as a run does. A stage that runs is compared with its closest earlier result in"
        " this checkout. --json: for programs. Executes nothing."
    )

    def show(self, plan: Mapping[str, PlannedTask], selected: list[PlannedTask], *, as_json: bool) -> None:
        """Explain the selected tasks."""
        tasks = self.tasks

        def origin(name: str, setting: str) -> str:
            stage = stage_of(tasks[name])
            return stage.setting_source(tasks[name], setting) if stage else ""

        explainer = Explainer(engine(), plan.values(), origin)
        if as_json:
            self.write_json([explainer.explain(planned.stage, planned) for planned in selected if planned.stage])
            return
        console = Console(self.outstream)
        for planned in selected:
            status = (planned.label, STYLES[planned.status])
            console.line((planned.name, "bold"), ": ", status, _headline(planned))
            if planned.stage:
                if planned.error or planned.blocked_by:
                    console.line(explanation(planned), indent=2)
                for indent, text, style in _lines(explainer.explain(planned.stage, planned)):
                    console.line((text, style), indent=indent)


def _headline(planned: PlannedTask) -> str:
    """Return what follows the status."""
    if planned.stage is None:
        return f", {explanation(planned)}"
    if planned.status != PlannedStatus.RUN:
        return ""
    time = "" if planned.seconds is None else format_estimate(planned.seconds)
    return "".join(f", {text}" for text in (time, condition(planned)) if text)


def _lines(explained: dict[str, Any]) -> Iterator[Line]:
    """Yield the explanation of a stage."""
    shown: set[str] = set()
    for reason in explained["reasons"]:
        yield 2, _sentence(reason), ""
        yield from _details(reason, shown)
    if explained["result"]:
        yield 2, f"made {_origin(explained['result'])}", ""
        yield from ((2, line, "yellow") for line in explained["result"]["undeclared"])
    if explained["compared_with"]:
        differs = any(reason["kind"].split()[0] in DIFFERENCES for reason in explained["reasons"])
        lead = "compared with the result made" if differs else "last made"
        yield 2, f"{lead} {_origin(explained['compared_with'])}", "dim"


def _sentence(reason: dict[str, Any]) -> str:
    """Return a reason in words, with its details that fit on the line."""
    kind, text, old, new = reason["kind"], str(reason["text"]), reason["old"], reason["new"]
    if kind in ("setting", "setting added"):
        return f"setting {text}, from {reason['from']}"
    if kind == "package":
        word = "variable" if reason["subject"].startswith("$") else "package"
        return f"{word} {text}" if reason["subject"] != "python" else f"Python {old} -> {new}"
    if kind in ("input", "output changed"):
        return f"{text}: {str(old)[:DIGEST_CHARACTERS]} -> {str(new)[:DIGEST_CHARACTERS]}"
    return f"{text} by {reason['made_by']}" if kind == "input awaited" else text


def _details(reason: dict[str, Any], shown: set[str]) -> Iterator[Line]:
    """Yield the lines below a reason; `shown`: what earlier reasons have shown."""
    kind = reason["kind"]
    if kind == "output changed":
        yield 4, "not what its stage wrote: changed by hand, or corrupt", ""
    if reason.get("command"):
        since = f", {format_time(reason['since'])}" if reason["since"] is not None else ""
        yield 4, f"by: {reason['command']}{since}", ""
    if kind == "input":
        because = f", where: {reason['because']}" if reason["because"] else "; its earlier result is not on record"
        yield 4, f"made by {reason['made_by']}{because}" if reason["made_by"] else "no stage makes it", ""
    if kind == "input awaited" and reason["because"] and reason["made_by"] not in shown:
        shown.add(reason["made_by"])
        yield 4, f"{reason['made_by']} runs: {reason['because']}", ""
    if kind.startswith(("code", "executed")):
        yield from _code(reason, shown)


def _code(reason: dict[str, Any], shown: set[str]) -> Iterator[Line]:
    """Yield how code is reached and a diff of it."""
    if len(reason["via"]) > 1:
        yield 4, f"reached by {' -> '.join(reason['via'])}", ""
    for line in reason["taken_whole"]:
        yield 4, line, ""
    if reason["diff"] is None:
        yield 4, "its earlier source is no longer in the store", ""
    lines = reason["diff"] or []
    if lines and changed_lines(lines) <= shown:
        yield 4, "the same lines as above", ""
        return
    shown |= changed_lines(lines)
    for line in lines:
        yield 4, line, DIFF_STYLES.get(line[:1], "")


def _origin(result: dict[str, Any]) -> str:
    """Return when, where and from which settings a result was made."""
    settings = ", ".join(f"{name} {value}" for name, value in result["settings"].items())
    where = f"{format_time(result['started'])} on {one_line(result['host'])} in {result['seconds']:.3f}s"
    return f"{where}, with {settings}" if settings else where
