"""Digests of the project's files by what `stat` says of them. Never the truth: a lost entry costs one digest.

An entry is trusted only if the file was last changed well before it was digested. A file changed within the
clock's granularity could be changed once more without a trace in its times (git calls this "racily clean").
"""

import os
import stat
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from redoit import digest
from redoit.errors import DiskError
from redoit.model import EXECUTABLE
from redoit.state.sealed_cache import SealedCache
from redoit.storage import disk

FINE_CLOCK_NS = 100_000_000  # the kernel's clock for file times ticks every 10 ms or faster
COARSE_CLOCK_NS = 2_000_000_000  # FAT keeps even seconds, HFS+ and old NFS whole ones
STAMP = " %d %d %d %d %d %d"  # the fields of an identity: a text is read and compared faster than numbers


class Identity(NamedTuple):
    """What changes with a file's content, unless somebody means to deceive. Times are in nanoseconds."""

    device: int
    inode: int
    size: int
    mtime: int
    ctime: int
    mode: int


class StatCache:
    """The digests of files, shared by all stages of a project: path -> digest and stamp, as one text."""

    def __init__(self, path: Path) -> None:
        self._cache = SealedCache[str](path, _parse)
        self.save = self._cache.save
        self._clock_offset: int | None = None  # nanoseconds, of the clock that stamps files to our monotonic one

    def digest(self, path: str | os.PathLike[str], max_bytes: int = sys.maxsize) -> str | None:
        """Return the digest of a regular file's content, None if there is none or it has more than `max_bytes`."""
        found = identity(path)
        return self._digest(os.fspath(path), found) if found and found.size <= max_bytes else None

    def content(self, path: str | os.PathLike[str]) -> str | None:
        """Return the digest of a regular file's content, whose executable bit counts; None if there is none."""
        found = identity(path)
        content = found and self._digest(os.fspath(path), found)
        return found and content and digest.of_content(content, executable=bool(found.mode & EXECUTABLE))

    def _digest(self, name: str, found: Identity) -> str | None:
        entry, stamp = self._cache.content.get(name, ""), STAMP % found
        if entry[digest.LENGTH :] == stamp:
            return entry[: digest.LENGTH]
        now = self._now()
        try:
            content_digest = digest.of_file(Path(name))
        except OSError:
            return None
        granularity = FINE_CLOCK_NS if found.ctime % 1_000_000_000 else COARSE_CLOCK_NS
        # An entry that can't be trusted is not written at all: the file is digested again the next time.
        if identity(name) == found and max(found.mtime, found.ctime) + granularity < now:
            self._cache.content[name] = content_digest + stamp
            self._cache.changed = True
        return content_digest

    def _now(self) -> int:
        """Return the time by the clock that stamps files: ours may be wrong, or be set while we run."""
        if self._clock_offset is None:
            try:
                with disk.temporary(self._cache.path.parent) as path:
                    disk.create(path, b"")
                    self._clock_offset = path.stat().st_mtime_ns - time.monotonic_ns()
            except (DiskError, OSError):
                return 0  # without that clock no file is old enough
        return self._clock_offset + time.monotonic_ns()


def identity(name: str | os.PathLike[str]) -> Identity | None:
    """Return the identity of a regular file, or None if none is there."""
    try:
        found = os.stat(name)
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return Identity(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_mode)


def _parse(entries: Any) -> dict[str, str]:
    """Return the entries of a cache file. Raises: TypeError on any other JSON."""
    if not (type(entries) is dict and set(map(type, entries.values())) <= {str}):
        raise TypeError("expected texts")
    return entries
