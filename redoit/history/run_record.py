"""One run as a value, and as the JSON of its record. Pure.

The record of a small run names all its stages. That of a large run refers to a *base*, an earlier record of the same
stages or fewer, and names only the stages that were not kept or rest on another trace than the base says.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from redoit.digest import is_digest
from redoit.model import Reason, Status
from redoit.storage.serialize import json_value, seconds_from_json
from redoit.text import one_line


class StageRecord(NamedTuple):
    """The outcome of a stage in one run.

    `key`, `trace`: name the trace that its outputs come from, empty if there is none. `seconds`: that the stage took in
    this run; `step_seconds`: that the recorded execution took. `reasons`: why it was not kept. `error`: one line.
    """

    status: Status
    key: str = ""
    trace: str = ""
    seconds: float = 0.0
    step_seconds: float = 0.0
    reasons: tuple[Reason, ...] = ()
    error: str = ""

    @property
    def saved(self) -> float:
        """The seconds that keeping or restoring the stage saved."""
        return 0.0 if self.status is Status.RAN else max(self.step_seconds - self.seconds, 0.0)


class RunRecord(NamedTuple):
    """One run of doit.

    `command`: as it was given. `started`: seconds since the epoch. `stages`: all that were selected, or of a run as it
    was read those that its record names: all that were not kept, and perhaps more. `saved`: seconds. `complete`: it
    was not interrupted. `name`: of its record. `base`: the stages of the record that this one refers to; those that
    only it names were kept, in `kept_seconds` each. `omitted`: status -> number and seconds of more stages.
    """

    command: str
    started: float
    seconds: float
    stages: Mapping[str, StageRecord]
    saved: float = 0.0
    complete: bool = True
    name: str = ""
    base: Mapping[str, StageRecord] = MappingProxyType({})
    kept_seconds: float = 0.0
    omitted: Mapping[str, tuple[int, float]] = MappingProxyType({})

    def expanded(self, only: Iterable[str] | None = None) -> "RunRecord":
        """Return the run with all its stages, or with some and the sums of the others."""
        names = (*self.base, *self.stages) if only is None else only
        stages = {
            stage: self.stages[stage]
            if stage in self.stages
            else self.base[stage]._replace(status=Status.KEPT, seconds=self.kept_seconds, reasons=(), error="")
            for stage in names
            if stage in self.stages or stage in self.base
        }
        count = len(self.base) + sum(stage not in self.base for stage in self.stages) - len(stages)
        rest = [record for stage, record in self.stages.items() if stage not in stages]
        omitted = {"kept": (count - len(rest), 0.0)} if count > len(rest) else {}
        for record in rest:
            number, seconds = omitted.get(record.status, (0, 0.0))
            omitted[record.status] = number + 1, seconds + record.seconds
        return self._replace(stages=stages, base={}, omitted=omitted)


def record_to_json(run: RunRecord, state: str, base: str, changed: frozenset[str]) -> dict[str, Any]:
    """Return the record of a run, in JSON.

    `state`: the digest of the traces that the stages of a large run rest on. `base`: the name of a record, empty if
    there is none. `changed`: stages that rest on another trace than the base says.
    """
    named = {
        stage: record
        for stage, record in run.stages.items()
        if not base or record.status is not Status.KEPT or stage in changed
    }
    unnamed = [record.seconds for stage, record in run.stages.items() if stage not in named]
    return {
        **{field: getattr(run, field) for field in ("command", "started", "seconds", "saved", "complete")},
        "state": state,
        "base": base,
        "changed": sorted(changed),
        "kept_seconds": round(sum(unnamed) / max(len(unnamed), 1), 6),
        "stages": [[stage, *record[:5], json_value(record.reasons), record.error] for stage, record in named.items()],
    }


def record_from_json(name: str, fields: Mapping[str, Any], base: Mapping[str, StageRecord]) -> RunRecord:
    """Return the run of a record; `base` is empty if it has none. Raises: one of MALFORMED on a forged record."""
    started, seconds, saved, kept = (
        seconds_from_json(fields[field]) for field in ("started", "seconds", "saved", "kept_seconds")
    )
    stages, complete = stages_from_json(fields["stages"]), fields["complete"] is True
    return RunRecord(one_line(fields["command"]), started, seconds, stages, saved, complete, name, base, kept)


def stages_from_json(rows: Any) -> Mapping[str, StageRecord]:
    """Return the stages that a record names. Raises: one of MALFORMED on a forged record."""
    from redoit.reasons import KINDS

    stages = {}
    for stage, status, key, trace, seconds, step_seconds, reasons, error in rows:
        if not all(name == "" or is_digest(name) for name in (key, trace)):
            raise ValueError(f"found {key!r:.80} and {trace!r:.80}, expected a key and a trace")
        why = tuple(Reason(kind, str(subject), old, new) for kind, subject, old, new in reasons if kind in KINDS)
        times = seconds_from_json(seconds), seconds_from_json(step_seconds)
        stages[str(stage)] = StageRecord(Status(status), key, trace, *times, why, one_line(error))
    return stages
