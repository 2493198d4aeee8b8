"""The trace that each stage's outputs rest on, all in one file, which spares a no-op the reading of each trace.

    trace-index     tables of what stages share; each stage's trace as a dict that names its tables by number

The seal proves each entry a copy of its trace. It counts while `latest/` names that trace, the store still has its very
bytes and its blobs, and action and outputs are those in place now. Else all is decided as if there were no index.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from redoit.digest import is_digest
from redoit.model import Action, Trace
from redoit.state.sealed_cache import SealedCache
from redoit.state.stage_file import stage_filename
from redoit.state.stat_cache import StatCache
from redoit.storage import disk
from redoit.storage.serialize import MALFORMED, action_field, canonical_json, trace_from_dict, trace_name, trace_to_dict
from redoit.storage.store import TRACES, Store, blob_parts

SHARED = ("settings", "code", "environment")  # fields of an action that many stages have in common

Entry = dict[str, Any]  # the dict form of a trace, with its `name` and its action's `key`


class TraceIndex:
    """The trace index of one checkout. `latest`: the folder whose files name the traces that outputs rest on."""

    def __init__(self, path: Path, stat_cache: StatCache, latest: Path) -> None:
        self._cache = SealedCache[Entry](path, _parse, _to_json)
        self.save = self._cache.save
        self._stat_cache = stat_cache
        self._latest = latest
        self._latest_names: set[str] | None = None
        self._compared: dict[tuple[int, int], tuple[bool, object, object]] = {}  # by identity

    def up_to_date(self, stage: str, store: Store, action: Action, observed: Mapping[str, str | None]) -> Trace | None:
        """Return the trace that proves the outputs in place to be up to date, None if the index has none.

        Its observations are left to be checked.
        """
        trace = self._trace(stage, store, lambda entry: self._matches(entry, action), action)
        return trace if trace and trace.digests == observed else None

    def lookup(self, stage: str, store: Store, key: str, name: str) -> Trace | None:
        """Return a stage's trace by key and name, if the index has it and the store, too.

        Only the seal proves that the trace is what its file says: enough to show it, not to decide by it.
        """
        return self._trace(stage, store, lambda entry: (entry["key"], entry["name"]) == (key, name))

    def add(self, stage: str, trace: Trace) -> None:
        """Note the trace that a stage's outputs rest on."""
        self._latest_names = None
        entry = {**trace_to_dict(trace), "name": trace_name(trace), "key": trace.action.key}
        if self._cache.content.get(stage) != entry:
            self._cache.content[stage] = entry
            self._cache.changed = True

    def forget(self) -> None:
        """Empty the index: each trace is read from its own file the next time."""
        self._cache.changed = bool(self._cache.content)
        self._cache.content.clear()

    def _trace(
        self, stage: str, store: Store, is_meant: Callable[[Entry], bool], action: Action | None = None
    ) -> Trace | None:
        """Return the trace of a stage's entry, if that is meant and the store has it, too. `action`: of the trace."""
        try:
            entry = self._cache.content.get(stage)
            if entry is None or not is_meant(entry) or not self._is_stored(entry, stage, store):
                return None
            trace = trace_from_dict(entry, action, entry["name"])
            trace.action.__dict__["key"] = entry["key"]  # which takes long to compute
            return trace
        except MALFORMED:  # a forged entry
            return None

    def _matches(self, entry: Entry, action: Action) -> bool:
        """Tell whether an entry is of this action."""
        indexed = entry["action"]
        return (
            indexed["step"] == [*action.step]
            and indexed["inputs"] == action_field(action, "inputs")
            and indexed["outputs"] == action.outputs
            and indexed["uses"] == action.uses
            and all(self._equals(indexed[name], action, name) for name in SHARED)
        )

    def _equals(self, table: object, action: Action, name: str) -> bool:
        """Tell whether a table is this field of an action; compares each pair of objects once."""
        value = getattr(action, name)
        pair = id(table), id(value)
        if pair not in self._compared:
            # As texts, since to Python 1, 1.0 and True are equal.
            is_equal = canonical_json(table) == canonical_json(action_field(action, name))
            self._compared[pair] = is_equal, table, value
        return self._compared[pair][0]

    def _is_stored(self, entry: Entry, stage: str, store: Store) -> bool:
        """Tell whether the store has a trace and its blobs, and `latest/` keeps them from being collected."""
        if self._latest_names is None:
            self._latest_names = set(disk.list_names(self._latest))
        return (
            stage_filename(stage) in self._latest_names
            and is_digest(entry["key"])
            and (self._is_in(store, entry) or bool(store.upstream and self._is_in(store.upstream, entry)))
        )

    def _is_in(self, store: Store, entry: Entry) -> bool:
        """Tell whether a store itself has a trace and its blobs."""
        path = f"{store.root}/{TRACES}/{entry['key']}/{entry['name']}.json"
        if self._stat_cache.digest(path, disk.SMALL_FILE_BYTES) != entry["name"]:
            return False
        return not store.constructive or all(_has_blob(store, *row[:2]) for row in entry["manifest"].values())


def _parse(fields: Any) -> dict[str, Entry]:
    """Return stage -> entry, which is checked when it is used. Raises: one of MALFORMED."""
    tables = fields["tables"]
    for entry in fields["stages"].values():
        entry["action"] |= {name: tables[entry["action"][name]] for name in SHARED}
        entry["observations"] = tables[entry["observations"]]
    return dict(fields["stages"])


def _to_json(stages: Mapping[str, Entry]) -> dict[str, object]:
    """Return the content of the index file: tables, each once, and entries that name theirs by number."""
    numbers: dict[bytes, int] = {}
    rows = {}
    for stage, entry in stages.items():
        texts = {name: canonical_json(entry["action"][name]) for name in SHARED}
        numbered = {name: numbers.setdefault(text, len(numbers)) for name, text in texts.items()}
        observations = numbers.setdefault(canonical_json(entry["observations"]), len(numbers))
        rows[stage] = {**entry, "action": {**entry["action"], **numbered}, "observations": observations}
    return {"tables": [json.loads(text) for text in numbers], "stages": rows}


def _has_blob(store: Store, digest: str, size: int) -> bool:
    """Tell whether a blob is in the store in full length; its bytes are verified when it is restored."""
    try:
        return os.stat("/".join((str(store.root), *blob_parts(digest)))).st_size == size
    except OSError:
        return False
