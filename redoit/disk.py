"""Every write redoit makes to the disk, in the few verbs that survive a crash. Knows nothing of what it writes.

A file appears whole or not at all: it is written under a temporary name, forced to the disk, renamed, and then
its folder is forced to the disk, so that after a power failure a name never stands for half a content.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

FICLONE = 0x40049409  # Linux's ioctl "share the blocks of that file", see ioctl_ficlone(2)
TEMPORARY = ".tmp-"


def sync(path: Path) -> None:
    """Force a file, or a folder's list of names, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def clone(source: Path, target: Path) -> None:
    """Make target an independent copy of source: a reflink where the file system has it, else a copy."""
    with source.open("rb") as reader, target.open("wb") as writer:
        try:
            fcntl.ioctl(writer, FICLONE, reader.fileno())
        except OSError:
            shutil.copyfileobj(reader, writer, 1 << 20)


def publish(temporary: Path, target: Path) -> None:
    """Give a finished file its name: its content reaches the disk before its name does."""
    sync(temporary)
    temporary.replace(target)
    sync(target.parent)


def make(folder: Path) -> None:
    """Make a folder, and those around it, so that none of their names is lost with the power."""
    if not folder.is_dir():
        make(folder.parent)
        folder.mkdir(exist_ok=True)
        sync(folder.parent)


@contextlib.contextmanager
def temporary(folder: Path) -> Iterator[Path]:
    """Yield a new name in folder, which is made if need be; what still stands under it at the end is removed."""
    make(folder)
    path = folder / f"{TEMPORARY}{secrets.token_hex(8)}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def write(target: Path, data: bytes) -> None:
    """Write a small file, whole or not at all."""
    with temporary(target.parent) as path:
        path.write_bytes(data)
        publish(path, target)


def remove(target: Path) -> None:
    """Remove a file for good, if it is there."""
    try:
        target.unlink()
    except FileNotFoundError:
        return
    sync(target.parent)
