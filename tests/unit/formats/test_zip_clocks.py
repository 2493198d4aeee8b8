"""The clocks of a zip file, reset in place."""

import struct
import zipfile
from pathlib import Path

import pytest

from redoit.formats.zip_clocks import EPOCH, reset_clocks

OTHER = struct.pack("<HH2s", 0x9999, 2, b"ab")


def archive(path: Path, *, extra: bytes = OTHER, flags: int = 0) -> Path:
    """Write a zip file with one member."""
    with zipfile.ZipFile(path, "w") as target:
        member = zipfile.ZipInfo("a", (2024, 1, 2, 3, 4, 6))
        member.extra, member.flag_bits = extra, flags
        target.writestr(member, b"data")
    return path


def test_nothing_else_changes(tmp_path: Path) -> None:
    """Extra fields and content stay, and so does the size of the file."""
    path = archive(tmp_path / "a.zip")
    size = path.stat().st_size
    reset_clocks(path)
    with zipfile.ZipFile(path) as source:
        (member,) = source.infolist()
        assert (source.read("a"), member.date_time, member.extra) == (b"data", EPOCH, OTHER)
    assert path.stat().st_size == size


def test_an_encrypted_archive_stays(tmp_path: Path) -> None:
    """The time of an encrypted member may be needed to decrypt it: nothing is changed."""
    path = archive(tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(zipfile.BadZipFile):
        reset_clocks(path)
    assert path.read_bytes() == data


def test_a_header_that_is_none_changes_nothing(tmp_path: Path) -> None:
    """Where the directory names a place at which no member begins, the file stays as it is."""
    path = archive(tmp_path / "a.zip")
    data = path.read_bytes().replace(b"PK\3\4", b"PK\3\5")
    path.write_bytes(data)
    with pytest.raises(zipfile.BadZipFile):
        reset_clocks(path)
    assert path.read_bytes() == data
