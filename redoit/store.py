"""Blobs and traces on disk: put, get, append, restore. Write-once; every name is the digest of its bytes.

    blobs/ab/cdef...                 the content of an output, a log, or the normalised source of a part
    traces/<key>/<digest>.json       one execution of the action with that key

Knows nothing of stages or of where outputs lie. Two processes may write at once: equal names have equal bytes,
and a file appears whole or not at all. Whatever bytes do not match their name are treated as absent.
"""

from pathlib import Path

from redoit import digest, disk
from redoit.errors import CorruptError
from redoit.formats import bytes_of_trace, name_of_trace, trace_of_bytes
from redoit.records import Artifact, Trace


class Store:
    """A folder of blobs and traces."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._blobs = root / "blobs"
        self._traces = root / "traces"

    def put(self, data: bytes) -> Artifact:
        """Keep bytes."""
        artifact = Artifact(digest.of_bytes(data), len(data))
        if not self.has(artifact):
            disk.write(self._blob(artifact.digest), data)
        return artifact

    def put_file(self, source: Path) -> Artifact:
        """Keep a file's content. The file stays where it is, and shares nothing with the blob."""
        with disk.temporary(self._blobs) as path:
            disk.clone(source, path)
            # The copy is digested, not the source: the name must be true of the bytes that are kept.
            artifact = Artifact(digest.of_file(path), path.stat().st_size)
            if not self.has(artifact):
                blob = self._blob(artifact.digest)
                disk.make(blob.parent)
                disk.publish(path, blob)
        return artifact

    def has(self, artifact: Artifact) -> bool:
        """Tell whether a blob is there in full length. Its bytes are verified when it is restored."""
        try:
            return self._blob(artifact.digest).stat().st_size == artifact.size
        except OSError:
            return False

    def get(self, name: str) -> bytes:
        """Return the bytes of a blob.

        Raises: CorruptError if they are not there, or not the ones its name promises.
        """
        try:
            data = self._blob(name).read_bytes()
        except OSError as error:
            raise CorruptError(f"blob {name}", "not in the store", "rerun the stage that made it") from error
        if digest.of_bytes(data) != name:
            self._discard(name)
        return data

    def restore(self, artifact: Artifact, target: Path) -> None:
        """Copy a blob to a new file, verified.

        Raises: CorruptError if the blob is absent or its bytes are not the ones its name promises; a corrupt blob
        is removed, so that the next execution can put it anew.
        """
        try:
            disk.clone(self._blob(artifact.digest), target)
        except FileNotFoundError as error:
            raise CorruptError(f"blob {artifact.digest}", "not in the store", "rerun the stage") from error
        if digest.of_file(target) != artifact.digest:
            target.unlink()
            self._discard(artifact.digest)

    def append(self, trace: Trace) -> str:
        """Record a trace, last of all: every blob it names must be in the store. Return its name."""
        data = bytes_of_trace(trace)
        name = digest.of_bytes(data)
        disk.write(self._traces / trace.action.key / f"{name}.json", data)
        return name

    def trace(self, key: str, name: str) -> Trace | None:
        """Return one trace by key and name, or None if it is not there or not what its name promises."""
        path = self._traces / key / f"{name}.json"
        try:
            data = path.read_bytes()
        except (OSError, ValueError):  # a name with a null byte
            return None
        if digest.of_bytes(data) != name:
            return None
        try:
            trace = trace_of_bytes(str(path), data)
        except CorruptError:
            return None
        return trace if trace.action.key == key else None

    def traces(self, key: str) -> list[Trace]:
        """Return the traces of an action, the canonical one (the first recorded) first.

        Raises: StoreError on a newer format.
        """
        found = (self.trace(key, path.stem) for path in (self._traces / key).glob("*.json"))
        return sorted((trace for trace in found if trace), key=lambda trace: (trace.started, name_of_trace(trace)))

    def files(self) -> list[Path]:
        """Return every file of the store."""
        return [path for folder in (self._blobs, self._traces) for path in folder.rglob("*") if path.is_file()]

    def clear(self) -> None:
        """Remove everything. Traces first: a trace never stands without its blobs."""
        for path in sorted(self.files(), key=lambda path: self._blobs in path.parents):
            path.unlink()

    def _blob(self, name: str) -> Path:
        return self._blobs / name[:2] / name[2:]

    def _discard(self, name: str) -> None:
        disk.remove(self._blob(name))
        raise CorruptError(f"blob {name}", "its bytes are not the ones its name promises", "rerun the stage")
