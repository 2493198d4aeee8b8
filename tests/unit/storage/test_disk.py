"""Writes that are whole or not at all."""

import contextlib
import errno
import os
import resource
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from redoit import digest
from redoit.errors import DiskError
from redoit.storage import disk


def test_write_makes_folders_and_replaces(tmp_path: Path) -> None:
    """A file is written with the folders above it, replaces what was there, and leaves no other name."""
    target = tmp_path / "a/b/file"
    disk.write(target, b"one")
    disk.write(target, b"two")
    assert target.read_bytes() == b"two"
    assert list(target.parent.iterdir()) == [target]


def test_many_make_one_folder(tmp_path: Path) -> None:
    """Who makes a folder that another makes at that moment has made it; a link to nothing is none."""
    with ThreadPoolExecutor(8) as pool:
        for number in range(30):
            list(pool.map(disk.make_folders, [tmp_path / f"{number}/inner/folder"] * 8))
            assert (tmp_path / f"{number}/inner/folder").is_dir()
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(DiskError, match="link: found a file or a broken link"):
        disk.make_folders(tmp_path / "link")


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    """A write that fails leaves the target as it was, and no temporary file."""
    target = tmp_path / "folder/target"
    disk.write(target, b"data")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3, before[1]))
    try:
        with pytest.raises(DiskError, match="File too large"):
            disk.write(target, b"other")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert target.read_bytes() == b"data"
    assert list(target.parent.iterdir()) == [target]


def test_a_folder_makes_way(tmp_path: Path) -> None:
    """A folder in the place of a file of redoit's is renamed, and the file is written."""
    (tmp_path / "target/inner").mkdir(parents=True)
    disk.write(tmp_path / "target", b"data")
    assert (tmp_path / "target").read_bytes() == b"data"
    (litter,) = (path for path in tmp_path.iterdir() if path.name.startswith(disk.TEMPORARY_PREFIX))
    assert (litter / "inner").is_dir()


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    """A link where a file of redoit's belongs is replaced; what it points to stays as it is."""
    (tmp_path / "other").write_bytes(b"other")
    (tmp_path / "target").symlink_to(tmp_path / "other")
    disk.write(tmp_path / "target", b"data")
    assert (tmp_path / "other").read_bytes() == b"other"
    assert not (tmp_path / "target").is_symlink()


@pytest.mark.parametrize("names", [("link",), ("folder", "file"), ("pipe",), ("sub",), ("absent",)])
def test_only_regular_files_are_read(tmp_path: Path, names: tuple[str, ...]) -> None:
    """What redoit wrote is read back without following a link, wherever on the way it is, and without waiting."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/file").write_bytes(b"data")
    (tmp_path / "link").symlink_to(tmp_path / "sub/file")
    (tmp_path / "folder").symlink_to(tmp_path / "sub")
    os.mkfifo(tmp_path / "pipe")
    assert disk.read(tmp_path, "sub", "file") == b"data"
    with pytest.raises(OSError, match=r"."):
        disk.read(tmp_path, *names)


def test_temporary_is_removed_on_error(tmp_path: Path) -> None:
    """What stands under a temporary name goes, however the block ends."""
    (tmp_path / "new").mkdir()
    with contextlib.suppress(KeyError), disk.temporary(tmp_path / "new") as path:
        path.write_bytes(b"half")
        raise KeyError
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("size", [0, 1, 3_000_001])
def test_clone_is_independent(tmp_path: Path, size: int) -> None:
    """A clone has the bytes of its source and shares no file with it."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"x" * size)
    with source.open("rb") as reader:
        assert disk.clone(target, reader) == digest.of_bytes(b"x" * size)
    source.write_bytes(b"edited")
    assert target.read_bytes() == b"x" * size
    assert target.stat().st_nlink == 1


