"""What a store holds, and what of it goes by a rule. Pure.

Knows neither disks nor checkouts: what is there, and on which traces outputs rest, is told.
"""

import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from redoit.model import Artifact, Trace


@dataclass(frozen=True)
class StoredTrace:
    """One recorded trace in a store, as far as housekeeping needs it.

    `outputs`: as of its manifest; `blobs`: all that it names, which are outputs, log, and the source of its code, each
    once. `size`: of its file, in bytes; `used`: when it was, in seconds since the epoch.
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


@dataclass(frozen=True)
class Inventory:
    """What a store holds: its traces, and digest -> size in bytes of its blobs. `constructive`: as of the store."""

    traces: tuple[StoredTrace, ...]
    blobs: dict[str, int]
    constructive: bool = True

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(self.blobs.values()) + sum(held.size for held in self.traces)

    @property
    def unrestorable(self) -> tuple[StoredTrace, ...]:
        """The traces that miss an output in a store that should have it."""
        return tuple(held for held in self.traces if self.constructive and not self._restorable(held))

    def _restorable(self, held: StoredTrace) -> bool:
        return all(self.blobs.get(made.digest) == made.size for made in held.outputs)


@dataclass(frozen=True)
class RetentionPolicy:
    """What may go, besides litter and what can't be restored.

    What was not used for `older_than` seconds; the least recently used, until `max_size` bytes are left; all but the
    `keep_last` newest of each stage, which stay in any case.
    """

    max_size: int | None = None
    older_than: float | None = None
    keep_last: int | None = None


@dataclass(frozen=True)
class Removal:
    """What goes: traces, blobs, and files that are nobody's. `size`: bytes that this frees; `left`: bytes that stay."""

    traces: tuple[StoredTrace, ...]
    blobs: tuple[str, ...]
    litter: tuple[Path, ...]
    size: int
    left: int


def stored_trace(key: str, name: str, trace: Trace, size: int, used: float) -> StoredTrace:
    """Return what to hold of a trace. Equal digests are held once: there may be many."""
    named = {trace.log, *trace.digests.values(), *trace.action.code.values()}
    return StoredTrace(
        key=key,
        name=name,
        stage=sys.intern(trace.stage),
        started=trace.started,
        seconds=trace.seconds,
        outputs=tuple(trace.manifest.values()),
        blobs=tuple(sys.intern(blob) for blob in named),
        size=size,
        used=used,
    )


def plan(
    held: Inventory, litter: Mapping[Path, int], rule: RetentionPolicy, gc_roots: Collection[str], now: float
) -> Removal:
    """Return what goes by a rule.

    `litter`: what is nobody's -> size in bytes. `gc_roots`: names of traces that outputs in place rest on; they stay.
    """
    newest: dict[str, list[StoredTrace]] = {}
    for one in sorted(held.traces, key=lambda one: (-one.started, one.name)):
        newest.setdefault(one.stage, []).append(one)
    safe = {one.name for ones in newest.values() for one in ones[: rule.keep_last or 0]} | set(gc_roots)
    free = [one for one in held.traces if one.name not in safe]
    names = {one.name for one in held.unrestorable if one.name not in gc_roots}
    if rule.older_than is not None:
        names |= {one.name for one in free if now - one.used > rule.older_than}
    elif rule.max_size is None and rule.keep_last is not None:
        names |= {one.name for one in free}
    if rule.max_size is not None:
        names |= _least_used(held, [one for one in free if one.name not in names], names, rule.max_size)
    going = [one for one in held.traces if one.name in names]
    staying = [one for one in held.traces if one.name not in names]
    blobs = tuple(sorted(held.blobs.keys() - named_by(staying)))
    freed = sum(held.blobs[name] for name in blobs) + sum(one.size for one in going)
    return Removal(tuple(going), blobs, tuple(litter), freed + sum(litter.values()), held.size - freed)


def named_by(traces: Iterable[StoredTrace]) -> frozenset[str]:
    """Return the blobs that traces name."""
    return frozenset[str]().union(*(one.blobs for one in traces))


def _least_used(held: Inventory, free: list[StoredTrace], gone: Collection[str], limit: int) -> set[str]:
    """Return the names of those that must go, too, least recently used first, so that `limit` bytes are left."""
    needs: dict[str, int] = {}
    staying = [one for one in held.traces if one.name not in gone]
    for one in staying:
        for blob in filter(held.blobs.__contains__, one.blobs):
            needs[blob] = needs.get(blob, 0) + 1
    left = sum(held.blobs[blob] for blob in needs) + sum(one.size for one in staying)
    found = set()
    for one in sorted(free, key=lambda one: (one.used, one.name)):
        if left <= limit:
            break
        found.add(one.name)
        left -= one.size
        for blob in filter(held.blobs.__contains__, one.blobs):
            needs[blob] -= 1
            left -= 0 if needs[blob] else held.blobs[blob]
    return found
