"""Every write to the disk, in a few verbs that survive a crash. Knows nothing of what is written.

A file appears whole or not at all: it is written under a temporary name, fsynced, renamed, and then its folder is
fsynced, so that after a power failure a name never stands for half a content. What is there already is fsynced, too,
before anything relies on it: its writer may have been killed before. Files are read back and replaced without following
links, and only up to the size that redoit would have written: others may be able to write there.
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
NOT_WRITABLE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.EINVAL})  # of folders we never wrote to
# Of reading: nothing that redoit could have written is there. Any other error leaves that open.
ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EINVAL, errno.EFBIG, errno.ENXIO})
SMALL_FILE_BYTES = 2**23  # at most, of what is read whole, so that no file fills the memory
LARGE_FILE_BYTES = 2**26  # likewise, of what has a few hundred bytes for each file of a project

P = ParamSpec("P")
T = TypeVar("T")

_fsynced: set[tuple[int, int, str]] = set()  # device, inode and name that this process knows to be on the disk


def raises_disk_error(verb: Callable[Concatenate[Path, P], T]) -> Callable[Concatenate[Path, P], T]:
    """Make a verb, whose first argument is a path, raise DiskError for OSError."""

    @wraps(verb)
    def wrapped(path: Path, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return verb(path, *args, **kwargs)
        except OSError as error:
            raise disk_error(error, path) from error

    return wrapped


def disk_error(error: OSError, path: Path) -> DiskError:
    """Return the DiskError for an OSError, about a path unless that names one."""
    return DiskError(os.fspath(error.filename or path), error.strerror or str(error), "mend that and run again")


def open_regular(root: Path, *names: str) -> BufferedReader:
    """Open a regular file below a folder to read it; `names` lead to it.

    Raises: OSError, also where a name is a link, or the last one is not a regular file.
    """
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in names[:-1]:
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        # O_NONBLOCK, so that a pipe does not wait for its other end.
        handle = os.open(names[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file", os.path.join(root, *names))
    return os.fdopen(handle, "rb")


def read(root: Path, *names: str, max_bytes: int = SMALL_FILE_BYTES) -> bytes:
    """Return the bytes of a regular file below a folder.

    Raises: OSError, as `open_regular`, and if it has more than `max_bytes`.
    """
    with open_regular(root, *names) as file:
        size = os.fstat(file.fileno()).st_size
        if size > max_bytes:
            found = f"found {size:,} bytes, expected {max_bytes:,} at most"
            raise OSError(errno.EFBIG, found, os.path.join(root, *names))
        return file.read(size)


@raises_disk_error
def list_names(folder: Path) -> list[str]:
    """Return the sorted names in a folder; none if it is not there, or is a link."""
    try:
        return [] if folder.is_symlink() else sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def path_below(root: Path, *names: str) -> Path:
    """Return the path of a file to write below a folder; `names` lead to it.

    Raises: DiskError if a link is on the way, which could lead anywhere.
    """
    for count in range(1, len(names)):
        folder = root.joinpath(*names[:count])
        if folder.is_symlink():
            raise DiskError(os.fspath(folder), "found a link, expected a folder of redoit's", "remove the link")
    return root.joinpath(*names)


@raises_disk_error
def fsync(path: Path) -> None:
    """Force a file, or the names in a folder, to the disk."""
    _sync(path)


@raises_disk_error
def fsync_parents(path: Path, *more: Path) -> None:
    """Force the names of paths that exist, and of the folders around them, to the disk; each once in a process.

    That they exist is not enough: their writer may not have come to that yet, or may have been killed.
    """
    names: set[tuple[int, int, str]] = set()
    folders: dict[Path, None] = {}  # each once, in order
    for each in (path, *more):
        with contextlib.suppress(FileNotFoundError):
            name = _name(each)
            names.add(name)
            if name not in _fsynced and each.parent != each:
                folders[each.parent] = None
    for folder in folders:
        fsync_parents(folder)
        try:
            _sync(folder)
        except OSError as error:
            if error.errno not in (errno.ENOENT, *NOT_WRITABLE):
                raise disk_error(error, folder) from error
    _fsynced.update(names)


@raises_disk_error
def clone(target: Path, reader: BufferedReader, mode: int | None = None) -> str:
    """Make a new file an independent copy of an open one: a reflink where the file system has it. Return its digest.

    `mode`: its permissions, if not those of the other.
    """
    copied = None
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # until it has its permissions
    with os.fdopen(handle, "wb") as writer:
        try:
            fcntl.ioctl(writer, FICLONE, reader.fileno())
        except OSError:
            copied = digest.copy_and_digest(reader, writer)
        os.fchmod(writer.fileno(), os.fstat(reader.fileno()).st_mode & 0o777 if mode is None else mode)
    return copied or digest.of_file(target)


def rename_synced(targets: Mapping[Path, Path]) -> None:
    """Rename finished files, temporary -> target: all contents are durable before any name is. Raises: DiskError."""
    for path in targets:
        fsync(path)
    for path, target in targets.items():
        _replace(path, target)
    for folder in dict.fromkeys(target.parent for target in targets.values()):
        fsync(folder)
    _fsynced.update(map(_name, targets.values()))


@raises_disk_error
def clear_path(path: Path) -> None:
    """Remove what stands in the place of a file; a folder gets a temporary name, which gc removes."""
    try:
        path.unlink(missing_ok=True)
    except IsADirectoryError:
        path.rename(path.with_name(f"{TEMPORARY_PREFIX}{os.urandom(8).hex()}"))


@raises_disk_error
def move(path: Path, target: Path) -> None:
    """Rename a file or folder, if it is still there."""
    with contextlib.suppress(FileNotFoundError):
        path.rename(target)


@raises_disk_error
def make_folders(folder: Path, *more: Path) -> None:
    """Make folders, and those around them, durably."""
    for missing in (each for each in (folder, *more) if not each.is_dir()):
        make_folders(missing.parent)
        try:
            missing.mkdir()
            share_with_group(missing)
        except FileExistsError as error:
            if not missing.is_dir():  # else another process has made it now
                found = "found a file or a broken link, expected a folder"
                raise DiskError(os.fspath(missing), found, "move it away") from error
            continue
        _fsynced.discard(_name(missing))  # of an earlier folder
    fsync_parents(folder, *more)


@contextlib.contextmanager
def temporary(folder: Path) -> Iterator[Path]:
    """Yield a new temporary path in a folder; what still stands there at the end is removed."""
    path = folder / f"{TEMPORARY_PREFIX}{os.urandom(8).hex()}"
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):  # an orphan, which is collected
            path.unlink(missing_ok=True)


@raises_disk_error
def create(temporary: Path, data: bytes) -> None:
    """Write a new file, without fsync."""
    with temporary.open("xb") as file:  # never over what is there
        file.write(data)
    share_with_group(temporary)


@raises_disk_error
def write(target: Path, data: bytes) -> None:
    """Write a small file durably, whole or not at all. Its folder is made if need be."""
    make_folders(target.parent)
    with temporary(target.parent) as path:
        create(path, data)
        rename_synced({path: target})


@raises_disk_error
def write_unsynced(target: Path, data: bytes) -> None:
    """Write a small file whole or not at all, without fsync: it may be lost with the power."""
    with temporary(target.parent) as path:
        create(path, data)
        _replace(path, target)


@raises_disk_error
def remove(target: Path) -> None:
    """Remove a file durably, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.lstat(target)
        clear_path(target)
        fsync(target.parent)


def share_with_group(path: Path) -> None:
    """Let the group use a new file or folder, whatever our umask, if the folder around is one that a group shares.

    That is one which gives its group to what is made in it (setgid), and which the group may write.
    """
    around = path.parent.stat().st_mode
    if around & stat.S_ISGID and around & stat.S_IWGRP:
        mode = path.lstat().st_mode
        path.chmod(stat.S_IMODE(mode) | around & (0o2070 if stat.S_ISDIR(mode) else 0o060))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _name(path: Path) -> tuple[int, int, str]:
    status = os.lstat(path)
    return status.st_dev, status.st_ino, path.name


@raises_disk_error
def _replace(temporary: Path, target: Path) -> None:
    try:
        temporary.replace(target)
    except IsADirectoryError:
        clear_path(target)
        temporary.replace(target)
