"""Decides what a garbage collection removes. Pure: the inventory of the store and the gc roots are handed in."""

import sys
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from redoit.model import Artifact, Trace


class StoredTrace(NamedTuple):
    """A trace in a store, as far as garbage collection needs it.

    `name`: the digest of its bytes. `outputs`: its manifest's. `blobs`: all that it names (outputs, log, source of its
    code), each once. `size`: of its file, in bytes. `started`, `used` (last use): seconds since the epoch.
    """

    key: str
    name: str
    stage: str
    started: float
    seconds: float
    outputs: tuple[Artifact, ...]
    blobs: tuple[str, ...]
    size: int
    used: float


class Inventory(NamedTuple):
    """The traces and blobs of a store.

    `blobs`: digest -> size in bytes. `constructive`: it keeps outputs as blobs. `orphans`: file -> size in bytes;
    temporary files that crashes left, quarantined files, and traces of an earlier format.
    """

    traces: tuple[StoredTrace, ...]
    blobs: dict[str, int]
    constructive: bool = True
    orphans: Mapping[Path, int] = MappingProxyType({})

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(self.blobs.values()) + sum(trace.size for trace in self.traces)

    @property
    def unrestorable(self) -> tuple[StoredTrace, ...]:
        """The traces with an output whose blob is missing, though the store keeps outputs."""
        traces = self.traces if self.constructive else ()
        return tuple(t for t in traces if any(self.blobs.get(made.digest) != made.size for made in t.outputs))


class RetentionPolicy(NamedTuple):
    """What a garbage collection removes besides orphans and unrestorable traces.

    Traces not used for `older_than` seconds; the least recently used, until `max_size` bytes remain; all but the
    `keep_last` newest of each stage, which stay in any case.
    """

    max_size: int | None = None
    older_than: float | None = None
    keep_last: int | None = None


class Removal(NamedTuple):
    """What a garbage collection removes. `freed`: bytes that it frees; `remaining`: bytes that stay in the store."""

    traces: tuple[StoredTrace, ...]
    blobs: tuple[str, ...]
    orphans: tuple[Path, ...]
    freed: int
    remaining: int


def stored_trace(trace: Trace, size: int, used: float) -> StoredTrace:
    """Return what garbage collection needs of a trace. Equal digests share one string: there may be many."""
    stage, outputs = sys.intern(trace.stage), tuple(trace.manifest.values())
    blobs = tuple(map(sys.intern, {trace.log, *(made.digest for made in outputs), *trace.code.values()}))
    return StoredTrace(trace.action.key, trace.name, stage, trace.started, trace.seconds, outputs, blobs, size, used)


def removal(inventory: Inventory, policy: RetentionPolicy, gc_roots: Collection[str], now: float) -> Removal:
    """Return what a garbage collection removes from a store.

    `gc_roots`: names of the traces that outputs in place rest on; these stay.
    """
    newest: dict[str, list[StoredTrace]] = {}
    for trace in sorted(inventory.traces, key=lambda trace: (-trace.started, trace.name)):
        newest.setdefault(trace.stage, []).append(trace)
    protected = {trace.name for traces in newest.values() for trace in traces[: policy.keep_last or 0]} | {*gc_roots}
    candidates = [trace for trace in inventory.traces if trace.name not in protected]
    names = {trace.name for trace in inventory.unrestorable if trace.name not in gc_roots}
    if policy.older_than is not None:
        names |= {trace.name for trace in candidates if now - trace.used > policy.older_than}
    elif policy.max_size is None and policy.keep_last is not None:
        names |= {trace.name for trace in candidates}
    if policy.max_size is not None:
        names |= _least_recently_used(inventory, candidates, names, policy.max_size)
    removed = [trace for trace in inventory.traces if trace.name in names]
    needed = {blob for trace in inventory.traces if trace.name not in names for blob in trace.blobs}
    blobs = tuple(sorted(inventory.blobs.keys() - needed))
    freed = sum(inventory.blobs[blob] for blob in blobs) + sum(trace.size for trace in removed)
    orphaned = sum(inventory.orphans.values())
    return Removal(tuple(removed), blobs, tuple(inventory.orphans), freed + orphaned, inventory.size - freed)


def _least_recently_used(
    inventory: Inventory, candidates: list[StoredTrace], removed: Collection[str], max_size: int
) -> set[str]:
    """Return the names of the least recently used candidates without which, and others, `max_size` bytes remain."""
    staying = [trace for trace in inventory.traces if trace.name not in removed]
    references = Counter(blob for trace in staying for blob in trace.blobs)
    size = sum(inventory.blobs.get(blob, 0) for blob in references) + sum(trace.size for trace in staying)
    names = set[str]()
    for trace in sorted(candidates, key=lambda trace: (trace.used, trace.name)):
        if size > max_size and trace.name not in removed:
            names.add(trace.name)
            references.subtract(trace.blobs)
            size -= trace.size + sum(inventory.blobs.get(blob, 0) for blob in trace.blobs if not references[blob])
    return names
