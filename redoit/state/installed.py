"""Which installed distributions provide a module, in which version: what was asked for, cached.

An answer about a folder holds as long as `stat` says the same of the metadata in it: installing or upgrading a package
changes that.
"""

import contextlib
import math
import os
import stat
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from redoit import digest
from redoit.errors import DiskError
from redoit.source import distributions
from redoit.source.search_path import SearchPath
from redoit.state.sealed_cache import SealedCache
from redoit.state.stat_cache import COARSE_CLOCK_NS
from redoit.storage import disk

SNAPSHOT_SECONDS = 1.0  # age from which on installed packages and the project's source are read again


class Known(NamedTuple):
    """What is known of a folder. `stamp`: a digest of what `stat` said; `latest`: the latest time in it, nanoseconds.

    `owners`: path in the folder -> distribution -> version.
    """

    stamp: str
    latest: int
    owners: dict[str, dict[str, str]]


class InstalledPackages:
    """The installed distributions. Several threads may ask at once."""

    def __init__(self, path: Path) -> None:
        self._cache = SealedCache[dict[str, Known]](path, _parse, dict)
        self._checked: dict[str, float] = {}
        self._read: dict[str, list[distributions.Distribution]] = {}
        self._lock = threading.Lock()

    def owners(self, folder: str, relative: str) -> dict[str, str]:
        """Return what `distributions.owners` returns; what is known is checked each second: a step may take hours."""
        with self._lock:  # no thread may take the old versions for those of a new folder
            if time.monotonic() - self._checked.get(folder, -math.inf) >= SNAPSHOT_SECONDS:
                known, now = self._cache.content.get(folder), _known(folder)
                if known is None or known.stamp != now.stamp:
                    self._cache.content[folder] = now
                    self._read.pop(folder, None)
                self._checked[folder] = time.monotonic()
            found = self._cache.content[folder].owners
            if relative not in found:
                if folder not in self._read:
                    self._read[folder] = distributions.installed_in(folder)
                owners = (each.name_and_version for each in self._read[folder] if each.owns(relative))
                found[relative] = dict(owners)
                self._cache.changed = True
            return found[relative]

    def stamps(self) -> list[str]:
        """Return what changes if another module or distribution may be found on the search path outside the project."""
        return [_known(entry).stamp for entry in SearchPath(Path()).entries]

    def forget(self) -> None:
        """Make the next call check the folders again."""
        self._checked = {}

    def save(self) -> None:
        """Write the cache for the next process, if it has changed, without what could change again unseen."""
        try:
            now = disk.file_clock_ns(self._cache.path.parent) if self._cache.changed else 0
        except DiskError:
            return
        settled = now - COARSE_CLOCK_NS
        self._cache.save(lambda folders: {path: known for path, known in folders.items() if known.latest < settled})


def _known(folder: str) -> Known:
    """Return what changes with the distributions in a folder, and no answer yet."""
    names = [
        os.path.join(name, part) for name in distributions.metadata_names(folder) for part in distributions.RECORDED
    ]
    rows, latest = [], 0
    for name in names or [""]:  # an archive has its own times, a folder for all kinds of files none
        with contextlib.suppress(OSError):
            status = os.stat(os.path.join(folder, name) if name else folder)
            if name or stat.S_ISREG(status.st_mode):
                latest = max(latest, status.st_mtime_ns, status.st_ctime_ns)
                rows.append((name, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    return Known(digest.of_bytes(repr((folder, rows)).encode("utf-8", "surrogateescape")), latest, {})


def _parse(folders: Any) -> dict[str, Known]:
    """Return the content of the cache file. Raises: one of MALFORMED."""
    content = {path: Known(*known) for path, known in folders.items()}
    for known in content.values():
        texts = [text for versions in known.owners.values() for text in versions.values()]
        if not isinstance(known.latest, int) or not all(isinstance(text, str) for text in (known.stamp, *texts)):
            raise TypeError("expected texts")
    return content
