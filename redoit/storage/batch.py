"""Blobs on their way into a store: all are on the disk before the first of them appears."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from redoit import digest
from redoit.model import Artifact
from redoit.storage import disk

BLOBS = "blobs"
PREFIX_DIGITS = 2  # of a blob's digest, which are the name of its folder


class Batch:
    """Blobs that are put together; until `commit` they stand under temporary names.

    `root`: of their store. `exists`: tells whether the store has a blob.
    """

    def __init__(self, root: Path, exists: Callable[[Artifact], bool], temporaries: contextlib.ExitStack) -> None:
        self._root = root
        self._exists = exists
        self._temporaries = temporaries
        self._added: dict[str, Path | None] = {}  # digest -> where its bytes are, None for those of a blob

    def put(self, data: bytes) -> Artifact:
        """Add bytes. Raises: DiskError."""
        artifact = Artifact(digest.of_bytes(data), len(data))
        if not self._has(artifact):
            path = self._temporary()
            disk.create(path, data)
            self._added[artifact.digest] = path
        return artifact

    def put_file(self, source: Path) -> Artifact:
        """Add a copy of a file's content. Raises: OSError, DiskError."""
        path = self._temporary()
        # The copy is digested, not the source, which may change: the name must be true of what is kept.
        with source.open("rb") as reader:
            # Others may read the blob if they may read the file.
            mode = os.fstat(reader.fileno()).st_mode & 0o444 | 0o600
            name = disk.clone(path, reader, mode)
        artifact = Artifact(name, path.stat().st_size)
        if not self._has(artifact):
            self._added[name] = path
        return artifact

    def commit(self) -> None:
        """Rename all that was added to blobs, and fsync those that were there, whoever put them. Raises: DiskError."""
        if self._added:
            blobs = {name: disk.path_below(self._root, *blob_parts(name)) for name in self._added}
            disk.make_folders(*dict.fromkeys(blob.parent for blob in blobs.values()))
            disk.rename_synced({path: blobs[name] for name, path in self._added.items() if path})
            disk.fsync_parents(*blobs.values())

    def _has(self, artifact: Artifact) -> bool:
        """Tell whether bytes are in the batch, to which those in the store itself are added."""
        if artifact.digest not in self._added and self._exists(artifact):
            self._added[artifact.digest] = None
        return artifact.digest in self._added

    def _temporary(self) -> Path:
        folder = disk.path_below(self._root, BLOBS, "")
        disk.make_folders(folder)
        return self._temporaries.enter_context(disk.temporary(folder))


def blob_parts(name: str) -> tuple[str, str, str]:
    """Return the names that lead to a blob from the folder of its store."""
    return BLOBS, name[:PREFIX_DIGITS], name[PREFIX_DIGITS:]
