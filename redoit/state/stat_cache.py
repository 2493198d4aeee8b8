"""Digests of the project's files by what `stat` says of them. Never the truth: a lost entry costs one digest.

An entry is trusted only if the file was last changed well before it was digested. A file changed within the
clock's granularity could be changed once more without a trace in its times (git calls this "racily clean").
"""

import os
import stat
import sys
import time
from pathlib import Path
from typing import NamedTuple

from redoit import digest
from redoit.errors import DiskError
from redoit.model import EXECUTABLE
from redoit.state.sealed_cache import SealedCache
from redoit.storage import disk

FINE_CLOCK_NS = 100_000_000  # the kernel's clock for file times ticks every 10 ms or faster
COARSE_CLOCK_NS = 2_000_000_000  # FAT keeps even seconds, HFS+ and old NFS whole ones


class Identity(NamedTuple):
    """What changes with a file's content, unless somebody means to deceive. Times are in nanoseconds."""

    device: int
    inode: int
    size: int
    mtime: int
    ctime: int


class StatCache:
    """The digests of files, shared by all stages of a project: path -> digest and the fields of Identity."""

    def __init__(self, path: Path) -> None:
        self._cache = SealedCache[dict[str, list[object]]](path, _parse, dict, disk.LARGE_FILE_BYTES)
        self._clock_offset: int | None = None  # nanoseconds, of the clock that stamps files to our monotonic one

    def digest(self, path: str | os.PathLike[str], max_bytes: int = sys.maxsize) -> str | None:
        """Return the digest of a regular file's content, None if there is none or it has more than `max_bytes`."""
        status = _status(path)
        return self._digest(os.fspath(path), status) if status and status.st_size <= max_bytes else None

    def content(self, path: str | os.PathLike[str]) -> str | None:
        """Return the digest of a regular file's content, whose executable bit counts; None if there is none."""
        status = _status(path)
        found = self._digest(os.fspath(path), status) if status else None
        return found and status and digest.of_content(found, executable=bool(status.st_mode & EXECUTABLE))

    def save(self) -> None:
        """Write the cache for the next process, if it has changed."""
        self._cache.save(lambda entries: {name: entry for name, entry in entries.items() if _is_entry(entry)})

    def _digest(self, name: str, status: os.stat_result) -> str | None:
        before = _identity(status)
        entry = self._cache.content.get(name)
        if entry is not None and entry[1:] == [*before] and digest.is_digest(entry[0]):
            return str(entry[0])
        now = self._now()
        try:
            content_digest = digest.of_file(Path(name))
        except OSError:
            return None
        # An entry that can't be trusted is not written at all: the file is digested again the next time.
        if identity(name) == before and _is_settled(before, now):
            self._cache.content[name] = [content_digest, *before]
            self._cache.changed = True
        return content_digest

    def _now(self) -> int:
        """Return the time by the clock that stamps files: ours may be wrong, or be set while we run."""
        if self._clock_offset is None:
            try:
                self._clock_offset = disk.file_clock_ns(self._cache.path.parent) - time.monotonic_ns()
            except DiskError:
                return 0  # without that clock no file is old enough
        return self._clock_offset + time.monotonic_ns()


def identity(name: str | os.PathLike[str]) -> Identity | None:
    """Return the identity of a regular file, or None if none is there."""
    status = _status(name)
    return _identity(status) if status else None


def _status(name: str | os.PathLike[str]) -> os.stat_result | None:
    try:
        status = os.stat(name)
    except OSError:
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def _identity(status: os.stat_result) -> Identity:
    return Identity(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _is_settled(identity: Identity, now: int) -> bool:
    latest = max(identity.mtime, identity.ctime)
    fine = identity.ctime % 1_000_000_000 != 0
    return latest + (FINE_CLOCK_NS if fine else COARSE_CLOCK_NS) < now


def _parse(entries: object) -> dict[str, list[object]]:
    """Return the entries of a cache file; what is in their lists is checked when they are used. Raises: TypeError."""
    if not (isinstance(entries, dict) and all(type(entry) is list for entry in entries.values())):
        raise TypeError("expected lists")
    return entries


def _is_entry(entry: list[object]) -> bool:
    """Tell whether a list is a digest and the fields of an Identity."""
    return (
        len(entry) == 1 + len(Identity._fields)
        and digest.is_digest(entry[0])
        and all(type(number) is int for number in entry[1:])
    )
