"""The lineage as compact JSON for its page: what is exported, with what is shown besides, and each value once. Pure.

Somebody else may have made any of it, so every text is short and printable.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from itertools import count, islice

from redoit.history.run_log import RunRecord
from redoit.lineage.export import run_json, stage_json, trace_json
from redoit.lineage.lineage import Lineage
from redoit.model import Stage, Trace
from redoit.text import format_time, one_line

MAX_ITEMS = 10_000  # of one table
MAX_NUMBER = 2**53  # beyond that JavaScript has no whole numbers
ESCAPED = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}  # so that no text ends the element


def page_data(lineage: Lineage) -> str:
    """Return the JSON text of a page's data, which is safe within an element of HTML."""
    fields = {
        "stages": [
            *(_stage(stage, lineage) for stage in lineage.stages),
            *({"name": name} for name in lineage.undeclared),
        ],
        "runs": [_run(run, lineage) for run in lineage.runs],
        "older": lineage.older,
        "traces": [_trace(trace, lineage) for trace in lineage.traces.values()],
    }
    data = {"values": packed(fields), "texts": dict(lineage.texts)}
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.translate(ESCAPED).encode("utf-8", "replace").decode()


def packed(value: object) -> list[object]:
    """Return a value after all that it consists of, each once.

    A list is null and the numbers of its items; a table is the number of the list of its keys, and those of its items.
    """
    numbers = defaultdict[object, int](count().__next__)
    line, keys = cache(one_line), cache(lambda names: number(list(names)))  # most are seen again

    def number(value: object) -> int:
        match value:
            case str():
                return numbers[line(value)]
            case int():
                return numbers[int(min(value, MAX_NUMBER))]  # of true, too, which is 1
            case float():
                return numbers[round(max(value, 0.0), 3)]  # seconds
            case Mapping():
                names = tuple(islice(value, MAX_ITEMS))
                return numbers[keys(names), *(number(value[name]) for name in names)]
            case list():
                return numbers[None, *map(number, value)]
        return numbers[value]

    number(value)
    return list(numbers)


def _stage(stage: Stage, lineage: Lineage) -> dict[str, object]:
    return {**stage_json(stage), "policy": stage.policy.words, "latest": [*lineage.latest.get(stage.name, ())]}


def _run(run: RunRecord, lineage: Lineage) -> dict[str, object]:
    omitted = [{"verdict": status, "total": total, "seconds": each} for status, (total, each) in run.omitted.items()]
    return {**run_json(run, lineage), "started": format_time(run.started), "omitted": omitted}


def _trace(trace: Trace, lineage: Lineage) -> dict[str, object]:
    action, run = trace.action, lineage.origins.get(trace.name)
    return {
        **trace_json(trace, lineage),
        "started": format_time(trace.started),
        "command": run.command if run else "",
        "settings": {name: [kind, repr(value)] for name, kind, value in action.settings},
        "outputs": {role: [made.content, made.size] for role, made in trace.manifest.items()},
        "metrics": {metric: f"{value:.9g}".replace("inf", "Infinity") for metric, value in trace.metrics.items()},
        "paths": {**{role: given.path for role, given in action.inputs.items()}, **action.outputs},
    }
