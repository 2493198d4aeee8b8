"""The lineage as compact JSON for its page, which has each value once. Pure.

Somebody else may have made any of it, so every text is short and printable.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from itertools import count, islice

from redoit.history.run_log import RunRecord
from redoit.lineage.lineage import Lineage
from redoit.model import Stage, Trace
from redoit.text import format_time, one_line

MAX_ITEMS = 4_000  # of one table: settings, roles, metrics, packages or parts of code
MAX_NUMBER = 2**53  # beyond that JavaScript has no whole numbers
ESCAPED = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}  # so that no text ends the element


def page_data(lineage: Lineage) -> str:
    """Return the JSON text of a page's data, which is safe within an element of HTML."""
    numbers = {name: number for number, name in enumerate((*lineage.files, *lineage.undeclared))}
    stages = [_stage(stage, lineage) for stage in lineage.stages] + [{"name": name} for name in lineage.undeclared]
    runs = [_run(run, lineage, numbers) for run in lineage.runs]
    traces = [_trace(trace, lineage) for trace in lineage.traces.values()]
    values = packed({"stages": stages, "runs": runs, "older": lineage.older, "traces": traces})
    fields = {"values": values, "texts": dict(lineage.texts)}
    text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.translate(ESCAPED).encode("utf-8", "replace").decode()


def packed(value: object) -> list[object]:
    """Return a value after all that it consists of, each once.

    A list is null and the numbers of its items; a table is the number of the list of its keys, and those of its items.
    """
    numbers = defaultdict[object, int](count().__next__)
    line = cache(one_line)

    def number(value: object) -> int:
        match value:
            case str():
                return numbers[line(value)]
            case int():
                return numbers[int(min(value, MAX_NUMBER))]  # of true, too, which is 1
            case float():
                return numbers[round(max(value, 0.0), 3)]  # seconds
            case Mapping():
                items = dict(islice(value.items(), MAX_ITEMS))
                return numbers[number(list(items)), *map(number, items.values())]
            case list():
                return numbers[None, *map(number, value)]
        raise TypeError(value)

    number(value)
    return list(numbers)


def _stage(stage: Stage, lineage: Lineage) -> dict[str, object]:
    fields = {field: getattr(stage, field) for field in ("name", "step", "inputs", "outputs")}
    return {**fields, "policy": stage.policy.words, "latest": [*lineage.latest.get(stage.name, ())]}


def _run(run: RunRecord, lineage: Lineage, numbers: Mapping[str, int]) -> dict[str, object]:
    return {
        **{field: getattr(run, field) for field in ("name", "command", "seconds", "saved", "complete")},
        "started": format_time(run.started),
        "outcomes": [
            {
                "stage": numbers[stage],
                **{field: getattr(record, field) for field in ("status", "trace", "seconds", "saved")},
                "reason": lineage.why(stage, record),
            }
            for stage, record in run.stages.items()
        ],
        "omitted": [
            {"status": status, "total": total, "seconds": seconds} for status, (total, seconds) in run.omitted.items()
        ],
    }


def _trace(trace: Trace, lineage: Lineage) -> dict[str, object]:
    action, run = trace.action, lineage.origins.get(trace.name)
    paths = {**{role: given.path for role, given in action.inputs.items()}, **action.outputs}
    return {
        **{field: getattr(trace, field) for field in ("name", "stage", "seconds", "host", "log", "code")},
        "started": format_time(trace.started),
        "run": run.name if run else "",
        "command": run.command if run else "",
        "settings": {name: [kind, repr(value)] for name, kind, value in action.settings},
        "inputs": {role: given.digest for role, given in action.inputs.items()},
        "outputs": {role: [made.content, made.size] for role, made in trace.manifest.items()},
        "environment": action.environment.rows,
        "metrics": {metric: f"{value:.9g}".replace("inf", "Infinity") for metric, value in trace.metrics.items()},
        "declared": {
            "step": " ".join(action.step[1:]),
            **{f"path of {role}": path for role, path in paths.items()},
            **{f"uses {path}": digest for path, digest in action.uses.items()},
            **{
                f"observed {row.kind} {row.name}": row.digest or "absent"
                for row in trace.observations
                if row.kind != "code"
            },
        },
    }