@pytest.mark.parametrize("write", [disk.write, disk.write_unsynced])
def test_a_write_never_follows_a_link_in_the_place_of_its_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, bytes], None]
) -> None:
    """Whoever guesses a temporary name gains nothing by it: what stands there is not written to."""
    monkeypatch.setattr(os, "urandom", bytes)
    (tmp_path / "other").write_bytes(b"other")
    (tmp_path / f"{disk.TEMPORARY_PREFIX}{bytes(8).hex()}").symlink_to(tmp_path / "other")
    with pytest.raises(DiskError, match="File exists"):
        write(tmp_path / "target", b"data")
    assert (tmp_path / "other").read_bytes() == b"other"


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    """A file that is too large to be redoit's is not read, even if it is sparse."""
    (tmp_path / "file").touch()
    os.truncate(tmp_path / "file", disk.SMALL_FILE_BYTES)
    assert len(disk.read(tmp_path, "file")) == disk.SMALL_FILE_BYTES
    os.truncate(tmp_path / "file", disk.SMALL_FILE_BYTES + 1)
    with pytest.raises(OSError, match="found 8,388,609 bytes, expected 8,388,608 at most"):
        disk.read(tmp_path, "file")


def test_a_link_on_the_way_leads_nowhere(tmp_path: Path) -> None:
    """A file is never written below a link, except that the root may be one."""
    (tmp_path / "real/folder").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert disk.path_below(tmp_path / "link", "folder", "file") == tmp_path / "link/folder/file"
    assert disk.path_below(tmp_path, "absent", "folder", "file") == tmp_path / "absent/folder/file"
    with pytest.raises(DiskError, match=r"link: found a link, expected a folder of redoit's; remove the link"):
        disk.path_below(tmp_path, "link", "folder", "file")


def test_existing_files_are_synced(tmp_path: Path, forced: list[str]) -> None:
    """Folders that another process made are forced to the disk before a file in them counts, once."""
    (tmp_path / "a/b").mkdir(parents=True)
    disk.write(tmp_path / "a/b/one", b"data")
    assert {str(tmp_path), f"{tmp_path}/a", f"{tmp_path}/a/b"} <= {*forced}
    forced.clear()
    disk.write(tmp_path / "a/b/two", b"data")
    disk.fsync_parents(tmp_path / "a/b/one")
    assert len(forced) == 2
    assert forced[1] == f"{tmp_path}/a/b"


def test_many_names_are_synced_by_folder(tmp_path: Path, forced: list[str]) -> None:
    """Of many files, each content is forced before the first name, and then each folder once."""
    folders = [tmp_path / "a", tmp_path / "b"]
    disk.make_folders(*folders)
    assert forced.count(str(tmp_path)) == 1
    forced.clear()
    temporaries = [tmp_path / f"{number}" for number in range(6)]
    for path in temporaries:
        disk.create(path, b"data")
    disk.rename_synced({path: folders[number % 2] / "bcd"[number // 2] for number, path in enumerate(temporaries)})
    assert forced == [*map(str, temporaries), *map(str, folders)]
    assert sorted(path.name for folder in folders for path in folder.iterdir()) == ["b", "b", "c", "c", "d", "d"]
    forced.clear()
    disk.fsync_parents(*(path for folder in folders for path in folder.iterdir()))
    assert forced == []


def test_a_folder_that_is_made_again_is_synced_again(tmp_path: Path, forced: list[str]) -> None:
    """A folder that is removed and made again is synced again, even if it gets the same inode number."""
    for _ in range(2):
        forced.clear()
        disk.make_folders(tmp_path / "key")
        assert forced[-1:] == [str(tmp_path)]
        (tmp_path / "key").rmdir()


def test_outer_folders_need_not_be_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An outer folder that can't be synced, as on some file systems, is no error; a failing disk is."""
    (tmp_path / "file").touch()
    codes = [errno.EINVAL, errno.EIO]

    def refuse(_: int) -> None:
        code = codes.pop(0)
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", lambda _: None)
    disk.fsync_parents(tmp_path)
    monkeypatch.setattr(os, "fsync", refuse)
    disk.fsync_parents(tmp_path / "file")
    (tmp_path / "other").touch()
    with pytest.raises(DiskError, match="Input/output error"):
        disk.fsync_parents(tmp_path / "other")


def test_remove_twice(tmp_path: Path) -> None:
    """Removing what is not there is no error."""
    (tmp_path / "file").touch()
    disk.remove(tmp_path / "file")
    disk.remove(tmp_path / "file")
    assert not (tmp_path / "file").exists()


def test_an_unreadable_file_is_not_taken_for_removed(tmp_path: Path, failing: Callable[[Path], None]) -> None:
    """Removing fails if it can't be determined whether the file exists."""
    (tmp_path / "file").touch()
    failing(tmp_path / "file")
    with pytest.raises(DiskError, match="Input/output error"):
        disk.remove(tmp_path / "file")
