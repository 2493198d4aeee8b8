"""The run log of a checkout: one sealed JSON file for each run, `runs/<start in nanoseconds>-<digest>`.

A record only explains: it is never forced to the disk, and a damaged one is absent. It is written once, and the digest
in its name pins its content, so a record is read with the very base that it refers to or is absent, whatever other
processes append or remove meanwhile. The oldest records go. A base is one of the newest MAX_RUNS, and twice as many
stay, so it outlives what refers to it. A run with the state of an earlier one refers to the same base, unparsed.
"""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

from redoit.digest import of_bytes
from redoit.errors import CorruptError, DiskError
from redoit.history.run_record import RunRecord, StageRecord, record_from_json, record_to_json, stages_from_json
from redoit.storage import disk
from redoit.storage.serialize import MALFORMED, seal

RUNS = "runs"
NAME = re.compile(r"\d{20}-([0-9a-f]{64})")
EARLIER_NAME, EARLIER_TABLES = re.compile(r"\d{20}-[0-9a-f]{8}(-[0-9a-f]{64})?"), "tables"
UNREADABLE = (OSError, CorruptError, *MALFORMED)
MAX_RUNS = 1_000  # that are read
MAX_LOG_BYTES = 2**26
MAX_CHANGED_STAGES = 100  # of a run with a base; a run of no more stages needs none
MAX_BASES = 4  # of the newest records, which are tried


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
            self._prune(sorted([*names, name]), by_size=len(data) > MAX_LOG_BYTES // (2 * MAX_RUNS))

    def newest(self, number: int | None = None) -> Iterator[RunRecord]:
        """Yield that many runs, the newest first; by default MAX_RUNS. Raises: DiskError."""
        return islice(self._runs(), MAX_RUNS if number is None else number)

    def remove_earlier_version(self) -> bool:
        """Remove the records of an earlier version of redoit; return whether there were any. Raises: DiskError."""
        old = [name for name in disk.list_names(self.folder) if EARLIER_NAME.fullmatch(name)]
        for name in old:
            disk.clear_path(disk.path_below(self._root, RUNS, name))
        if old:
            shutil.rmtree(self._root / EARLIER_TABLES, ignore_errors=True)
        return bool(old)

    def _reference(self, stages: Mapping[str, StageRecord], names: list[str]) -> tuple[str, str, frozenset[str]]:
        """Return state, base and changed stages of a run, for `record_to_json`; no base if all differ too much."""
        if len(stages) <= MAX_CHANGED_STAGES:
            return "", "", frozenset()
        rows = [f"{stage}\0{record[1]}\0{record[2]}" for stage, record in stages.items()]
        state = of_bytes("\n".join(rows).encode("utf-8", "surrogatepass"))
        for name in reversed(names[-MAX_BASES:]):
            with contextlib.suppress(*UNREADABLE):
                fields = self._fields(name)
                base = fields["base"] or name
                if base not in names or not fields["state"]:
                    continue
                if fields["state"] == state and self._data(base):
                    changed = frozenset(fields["changed"])
                else:
                    traces = {row[0]: row[3] for row in self._fields(base)["stages"]}
                    if not traces.keys() <= stages.keys():
                        continue
                    changed = frozenset(
                        stage for stage, now in stages.items() if now.trace and now.trace != traces.get(stage)
                    )
                if len(changed) <= MAX_CHANGED_STAGES:
                    return state, base, changed
        return state, "", frozenset()

    def _runs(self) -> Iterator[RunRecord]:
        for name in reversed(self._names()):
            with contextlib.suppress(*UNREADABLE):
                fields = self._fields(name)
                yield record_from_json(name, fields, self._base(fields["base"]))

    def _base(self, name: str) -> Mapping[str, StageRecord]:
        """Return the stages of a base. Raises: one of UNREADABLE."""
        if name not in self._bases:
            self._bases[name] = stages_from_json(self._fields(name)["stages"])
        return self._bases[name]

    def _fields(self, name: str) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self._data(name))
        return fields

    def _data(self, name: str) -> bytes:
        """Return the JSON of a record. Raises: OSError, CorruptError if it is not what its name pins."""
        if pinned := NAME.fullmatch(name):
            text = disk.read(self._root, RUNS, name, max_bytes=disk.LARGE_FILE_BYTES).partition(b"\n")[2]
            if of_bytes(text) == pinned[1] and text.startswith(b'{"base":'):  # nothing else is parsed, however large
                return text
        raise CorruptError(name, "not as it was written", "remove it")

    def _names(self) -> list[str]:
        return [name for name in disk.list_names(self.folder) if NAME.fullmatch(name)]

    def _prune(self, names: list[str], *, by_size: bool) -> None:
        """Remove the oldest records, never the newest."""
        kept = names[-2 * MAX_RUNS :]
        if by_size:
            sizes = accumulate(os.lstat(self.folder / name).st_size for name in reversed(kept))
            kept = kept[-max(sum(size <= MAX_LOG_BYTES for size in sizes), 1) :]
        for name in names[: -len(kept)]:
            disk.clear_path(disk.path_below(self._root, RUNS, name))
