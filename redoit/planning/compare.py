"""Where two files differ: the first byte, and the member of an archive. Pure but for reading."""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CHUNK = 1 << 20  # bytes


@dataclass(frozen=True)
class Difference:
    """The first difference of two files. `offset`: in bytes; `member`: of an archive, in which `offset` then counts."""

    offset: int
    member: str = ""

    def __str__(self) -> str:
        return f"at byte {self.offset:,}" + (f" of its member {self.member}" if self.member else "")


def difference(one: Path, other: Path) -> Difference | None:
    """Return the first difference of two files, None if their bytes are equal.

    Raises: OSError.
    """
    with one.open("rb") as left, other.open("rb") as right:
        offset = _first(left, right)
    if offset is None:
        return None
    return _in_archives(one, other) or Difference(offset)


def _in_archives(one: Path, other: Path) -> Difference | None:
    """Return the first member of two zip archives that differs, None if they are none or differ in another way."""
    try:
        with zipfile.ZipFile(one) as left, zipfile.ZipFile(other) as right:
            if left.namelist() != right.namelist():
                return None
            for name in left.namelist():
                with left.open(name) as ours, right.open(name) as theirs:
                    offset = _first(ours, theirs)
                if offset is not None:
                    return Difference(offset, name)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError):
        return None
    return None


def _first(left: IO[bytes], right: IO[bytes]) -> int | None:
    """Return the offset of the first byte that differs, None if there is none."""
    offset = 0
    while True:
        ours, theirs = left.read(CHUNK), right.read(CHUNK)
        if ours != theirs:
            pairs = enumerate(zip(ours, theirs, strict=False))
            return offset + next((index for index, (a, b) in pairs if a != b), min(len(ours), len(theirs)))
        if not ours:
            return None
        offset += len(ours)
