"""The lineage as compact JSON for its page: what occurs often stands once, and is referred to by number. Pure.

Somebody else may have made any of it, so every text is short and printable.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from itertools import count, islice

from redoit.history.run_log import RunRecord, StageRecord
from redoit.lineage.lineage import Lineage
from redoit.model import Action, Stage, Trace
from redoit.text import format_time, one_line

MAX_ITEMS = 400  # settings, roles, metrics or packages of one execution
MAX_PARTS = 4_000  # of one execution's code
MAX_BYTES = 2**53  # beyond that JavaScript has no whole numbers
ESCAPED = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}  # so that no text ends the element


class PageData:
    """The data of one page, and the tables that its rows refer to by number, each value once."""

    def __init__(self, lineage: Lineage) -> None:
        self._lineage = lineage
        self._words: defaultdict[str, int] = defaultdict(count().__next__)
        self._parts: defaultdict[tuple[str, int], int] = defaultdict(count().__next__)
        self._environments: defaultdict[tuple[tuple[str, str], ...], int] = defaultdict(count().__next__)
        self._runs = {run.name: number for number, run in enumerate(lineage.runs)}
        self._stages = {name: number for number, name in enumerate((*lineage.files, *lineage.undeclared))}

    def fields(self) -> dict[str, object]:
        """Return all of it; the tables come last, since the rows fill them."""
        lineage = self._lineage
        return {
            "stages": [*map(self._stage, lineage.stages), *([one_line(name)] for name in lineage.undeclared)],
            "runs": [self._run(run) for run in lineage.runs],
            "older": lineage.older,
            "latest": {
                self._stages[name]: [self._words[trace] for trace in traces if trace in lineage.traces]
                for name, traces in lineage.latest.items()
            },
            "traces": [self._trace(trace) for trace in lineage.traces.values()],
            "texts": [[self._words[digest], text] for digest, text in lineage.texts.items()],
            "words": list(self._words),
            "parts": list(self._parts),
            "environments": list(self._environments),
        }

    def _word(self, text: object) -> int:
        """Return the number of a text in one line."""
        return self._words[one_line(text)]

    def _rows(self, rows: Iterable[Iterable[object]], number: int | None = MAX_ITEMS) -> list[list[int]]:
        """Return the first rows of texts, each text by its number."""
        return [[*map(self._word, row)] for row in islice(rows, number)]

    def _stage(self, stage: Stage) -> list[object]:
        inputs, outputs = (self._rows(files.items(), None) for files in (stage.inputs, stage.outputs))
        return [one_line(stage.name), one_line(stage.step), inputs, outputs, stage.policy.words]

    def _run(self, run: RunRecord) -> list[object]:
        return [
            one_line(run.command),
            format_time(run.started),
            rounded(run.seconds),
            rounded(run.saved),
            int(run.complete),
            [self._outcome(stage, record) for stage, record in run.stages.items()],
            [[self._words[status], number, rounded(seconds)] for status, (number, seconds) in run.omitted.items()],
        ]

    def _outcome(self, stage: str, record: StageRecord) -> list[object]:
        return [
            self._stages[stage],
            self._words[record.status],
            self._words[record.trace],
            rounded(record.seconds),
            rounded(record.saved),
            self._words[self._lineage.why(stage, record)],
        ]

    def _trace(self, trace: Trace) -> list[object]:
        action, words, word = trace.action, self._words, self._word
        origin = self._lineage.origins.get(trace.name)
        run = self._runs.get(origin.name, -1) if origin else -1
        environment = islice(action.environment.rows.items(), MAX_ITEMS)
        return [
            word(trace.stage),
            format_time(trace.started),
            rounded(trace.seconds),
            word(trace.host),
            run,
            one_line(origin.command) if origin and run < 0 else "",
            self._rows((name, kind, repr(value)) for name, kind, value in action.settings),
            self._rows((role, read.digest) for role, read in action.inputs.items()),
            [
                [word(role), words[made.content], min(made.size, MAX_BYTES)]
                for role, made in islice(trace.manifest.items(), MAX_ITEMS)
            ],
            [self._parts[one_line(part), words[digest]] for part, digest in islice(trace.code.items(), MAX_PARTS)],
            self._environments[tuple((one_line(name), one_line(text)) for name, text in environment)],
            [
                [word(metric), f"{value:.9g}".replace("inf", "Infinity").replace("nan", "NaN")]  # as JavaScript has it
                for metric, value in islice(trace.metrics.items(), MAX_ITEMS)
            ],
            words[trace.log],
            words[trace.name],
            self._rows((_declared(action) | _observed(trace)).items()),
        ]


def page_data(lineage: Lineage) -> str:
    """Return the JSON text of a page's data, which is safe within an element of HTML."""
    text = json.dumps(PageData(lineage).fields(), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.translate(ESCAPED).encode("utf-8", "replace").decode()


def _declared(action: Action) -> dict[str, str]:
    """Return what an action has of the declaration of its stage, but for settings, by label."""
    paths = {**{role: given.path for role, given in action.inputs.items()}, **action.outputs}
    used = {f"uses {path}": digest for path, digest in action.uses.items()}
    return {"step": " ".join(action.step[1:]), **{f"path of {role}": path for role, path in paths.items()}, **used}


def _observed(trace: Trace) -> dict[str, str]:
    """Return what an execution touched besides, but for code, by label."""
    rows = (row for row in trace.observations if row.kind != "code")
    return {f"observed {row.kind} {row.name}": row.digest or "absent" for row in rows}


def rounded(seconds: float) -> float:
    """Return seconds to a thousandth, none below 0."""
    return round(max(seconds, 0.0), 3)
