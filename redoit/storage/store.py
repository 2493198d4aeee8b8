"""Blobs and traces on disk: write-once files, each named by the digest of its bytes.

    blobs/ab/cdef...                 the content of an output, a log, or the normalised source of a part
    traces/<key>/<digest>.json       one execution of the action with that key
    quarantine/...                   corrupt blobs and traces
    sequence                         the number of the trace that was recorded last; its own lock
    use                              the lock: shared by readers that rely on what they found, exclusive for removal

Knows nothing of stages or of where outputs lie. Several processes may write at once: equal names have equal bytes, and
a file appears whole or not at all. Bytes that do not match their name count as absent. Others may be able to write
here, so no link is followed, and nothing is parsed before its digest is verified.
"""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from io import BufferedReader
from pathlib import Path

from redoit import digest
from redoit.errors import CorruptError, DiskError, StoreError
from redoit.model import FORMAT, Artifact, Trace
from redoit.storage import disk, locks
from redoit.storage.serialize import MALFORMED, canonical_json, natural, trace_from_bytes, trace_name, trace_to_bytes

BLOBS, TRACES, QUARANTINE, SEQUENCE = "blobs", "traces", "quarantine", "sequence"
PREFIX_DIGITS = 2  # of a blob's digest, which are the name of its folder
MAX_QUARANTINED_NAME_CHARACTERS = 100  # of its path, in the name that a file has in quarantine


