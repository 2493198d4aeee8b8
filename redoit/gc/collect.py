"""The store's housekeeping: looks what it holds, removes what may go, puts aside what is corrupt.

Traces go first, each with its name forced from the disk, then the blobs that no trace needs: a crash in between leaves
blobs too many, never a trace without its blobs. Nobody relies on the store meanwhile (`Store.exclusive_lock`).
Knows nothing of checkouts: which traces they rest on is told.
"""

import contextlib
import os
import shutil
import stat
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from redoit import digest
from redoit.errors import DiskError
from redoit.gc.policy import Inventory, Removal, RetentionPolicy, StoredTrace, named_by, plan, stored_trace
from redoit.storage import disk
from redoit.storage.store import BLOBS, QUARANTINE, TRACES, Store

LITTER = 86_400.0  # seconds after which a temporary file is nobody's


def inventory(store: Store) -> Inventory:
    """Return what a store holds. What is not what its name promises is not in it.

    Raises: StoreError on a newer format, DiskError: what can't be read may be there all the same.
    """
    traces = []
    for key, path in _below(store.root / TRACES):
        trace = store.read_trace(key, path.name.removesuffix(".json")) if path.suffix == ".json" else None
        with contextlib.suppress(FileNotFoundError):
            if trace:
                found = path.lstat()
                traces.append(stored_trace(key, path.stem, trace, found.st_size, found.st_mtime))
    blobs = {}
    for prefix, path in _below(store.root / BLOBS):
        with contextlib.suppress(FileNotFoundError):
            found = path.lstat()
            if digest.is_digest(prefix + path.name) and stat.S_ISREG(found.st_mode):
                blobs[prefix + path.name] = found.st_size
    return Inventory(tuple(traces), blobs, store.constructive)


def orphaned_files(store: Store, beside: Iterable[Path] = ()) -> dict[Path, int]:
    """Return what is nobody's, and its size: temporary files that a crash left, and what is in quarantine."""
    found = [path for name in (TRACES, BLOBS) for _, path in _below(store.root / name)]
    folders = {store.root.resolve(), store.root / TRACES, store.root / BLOBS, *beside}
    found += [path for folder in sorted(folders) for path in _in(folder)]
    old = time.time() - LITTER
    left = [path for path in found if path.name.startswith(disk.TEMPORARY_PREFIX) and _changed(path) < old]
    return {path: _bytes(path) for path in (*left, *_in(store.root / QUARANTINE))}


def preview(store: Store, rule: RetentionPolicy, gc_roots: Collection[str], beside: Iterable[Path] = ()) -> Removal:
    """Return what goes by a rule now. Changes nothing, and waits for nobody.

    `beside`: folders outside the store from which temporary files that a crash left go, too.
    Raises: StoreError on a newer format, DiskError.
    """
    return plan(inventory(store), orphaned_files(store, beside), rule, gc_roots, time.time())


def collect(
    store: Store, rule: RetentionPolicy, gc_roots: Callable[[], Collection[str]], beside: Iterable[Path] = ()
) -> Removal:
    """Remove what goes by a rule, as `preview` tells it, and return what that was. Waits until nobody uses the store.

    Raises: StoreError on a newer format, DiskError.
    """
    with store.exclusive_lock():
        planned = preview(store, rule, gc_roots(), beside)
        _remove(store, planned.traces)
        if not named_by(planned.traces) >= {*planned.blobs}:
            _force_absence(store)
        for name in planned.blobs:
            disk.clear_path(store.blob(name))
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
    with store.exclusive_lock():  # who wrote meanwhile has finished now
        found = [path for path in suspects if os.path.lexists(path) and not _is_true(store, path)]
        for path in found:
            store.quarantine(path)
    return inventory(store), [str(path.relative_to(store.root)) for path in found]


def clear(store: Store) -> None:
    """Remove everything. Traces first: a trace never stands without its blobs. Raises: DiskError."""
    with store.exclusive_lock():
        _erase(store.root / TRACES)
        disk.fsync(store.root)
        for name in (BLOBS, QUARANTINE):
            _erase(store.root / name)


def _remove(store: Store, traces: Iterable[StoredTrace]) -> None:
    """Remove traces for good: none of them comes back with the power once a blob has gone. Raises: DiskError."""
    folders = set()
    for one in traces:
        path = store.place(one.key, one.name)
        disk.clear_path(path)
        folders.add(path.parent)
    for folder in folders:
        try:
            folder.rmdir()  # its end, once on the disk, is that of all in it
        except OSError:
            disk.fsync(folder)  # another trace of the action
    if folders:
        disk.fsync(store.root / TRACES)


def _force_absence(store: Store) -> None:
    """Force to the disk that traces are gone: who removed those that named a blob may have been killed before."""
    for folder in (*_in(store.root / TRACES), store.root / TRACES, store.root):
        if folder.is_dir() and not folder.is_symlink():
            disk.fsync(folder)


def _is_true(store: Store, path: Path) -> bool:
    """Tell whether something in the store is what its name promises. Raises: DiskError if it can't be read."""
    if path.parent.parent == store.root / TRACES:
        return path.suffix == ".json" and store.read_trace(path.parent.name, path.stem) is not None
    try:
        with disk.open_regular(store.root, BLOBS, path.parent.name, path.name) as file:
            return digest.of_stream(file) == path.parent.name + path.name
    except OSError as error:
        if error.errno in disk.ABSENT:
            return False
        raise disk.disk_error(error, path) from error
    except ValueError:
        return False


def _files(store: Store) -> Iterator[Path]:
    """Yield whatever stands where blobs and traces belong, save what is being written."""
    for name in (TRACES, BLOBS):
        folder = store.root / name
        strangers = (path for path in _in(folder) if path.is_symlink() or not path.is_dir())
        for path in (*strangers, *(path for _, path in _below(folder))):
            if not path.name.startswith(disk.TEMPORARY_PREFIX):
                yield path


def _below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield what stands in the folders of a folder, with the name of its own; no link is followed."""
    for inner in _in(folder):
        if inner.is_dir():
            for path in _in(inner):
                yield inner.name, path


def _in(folder: Path) -> list[Path]:
    """Return what stands in a folder; nothing if it is a link: what is elsewhere is not the store's."""
    return [folder / name for name in disk.list_names(folder)]


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
