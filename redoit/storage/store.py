"""Blobs and traces on disk: put, get, append, restore. Write-once; every name is the digest of its bytes.

    blobs/ab/cdef...                 the content of an output, a log, or the normalised source of a part
    traces/<key>/<digest>.json       one execution of the action with that key
    quarantine/...                   what had another content than its name promises
    use                              held shared by who relies on what the store holds, alone by who removes from it

Knows nothing of stages or of where outputs lie. Several processes may write at once: equal names have equal bytes,
and a file appears whole or not at all. Whatever bytes do not match their name are treated as absent. Others may be able
to write here, so no name is followed that is a link, and nothing is parsed before its digest is verified.
"""

import contextlib
import os
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import NoReturn

from redoit import digest
from redoit.errors import CorruptError, DiskError, StoreError
from redoit.model import Artifact, Trace
from redoit.storage import disk, locks
from redoit.storage.serialize import trace_from_bytes, trace_name, trace_to_bytes

BLOBS, TRACES, QUARANTINE = "blobs", "traces", "quarantine"
PREFIX_DIGITS = 2  # of a blob's digest, which are the name of its folder
NAME = 100  # characters of what stood where it does not belong that its name in quarantine keeps


class Store:
    """A folder of blobs and traces. `constructive`: the outputs of its traces are in it, too."""

    def __init__(self, root: Path, *, constructive: bool = True) -> None:
        self.root = root
        self.constructive = constructive

    @contextlib.contextmanager
    def shared_lock(self) -> Iterator[None]:
        """Keep what the store holds from being collected: between a look at it and the reliance on what was seen.

        Not to be taken twice by one thread. Raises: DiskError.
        """
        with locks.shared_lock(self.root / "use"):
            yield

    @contextlib.contextmanager
    def exclusive_lock(self) -> Iterator[None]:
        """Wait until nobody relies on what the store holds, and keep it so. Raises: DiskError."""
        with locks.exclusive_lock(self.root / "use"):
            yield

    @contextlib.contextmanager
    def batch(self) -> Iterator["Batch"]:
        """Take several blobs, and keep them when all are there: forced to the disk together. Raises: DiskError."""
        with contextlib.ExitStack() as temporaries:
            batch = Batch(self, temporaries)
            yield batch
            batch.keep()

    def put(self, data: bytes) -> Artifact:
        """Keep bytes. Raises: DiskError."""
        with self.batch() as batch:
            return batch.put(data)

    def put_file(self, source: Path) -> Artifact:
        """Keep a file's content. The file stays where it is, and shares nothing with the blob.

        Raises: OSError, DiskError.
        """
        with self.batch() as batch:
            return batch.put_file(source)

    def exists(self, artifact: Artifact) -> bool:
        """Tell whether a blob is there in full length. Its bytes are verified when it is restored."""
        try:
            with self._opened(artifact.digest) as file:
                return _size(file) == artifact.size
        except CorruptError:
            return False

    def verify(self, artifact: Artifact) -> bool:
        """Tell whether a blob is there, and its bytes are the ones its name promises. Changes nothing."""
        try:
            with self._opened(artifact.digest) as file:
                return _size(file) == artifact.size and digest.of_stream(file) == artifact.digest
        except (CorruptError, OSError):
            return False

    def get(self, name: str) -> bytes:
        """Return the bytes of a small blob: source, and the end of a log. Who only looks changes nothing.

        Raises: StoreError if it is too large to be read whole; CorruptError if its bytes are not there, or not the ones
        its name promises.
        """
        with self._opened(name) as file:
            size = _size(file)
            if size > disk.SMALL_FILE_BYTES:
                found = f"found {size:,} bytes, expected {disk.SMALL_FILE_BYTES:,} at most"
                raise StoreError(f"blob {name}", found, "look at the file itself")
            data = file.read(size)
        if digest.of_bytes(data) != name:
            raise _corrupt(name)
        return data

    def restore(self, artifact: Artifact, target: Path) -> None:
        """Copy a blob to a new file, verified.

        Raises: DiskError; CorruptError if the blob is absent or its bytes are not the ones its name promises; a corrupt
        blob is put aside, so that the next execution can put it anew.
        """
        with self._opened(artifact.digest) as file:
            if _size(file) != artifact.size:  # which may be without end
                found = f"found {_size(file):,} bytes, expected {artifact.size:,}"
                raise CorruptError(f"blob {artifact.digest}", found, "rerun the stage")
            if (disk.clone(target, file) or digest.of_file(target)) != artifact.digest:
                target.unlink()
                self._refuse(artifact.digest, file)

    def append(self, trace: Trace) -> str:
        """Record a trace, last of all: every blob it names must be in the store. Return its name.

        Raises: DiskError; StoreError if it is too large to be read again.
        """
        data = trace_to_bytes(trace)
        if len(data) > disk.SMALL_FILE_BYTES:
            found = (
                f"its settings, metrics and names take {len(data):,} bytes, expected {disk.SMALL_FILE_BYTES:,} at most"
            )
            raise StoreError(trace.stage, found, "keep what is large in files")
        name = digest.of_bytes(data)
        disk.write(disk.path_below(self.root, TRACES, trace.action.key, f"{name}.json"), data)
        return name

    def trace_or_none(self, key: str, name: str) -> Trace | None:
        """Return one trace by key and name, or None if it can't be read or is not what its name promises.

        Raises: StoreError on a newer format.
        """
        try:
            return self.read_trace(key, name)
        except DiskError:
            return None

    def read_trace(self, key: str, name: str) -> Trace | None:
        """Return one trace likewise, but None only if there is none.

        Raises: StoreError on a newer format, DiskError if it can't be read.
        """
        if not (digest.is_digest(key) and digest.is_digest(name)):
            return None
        try:
            data = disk.read(self.root, TRACES, key, f"{name}.json")
        except OSError as error:
            if error.errno in disk.ABSENT:
                return None
            raise disk.disk_error(error, self.trace_path(key, name)) from error
        if digest.of_bytes(data) != name:
            return None
        try:
            trace = trace_from_bytes(str(self.trace_path(key, name)), data)
        except CorruptError:
            return None
        return trace if trace.action.key == key else None

    def traces(self, key: str) -> list[Trace]:
        """Return the traces of an action, the canonical one (the first recorded) first.

        Raises: StoreError on a newer format.
        """
        try:
            names = [name.removesuffix(".json") for name in os.listdir(self.root / TRACES / key)]
        except OSError:
            return []
        found = (self.trace_or_none(key, name) for name in names)
        return sorted((trace for trace in found if trace), key=lambda trace: (trace.started, trace_name(trace)))

    def touch(self, trace: Trace) -> None:
        """Note that a trace was used, as the time of its file: what is not used for long may be collected."""
        with contextlib.suppress(OSError):
            os.utime(self.trace_path(trace.action.key, trace_name(trace)), follow_symlinks=False)

    def blob_path(self, name: str) -> Path:
        """Return where a blob is, or would be."""
        return self.root.joinpath(*blob_parts(name))

    def trace_path(self, key: str, name: str) -> Path:
        """Return where a trace is, or would be."""
        return self.root / TRACES / key / f"{name}.json"

    def quarantine(self, path: Path) -> None:
        """Put something aside that is not what its name promises. Raises: DiskError."""
        known = "-".join(path.relative_to(self.root).parts)[:NAME]
        aside = disk.path_below(self.root, QUARANTINE, f"{known}-{os.urandom(4).hex()}")
        disk.make_folders(aside.parent)
        disk.move(path, aside)

    def _opened(self, name: str) -> BufferedReader:
        try:
            return disk.open_regular(self.root, *blob_parts(name))
        except OSError as error:
            raise CorruptError(f"blob {name}", "not in the store", "rerun the stage that made it") from error

    def _refuse(self, name: str, file: BufferedReader) -> NoReturn:
        with contextlib.suppress(FileNotFoundError):
            # Another process may have put this one aside, and a true one there, since we opened it.
            if os.path.samestat(os.fstat(file.fileno()), self.blob_path(name).lstat()):
                self.quarantine(self.blob_path(name))
        raise _corrupt(name)


