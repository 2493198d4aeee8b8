"""Digests of the project's files, remembered by what `stat` says of them. Never the truth: losing it costs a look.

An entry is trusted only if the file was last changed well before it was digested. A file changed within the
clock's granularity could be changed once more without a trace in its times (git calls this "racily clean").
"""

import contextlib
import os
import stat
import sys
import time
from pathlib import Path
from typing import NamedTuple

from redoit import digest
from redoit.errors import CorruptError, DiskError
from redoit.storage import disk
from redoit.storage.serialize import seal, unseal

FINE_CLOCK_NS = 100_000_000  # nanoseconds; the kernel's clock for file times ticks every 10 ms or faster
COARSE_CLOCK_NS = 2_000_000_000  # nanoseconds; FAT keeps even seconds, HFS+ and old NFS whole ones


class Identity(NamedTuple):
    """What changes with a file's content, unless somebody means to deceive. Times are in nanoseconds."""

    device: int
    inode: int
    size: int
    mtime: int
    ctime: int


class StatCache:
    """The digests of files, shared by all stages of a project."""

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._entries: dict[str, list[object]] | None = None
        self._changed = False
        self._ahead: int | None = None  # of our monotonic clock, in nanoseconds: the clock that stamps files

    def digest(self, path: str | os.PathLike[str], most: int = sys.maxsize) -> str | None:
        """Return the digest of a regular file's content, None if there is none, or one with more bytes than `most`."""
        name = os.fspath(path)
        before = identity(name)
        if before is None or before.size > most:
            return None
        entry = self._remembered().get(name)
        if entry is not None and entry[1:] == [*before] and digest.is_digest(entry[0]):
            return str(entry[0])
        now = self._now()
        try:
            found = digest.of_file(Path(name))
        except OSError:
            return None
        # An entry that can't be trusted is not written at all: the next look digests anew.
        if identity(name) == before and _settled(before, now):
            self._remembered()[name] = [found, *before]
            self._changed = True
        return found

    def save(self) -> None:
        """Write down what was learnt, for the next process; a disk that refuses costs that process a look."""
        if self._changed:
            entries = {name: entry for name, entry in self._remembered().items() if _is_entry(entry)}
            with contextlib.suppress(DiskError):
                disk.write_unsynced(self._memory, seal(entries))
            self._changed = False

    def _now(self) -> int:
        """Return the time by the clock that stamps files: ours may be wrong, or be set while we run."""
        if self._ahead is None:
            try:
                self._ahead = disk.file_clock_ns(self._memory.parent) - time.monotonic_ns()
            except DiskError:
                return 0  # where we can't ask, nothing is old enough
        return self._ahead + time.monotonic_ns()

    def _remembered(self) -> dict[str, list[object]]:
        if self._entries is None:
            self._entries = _read(self._memory)
        return self._entries


def identity(name: str | os.PathLike[str]) -> Identity | None:
    """Return the identity of a regular file, or None if none is there."""
    try:
        found = os.stat(name)
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return Identity(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _settled(identity: Identity, now: int) -> bool:
    latest = max(identity.mtime, identity.ctime)
    fine = identity.ctime % 1_000_000_000 != 0
    return latest + (FINE_CLOCK_NS if fine else COARSE_CLOCK_NS) < now


def _read(memory: Path) -> dict[str, list[object]]:
    """Return the remembered entries: none at all if a single byte of them is not as it was written."""
    try:
        entries = unseal(disk.read(memory.parent, memory.name, most=disk.LARGE_FILE_BYTES))
    except (OSError, CorruptError):
        return {}
    # Whoever seals something else is not us. What is in the lists is looked at when they are used.
    return entries if isinstance(entries, dict) and all(type(entry) is list for entry in entries.values()) else {}


def _is_entry(entry: object) -> bool:
    """Tell whether something is a digest and an identity."""
    return (
        isinstance(entry, list)
        and len(entry) == 1 + len(Identity._fields)
        and digest.is_digest(entry[0])
        and all(type(number) is int for number in entry[1:])
    )
