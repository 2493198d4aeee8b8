"""`doit why`: for each stage the verdict, and exactly why."""

from collections.abc import Iterator, Mapping
from typing import Any

from redoit.cli.console import STYLES
from redoit.cli.dry_run import DryRunCommand
from redoit.planning.diff import changed
from redoit.planning.dry_run import PlannedStage, why
from redoit.plugin.dry_run_tasks import PlannedTask, status_word
from redoit.reasons import KINDS
from redoit.text import format_estimate, format_time, join_names, one_line

SHORT = 12  # digits of a digest that tell it from others
DIFFERING = {kind for kind in KINDS if kind.split()[0] in ("setting", "input", "code", "package", "outputs")}
DIFFS = {"+": "green", "-": "red", "@": "cyan"}  # sign of a line -> its colour


class Why(DryRunCommand):
    """Shows a few lines per stage, with a diff of each piece of code that changed."""

    name = "why"
    doc_purpose = "show for each stage whether it would be kept, restored or run, and exactly why"
    doc_description = (
        "Takes tasks and parameters just as a run does. What runs is compared with the closest earlier result here."
        " --json: for programs. Executes nothing."
    )

    def show(
        self,
        asked: Mapping[str, PlannedStage | PlannedTask],
        found: Mapping[str, PlannedStage | PlannedTask],
        *,
        as_json: bool,
    ) -> None:
        """Explain what was asked for."""
        explainer = self.explainer(found)
        stages = {name: one for name, one in asked.items() if isinstance(one, PlannedStage)}
        if as_json:
            self.write_json([explainer.explanation(name) for name in stages])
            return
        printer = self.printer
        for name, one in asked.items():
            if isinstance(one, PlannedTask):
                words = f", an ordinary task; for more: doit info {name}"
                printer.line((name, "bold"), ": ", (status_word(one), STYLES[one.word]), words)
                continue
            printer.line((name, "bold"), ": ", (status_word(one), STYLES[one.word]), _headline(one))
            for indent, text, style in _lines(explainer.explanation(name)):
                printer.line((text, style), indent=indent)


def _headline(one: PlannedStage) -> str:
    if one.word != "run":
        return ""
    time_taken = "" if one.seconds is None else f", {format_estimate(one.seconds)}"
    return f"{time_taken}{f', {why(one)}' if one.unless else ''}"


def _lines(found: dict[str, Any]) -> Iterator[tuple[int, str, str]]:
    """Yield indent, text and style of what is told of a stage."""
    if found["error"]:
        yield 2, found["error"], ""
    if found["blocked_by"]:
        yield 2, f"it needs {join_names(found['blocked_by'])}", ""
    known: set[str] = set()
    for reason in _grouped(found["reasons"]):
        yield 2, _told(reason), ""
        yield from _details(reason, known)
    if found["result"]:
        yield 2, f"made {_described(found['result'])}", ""
    if found["compared_with"]:
        differs = any(reason["kind"] in DIFFERING for reason in found["reasons"])
        how = "compared with what was made" if differs else "made last"
        yield 2, f"{how} {_described(found['compared_with'])}", "dim"


def _grouped(reasons: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield reasons, and those inputs together that one stage makes anew."""
    makers: dict[str, list[dict[str, Any]]] = {}
    for reason in reasons:
        if reason["kind"] == "input awaited":
            makers.setdefault(reason["made_by"], []).append(reason)
        else:
            yield reason
    for group in makers.values():
        files = [one_line(reason["file"]) for reason in group]
        text = f"inputs {join_names(files)} are made anew" if len(group) > 1 else group[0]["text"]
        yield {**group[0], "text": text}


def _told(reason: dict[str, Any]) -> str:
    """Return a reason in words, with where its new value comes from."""
    kind, text = reason["kind"], str(reason["text"])
    if kind in ("setting", "setting added"):
        return f"setting {text}, from {reason['from']}"
    if kind == "package":
        return f"package {text}" if reason["subject"] != "python" else f"Python {reason['old']} -> {reason['new']}"
    if kind in ("input", "output changed"):
        return f"{text}: {_short(reason['old'])} -> {_short(reason['new'])}"
    if kind == "input awaited":
        return f"{text} by {reason['made_by']}"
    return text


def _details(reason: dict[str, Any], known: set[str]) -> Iterator[tuple[int, str, str]]:
    kind = reason["kind"]
    if kind == "output changed":
        yield 4, "not as its stage left it: changed by hand, or corrupt", ""
    if reason.get("command"):
        since = f", {format_time(reason['since'])}" if reason["since"] is not None else ""
        yield 4, f"by: {reason['command']}{since}", ""
    if kind == "input" and reason["made_by"]:
        yield 4, f"made by {reason['made_by']}{_because(reason)}", ""
    elif kind == "input":
        yield 4, "no stage makes it", ""
    if kind == "input awaited" and reason["because"]:
        yield 4, f"{reason['made_by']} runs: {reason['because']}", ""
    if kind.startswith("code"):
        yield from _code(reason, known)


def _because(reason: dict[str, Any]) -> str:
    return f", where: {reason['because']}" if reason["because"] else "; its result of then is not on record"


def _code(reason: dict[str, Any], known: set[str]) -> Iterator[tuple[int, str, str]]:
    """Yield how code is reached and what of it changed; `known`: lines that were shown as part of other code."""
    if reason["via"]:
        yield 4, f"reached by {' -> '.join(reason['via'])}", ""
    for line in reason["taken_whole"]:
        yield 4, line, ""
    if reason["diff"] is None:
        yield 4, "its earlier source is no longer in the store", ""
    lines = reason["diff"] or []
    if lines and changed(lines) <= known:
        yield 4, "the same lines as above", ""
        return
    known |= changed(lines)
    for line in lines:
        yield 4, line, DIFFS.get(line[:1], "")


def _described(result: dict[str, Any]) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in result["settings"].items())
    where = f"{format_time(result['started'])} on {one_line(result['host'])} in {result['seconds']:.3f}s"
    return f"{where}, with {settings}" if settings else where


def _short(digest: object) -> str:
    return str(digest)[:SHORT]
