"""Which versions a step's code runs on: Python's minor version, and that of each distribution it imports.

Knows the installed distributions, not the code. Which distribution a module comes from is remembered by what
`stat` says of the folders on `sys.path`: installing or upgrading a package changes them.
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
from typing import Any

from redoit.errors import CorruptError, DiskError
from redoit.state.stat_cache import COARSE_CLOCK_NS
from redoit.storage import disk
from redoit.storage.serialize import seal, unseal

SNAPSHOT_SECONDS = 1.0  # seconds; what was looked at longer ago is looked at anew
RECORDS = (".dist-info", ".egg-info", ".egg-link")  # how the names of a distribution's records end
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


class InstalledPackages:
    """The installed distributions."""

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._folders: list[list[Any]] = []
        self._owners: dict[str, dict[str, str]] | None = None
        self._looked = -math.inf
        self._lock = threading.Lock()

    def versions(self, imports: Iterable[str]) -> dict[str, str]:
        """Return `python` and each distribution that provides one of these top-level modules -> version.

        A module that no distribution provides counts as absent: installing it later is a change.
        """
        versions = {"python": PYTHON}
        for module in imports:
            versions.update(self._distributions().get(module) or {module: "absent"})
        return versions

    def installed(self) -> dict[str, dict[str, str]]:
        """Return all that is installed now: top-level module -> distribution -> version."""
        return self._distributions()

    def _distributions(self) -> dict[str, dict[str, str]]:
        """Return top-level module -> distribution -> version, as they are now: a step may take hours."""
        with self._lock:  # threads look at once: none may take the old versions for those of new folders
            if self._owners is not None and time.monotonic() - self._looked < SNAPSHOT_SECONDS:
                return self._owners
            folders, self._looked = _folders(), time.monotonic()
            if self._owners is None or self._folders != folders:
                self._folders, self._owners = folders, _remembered(self._memory, folders) or self._learnt(folders)
            return self._owners

    def forget(self) -> None:
        """Let the next look be a new one."""
        self._looked = -math.inf

    def _learnt(self, folders: list[list[Any]]) -> dict[str, dict[str, str]]:
        """Return what is installed, and remember it for the next process."""
        owners = _installed()
        latest = max((changed for _, _, changed, _ in folders), default=0)
        with contextlib.suppress(DiskError):  # it costs the next process a look
            if latest + COARSE_CLOCK_NS < disk.file_clock_ns(self._memory.parent):
                disk.write_unsynced(self._memory, seal({"folders": folders, "owners": owners}))
        return owners


def _folders() -> list[list[Any]]:
    """Return what changes with the distributions in the folders on `sys.path`: path, inode, time in nanoseconds, names.

    A folder for packages has its time, which an installation changes. Any other (the project, one on PYTHONPATH) may
    change all the time, so there the records of distributions count, each with its time.
    """
    found: list[list[Any]] = []
    for name in dict.fromkeys(sys.path):
        try:
            status = os.stat(name or os.curdir)
            if name.endswith(("site-packages", "dist-packages")) or not stat.S_ISDIR(status.st_mode):
                found.append([name, status.st_ino, max(status.st_mtime_ns, status.st_ctime_ns), []])
                continue
            names = sorted(each for each in os.listdir(name or os.curdir) if each.endswith(RECORDS))
            times = [os.stat(os.path.join(name, each)) for each in names]
        except OSError:
            continue
        if names:
            found.append([name, status.st_ino, max(max(each.st_mtime_ns, each.st_ctime_ns) for each in times), names])
    return found


def _remembered(memory: Path, folders: list[list[Any]]) -> dict[str, dict[str, str]] | None:
    try:
        known = unseal(disk.read(memory.parent, memory.name))
        owners: dict[str, dict[str, str]] = known["owners"]
        texts = [text for versions in owners.values() for text in versions.values()]
        plain = all(isinstance(text, str) for text in texts)  # whoever seals something else is not us
        return owners if known["folders"] == folders and plain else None
    except (OSError, CorruptError, KeyError, TypeError, AttributeError):
        return None


def _installed() -> dict[str, dict[str, str]]:
    from importlib import metadata  # read only when the folders have changed

    return {
        module: {name: metadata.version(name) for name in sorted(set(names))}
        for module, names in metadata.packages_distributions().items()
    }
