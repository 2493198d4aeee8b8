"""A `.keras` file as an archive: its three members, found before anything is unpacked, never read past their limits.

Knows nothing of what is in them.
"""

import struct
import zipfile
import zlib
from typing import BinaryIO, NamedTuple

from steps.hdf5 import SIGNATURE

LIMITS = {"metadata.json": 2**16, "config.json": 2**20, "model.weights.h5": 2**30}  # bytes of each member
SIZE = sum(LIMITS.values()) + 2**16  # bytes of a file
DIRECTORY = 2**12  # bytes at most of the list of members
END = struct.Struct("<4s16x 4s6xHI6x")  # the last bytes: where a larger directory would be named; a directory's outline
FAULTS = (
    *(zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, EOFError, ValueError, OSError, OverflowError),
    *(IndexError, NotImplementedError),
)


class Fault(Exception):  # noqa: N818 - what was found, and half of an error's text
    """Something that no model of ours has."""


class Part:
    """A member of an archive that is stored as it is, as a file of its own: nothing is read that nobody asks for."""

    def __init__(self, file: BinaryIO, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        archive.open(member).close()  # compares what stands before it with the directory
        file.seek(member.header_offset)
        name, more = struct.unpack("<26x2H", file.read(30))
        self._file, self._size, self._place = file, member.file_size, 0
        self._start = member.header_offset + 30 + name + more

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place: from the start, or to the end."""
        self._place = self._size if whence else offset
        return self._place

    def read(self, size: int) -> bytes:
        """Return bytes of the member."""
        self._file.seek(self._start + self._place)
        return self._file.read(max(0, min(size, self._size - self._place)))


class Parts(NamedTuple):
    """The members of a `.keras` file."""

    metadata: bytes
    config: bytes
    weights: Part


def parts(file: BinaryIO) -> Parts:
    """Return the members of an open file, which must be no others, and within their limits.

    Raises: Fault.
    """
    try:
        _check_outline(file)
        with zipfile.ZipFile(file) as archive:
            members = _members(archive)
            metadata, config = (_read(archive, members[name]) for name in ("metadata.json", "config.json"))
            return Parts(metadata, config, Part(file, archive, members["model.weights.h5"]))
    except FAULTS as error:
        raise Fault(f"a damaged or foreign archive ({type(error).__name__})") from None


def check_sums(file: BinaryIO) -> None:
    """Read all of an open file, whose members are known, and compare it with its checksums.

    Raises: Fault.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            damaged = archive.testzip()
    except FAULTS as error:
        raise Fault(f"a damaged or foreign archive ({type(error).__name__})") from None
    if damaged:
        raise Fault(f"a damaged archive (its {damaged!r:.80})")


def _check_outline(file: BinaryIO) -> None:
    """Check a file's size, and that of its list of members, which zipfile reads whole."""
    size = file.seek(0, 2)
    if size > SIZE:
        raise Fault(f"{size:,} bytes")
    file.seek(0)
    if file.read(len(SIGNATURE)) == SIGNATURE:
        raise Fault("an HDF5 file")
    file.seek(-END.size, 2)
    larger, signature, count, length = END.unpack(file.read())
    if larger == b"PK\6\7" or signature != b"PK\5\6" or length > DIRECTORY:
        raise Fault(f"a damaged or foreign archive (of {count:,} members)")


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the members of an archive by name, each within its limit."""
    members = archive.infolist()
    names = [member.filename for member in members]
    if sorted(names) != sorted(LIMITS):
        raise Fault(f"the members {names[:6]!r:.200}")
    for member in members:
        if member.file_size > LIMITS[member.filename]:
            raise Fault(f"{member.file_size:,} bytes of {member.filename}")
        packed = member.filename.endswith(".json") and member.compress_type == zipfile.ZIP_DEFLATED
        if not packed and (member.compress_type, member.compress_size) != (zipfile.ZIP_STORED, member.file_size):
            raise Fault(f"a strange compression of {member.filename}")
    return {member.filename: member for member in members}


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as file:
        return file.read(member.file_size + 1)  # one more than promised: makes zipfile check its sum
