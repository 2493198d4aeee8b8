"""Every write redoit makes to the disk, in the few verbs that survive a crash. Knows nothing of what it writes.

A file appears whole or not at all: it is written under a temporary name, forced to the disk, renamed, and then
its folder is forced to the disk, so that after a power failure a name never stands for half a content. What is there
already is forced, too, before anything relies on it: who put it there may have been killed before. What redoit wrote is
read back, and written to, without following links, and never more of it than it would have written: others may be able
to write there.
"""

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from io import BufferedReader
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from redoit import digest
from redoit.errors import DiskError

FICLONE = 0x40049409  # Linux's ioctl "share the blocks of that file", see ioctl_ficlone(2)
TEMPORARY_PREFIX = ".tmp-"
NOT_OURS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.EINVAL})  # of folders in which we never wrote
# Of a look: nothing that we could have written is there. Any other error leaves that open.
ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EINVAL, errno.EFBIG, errno.ENXIO})
SMALL_FILE_BYTES = 2**23  # bytes; what is read whole has fewer, so that no file fills the memory
LARGE_FILE_BYTES = 2**26  # bytes; likewise of what has a few hundred for each file of a project

P = ParamSpec("P")
T = TypeVar("T")

_forced: set[tuple[int, int, str]] = set()  # names that this process knows to be on the disk, with what they stand for


