"""Sets all clocks in a zip file to the earliest time, in place: no other byte of it changes.

Source: PKWARE's APPNOTE.TXT, sections 4.3.7 (local header) and 4.3.12 (central directory).
"""

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can hold
EPOCH_BYTES = struct.pack("<HH", 0, 1 << 5 | 1)
TIMESTAMPS = 0x5455  # the extra field of Info-ZIP: a byte of flags, then times
ENCRYPTED = 1  # the flag of a member whose time may be part of how it is encrypted

Patch = tuple[int, bytes]  # offset in the file, and what is to be there


class Layout(NamedTuple):
    """A kind of header: its signature and size, the offset of its time, offset and number of the lengths behind it."""

    signature: bytes
    size: int
    time: int
    lengths: int
    number: int  # name, extra fields, comment


LOCAL, CENTRAL = Layout(b"PK\3\4", 30, 10, 26, 2), Layout(b"PK\1\2", 46, 12, 28, 3)


def reset_clocks(path: Path) -> None:
    """Reset the clocks of a zip file. Raises: BadZipFile and what else zipfile raises, having changed nothing."""
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        members, place = archive.infolist(), archive.start_dir
        if any(member.flag_bits & ENCRYPTED for member in members):
            raise zipfile.BadZipFile(path)
        patches: list[Patch] = []
        for member in members:
            patches += _patches(file, member.header_offset, LOCAL)[0]
            found, place = _patches(file, place, CENTRAL)
            patches += found
    mode = path.stat().st_mode
    path.chmod(mode | 0o200)  # its step may have made it read-only
    with path.open("r+b") as file:
        for offset, data in patches:
            file.seek(offset)
            file.write(data)
    path.chmod(mode)


def without_zip64(extra: bytes) -> bytes:
    """Return extra fields without that of large members, which their writer adds by itself."""
    return b"".join(extra[start:end] for start, end in _fields(extra) if extra[start : start + 2] != b"\1\0")


def _patches(file: BinaryIO, place: int, layout: Layout) -> tuple[list[Patch], int]:
    """Return the patches of the header at a place, and where it ends, with what belongs to it."""
    file.seek(place)
    header = file.read(layout.size)
    if len(header) < layout.size or not header.startswith(layout.signature):
        raise zipfile.BadZipFile("no header where one should be")
    name, extra, *comment = struct.unpack_from(f"<{layout.number}H", header, layout.lengths)
    begin = place + layout.size + name
    file.seek(begin)
    fields = file.read(extra)
    patches = [(place + layout.time, EPOCH_BYTES)]
    for start, end in _fields(fields):
        if fields[start : start + 2] == struct.pack("<H", TIMESTAMPS):
            patches.append((begin + start + 5, bytes(max(end - start - 5, 0))))
    return patches, begin + extra + sum(comment)


def _fields(extra: bytes) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each extra field that is whole."""
    start = 0
    while start + 4 <= len(extra) and (end := start + 4 + struct.unpack_from("<H", extra, start + 2)[0]) <= len(extra):
        yield start, end
        start = end
