"""Garbage collection of a store: inventory, removal, check, clear.

Traces are removed first, and their absence is forced to the disk, before the blobs that no trace names: a crash in
between leaves blobs too many, never a trace without its blobs. Both happen under `Store.exclusive_lock`, which waits
for every process that relies on the store. Knows no checkouts: gc roots are handed in.
"""

import contextlib
import os
import shutil
import stat
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain
from pathlib import Path

from redoit import digest
from redoit.errors import DiskError
from redoit.gc.policy import Inventory, Removal, RetentionPolicy, removal, stored_trace
from redoit.storage import disk
from redoit.storage.store import BLOBS, QUARANTINE, TRACES, Store

ORPHAN_SECONDS = 86_400.0  # age from which a temporary file counts as orphaned


def inventory(store: Store, folders: Iterable[Path] = ()) -> Inventory:
    """Return the valid traces and the blobs of a store, and the orphans there and in `folders`.

    Raises: StoreError on a newer format; DiskError.
    """
    traces, blobs = [], {}
    orphans = {path: size_of(path) for path in (*_entries(store.root / QUARANTINE), *_orphaned_files(store, folders))}
    for path in _nested_files(store.root / TRACES):
        key, name = path.parent.name, path.stem
        trace = store.trace_or_none(key, name, must_read=True) if path.suffix == ".json" else None
        with contextlib.suppress(FileNotFoundError):
            stats = path.lstat()
            if trace:
                traces.append(stored_trace(trace, stats.st_size, stats.st_mtime))
            elif store.is_of_earlier_format(key, name):
                orphans[path] = stats.st_size
    for path in _nested_files(store.root / BLOBS):
        with contextlib.suppress(FileNotFoundError):
            name, stats = path.parent.name + path.name, path.lstat()
            if digest.is_digest(name) and stat.S_ISREG(stats.st_mode):
                blobs[name] = stats.st_size
    return Inventory(tuple(traces), blobs, store.constructive, orphans)


def collect(
    store: Store,
    policy: RetentionPolicy,
    gc_roots: Callable[[], Collection[str]],
    folders: Iterable[Path] = (),
    *,
    dry_run: bool = False,
) -> Removal:
    """Remove what a policy lets go, and return what that is. Waits until no other process uses the store.

    `folders`: outside the store, where orphaned files are removed, too. `dry_run`: change nothing, wait for nothing.
    Raises: StoreError on a newer format, DiskError.
    """
    with contextlib.nullcontext() if dry_run else store.exclusive_lock():
        planned = removal(inventory(store, folders), policy, gc_roots(), time.time())
        if not dry_run:
            _remove(store, planned)
    return planned


def check(store: Store) -> tuple[Inventory, list[str]]:
    """Digest all that a store holds; return its inventory, and the files that were corrupt, now in quarantine.

    Waits until no other process uses the store, if one is. Raises: StoreError on a newer format, DiskError.
    """
    corrupt = [path for path in _files(store) if not _is_valid(store, path)]
    if corrupt:
        with store.exclusive_lock():  # files that were being written are complete now
            corrupt = [path for path in corrupt if os.path.lexists(path) and not _is_valid(store, path)]
            for path in corrupt:
                store.quarantine(path)
    return inventory(store), [str(path.relative_to(store.root)) for path in corrupt]


def clear(store: Store) -> None:
    """Remove everything, traces first, so that no trace is left without its blobs. Raises: DiskError."""
    with store.exclusive_lock():
        remove_tree(store.root / TRACES)
        disk.fsync(store.root)
        for name in (BLOBS, QUARANTINE):
            remove_tree(store.root / name)


def _remove(store: Store, planned: Removal) -> None:
    """Remove traces, durably before the blobs that only they named, and orphans. Raises: DiskError."""
    paths = [store.trace_path(trace.key, trace.name) for trace in planned.traces]
    paths += [path for path in planned.orphans if path.parent.parent == store.root / TRACES]  # of an earlier format
    for path in paths:
        disk.clear_path(path)
    for folder in {path.parent for path in paths}:
        with contextlib.suppress(OSError):  # it has other traces of the action
            folder.rmdir()
    if planned.blobs:  # in any folder a collection that was killed may have removed traces that named them
        for folder in (*_entries(store.root / TRACES), store.root / TRACES, store.root):
            if folder.is_dir() and not folder.is_symlink():
                disk.fsync(folder)
    for blob in planned.blobs:
        disk.clear_path(store.blob_path(blob))
    for path in planned.orphans:
        remove_tree(path)


def _is_valid(store: Store, path: Path) -> bool:
    """Return whether a file of the store has the content that its name promises. Raises: DiskError."""
    if path.parent.parent == store.root / TRACES:
        names = path.parent.name, path.stem
        whole = store.trace_or_none(*names, must_read=True) or store.is_of_earlier_format(*names)
        return path.suffix == ".json" and bool(whole)
    try:
        with disk.open_regular(store.root, BLOBS, path.parent.name, path.name) as file:
            return digest.of_stream(file) == path.parent.name + path.name
    except OSError as error:
        if error.errno in disk.ABSENT:
            return False
        raise disk.disk_error(error, path) from error


def _files(store: Store) -> Iterator[Path]:
    """Yield all paths where blobs and traces belong, save temporary files."""
    for folder in (store.root / TRACES, store.root / BLOBS):
        misplaced = (path for path in _entries(folder) if path.is_symlink() or not path.is_dir())
        for path in (*misplaced, *_nested_files(folder)):
            if not path.name.startswith(disk.TEMPORARY_PREFIX):
                yield path


def _orphaned_files(store: Store, folders: Iterable[Path]) -> Iterator[Path]:
    """Yield temporary files that crashes left, there and in folders."""
    tops = store.root / TRACES, store.root / BLOBS
    searched = {store.root.resolve(), *tops, *chain(*map(_entries, tops)), *folders}
    for path in chain(*map(_entries, sorted(searched))):
        with contextlib.suppress(OSError):  # another process has removed it
            if path.name.startswith(disk.TEMPORARY_PREFIX) and path.lstat().st_mtime < time.time() - ORPHAN_SECONDS:
                yield path


def _nested_files(folder: Path) -> Iterator[Path]:
    """Return the paths two levels below a folder; follows no links."""
    return chain(*map(_entries, _entries(folder)))


def _entries(folder: Path) -> list[Path]:
    """Return the paths in a folder; none if it is none, or a link: its target does not belong to the store."""
    return [folder / name for name in disk.list_names(folder)]


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    try:
        stats = path.lstat()
    except OSError:
        return 0
    return sum(map(size_of, _entries(path))) if stat.S_ISDIR(stats.st_mode) else stats.st_size


def remove_tree(path: Path) -> None:
    """Remove a file or a folder tree. Raises: DiskError."""
    if path.is_dir() and not path.is_symlink():
        try:
            shutil.rmtree(path)
        except OSError as error:
            raise DiskError(str(path), error.strerror or str(error), "mend that and run again") from error
    else:
        disk.remove(path)