class Batch:
    """Blobs that are put into a store together. Until they are kept, they stand under temporary names."""

    def __init__(self, store: Store, temporaries: contextlib.ExitStack) -> None:
        self._store = store
        self._temporaries = temporaries
        self._new: dict[str, Path] = {}  # digest -> where its bytes are
        self._there: dict[str, Path] = {}  # digest -> blob

    def put(self, data: bytes) -> Artifact:
        """Take bytes. Raises: DiskError."""
        artifact = Artifact(digest.of_bytes(data), len(data))
        if not self._knows(artifact):
            path = self._temporary()
            disk.create(path, data)
            self._new[artifact.digest] = path
        return artifact

    def put_file(self, source: Path) -> Artifact:
        """Take a file's content as it is now. Raises: OSError, DiskError."""
        path = self._temporary()
        # What was written is digested, not the source: the name must be true of the bytes that are kept.
        with source.open("rb") as reader:
            name = disk.clone(path, reader) or digest.of_file(path)
        artifact = Artifact(name, path.stat().st_size)
        if not self._knows(artifact):
            self._new[name] = path
        return artifact

    def keep(self) -> None:
        """Let the store have all that was taken. Raises: DiskError."""
        if self._new:
            root = self._store.root
            blobs = {path: disk.path_below(root, *blob_parts(name)) for name, path in self._new.items()}
            disk.make_folders(*dict.fromkeys(blob.parent for blob in blobs.values()))
            disk.rename_synced(blobs)
        if self._there:
            disk.fsync_parents(*self._there.values())

    def _knows(self, artifact: Artifact) -> bool:
        """Tell whether bytes are here already; those in the store are forced to the disk, too, whoever put them."""
        if artifact.digest in self._new:
            return True
        if self._store.exists(artifact):
            self._there[artifact.digest] = self._store.blob_path(artifact.digest)
            return True
        return False

    def _temporary(self) -> Path:
        folder = disk.path_below(self._store.root, BLOBS, "")
        disk.make_folders(folder)
        return self._temporaries.enter_context(disk.temporary(folder))


def blob_parts(name: str) -> tuple[str, str, str]:
    """Return the names that lead to a blob from the folder of its store."""
    return BLOBS, name[:PREFIX_DIGITS], name[PREFIX_DIGITS:]


def _corrupt(name: str) -> CorruptError:
    return CorruptError(f"blob {name}", "its bytes are not the ones its name promises", "rerun the stage")


def _size(file: BufferedReader) -> int:
    return os.fstat(file.fileno()).st_size
