"""The run log of a checkout: one sealed JSON file for each run, `runs/<start in nanoseconds>-<digest>`.

A record only explains: it is never forced to the disk, and a damaged one is absent. It is written once, and the digest
in its name pins its content, so a record is read with the very base that it refers to or is absent, whatever other
processes append or remove meanwhile. The oldest records go.

The record of a small run names all its stages. That of a large run refers to a *base*, an earlier record of the same
stages or fewer, and names only the stages that were not kept or rest on another trace than the base says. A base is one
of the newest MAX_RUNS, and twice as many stay, so it outlives what refers to it.
"""

import contextlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from redoit.digest import is_digest, of_bytes
from redoit.errors import CorruptError, DiskError
from redoit.model import Reason, Status
from redoit.storage import disk
from redoit.storage.serialize import MALFORMED, json_value, seal, seconds_from_json
from redoit.text import one_line

RUNS = "runs"
NAME = re.compile(r"\d{20}-([0-9a-f]{64})")
UNREADABLE = (OSError, CorruptError, *MALFORMED)
MAX_RUNS = 1_000  # that are read
MAX_LOG_BYTES = 2**26
MAX_CHANGED_STAGES = 100  # of a run with a base; a run of no more stages needs none
MAX_BASES = 4  # of the newest records, which are tried


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
        stages = {}
        for stage in (*self.base, *self.stages) if only is None else only:
            if record := self.stages.get(stage):
                stages[stage] = record
            elif record := self.base.get(stage):
                stages[stage] = record._replace(status=Status.KEPT, seconds=self.kept_seconds, reasons=(), error="")
        count = len(self.base) + sum(stage not in self.base for stage in self.stages) - len(stages)
        rest = [record for stage, record in self.stages.items() if stage not in stages]
        omitted = {"kept": (count - len(rest), 0.0)} if count > len(rest) else {}
        for record in rest:
            number, seconds = omitted.get(record.status, (0, 0.0))
            omitted[record.status] = number + 1, seconds + record.seconds
        return self._replace(stages=stages, base={}, omitted=omitted)


class RunLog:
    """The runs of the checkout whose `.redoit` is `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.folder = root / RUNS
        self._bases: dict[str, Mapping[str, StageRecord]] = {"": {}}

    def append(self, run: RunRecord) -> None:
        """Record a run, and remove the oldest. A disk that refuses costs only the record."""
        with contextlib.suppress(DiskError, OSError):
            names = self._names()
            data = seal(record_to_json(run, *self._reference(run.stages, names[-MAX_RUNS:])))
            if len(data) > disk.LARGE_FILE_BYTES:
                return
            name = f"{int(run.started * 1e9):020d}-{data.split(maxsplit=1)[0].decode()}"
            if not self.folder.is_dir():  # else to force its name to the disk takes longer than all of this
                disk.make_folders(self.folder)
            disk.write_unsynced(disk.path_below(self._root, RUNS, name), data)
            names = sorted([*names, name])
            kept = names[-2 * MAX_RUNS :]
            if len(data) > MAX_LOG_BYTES // (2 * MAX_RUNS):  # else so many can't take too much room
                sizes = accumulate(os.lstat(self.folder / each).st_size for each in reversed(kept))
                kept = kept[-max(sum(size <= MAX_LOG_BYTES for size in sizes), 1) :]
            for each in names[: -len(kept)]:
                disk.clear_path(disk.path_below(self._root, RUNS, each))

    def newest(self) -> Iterator[RunRecord]:
        """Yield the newest runs, the last one first. Raises: DiskError."""
        for name in reversed(self._names()[-MAX_RUNS:]):
            with contextlib.suppress(*UNREADABLE):
                fields = self._fields(name)
                base = fields["base"]
                if base not in self._bases:
                    self._bases[base] = stages_from_json(self._fields(base)["stages"])
                stages = self._bases.get(name) or stages_from_json(fields["stages"])  # it may be a base itself
                started, seconds, saved, kept = (
                    seconds_from_json(fields[field]) for field in ("started", "seconds", "saved", "kept_seconds")
                )
                command, complete = one_line(fields["command"]), fields["complete"] is True
                yield RunRecord(command, started, seconds, stages, saved, complete, name, self._bases[base], kept)

    def _reference(self, stages: Mapping[str, StageRecord], names: list[str]) -> tuple[str, set[str]]:
        """Return the base of a run, empty if there is none; and the stages that were kept as it says."""
        for name in reversed(names[-MAX_BASES:]) if len(stages) > MAX_CHANGED_STAGES else ():
            with contextlib.suppress(*UNREADABLE):
                base = self._fields(name)["base"] or name
                traces = {row[0]: row[3] for row in self._fields(base)["stages"]}
                changed = {stage for stage, now in stages.items() if now.trace and now.trace != traces.get(stage)}
                if base in names and traces.keys() <= stages.keys() and len(changed) <= MAX_CHANGED_STAGES:
                    return base, {stage for stage, now in stages.items() if now.status is Status.KEPT} - changed
        return "", set()

    def _fields(self, name: str) -> dict[str, Any]:
        """Return the JSON of a record. Raises: OSError, CorruptError if it is not what its name pins."""
        if pinned := NAME.fullmatch(name):
            text = disk.read(self._root, RUNS, name, max_bytes=disk.LARGE_FILE_BYTES).partition(b"\n")[2]
            if of_bytes(text) == pinned[1] and text.startswith(b'{"base":'):  # nothing else is parsed, however large
                return dict(json.loads(text))
        raise CorruptError(name, "not as it was written", "remove it")

    def _names(self) -> list[str]:
        return [name for name in disk.list_names(self.folder) if NAME.fullmatch(name)]


def record_to_json(run: RunRecord, base: str, unnamed: set[str]) -> dict[str, object]:
    """Return the record of a run, in JSON; `base` and `unnamed` as of `RunLog._reference`."""
    seconds = [record.seconds for stage, record in run.stages.items() if stage in unnamed]
    named = {stage: record for stage, record in run.stages.items() if stage not in unnamed}
    return {
        **{field: getattr(run, field) for field in ("command", "started", "seconds", "saved", "complete")},
        "base": base,
        "kept_seconds": round(sum(seconds) / max(len(seconds), 1), 6),
        "stages": [[stage, *record[:5], json_value(record.reasons), record.error] for stage, record in named.items()],
    }


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
