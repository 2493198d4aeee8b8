"""Writes that are whole or not at all."""

import contextlib
from pathlib import Path

import pytest

from redoit import disk


def test_write_makes_folders_and_replaces(tmp_path: Path) -> None:
    """A file is written with the folders above it, replaces what was there, and leaves no other name."""
    target = tmp_path / "a/b/file"
    disk.write(target, b"one")
    disk.write(target, b"two")
    assert target.read_bytes() == b"two"
    assert list(target.parent.iterdir()) == [target]


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    """A write that fails leaves the target as it was, and no temporary file."""
    (tmp_path / "target").mkdir()
    with pytest.raises(OSError, match="directory"):
        disk.write(tmp_path / "target", b"data")
    assert list(tmp_path.iterdir()) == [tmp_path / "target"]


def test_temporary_is_removed_on_error(tmp_path: Path) -> None:
    """What stands under a temporary name goes, however the block ends."""
    with contextlib.suppress(KeyError), disk.temporary(tmp_path / "new") as path:
        path.write_bytes(b"half")
        raise KeyError
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("size", [0, 1, 3_000_001])
def test_clone_is_independent(tmp_path: Path, size: int) -> None:
    """A clone has the bytes of its source and shares no file with it."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"x" * size)
    target.write_bytes(b"longer" * 10)
    disk.clone(source, target)
    source.write_bytes(b"edited")
    assert target.read_bytes() == b"x" * size
    assert target.stat().st_nlink == 1


def test_remove_twice(tmp_path: Path) -> None:
    """Removing what is not there is no error."""
    (tmp_path / "file").touch()
    disk.remove(tmp_path / "file")
    disk.remove(tmp_path / "file")
    assert not (tmp_path / "file").exists()
