"""What a store holds, what of it may go, and what of it is corrupt: the store's housekeeping.

Traces go first, each with its name forced from the disk, then the blobs that no trace needs: a crash in between leaves
blobs too many, never a trace without its blobs. Nobody relies on the store meanwhile (`Store.out_of_use`).
Knows nothing of checkouts: which traces they rest on is told.
"""

import contextlib
import os
import shutil
import stat
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from redoit import digest, disk
from redoit.errors import DiskError
from redoit.records import Artifact, Trace
from redoit.store import BLOBS, QUARANTINE, TRACES, Store

LITTER = 86_400.0  # seconds after which a temporary file is nobody's


@dataclass(frozen=True)
class Held:
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

    traces: tuple[Held, ...]
    blobs: dict[str, int]
    constructive: bool = True

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(self.blobs.values()) + sum(held.size for held in self.traces)

    @property
    def unrestorable(self) -> tuple[Held, ...]:
        """The traces that miss an output in a store that should have it."""
        return tuple(held for held in self.traces if self.constructive and not self._restorable(held))

    def _restorable(self, held: Held) -> bool:
        return all(self.blobs.get(made.digest) == made.size for made in held.outputs)


@dataclass(frozen=True)
class Rule:
    """What may go, besides litter and what can't be restored.

    What was not used for `older_than` seconds; the least recently used, until `max_size` bytes are left; all but the
    `keep_last` newest of each stage, which stay in any case.
    """

    max_size: int | None = None
    older_than: float | None = None
    keep_last: int | None = None


@dataclass(frozen=True)
class Plan:
    """What goes: traces, blobs, and files that are nobody's. `size`: bytes that this frees; `left`: bytes that stay."""

    traces: tuple[Held, ...]
    blobs: tuple[str, ...]
    litter: tuple[Path, ...]
    size: int
    left: int


def inventory(store: Store) -> Inventory:
    """Return what a store holds. What is not what its name promises is not in it.

    Raises: StoreError on a newer format.
    """
    traces = []
    for key, path in _below(store.root / TRACES):
        trace = store.trace(key, path.name.removesuffix(".json")) if path.suffix == ".json" else None
        with contextlib.suppress(OSError):
            if trace:
                traces.append(held_of(key, path.stem, trace, path.lstat()))
    blobs = {}
    for prefix, path in _below(store.root / BLOBS):
        with contextlib.suppress(OSError):
            found = path.lstat()
            if digest.is_digest(prefix + path.name) and stat.S_ISREG(found.st_mode):
                blobs[prefix + path.name] = found.st_size
    return Inventory(tuple(traces), blobs, store.constructive)


def held_of(key: str, name: str, trace: Trace, found: os.stat_result) -> Held:
    """Return what to hold of a trace, from its file. Pure. Equal digests are held once: there may be many."""
    named = {trace.log, *trace.digests.values(), *trace.action.code.values()}
    return Held(
        key=key,
        name=name,
        stage=sys.intern(trace.stage),
        started=trace.started,
        seconds=trace.seconds,
        outputs=tuple(trace.manifest.values()),
        blobs=tuple(sys.intern(blob) for blob in named),
        size=found.st_size,
        used=found.st_mtime,
    )


def litter(store: Store, beside: Iterable[Path] = ()) -> dict[Path, int]:
    """Return what is nobody's, and its size: temporary files that a crash left, and what is in quarantine."""
    found = [path for name in (TRACES, BLOBS) for _, path in _below(store.root / name)]
    folders = {store.root.resolve(), store.root / TRACES, store.root / BLOBS, *beside}
    found += [path for folder in sorted(folders) for path in _in(folder)]
    old = time.time() - LITTER
    left = [path for path in found if path.name.startswith(disk.TEMPORARY) and _changed(path) < old]
    return {path: _bytes(path) for path in (*left, *_in(store.root / QUARANTINE))}


def plan(held: Inventory, litter: Mapping[Path, int], rule: Rule, rests: Collection[str], now: float) -> Plan:
    """Return what goes by a rule. Pure.

    `litter`: what is nobody's -> size in bytes. `rests`: names of traces that outputs in place rest on; they stay.
    """
    newest: dict[str, list[Held]] = {}
    for one in sorted(held.traces, key=lambda one: (-one.started, one.name)):
        newest.setdefault(one.stage, []).append(one)
    safe = {one.name for ones in newest.values() for one in ones[: rule.keep_last or 0]} | set(rests)
    free = [one for one in held.traces if one.name not in safe]
    names = {one.name for one in held.unrestorable if one.name not in rests}
    if rule.older_than is not None:
        names |= {one.name for one in free if now - one.used > rule.older_than}
    elif rule.max_size is None and rule.keep_last is not None:
        names |= {one.name for one in free}
    if rule.max_size is not None:
        names |= _least_used(held, [one for one in free if one.name not in names], names, rule.max_size)
    going = [one for one in held.traces if one.name in names]
    staying = [one for one in held.traces if one.name not in names]
    blobs = tuple(sorted(held.blobs.keys() - _named_by(staying)))
    freed = sum(held.blobs[name] for name in blobs) + sum(one.size for one in going)
    return Plan(tuple(going), blobs, tuple(litter), freed + sum(litter.values()), held.size - freed)


