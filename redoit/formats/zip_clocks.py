"""Sets the times of the members of a zip file to the earliest one, in place: no other byte of it changes.

Source: PKWARE's APPNOTE.TXT, sections 4.3.7 (local header) and 4.3.12 (central directory).
"""

import struct
import zipfile
from pathlib import Path
from typing import BinaryIO

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can hold
EPOCH_BYTES = struct.pack("<HH", 0, 1 << 5 | 1)
ENCRYPTED = 1  # the flag of a member whose time may be part of how it is encrypted
LOCAL, CENTRAL = struct.Struct("<4s26x"), struct.Struct("<4s24x3H12x")  # signature; lengths of what follows the header
LOCAL_TIME, CENTRAL_TIME = 10, 12  # offsets in these headers


def reset_clocks(path: Path) -> None:
    """Reset the clocks of a zip file. Raises: BadZipFile and what else zipfile raises, having changed nothing."""
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        members, place = archive.infolist(), archive.start_dir
        if any(member.flag_bits & ENCRYPTED for member in members):
            raise zipfile.BadZipFile(path)
        times = []
        for member in members:
            _end_of_header(file, member.header_offset, LOCAL, b"PK\3\4")
            times += [member.header_offset + LOCAL_TIME, place + CENTRAL_TIME]
            place = _end_of_header(file, place, CENTRAL, b"PK\1\2")
    mode = path.stat().st_mode
    path.chmod(mode | 0o200)  # its step may have made it read-only
    with path.open("r+b") as file:
        for offset in times:
            file.seek(offset)
            file.write(EPOCH_BYTES)
    path.chmod(mode)


def _end_of_header(file: BinaryIO, place: int, layout: struct.Struct, signature: bytes) -> int:
    """Return where the header at a place ends. Raises: BadZipFile, struct.error if there is none."""
    file.seek(place)
    found, *lengths = layout.unpack(file.read(layout.size))
    if found != signature:
        raise zipfile.BadZipFile("no header where one should be")
    return int(place + layout.size + sum(lengths))
