"""What proved last that each stage is current: the trace that its outputs rest on, to be read from one file.

    proofs     code and environments, and for each stage its latest trace, which names them by number

It spares a run with nothing to do the look for each trace. Nothing is taken on trust: the file of the trace must have
the digest that is its name, and be named by `latest/`; the blobs must be there; the trace must be of the very action
and the very outputs that are observed now. Whatever does not hold is decided as if this were not here.
"""

import contextlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from redoit.digest import is_digest
from redoit.errors import CorruptError, DiskError
from redoit.model import Action, Artifact, Trace
from redoit.state.stage_file import stage_filename
from redoit.state.stat_cache import StatCache
from redoit.storage import disk
from redoit.storage.serialize import (
    MALFORMED,
    json_value,
    seal,
    seconds_from_json,
    setting_from_json,
    trace_name,
    unseal,
)
from redoit.storage.store import BLOBS, TRACES, Store

Table = Mapping[str, str]


class IndexedTrace(NamedTuple):
    """A trace as it is written down.

    `code` and `environment` are the numbers of tables; `manifest` is role -> digest and size.
    """

    key: str
    name: str
    inputs: Table
    settings: list[list[Any]]
    code: int
    environment: int
    manifest: dict[str, list[Any]]
    started: float
    seconds: float
    stage: str
    host: str
    log: str
    metrics: dict[str, Any]


