"""Brings a `.redoit/` that an earlier version of redoit wrote to the names that this one uses.

No invalidation may be lost, whenever the power fails. Where only the old folder is there, one rename does it. Where
both are (an earlier version ran once more), each file is on the disk in the new folder before it leaves the old one;
what a file says only explains, so that of the new folder stays. Caches under old names are removed, and made again.
"""

import contextlib
import os
from pathlib import Path

from redoit.state.invalidations import INVALIDATED
from redoit.storage import disk

OLD_INVALIDATED = "distrust"
OLD_CACHES = ("files", "environment", "proofs", "steps")


def migrate(root: Path) -> None:
    """Rename what an earlier version of redoit named otherwise. Raises: DiskError."""
    for name in OLD_CACHES:
        with contextlib.suppress(OSError):  # one that stays does no harm
            (root / name).unlink(missing_ok=True)
    old = disk.path_below(root, OLD_INVALIDATED, "any").parent
    if not old.is_dir():
        return
    new = disk.path_below(root, INVALIDATED, "any").parent
    if not os.path.lexists(new):
        disk.move(old, new)
        disk.fsync(root)
        return
    for name in disk.list_names(old):
        if os.path.lexists(new / name):
            disk.fsync_parents(new / name)
        elif not name.startswith(disk.TEMPORARY_PREFIX):
            disk.write(new / name, _content(root, name))
        disk.remove(old / name)
    with contextlib.suppress(OSError):
        old.rmdir()


def _content(root: Path, name: str) -> bytes:
    try:
        return disk.read(root, OLD_INVALIDATED, name)
    except OSError:  # its stage is invalidated all the same
        return b"{}"