def raises_disk_error(verb: Callable[Concatenate[Path, P], T]) -> Callable[Concatenate[Path, P], T]:
    """Let a verb, whose first argument is a path, fail with a DiskError where the system refuses."""

    @wraps(verb)
    def telling(path: Path, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return verb(path, *args, **kwargs)
        except OSError as error:
            raise disk_error(error, path) from error

    return telling


def disk_error(error: OSError, path: Path) -> DiskError:
    """Return what to tell of an error of the system, at a path unless it names one."""
    return DiskError(os.fspath(error.filename or path), error.strerror or str(error), "mend that and run again")


def open_regular(root: Path, *names: str) -> BufferedReader:
    """Open a regular file below a folder to read it; `names` lead to it.

    Raises: OSError, also where a name is a link, or the last one a folder, a pipe, anything that is no file.
    """
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in names[:-1]:
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        # Without O_NONBLOCK a pipe would let us wait for its other end.
        handle = os.open(names[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file", os.path.join(root, *names))
    return os.fdopen(handle, "rb")


def read(root: Path, *names: str, max_bytes: int = SMALL_FILE_BYTES) -> bytes:
    """Return the bytes of a small regular file below a folder.

    Raises: OSError, as `opened`, and if the file has more bytes than `max_bytes`.
    """
    with open_regular(root, *names) as file:
        size = os.fstat(file.fileno()).st_size
        if size > max_bytes:
            found = f"found {size:,} bytes, expected {max_bytes:,} at most"
            raise OSError(errno.EFBIG, found, os.path.join(root, *names))
        return file.read(size)


@raises_disk_error
def list_names(folder: Path) -> list[str]:
    """Return what stands in a folder, in order; nothing if it is not there, or is a link."""
    try:
        return [] if folder.is_symlink() else sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def path_below(root: Path, *names: str) -> Path:
    """Return where a file below a folder is, or would be, to write to it; `names` lead to it.

    Raises: DiskError if a link is on the way to it, which could lead anywhere.
    """
    for count in range(1, len(names)):
        folder = root.joinpath(*names[:count])
        if folder.is_symlink():
            raise DiskError(os.fspath(folder), "found a link, expected a folder of redoit's", "remove the link")
    return root.joinpath(*names)


@raises_disk_error
def fsync(path: Path) -> None:
    """Force a file, or a folder's list of names, to the disk."""
    _sync(path)


@raises_disk_error
def fsync_parents(path: Path, *more: Path) -> None:
    """Force the names of what is there to the disk, and the names of the folders around it. Each once in a process.

    To find it there is not enough: who made it may not have come to that yet, or may have been killed.
    """
    names: set[tuple[int, int, str]] = set()
    folders: dict[Path, None] = {}  # each may be that of several
    for found in (path, *more):
        with contextlib.suppress(FileNotFoundError):
            name = _name(found)
            names.add(name)
            if name not in _forced and found.parent != found:
                folders[found.parent] = None
    for folder in folders:
        fsync_parents(folder)
        try:
            _sync(folder)
        except OSError as error:
            if error.errno not in (errno.ENOENT, *NOT_OURS):
                raise disk_error(error, folder) from error
    _forced.update(names)


@raises_disk_error
def clone(target: Path, reader: BufferedReader) -> str | None:
    """Make a new file an independent copy of an open one: a reflink where the file system has it, else a copy.

    Return the digest of the bytes that were written; None for a reflink, since then none were.
    """
    with target.open("xb") as writer:
        try:
            fcntl.ioctl(writer, FICLONE, reader.fileno())
        except OSError:
            return digest.copy_and_digest(reader, writer)
    return None


def rename_synced(targets: Mapping[Path, Path]) -> None:
    """Give finished files their names, temporary -> target: all contents reach the disk before the first name does.

    Raises: DiskError.
    """
    for path in targets:
        fsync(path)
    for path, target in targets.items():
        _replace(path, target)
    for folder in dict.fromkeys(target.parent for target in targets.values()):
        fsync(folder)
    _forced.update(map(_name, targets.values()))


@raises_disk_error
def clear_path(path: Path) -> None:
    """Let nothing stand where a file of ours belongs: a link is removed, a folder becomes litter beside it."""
    try:
        path.unlink(missing_ok=True)
    except IsADirectoryError:
        path.rename(path.with_name(f"{TEMPORARY_PREFIX}{os.urandom(8).hex()}"))


@raises_disk_error
def move(path: Path, target: Path) -> None:
    """Give a file or folder another name, if another process was not faster."""
    with contextlib.suppress(FileNotFoundError):
        path.rename(target)


@raises_disk_error
def make_folders(folder: Path, *more: Path) -> None:
    """Make folders, and those around them, so that none of their names is lost with the power."""
    for missing in (each for each in (folder, *more) if not each.is_dir()):
        make_folders(missing.parent)
        try:
            missing.mkdir(exist_ok=True)  # another process may make it now
        except FileExistsError as error:
            found = "found a file or a broken link, expected a folder"
            raise DiskError(os.fspath(missing), found, "move it away") from error
        except OSError as error:
            raise disk_error(error, missing) from error
        _forced.discard(_name(missing))  # of one that was there before, and is gone
    fsync_parents(folder, *more)


@contextlib.contextmanager
def temporary(folder: Path) -> Iterator[Path]:
    """Yield a new name in a folder; what still stands under it at the end is removed."""
    path = folder / f"{TEMPORARY_PREFIX}{os.urandom(8).hex()}"
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):  # litter, which is collected
            path.unlink(missing_ok=True)


@raises_disk_error
def create(temporary: Path, data: bytes) -> None:
    """Write a new file, which is not forced to the disk."""
    with temporary.open("xb") as file:  # never what somebody put there
        file.write(data)


@raises_disk_error
def file_clock_ns(folder: Path) -> int:
    """Return the time now, in nanoseconds, by the clock that stamps the files in a folder: ours may be wrong."""
    with temporary(folder) as path:
        path.touch()
        return path.stat().st_mtime_ns


@raises_disk_error
def write(target: Path, data: bytes) -> None:
    """Write a small file, whole or not at all. The folder is made if need be."""
    make_folders(target.parent)
    with temporary(target.parent) as path:
        create(path, data)
        rename_synced({path: target})


@raises_disk_error
def write_unsynced(target: Path, data: bytes) -> None:
    """Write a small file that may be lost with the power, but is whole or not there to whoever reads it meanwhile."""
    with temporary(target.parent) as path:
        create(path, data)
        _replace(path, target)


@raises_disk_error
def remove(target: Path) -> None:
    """Remove a file for good, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.lstat(target)
        clear_path(target)
        fsync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _name(path: Path) -> tuple[int, int, str]:
    found = os.lstat(path)
    return found.st_dev, found.st_ino, path.name


@raises_disk_error
def _replace(temporary: Path, target: Path) -> None:
    try:
        temporary.replace(target)
    except IsADirectoryError:
        clear_path(target)
        temporary.replace(target)
