"""What was in the place of an output and no run had made: set aside by a rename, so that nobody's work is lost.

    rescued/<time>-<random>/<name>      a file, folder or link; or a link to one that lies on another file system

Such a link leads to `.redoit-rescued-<time>-<random>/<name>`, beside where it was.
"""

import errno
import os
import time
from pathlib import Path

from redoit.storage import disk

RESCUED = "rescued"
NEARBY_PREFIX = ".redoit-rescued-"  # of a folder on another file system than `.redoit/`


@disk.raises_disk_error
def set_aside(path: Path, root: Path, name: str = "") -> Path:
    """Move what is at a path to `rescued/` below a folder; return where it is now. Raises: DiskError.

    It is renamed, which keeps all that it is, takes no room and can't be interrupted half-way.
    """
    token = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(4).hex()}"
    place = disk.path_below(root, RESCUED, token, name or path.name)
    disk.make_folders(place.parent)
    try:
        path.rename(place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        nearby = path.parent / f"{NEARBY_PREFIX}{token}" / place.name
        disk.make_folders(nearby.parent)
        place.symlink_to(nearby.absolute())  # first: what nothing leads to would never be listed
        path.rename(nearby)
        disk.fsync(nearby.parent)
    disk.fsync(place.parent)
    return place


def rescued(root: Path) -> list[Path]:
    """Return all that was set aside, the earliest first."""
    folder = root / RESCUED
    return [folder / token / name for token in disk.list_names(folder) for name in disk.list_names(folder / token)]


def location(place: Path) -> Path:
    """Return where what was set aside really is: there, or on another file system, where redoit's own link leads."""
    target = Path(os.readlink(place)) if place.is_symlink() else place
    return target if target.parent.name == NEARBY_PREFIX + place.parent.name else place
