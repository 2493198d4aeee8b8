"""Locks between processes: one at a time builds stages in a checkout; the others wait, and say for whom.

The kernel releases a lock when its holder dies, however it dies, so none is ever stale. (filelock would do as well; to
import it takes half as long as a whole no-op.)
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from redoit.errors import BusyError
from redoit.storage import disk
from redoit.text import command_line, one_line

MAX_OWNER_BYTES = 2**13  # of what the file of a lock says about its holder


@contextlib.contextmanager
def owned_lock(
    path: Path, say: Callable[[str], object] = lambda _: None, *, wait: bool = True, details: str = ""
) -> Iterator[str]:
    """Hold a lock whose file names its holder, with some details. `say`: gets one line if another process holds it.

    Yields what a holder that died left in the file, an empty text if the last one released it.
    Raises: BusyError if another process holds it and `wait` is false, DiskError.
    """
    with lock(path, say, wait=wait) as handle:
        left = os.pread(handle, MAX_OWNER_BYTES, 0).decode(errors="replace")
        owner = f"'{command_line()[:150]}' (process {os.getpid()}){details}"
        with contextlib.suppress(OSError):  # a full disk: the others wait for "another process"
            os.ftruncate(handle, 0)
            os.pwrite(handle, owner.encode(errors="replace"), 0)
        try:
            yield left
        finally:
            with contextlib.suppress(OSError):
                os.ftruncate(handle, 0)


@contextlib.contextmanager
def lock(
    path: Path, say: Callable[[str], object] = lambda _: None, *, shared: bool = False, wait: bool = True
) -> Iterator[int]:
    """Hold a lock alone, or one that others may share; yield its open file. No thread may take it twice.

    `say`, `wait`, Raises: as of `owned_lock`.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    while True:
        handle = _open(path)
        try:
            _take(path, handle, kind, say, wait=wait)
            if _is_at(path, handle):  # else it was removed while we waited: a lock on it keeps nobody out
                yield handle
                return
        finally:
            with contextlib.suppress(OSError):  # a disk that fails: nothing in the file is needed
                os.close(handle)


@disk.raises_disk_error
def _open(path: Path) -> int:
    """Open a lock; only to read it where it is somebody else's, which is enough to hold it."""
    if not path.parent.is_dir():
        disk.make_folders(path.parent)
    if path.is_symlink() or (path.exists() and not path.is_file()):
        disk.clear_path(path)  # a link, a folder, a pipe: nobody can lock it
    flags = os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        handle = os.open(path, flags | os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        if error.errno not in disk.NOT_WRITABLE:
            raise
        return os.open(path, flags | os.O_RDONLY)
    with contextlib.suppress(OSError):
        disk.share_with_group(path)
    return handle


@disk.raises_disk_error
def _take(path: Path, handle: int, kind: int, say: Callable[[str], object], *, wait: bool) -> None:  # noqa: ARG001 - for the DiskError
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        found, *_ = os.pread(handle, MAX_OWNER_BYTES, 0).decode(errors="replace").splitlines() or [""]
        holder = one_line(found) or "another process"
        if not wait:
            raise BusyError(holder, "at work here, expected nobody", "let it finish, or leave out --no-wait") from None
        say(f"Waiting for {holder} to finish.")
        fcntl.flock(handle, kind)


def _is_at(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.fstat(handle))
    except OSError:
        return False