class Store:
    """A folder of blobs and traces.

    `constructive`: the outputs of its traces are in it, too. `upstream`: another store, which is only read: what is
    there counts as if it were here.
    """

    def __init__(self, root: Path, *, constructive: bool = True, upstream: "Store | None" = None) -> None:
        self.root = root
        self.constructive = constructive
        self.upstream = upstream

    @property
    def writable(self) -> bool:
        """Tell whether all its folders may be written, or can be made."""
        folders = (self.root, *self.root.glob("*/"), *self.root.glob(f"{BLOBS}/*/"))
        return not os.path.lexists(self.root) or (
            self.root.is_dir() and all(os.access(folder, os.W_OK | os.X_OK) for folder in folders)
        )

    @contextlib.contextmanager
    def shared_lock(self) -> Iterator[None]:
        """Keep what was found in the store from being removed. No thread may take it twice. Raises: DiskError."""
        with contextlib.ExitStack() as stack:
            if self.upstream:
                with contextlib.suppress(DiskError):  # one that can't be locked: what it loses is run again
                    stack.enter_context(self.upstream.shared_lock())
            stack.enter_context(locks.lock(self.root / "use", shared=True))
            yield

    def exclusive_lock(self) -> AbstractContextManager[object]:
        """Wait until nobody relies on what the store holds, to remove from it. Raises: DiskError."""
        return locks.lock(self.root / "use")

    def put(self, contents: Iterable[bytes | Path]) -> dict[bytes | Path, Artifact]:
        """Put bytes and copies of files into the store: all are on the disk before the first of them appears.

        Those that were there are fsynced, too, whoever put them. Return what each is. Raises: OSError, DiskError.
        """
        artifacts: dict[bytes | Path, Artifact] = {}
        blobs: dict[str, Path] = {}  # digest -> where it belongs
        new: dict[Path, Path] = {}  # temporary file -> where it belongs
        folder = disk.path_below(self.root, BLOBS, "")
        disk.make_folders(folder)
        with contextlib.ExitStack() as temporaries:
            for content in contents:
                path = temporaries.enter_context(disk.temporary(folder))
                if isinstance(content, Path):
                    artifact = _copied(content, path)
                else:
                    artifact = Artifact(digest.of_bytes(content), len(content))
                artifacts[content] = artifact
                if artifact.digest in blobs:
                    continue
                blobs[artifact.digest] = disk.path_below(self.root, *blob_parts(artifact.digest))
                if not Store(self.root).exists(artifact):  # not upstream: the traces are here
                    new[path] = blobs[artifact.digest]
                    if isinstance(content, bytes):
                        disk.create(path, content)
            disk.make_folders(folder, *dict.fromkeys(blob.parent for blob in blobs.values()))
            disk.rename_synced(new)
            disk.fsync_parents(folder, *blobs.values())
        return artifacts

    def exists(self, artifact: Artifact) -> bool:
        """Tell whether a blob is there in full length; its bytes are verified when it is restored."""
        with contextlib.suppress(CorruptError), self.open_blob(artifact.digest) as file:
            return _size(file) == artifact.size
        return False

    def verify(self, artifact: Artifact) -> bool:
        """Tell whether a blob is there and not corrupt."""
        with contextlib.suppress(CorruptError, OSError), self.open_blob(artifact.digest) as file:
            return _size(file) == artifact.size and digest.of_stream(file) == artifact.digest
        return False

    def get(self, name: str) -> bytes:
        """Return the bytes of a small blob, as source and logs are.

        Raises: StoreError if it is too large to be read whole; CorruptError if it is absent or corrupt.
        """
        with self.open_blob(name) as file:
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

        Raises: DiskError; CorruptError if it is absent or corrupt; it is quarantined then, so that the next execution
        can put it again.
        """
        with self.open_blob(artifact.digest) as file:
            if _size(file) != artifact.size:  # not copied: it may be huge
                found = f"found {_size(file):,} bytes, expected {artifact.size:,}"
                raise CorruptError(f"blob {artifact.digest}", found, "rerun the stage")
            if disk.clone(target, file, 0o600) != artifact.digest:
                target.unlink()
                self._quarantine_open(artifact.digest, file)
                raise _corrupt(artifact.digest)
            target.chmod(artifact.mode & 0o777)

    def append(self, trace: Trace) -> str:
        """Record a trace, all of whose blobs must be in the store, and return its name.

        Raises: DiskError; StoreError if it is too large to be read again.
        """
        data = trace_to_bytes(trace)
        if len(data) > disk.SMALL_FILE_BYTES:
            size = f"{len(data):,} bytes, expected {disk.SMALL_FILE_BYTES:,} at most"
            raise StoreError(trace.stage, f"settings, metrics and names take {size}", "keep what is large in files")
        name = digest.of_bytes(data)
        disk.write(disk.path_below(self.root, TRACES, trace.action.key, f"{name}.json"), data)
        return name

    def next_sequence(self) -> int:
        """Return the number of the next trace, above those of all traces that are there: no clock orders them.

        It is on the disk before a trace has it. Raises: StoreError on a newer format, DiskError.
        """
        with locks.lock(self.root / SEQUENCE):
            number = 1 + self.last_sequence()
            disk.write(self.root / SEQUENCE, canonical_json({"sequence": number}))
        return number

    def last_sequence(self) -> int:
        """Return the number of the trace that was recorded last, here or upstream."""
        upstream = self.upstream.last_sequence() if self.upstream else 0
        with contextlib.suppress(OSError, *MALFORMED):
            return max(upstream, natural(json.loads(disk.read(self.root, SEQUENCE))["sequence"]))
        keys = disk.list_names(self.root / TRACES)
        return max((trace.sequence for key in keys for trace in self.traces(key)), default=upstream)

    def trace_or_none(self, key: str, name: str, *, must_read: bool = False) -> Trace | None:
        """Return one trace by key and name, None if it is absent, corrupt or can't be read.

        Raises: StoreError on a newer format; DiskError, with `must_read`, if it may be there and can't be read.
        """
        if not (digest.is_digest(key) and digest.is_digest(name)):
            return None
        try:
            data = disk.read(self.root, TRACES, key, f"{name}.json")
        except OSError as error:
            if self.upstream:
                return self.upstream.trace_or_none(key, name)
            if must_read and error.errno not in disk.ABSENT:
                raise disk.disk_error(error, self.trace_path(key, name)) from error
            return None
        if digest.of_bytes(data) == name:
            with contextlib.suppress(*MALFORMED):
                trace = trace_from_bytes(str(self.trace_path(key, name)), data)
                return trace if trace.action.key == key else None
        return None

    def is_of_earlier_format(self, key: str, name: str) -> bool:
        """Tell whether a file is whole, and the trace of an earlier format, which does not count any more."""
        with contextlib.suppress(OSError, *MALFORMED):
            data = disk.read(self.root, TRACES, key, f"{name}.json")
            return digest.of_bytes(data) == name and natural(json.loads(data)["format"]) < FORMAT
        return False

    def traces(self, key: str) -> list[Trace]:
        """Return the traces of an action, the first recorded first. Raises: StoreError on a newer format."""
        traces = {trace.name: trace for trace in self.upstream.traces(key)} if self.upstream else {}
        with contextlib.suppress(OSError):
            for name in {path.removesuffix(".json") for path in os.listdir(self.root / TRACES / key)} - traces.keys():
                if trace := self.trace_or_none(key, name):
                    traces[name] = trace
        return sorted(traces.values(), key=lambda trace: (trace.sequence, trace.name))

    def touch(self, trace: Trace) -> None:
        """Note that a trace was used now, as the time of its file: what is long unused may be collected."""
        with contextlib.suppress(OSError):
            os.utime(self.trace_path(trace.action.key, trace_name(trace)), follow_symlinks=False)

    def blob_path(self, name: str) -> Path:
        """Return the path of a blob."""
        return self.root.joinpath(*blob_parts(name))

    def trace_path(self, key: str, name: str) -> Path:
        """Return the path of a trace."""
        return self.root / TRACES / key / f"{name}.json"

    def quarantine(self, path: Path) -> None:
        """Move a corrupt blob or trace out of the way. Raises: DiskError."""
        name = "-".join(path.relative_to(self.root).parts)[:MAX_QUARANTINED_NAME_CHARACTERS]
        target = disk.path_below(self.root, QUARANTINE, f"{name}-{os.urandom(4).hex()}")
        disk.make_folders(target.parent)
        disk.move(path, target)

    def open_blob(self, name: str) -> BufferedReader:
        """Open a blob to read it. Raises: CorruptError if it is absent."""
        try:
            return disk.open_regular(self.root, *blob_parts(name))
        except OSError as error:
            if self.upstream:
                return self.upstream.open_blob(name)
            raise CorruptError(f"blob {name}", "not in the store", "rerun the stage that made it") from error

    def _quarantine_open(self, name: str, file: BufferedReader) -> None:
        with contextlib.suppress(FileNotFoundError):
            # Another process may have quarantined this one, and put a good one, since we opened it.
            if os.path.samestat(os.fstat(file.fileno()), self.blob_path(name).lstat()):
                self.quarantine(self.blob_path(name))


def blob_parts(name: str) -> tuple[str, str, str]:
    """Return the names that lead to a blob from the folder of its store."""
    return BLOBS, name[:PREFIX_DIGITS], name[PREFIX_DIGITS:]


def _copied(source: Path, copy: Path) -> Artifact:
    """Return what a new copy of a file is: the file itself may change meanwhile. Raises: OSError, DiskError."""
    with source.open("rb") as reader:
        # Others may read the blob if they may read the file.
        mode = os.fstat(reader.fileno()).st_mode & 0o444 | 0o600
        return Artifact(disk.clone(copy, reader, mode), copy.stat().st_size)


def _corrupt(name: str) -> CorruptError:
    return CorruptError(f"blob {name}", "its bytes do not match its digest", "rerun the stage")


def _size(file: BufferedReader) -> int:
    return os.fstat(file.fileno()).st_size
