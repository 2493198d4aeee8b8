"""What a store holds, what of it may go, and what of it is corrupt: the store's housekeeping.

Traces go first, each with its name forced from the disk, then the blobs that no trace needs: a crash in between leaves
blobs too many, never a trace without its blobs. Nobody relies on the store meanwhile (`Store.out_of_use`).
Knows nothing of checkouts: which traces they rest on is told.
"""

import contextlib
import os
import shutil
import stat
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from redoit import digest, disk
from redoit.errors import DiskError
from redoit.records import Trace
from redoit.store import BLOBS, QUARANTINE, TRACES, Store

LITTER = 86_400.0  # seconds after which a temporary file is nobody's


@dataclass(frozen=True)
class Held:
    """One recorded trace in a store. `size`: of its file, in bytes; `used`: when it was, in seconds since the epoch."""

    key: str
    name: str
    trace: Trace
    size: int
    used: float

    @property
    def blobs(self) -> frozenset[str]:
        """The blobs that it names: outputs, log, and the source of its code."""
        outputs = (artifact.digest for artifact in self.trace.manifest.values())
        return frozenset({*outputs, self.trace.log, *self.trace.action.code.values()})


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
        return all(self.blobs.get(made.digest) == made.size for made in held.trace.manifest.values())


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
                found = path.lstat()
                traces.append(Held(key, path.stem, trace, found.st_size, found.st_mtime))
    blobs = {}
    for prefix, path in _below(store.root / BLOBS):
        with contextlib.suppress(OSError):
            found = path.lstat()
            if digest.is_digest(prefix + path.name) and stat.S_ISREG(found.st_mode):
                blobs[prefix + path.name] = found.st_size
    return Inventory(tuple(traces), blobs, store.constructive)


def plan(held: Inventory, litter: Iterable[Path], rule: Rule, rests: Collection[str], now: float) -> Plan:
    """Return what goes by a rule. Pure. `rests`: names of traces that outputs in place rest on; they stay."""
    newest: dict[str, list[Held]] = {}
    for one in sorted(held.traces, key=lambda one: (-one.trace.started, one.name)):
        newest.setdefault(one.trace.stage, []).append(one)
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
    return Plan(tuple(going), blobs, tuple(litter), freed, held.size - freed)


def _named_by(traces: Iterable[Held]) -> frozenset[str]:
    """Return the blobs that traces name."""
    return frozenset[str]().union(*(one.blobs for one in traces))


def _least_used(held: Inventory, free: list[Held], gone: Collection[str], limit: int) -> set[str]:
    """Return the names of those that must go, too, least recently used first, so that `limit` bytes are left."""
    needs: dict[str, int] = {}
    staying = [one for one in held.traces if one.name not in gone]
    for one in staying:
        for blob in one.blobs & held.blobs.keys():
            needs[blob] = needs.get(blob, 0) + 1
    left = sum(held.blobs[blob] for blob in needs) + sum(one.size for one in staying)
    found = set()
    for one in sorted(free, key=lambda one: (one.used, one.name)):
        if left <= limit:
            break
        found.add(one.name)
        left -= one.size
        for blob in one.blobs & held.blobs.keys():
            needs[blob] -= 1
            left -= 0 if needs[blob] else held.blobs[blob]
    return found


def collect(
    store: Store,
    rule: Rule,
    rests: Callable[[], Collection[str]],
    *,
    beside: Collection[Path] = (),
    dry: bool = False,
) -> Plan:
    """Remove what goes by a rule, and return what that was; or what it would be. Waits until nobody uses the store.

    `beside`: folders outside the store from which temporary files that a crash left go, too.
    Raises: StoreError on a newer format, DiskError.
    """
    with store.out_of_use():
        planned = plan(inventory(store), _litter(store, beside), rule, rests(), time.time())
        if dry:
            return planned
        for one in planned.traces:
            disk.remove(store.place(one.key, one.name))
            with contextlib.suppress(OSError):  # another trace of the action
                store.place(one.key, one.name).parent.rmdir()
        if not _named_by(planned.traces) >= {*planned.blobs}:
            _force_absence(store)
        for name in planned.blobs:
            store.blob(name).unlink(missing_ok=True)
        for path in planned.litter:
            _erase(path)
    return planned


def check(store: Store) -> list[str]:
    """Digest all that a store holds; put aside what is not what its name promises, and return what that was.

    Raises: StoreError on a newer format, DiskError.
    """
    suspects = [path for path in _files(store) if not _is_true(store, path)]
    with store.out_of_use():  # who wrote meanwhile has finished now
        found = [path for path in suspects if os.path.lexists(path) and not _is_true(store, path)]
        for path in found:
            store.quarantine(path)
    return [str(path.relative_to(store.root)) for path in found]


def clear(store: Store) -> None:
    """Remove everything. Traces first: a trace never stands without its blobs. Raises: DiskError."""
    with store.out_of_use():
        _erase(store.root / TRACES)
        disk.sync(store.root)
        for name in (BLOBS, QUARANTINE):
            _erase(store.root / name)


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


def _litter(store: Store, beside: Iterable[Path]) -> list[Path]:
    """Return what is nobody's: temporary files that a crash left, and what is in quarantine."""
    found = [path for name in (TRACES, BLOBS) for _, path in _below(store.root / name)]
    folders = {store.root.resolve(), store.root / TRACES, store.root / BLOBS, *beside}
    found += [path for folder in sorted(folders) for path in _in(folder)]
    old = time.time() - LITTER
    left = [path for path in found if path.name.startswith(disk.TEMPORARY) and _changed(path) < old]
    return [*left, *_in(store.root / QUARANTINE)]


def _below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield what stands in the folders of a folder, with the name of its own; no link is followed."""
    for inner in _in(folder):
        if inner.is_dir():
            for path in _in(inner):
                yield inner.name, path


def _in(folder: Path) -> list[Path]:
    """Return what stands in a folder; nothing if it is a link: what is elsewhere is not the store's."""
    try:
        return [] if folder.is_symlink() else sorted(folder.iterdir())
    except OSError:
        return []


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return time.time()


def _erase(path: Path) -> None:
    """Remove a file, or a folder with all in it. Raises: DiskError."""
    if path.is_dir() and not path.is_symlink():
        try:
            shutil.rmtree(path)
        except OSError as error:
            raise DiskError(str(path), error.strerror or str(error), "mend that and run again") from error
    else:
        disk.remove(path)
