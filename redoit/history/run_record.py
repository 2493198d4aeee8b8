"""What became of stages in one run of doit, as values and as the JSON of its record. Pure.

Most runs of a large pipeline find almost all as it was. So the record of one names a table of what each stage rested
on, and tells only what differs: a kept stage of which it says nothing rests on what the table says.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

from redoit.digest import is_digest, of_bytes
from redoit.reasons import KINDS, Reason
from redoit.storage.serialize import json_value, seconds_from_json
from redoit.text import one_line

WORDS = ("ran", "restored", "kept", "failed", "not run")
SLOW = 0.01  # seconds; how long a kept stage took that is told by name; of all others, the mean


class StageRecord(NamedTuple):
    """What became of a stage in one run.

    `word`: one of WORDS; what was not run needed a stage that failed, or the run was interrupted before.
    `key`, `trace`: name the trace that its outputs come from, empty if there is none.
    `seconds`: how long that took here. `saved`: how much longer its execution had taken.
    `reasons`: why it ran, or was not kept. `error`: of a stage that failed, in one line. `made`: seconds that the
    execution took which the trace records; a record alone does not tell.
    """

    word: str
    key: str = ""
    trace: str = ""
    seconds: float = 0.0
    saved: float = 0.0
    reasons: tuple[Reason, ...] = ()
    error: str = ""
    made: float = 0.0


class RunRecord(NamedTuple):
    """One run of doit. `command`: as it was given; `started`: seconds since the epoch; `seconds`: how long it took.

    `verdicts`: of each stage that was selected, in the order of their ends. `saved`: seconds that what was not executed
    took once. `whole`: it was not interrupted. `name`: of its record. `others`: verdict -> how many other stages had
    it, which `verdicts` leaves out, and how many seconds that took.
    """

    command: str
    started: float
    seconds: float
    verdicts: Mapping[str, StageRecord]
    saved: float = 0.0
    whole: bool = True
    name: str = ""
    others: Mapping[str, tuple[int, float]] = MappingProxyType({})

    def alone(self, stages: Iterable[str]) -> "RunRecord":
        """Return what the run tells of some stages, and in sum of all others."""
        shown = {stage: self.verdicts[stage] for stage in stages if stage in self.verdicts}
        rest = [verdict for stage, verdict in self.executed.items() if stage not in shown]
        others = {
            word: (len(those), sum(verdict.seconds for verdict in those))
            for word in WORDS
            if (those := [verdict for verdict in rest if verdict.word == word])
        }
        quiet = len(self.verdicts) - len(shown) - len(rest)  # of which the record does not tell one by one
        kept, seconds = others.get("kept", (0, 0.0))
        more = {"kept": (kept + quiet, seconds)} if quiet else {}
        return self._replace(verdicts=shown, others={**others, **more})

    @property
    def executed(self) -> Mapping[str, StageRecord]:
        """The stages that were executed, and perhaps others: of a large run that is much faster to tell than all."""
        return self.verdicts.own if isinstance(self.verdicts, Verdicts) else self.verdicts


class Row(NamedTuple):
    """What a stage rests on. `made`: seconds that the execution took."""

    key: str
    trace: str
    made: float


Table = Mapping[str, Row]


class Reference(NamedTuple):
    """How the record of a run relates to a table.

    `table`: its name. `holds`: the digest of what all stages of the run rest on. `besides`: stages that rest on
    something else than the table says. `without`: stages of the table that were not selected.
    """

    table: str
    holds: str
    besides: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


class Verdicts(Mapping[str, StageRecord]):
    """Verdicts by reference to a table, made once they are asked for. `own`: those that the record itself tells."""

    def __init__(self, table: Table, own: Mapping[str, StageRecord], without: frozenset[str], each: float) -> None:
        self.own = own
        self._table = table
        self._without = without
        self._each = each

    def __getitem__(self, stage: str) -> StageRecord:
        return self.own[stage] if stage in self.own else self._kept(stage)

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len((self._table.keys() - self._without) | self.own.keys())

    @cached_property
    def _all(self) -> dict[str, StageRecord]:
        kept = {stage: self._kept(stage) for stage in self._table if stage not in self._without}
        return {**kept, **self.own}

    def _kept(self, stage: str) -> StageRecord:
        """Return the verdict of a stage that only the table tells of. Raises: KeyError."""
        if stage in self._without:
            raise KeyError(stage)
        row, each = self._table[stage], self._each
        return StageRecord("kept", row.key, row.trace, each, max(row.made - each, 0.0), made=row.made)


def held(verdicts: Mapping[str, StageRecord]) -> str:
    """Return the digest of what stages rest on."""
    rows = [f"{stage}\0{verdict[1]}\0{verdict[2]}" for stage, verdict in verdicts.items()]
    return of_bytes("\n".join(rows).encode("utf-8", "surrogatepass"))


def rows_of(verdicts: Mapping[str, StageRecord]) -> list[list[Any]]:
    """Return the table of a run, in JSON."""
    return [
        [stage, verdict.key, verdict.trace, round(verdict.made, 3)]
        for stage, verdict in verdicts.items()
        if verdict.trace
    ]


def table_of(rows: Any) -> Table:
    """Return a table from JSON. Raises: ValueError, TypeError on what we would not have written."""
    found = {str(stage): Row(key, trace, seconds_from_json(made)) for stage, key, trace, made in rows}
    if not all(is_digest(row.key) and is_digest(row.trace) for row in found.values()):
        raise ValueError("expected keys and traces")
    return found


def compared(table: str, rows: Table, holds: str, verdicts: Mapping[str, StageRecord]) -> Reference:
    """Return how the verdicts of a run relate to a table."""
    besides = tuple(stage for stage, verdict in verdicts.items() if rows.get(stage, ())[:2] != verdict[1:3])
    return Reference(table, holds, besides, tuple(stage for stage in rows if stage not in verdicts))


def fields_of(invocation: RunRecord, reference: Reference | None = None) -> dict[str, Any]:
    """Return the record of a run, in JSON."""
    fields = {
        "command": invocation.command,
        "started": invocation.started,
        "seconds": invocation.seconds,
        "saved": invocation.saved,
        "whole": invocation.whole,
    }
    verdicts = invocation.verdicts
    if reference is None:
        stages = {stage: _row(verdict, known=False) for stage, verdict in verdicts.items()}
        return {**fields, "order": list(verdicts), "stages": stages}
    besides = set(reference.besides)
    told = {
        stage: _row(verdict, known=stage not in besides)
        for stage, verdict in verdicts.items()
        if verdict.word != "kept" or verdict.seconds >= SLOW or stage in besides
    }
    rest = [verdict.seconds for stage, verdict in verdicts.items() if stage not in told]
    return {
        **fields,
        "holds": reference.holds,
        "besides": list(reference.besides),
        "without": list(reference.without),
        "each": round(sum(rest) / max(len(rest), 1), 6),
        "stages": told,
    }


def invocation_of(name: str, fields: Mapping[str, Any], table: Table | None = None) -> RunRecord:
    """Return a run. Raises: ValueError, TypeError, KeyError, AttributeError on what we would not have written."""
    verdicts: Mapping[str, StageRecord]
    if table is None:
        verdicts = {str(stage): _verdict(fields["stages"][stage]) for stage in fields["order"]}
    else:
        own = {stage: _verdict(row, table.get(stage)) for stage, row in fields["stages"].items()}
        verdicts = Verdicts(table, own, frozenset(fields["without"]), seconds_from_json(fields["each"]))
    return RunRecord(
        command=one_line(fields["command"]),
        started=seconds_from_json(fields["started"]),
        seconds=seconds_from_json(fields["seconds"]),
        saved=seconds_from_json(fields["saved"]),
        whole=fields["whole"] is True,
        verdicts=verdicts,
        name=name,
    )


def _row(verdict: StageRecord, *, known: bool) -> list[Any]:
    """Return a verdict in JSON; `known`: what it rests on is in the table."""
    return [
        verdict.word,
        None if known else verdict.key,
        None if known else verdict.trace,
        verdict.seconds,
        verdict.saved,
        [[reason.kind, reason.subject, json_value(reason.old), json_value(reason.new)] for reason in verdict.reasons],
        verdict.error,
    ]


def _verdict(row: Any, known: Row | None = None) -> StageRecord:
    word, key, trace, seconds, saved, reasons, error = row
    if known and key is trace is None:
        key, trace = known.key, known.trace
    if word not in WORDS or not all(name == "" or is_digest(name) for name in (key, trace)):
        raise ValueError(f"found {word!r:.80}, expected a verdict and a trace")
    found = tuple(Reason(kind, str(subject), old, new) for kind, subject, old, new in reasons if kind in KINDS)
    return StageRecord(word, key, trace, seconds_from_json(seconds), seconds_from_json(saved), found, one_line(error))
