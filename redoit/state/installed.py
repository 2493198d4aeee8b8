"""Which installed distributions provide a module, in which version: what was asked for, cached.

An answer about a folder holds as long as the metadata in it has the same content: installing or upgrading a package
changes that.
"""

import os
import threading
from pathlib import Path
from typing import Any, NamedTuple

from redoit import digest
from redoit.source import distributions
from redoit.source.search_path import SearchPath
from redoit.state.sealed_cache import SealedCache
from redoit.state.stat_cache import StatCache


class FolderOwners(NamedTuple):
    """What is known of a folder: a digest of its metadata, and path in the folder -> distribution -> version."""

    stamp: str
    owners: dict[str, dict[str, str]]


class InstalledPackages:
    """The installed distributions. Several threads may ask at once."""

    def __init__(self, path: Path, stat_cache: StatCache) -> None:
        self._cache = SealedCache[FolderOwners](path, _parse)
        self.save = self._cache.save
        self._stat_cache = stat_cache
        self._stamps: dict[str, str] = {}  # folder -> its stamp now, until `forget`
        self._read: dict[str, list[distributions.Distribution]] = {}  # stamp -> what is in its folder
        self._lock = threading.Lock()

    def owners(self, folder: str, relative: str) -> dict[str, str]:
        """Return what `distributions.owners` returns; what is known of a folder is checked first, until `forget`."""
        with self._lock:  # no thread may take the old versions for those of a new folder
            if folder not in self._stamps:
                self._stamps[folder] = self._stamp(folder)
            stamp, known = self._stamps[folder], self._cache.content.get(folder)
            if known is None or known.stamp != stamp:
                self._cache.content[folder] = known = FolderOwners(stamp, {})
            if relative not in known.owners:
                if stamp not in self._read:
                    self._read[stamp] = distributions.installed_in(folder)
                owners = (each.name_and_version for each in self._read[stamp] if each.owns(relative))
                known.owners[relative] = dict(owners)
                self._cache.changed = True
            return known.owners[relative]

    def stamps(self) -> list[str]:
        """Return what changes if another module or distribution may be found on the search path outside the project."""
        return [self._stamp(entry) for entry in SearchPath(Path()).entries]

    def forget(self) -> None:
        """Make the next call check the folders again."""
        self._stamps = {}

    def _stamp(self, folder: str) -> str:
        """Return what changes with the distributions in a folder, or with an archive."""
        names = [
            os.path.join(folder, name, part)
            for name in distributions.metadata_names(folder)
            for part in distributions.RECORDED
        ]
        return digest.of_value([[name, self._stat_cache.digest(name)] for name in names or [folder]])


def _parse(folders: Any) -> dict[str, FolderOwners]:
    """Return the content of the cache file. Raises: one of MALFORMED."""
    content = {path: FolderOwners(*known) for path, known in folders.items()}
    for known in content.values():
        texts = [text for versions in known.owners.values() for text in versions.values()]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("expected texts")
    return content