class TraceIndex:
    """The proofs of one checkout. `latest`: the folder whose files name the traces that outputs rest on."""

    def __init__(self, memory: Path, files: StatCache, latest: Path) -> None:
        self._memory = memory
        self._files = files
        self._latest = latest
        self._named: set[str] | None = None
        self._tables: list[dict[str, str]] = []
        self._numbers: dict[tuple[tuple[str, str], ...], int] = {}
        self._proofs: dict[str, IndexedTrace] | None = None
        self._changed = False
        self._learning = threading.Lock()

    def up_to_date(self, stage: str, store: Store, action: Action, observed: Mapping[str, str | None]) -> Trace | None:
        """Return the trace that proves what is in place to be current, if it is still in the store as it was."""
        try:
            proof = self._remembered().get(stage)
            if proof is None or not self._is_of(proof, action, observed) or not self._stands(proof, stage, store):
                return None
            return _trace(proof, action)
        except MALFORMED:  # whoever seals something else is not us
            return None

    def lookup(self, stage: str, store: Store, key: str, name: str) -> Trace | None:
        """Return a trace by key and name, if it is the one that is remembered of a stage, and still in the store.

        Nothing but our seal tells that it is what its file says: that will do to show it, not to decide by it.
        """
        try:
            proof = self._remembered().get(stage)
            if proof is None or (proof.key, proof.name) != (key, name) or not self._stands(proof, stage, store):
                return None
            action = Action(
                dict(proof.inputs),
                tuple(setting_from_json(*row) for row in proof.settings),
                tuple(proof.manifest),
                self._tables[proof.code],
                self._tables[proof.environment],
            )
            return _trace(proof, action)
        except MALFORMED:
            return None

    def add(self, stage: str, trace: Trace) -> None:
        """Remember that what is in place rests on a trace."""
        with self._learning:  # threads that number two tables at once would give them one number
            proof = self._proof(trace)
            self._named = None
            if self._remembered().get(stage) != proof:
                self._remembered()[stage] = proof
                self._changed = True

    def _proof(self, trace: Trace) -> IndexedTrace:
        action = trace.action
        return IndexedTrace(
            action.key,
            trace_name(trace),
            dict(action.inputs),
            [[setting.name, setting.kind, json_value(setting.value)] for setting in action.settings],
            self._number(action.code),
            self._number(action.environment),
            {role: [artifact.digest, artifact.size] for role, artifact in trace.manifest.items()},
            trace.started,
            trace.seconds,
            trace.stage,
            trace.host,
            trace.log,
            {name: json_value(value) for name, value in trace.metrics.items()},
        )

    def forget(self) -> None:
        """Forget all proofs: each is to be looked for anew."""
        self._changed = bool(self._remembered())
        self._remembered().clear()

    def save(self) -> None:
        """Write down what was learnt, for the next process; a disk that refuses costs that process a look."""
        if self._changed:
            try:
                data = seal(self._fields())
            except MALFORMED:  # of what somebody else had sealed nothing is kept
                data = seal({"tables": [], "stages": {}})
            with contextlib.suppress(DiskError):
                disk.write_unsynced(self._memory, data)
            self._changed = False

    def _fields(self) -> dict[str, Any]:
        """Return all proofs, and the tables that they name: code that was changed is of no stage any more."""
        proofs = self._remembered()
        used = sorted({number for proof in proofs.values() for number in (proof.code, proof.environment)})
        if len(used) == len(self._tables):
            return {"tables": self._tables, "stages": proofs}
        places = {number: place for place, number in enumerate(used)}
        stages = {
            stage: proof._replace(code=places[proof.code], environment=places[proof.environment])
            for stage, proof in proofs.items()
        }
        return {"tables": [self._tables[number] for number in used], "stages": stages}

    def _is_of(self, proof: IndexedTrace, action: Action, observed: Mapping[str, str | None]) -> bool:
        """Tell whether a trace is of this action, and of these outputs."""
        return (
            proof.inputs == action.inputs
            and {role: row[0] for role, row in proof.manifest.items()} == observed
            and self._tables[proof.code] == action.code
            and self._tables[proof.environment] == action.environment
            # As texts, since to Python 1, 1.0 and True are equal.
            and repr(proof.settings) == repr([[one.name, one.kind, json_value(one.value)] for one in action.settings])
        )

    def _stands(self, proof: IndexedTrace, stage: str, store: Store) -> bool:
        """Tell whether the store still has a trace and its blobs, and will keep them."""
        if self._named is None:
            self._named = set(disk.list_names(self._latest))
        return (
            stage_filename(stage) in self._named
            and is_digest(proof.key)
            and self._files.digest(f"{store.root}/{TRACES}/{proof.key}/{proof.name}.json", disk.SMALL_FILE_BYTES)
            == proof.name
            and (not store.constructive or all(_is_there(store, *row) for row in proof.manifest.values()))
        )

    def _number(self, table: Table) -> int:
        """Return the number of a table, which is added if need be."""
        self._remembered()
        found = tuple(table.items())
        if found not in self._numbers:
            self._numbers[found] = len(self._tables)
            self._tables.append(dict(table))
        return self._numbers[found]

    def _remembered(self) -> dict[str, IndexedTrace]:
        if self._proofs is None:
            self._proofs = {}
            with contextlib.suppress(OSError, CorruptError, *MALFORMED):
                found = unseal(disk.read(self._memory.parent, self._memory.name, most=disk.LARGE_FILE_BYTES))
                proofs = {stage: IndexedTrace(*row) for stage, row in found["stages"].items()}
                tables = [dict(table) for table in found["tables"]]
                self._proofs, self._tables = proofs, tables
                self._numbers = {tuple(table.items()): number for number, table in enumerate(tables)}
        return self._proofs


def _is_there(store: Store, name: str, size: int) -> bool:
    """Tell whether a blob is there in full length."""
    try:
        return os.stat(f"{store.root}/{BLOBS}/{name[:2]}/{name[2:]}").st_size == size
    except OSError:
        return False


def _trace(proof: IndexedTrace, action: Action) -> Trace:
    """Return the trace, of an action that is known to be the same. Raises: one of FORGED."""
    action.__dict__["key"] = proof.key
    return Trace(
        action=action,
        manifest={role: Artifact(*row) for role, row in proof.manifest.items()},
        started=seconds_from_json(proof.started),
        seconds=seconds_from_json(proof.seconds),
        stage=str(proof.stage),
        host=str(proof.host),
        log=str(proof.log),
        metrics={name: float(value) for name, value in proof.metrics.items()},
        name=proof.name,
    )
