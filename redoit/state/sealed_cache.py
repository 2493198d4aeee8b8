"""A cache in one file: JSON behind its digest, which may be lost without harm.

Knows nothing of what it holds. A file that is missing, damaged or forged counts as empty; a disk that refuses to write
it costs the next process the work that would have been spared.
"""

import contextlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from redoit.errors import DiskError
from redoit.storage import disk
from redoit.storage.serialize import MALFORMED, seal, unseal

T = TypeVar("T")


class SealedCache(Generic[T]):
    """One cache file and its content, which callers change in place or assign; they set `changed` then.

    `parse`: content from JSON; raises one of MALFORMED on what redoit would not have written. `to_json`: its reverse.
    """

    def __init__(
        self, path: Path, parse: Callable[[Any], dict[str, T]], to_json: Callable[[Any], object] = dict
    ) -> None:
        self.path = path
        self.changed = False
        self._parse = parse
        self._to_json = to_json

    @cached_property
    def content(self) -> dict[str, T]:
        """The content, read from the file at the first use."""
        try:
            data = disk.read(self.path.parent, self.path.name, max_bytes=disk.LARGE_FILE_BYTES)
            return self._parse(unseal(data))
        except (OSError, *MALFORMED):
            return {}

    def save(self) -> None:
        """Write the content for the next process, if it has changed."""
        if not self.changed:
            return
        try:
            data = seal(self._to_json(self.content))
        except MALFORMED:  # a forged entry, which was parsed no further: all is dropped
            data = seal(self._to_json({}))
        with contextlib.suppress(DiskError):
            disk.write_unsynced(self.path, data)
        self.changed = False