def _named_by(traces: Iterable[Held]) -> frozenset[str]:
    """Return the blobs that traces name."""
    return frozenset[str]().union(*(one.blobs for one in traces))


def _least_used(held: Inventory, free: list[Held], gone: Collection[str], limit: int) -> set[str]:
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


def preview(store: Store, rule: Rule, rests: Collection[str], beside: Iterable[Path] = ()) -> Plan:
    """Return what goes by a rule now. Changes nothing, and waits for nobody.

    `beside`: folders outside the store from which temporary files that a crash left go, too.
    Raises: StoreError on a newer format.
    """
    return plan(inventory(store), litter(store, beside), rule, rests, time.time())


def collect(store: Store, rule: Rule, rests: Callable[[], Collection[str]], beside: Iterable[Path] = ()) -> Plan:
    """Remove what goes by a rule, as `preview` tells it, and return what that was. Waits until nobody uses the store.

    Raises: StoreError on a newer format, DiskError.
    """
    with store.out_of_use():
        planned = preview(store, rule, rests(), beside)
        _remove(store, planned.traces)
        if not _named_by(planned.traces) >= {*planned.blobs}:
            _force_absence(store)
        for name in planned.blobs:
            disk.vacate(store.blob(name))
        for path in planned.litter:
            _erase(path)
    return planned


def check(store: Store) -> tuple[Inventory, list[str]]:
    """Digest all that a store holds, and put aside what is not what its name promises.

    Return what the store holds then, and what was put aside. Waits until nobody uses the store, if there is such.
    Raises: StoreError on a newer format, DiskError.
    """
    held = inventory(store)
    true = {store.place(one.key, one.name) for one in held.traces}  # reading them has verified them
    suspects = [path for path in _files(store) if path not in true and not _is_true(store, path)]
    if not suspects:
        return held, []
    with store.out_of_use():  # who wrote meanwhile has finished now
        found = [path for path in suspects if os.path.lexists(path) and not _is_true(store, path)]
        for path in found:
            store.quarantine(path)
    return inventory(store), [str(path.relative_to(store.root)) for path in found]


def clear(store: Store) -> None:
    """Remove everything. Traces first: a trace never stands without its blobs. Raises: DiskError."""
    with store.out_of_use():
        _erase(store.root / TRACES)
        disk.sync(store.root)
        for name in (BLOBS, QUARANTINE):
            _erase(store.root / name)


def _remove(store: Store, traces: Iterable[Held]) -> None:
    """Remove traces for good: none of them comes back with the power once a blob has gone. Raises: DiskError."""
    folders = set()
    for one in traces:
        path = store.place(one.key, one.name)
        disk.vacate(path)
        folders.add(path.parent)
    for folder in folders:
        try:
            folder.rmdir()  # its end, once on the disk, is that of all in it
        except OSError:
            disk.sync(folder)  # another trace of the action
    if folders:
        disk.sync(store.root / TRACES)


def _force_absence(store: Store) -> None:
    """Force to the disk that traces are gone: who removed those that named a blob may have been killed before."""
    for folder in (*_in(store.root / TRACES), store.root / TRACES, store.root):
        if folder.is_dir() and not folder.is_symlink():
            disk.sync(folder)


def _is_true(store: Store, path: Path) -> bool:
    """Tell whether something in the store is what its name promises."""
    if path.parent.parent == store.root / TRACES:
        return path.suffix == ".json" and store.trace(path.parent.name, path.stem) is not None
    try:
        with disk.opened(store.root, BLOBS, path.parent.name, path.name) as file:
            return digest.of_stream(file) == path.parent.name + path.name
    except (OSError, ValueError):
        return False


def _files(store: Store) -> Iterator[Path]:
    """Yield whatever stands where blobs and traces belong, save what is being written."""
    for name in (TRACES, BLOBS):
        folder = store.root / name
        strangers = (path for path in _in(folder) if path.is_symlink() or not path.is_dir())
        for path in (*strangers, *(path for _, path in _below(folder))):
            if not path.name.startswith(disk.TEMPORARY):
                yield path


def _below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield what stands in the folders of a folder, with the name of its own; no link is followed."""
    for inner in _in(folder):
        if inner.is_dir():
            for path in _in(inner):
                yield inner.name, path


def _in(folder: Path) -> list[Path]:
    """Return what stands in a folder; nothing if it is a link: what is elsewhere is not the store's."""
    try:
        return [] if folder.is_symlink() else [folder / name for name in sorted(os.listdir(folder))]
    except OSError:
        return []


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return time.time()


def _bytes(path: Path) -> int:
    """Return the size of a file, or of all files in a folder."""
    try:
        found = path.lstat()
    except OSError:
        return 0
    return sum(map(_bytes, _in(path))) if stat.S_ISDIR(found.st_mode) else found.st_size


def _erase(path: Path) -> None:
    """Remove a file, or a folder with all in it. Raises: DiskError."""
    if path.is_dir() and not path.is_symlink():
        try:
            shutil.rmtree(path)
        except OSError as error:
            raise DiskError(str(path), error.strerror or str(error), "mend that and run again") from error
    else:
        disk.remove(path)
