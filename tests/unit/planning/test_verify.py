"""Where two files differ."""

import zipfile
from pathlib import Path

import pytest

from redoit.planning.verify import CHUNK_BYTES, first_difference


@pytest.mark.parametrize(
    ("one", "other", "offset"),
    [
        (b"", b"x", 0),
        (b"abc", b"abd", 2),
        (b"abc", b"abcd", 3),
        (b"x" * (CHUNK_BYTES + 5), b"x" * (CHUNK_BYTES + 4) + b"y", CHUNK_BYTES + 4),
        (b"x" * CHUNK_BYTES, b"x" * CHUNK_BYTES + b"y", CHUNK_BYTES),
    ],
)
def test_the_first_byte(tmp_path: Path, one: bytes, other: bytes, offset: int) -> None:
    """The offset of the first difference is found, from either side, also where one file is longer."""
    (tmp_path / "one").write_bytes(one)
    (tmp_path / "other").write_bytes(other)
    assert first_difference(tmp_path / "one", tmp_path / "other") == f"at byte {offset:,}"
    assert first_difference(tmp_path / "other", tmp_path / "one") == first_difference(
        tmp_path / "one", tmp_path / "other"
    )
    assert first_difference(tmp_path / "one", tmp_path / "one") == ""


def test_the_member_of_an_archive(tmp_path: Path) -> None:
    """In zip archives with equal names the differing member and offset are named, for each compression."""
    for name, content in (("one", b"weights 1"), ("other", b"weights 2")):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("config.json"), "{}", zipfile.ZIP_DEFLATED)  # of no time
            archive.writestr(zipfile.ZipInfo("model.weights.h5"), content, zipfile.ZIP_DEFLATED)
    assert first_difference(tmp_path / "one", tmp_path / "other") == "at byte 8 of its member model.weights.h5"


def test_archives_that_differ_elsewhere(tmp_path: Path) -> None:
    """Archives with other names or times, or a damaged one, differ at a byte of the file."""
    for name, member in (("one", "a"), ("other", "b")):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr(zipfile.ZipInfo(member), "same")
    found = first_difference(tmp_path / "one", tmp_path / "other")
    assert found.startswith("at byte ")
    assert "member" not in found
    (tmp_path / "other").write_bytes((tmp_path / "one").read_bytes()[:-5])
    found = first_difference(tmp_path / "one", tmp_path / "other")
    assert found.startswith("at byte ")
    assert "member" not in found
