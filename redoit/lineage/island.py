"""A lineage as small JSON for its page: what occurs often stands once, and is referred to by number. Pure.

Somebody else may have made any of it, so every text is short and printable.
"""

import json
from collections.abc import Iterable
from itertools import islice
from typing import Any

from redoit.history.run_record import RunRecord, StageRecord
from redoit.lineage.lineage import Lineage
from redoit.model import Stage, Trace
from redoit.reasons import sentence
from redoit.text import format_time, one_line

MANY = 400  # settings, roles, metrics or packages of one execution that are shown
HUGE = 2**53  # bytes; what is larger is shown as this
NONE = -1  # the number of a trace that there is none of; below that are those that are lost, each by its name's
PARTS = 4_000  # parts of one execution's code that are
ESCAPED = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}  # so that no text ends the island


class Table:
    """Values by number, each once."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    def __call__(self, value: Any) -> int:
        """Return the number of a value."""
        return self._numbers.setdefault(value, len(self._numbers))

    @property
    def values(self) -> list[Any]:
        """Return all values, in the order of their numbers."""
        return list(self._numbers)


class Island:
    """The tables of one page, as they fill."""

    def __init__(self, lineage: Lineage) -> None:
        self._lineage = lineage
        self._words, self._files, self._digests = Table(), Table(), Table()
        self._parts, self._environments = Table(), Table()
        self._traces = {name: number for number, name in enumerate(lineage.traces)}
        self._runs = {run.name: number for number, run in enumerate(lineage.runs)}
        self._stages = {stage.name: number for number, stage in enumerate(lineage.stages)}
        self._stages |= {name: len(self._stages) + number for number, name in enumerate(lineage.undeclared)}
        self._paths = {stage.name: stage.files for stage in lineage.stages}

    def fields(self) -> dict[str, Any]:
        """Return the island."""
        lineage = self._lineage
        return {
            "stages": [self._stage(stage) for stage in lineage.stages]
            + [[one_line(name)] for name in lineage.undeclared],
            "runs": [self._run(run) for run in lineage.runs],
            "older": lineage.older,
            "latest": {
                self._stages[name]: [self._traces[one] for one in names if one in self._traces]
                for name, names in lineage.latest.items()
            },
            "traces": [self._trace(name, trace) for name, trace in lineage.traces.items()],
            "texts": [[self._digests(digest), text] for digest, text in lineage.texts.items()],
            "words": self._words.values,
            "files": self._files.values,
            "digests": self._digests.values,
            "parts": self._parts.values,
            "environments": self._environments.values,
        }

    def _stage(self, stage: Stage) -> list[Any]:
        return [
            one_line(stage.name),
            one_line(stage.step),
            self._roles(stage.inputs.items()),
            self._roles(stage.outputs.items()),
            stage.policy.words,
        ]

    def _roles(self, files: Iterable[tuple[str, str]]) -> list[Any]:
        return [[self._words(one_line(role)), self._files(one_line(path))] for role, path in files]

    def _run(self, run: RunRecord) -> list[Any]:
        return [
            one_line(run.command),
            format_time(run.started),
            rounded(run.seconds),
            rounded(run.saved),
            int(run.whole),
            [
                [self._stages[name], *self._verdict(verdict, self._paths.get(name, {}))]
                for name, verdict in run.verdicts.items()
            ],
            [[self._words(word), many, rounded(seconds)] for word, (many, seconds) in run.others.items()],
        ]

    def _verdict(self, verdict: StageRecord, files: dict[str, str]) -> list[Any]:
        told = verdict.error or sentence(verdict.reasons, files)
        trace = self._traces.get(verdict.trace, NONE if not verdict.trace else NONE - 1 - self._digests(verdict.trace))
        return [
            self._words(verdict.word),
            trace,
            rounded(verdict.seconds),
            rounded(verdict.saved),
            self._words(one_line(told)),
        ]

    def _trace(self, name: str, trace: Trace) -> list[Any]:
        action, origin = trace.action, self._lineage.origins.get(name)
        run = self._runs.get(origin.name, -1) if origin else -1
        environment = tuple((one_line(key), one_line(value)) for key, value in islice(action.environment.items(), MANY))
        return [
            self._words(one_line(trace.stage)),
            format_time(trace.started),
            rounded(trace.seconds),
            self._words(one_line(trace.host)),
            run,
            one_line(origin.command) if origin and run < 0 else "",
            [
                [
                    self._words(one_line(one.name)),
                    self._words(one_line(one.kind)),
                    self._words(one_line(repr(one.value))),
                ]
                for one in action.settings[:MANY]
            ],
            [[self._words(one_line(role)), self._digests(one)] for role, one in islice(action.inputs.items(), MANY)],
            [
                [self._words(one_line(role)), self._digests(one.digest), min(one.size, HUGE)]
                for role, one in islice(trace.manifest.items(), MANY)
            ],
            [self._parts((one_line(part), self._digests(one))) for part, one in islice(action.code.items(), PARTS)],
            self._environments(environment),
            [[self._words(one_line(key)), _figure(value)] for key, value in islice(trace.metrics.items(), MANY)],
            self._digests(trace.log),
            name,
        ]


def island(lineage: Lineage) -> str:
    """Return the JSON text of a page's data, which is safe within an element of HTML."""
    text = json.dumps(Island(lineage).fields(), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.translate(ESCAPED).encode("utf-8", "replace").decode()


def rounded(seconds: float) -> float:
    """Return seconds to a thousandth, none below 0."""
    return round(max(seconds, 0.0), 3)


def _figure(value: float) -> str:
    """Return a number as scripts read it."""
    return f"{value:.9g}".replace("inf", "Infinity").replace("nan", "NaN")
