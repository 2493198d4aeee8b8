"""The versions of what a step's code runs on: Python's minor version, and that of each distribution it imports.

Knows the installed distributions, not the code. Which distribution provides a module is cached by what `stat` says of
the folders on `sys.path`: installing or upgrading a package changes them.
"""

import contextlib
import math
import os
import stat
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from redoit.errors import DiskError
from redoit.state.sealed_cache import SealedCache
from redoit.state.stat_cache import COARSE_CLOCK_NS
from redoit.storage import disk

SNAPSHOT_SECONDS = 1.0  # age from which on installed packages and the project's source are read again
METADATA_SUFFIXES = (".dist-info", ".egg-info", ".egg-link")  # of what records a distribution
Folder = tuple[str, int, int, list[str]]  # path, inode, time in nanoseconds, names
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


class Installed(NamedTuple):
    """What is installed. `folders`: as of `_folders`; `distributions`: top-level module -> distribution -> version."""

    folders: list[Folder]
    distributions: dict[str, dict[str, str]]


class InstalledPackages:
    """The installed distributions. Several threads may ask at once."""

    def __init__(self, path: Path) -> None:
        self._cache = SealedCache(path, _parse, lambda: Installed([], {}))
        self._checked = -math.inf
        self._lock = threading.Lock()

    def versions(self, imports: Iterable[str]) -> dict[str, str]:
        """Return `python` and each distribution that provides one of these top-level modules -> version.

        A module that no distribution provides counts as absent: installing it later is a change.
        """
        versions = {"python": PYTHON}
        for module in imports:
            versions.update(self.distributions().get(module) or {module: "absent"})
        return versions

    def distributions(self) -> dict[str, dict[str, str]]:
        """Return top-level module -> distribution -> version of all that is installed now: a step may take hours."""
        with self._lock:  # no thread may take the old versions for those of new folders
            if time.monotonic() - self._checked >= SNAPSHOT_SECONDS:
                folders, self._checked = _folders(), time.monotonic()
                if self._cache.content.folders != folders:
                    self._cache.content = Installed(folders, _distributions())
                    self._save(folders)
            return self._cache.content.distributions

    def forget(self) -> None:
        """Make the next call check the folders again."""
        self._checked = -math.inf

    def _save(self, folders: list[Folder]) -> None:
        latest = max((changed for _, _, changed, _ in folders), default=0)
        with contextlib.suppress(DiskError):
            self._cache.changed = latest + COARSE_CLOCK_NS < disk.file_clock_ns(self._cache.path.parent)
            self._cache.save(Installed._asdict)


def _folders() -> list[Folder]:
    """Return what changes with the distributions in the folders on `sys.path`: path, inode, time in nanoseconds, names.

    A folder for packages has its time, which an installation changes. Any other (the project, one on PYTHONPATH) may
    change all the time, so there the metadata of distributions counts, each with its time.
    """
    folders: list[Folder] = []
    for path in dict.fromkeys(sys.path):
        try:
            status = os.stat(path or os.curdir)
            if path.endswith(("site-packages", "dist-packages")) or not stat.S_ISDIR(status.st_mode):
                folders.append((path, status.st_ino, max(status.st_mtime_ns, status.st_ctime_ns), []))
                continue
            names = sorted(name for name in os.listdir(path or os.curdir) if name.endswith(METADATA_SUFFIXES))
            statuses = [os.stat(os.path.join(path, name)) for name in names]
        except OSError:
            continue
        if names:
            changed = max(max(each.st_mtime_ns, each.st_ctime_ns) for each in statuses)
            folders.append((path, status.st_ino, changed, names))
    return folders


def _parse(fields: Any) -> Installed:
    """Return the content of the cache file. Raises: one of MALFORMED."""
    installed = Installed([tuple(folder) for folder in fields["folders"]], fields["distributions"])
    if not all(isinstance(text, str) for versions in installed.distributions.values() for text in versions.values()):
        raise TypeError("expected texts")
    return installed


def _distributions() -> dict[str, dict[str, str]]:
    from importlib import metadata  # needed only where the folders have changed

    return {
        module: {name: metadata.version(name) for name in sorted(set(names))}
        for module, names in metadata.packages_distributions().items()
    }
