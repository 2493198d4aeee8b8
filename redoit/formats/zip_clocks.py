"""Sets the times of the members of a zip file to the earliest one, in place: no other byte of it changes.

Source: PKWARE's APPNOTE.TXT, sections 4.3.7 (local header) and 4.3.12 (central directory).
"""

import struct
import zipfile
from pathlib import Path
from typing import BinaryIO, NamedTuple

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can hold
EPOCH_BYTES = struct.pack("<HH", 0, 1 << 5 | 1)
ENCRYPTED = 1  # the flag of a member whose time may be part of how it is encrypted


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
        times = [_time_of(file, member.header_offset, LOCAL)[0] for member in members]
        for _ in members:
            time, place = _time_of(file, place, CENTRAL)
            times.append(time)
    mode = path.stat().st_mode
    path.chmod(mode | 0o200)  # its step may have made it read-only
    with path.open("r+b") as file:
        for offset in times:
            file.seek(offset)
            file.write(EPOCH_BYTES)
    path.chmod(mode)


def _time_of(file: BinaryIO, place: int, layout: Layout) -> tuple[int, int]:
    """Return where the time of the header at a place is, and where the header ends, with what belongs to it."""
    file.seek(place)
    header = file.read(layout.size)
    if len(header) < layout.size or not header.startswith(layout.signature):
        raise zipfile.BadZipFile("no header where one should be")
    lengths = struct.unpack_from(f"<{layout.number}H", header, layout.lengths)
    return place + layout.time, place + layout.size + sum(lengths)
