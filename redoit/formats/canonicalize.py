"""Rewrites an output without clocks and memory addresses, so that equal results have equal bytes.

A registry by suffix: to support another format, add a function to CANONICALIZERS. What a canonicalizer does not
recognise stays as it is.

Sources: PKWARE's APPNOTE.TXT, sections 4.3.7 (local header) and 4.3.12 (central directory); the members of a `.keras`
file, https://keras.io/guides/serialization_and_saving/.
"""

import contextlib
import copy
import errno
import json
import lzma
import os
import shutil
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO

MAX_MEMBER_BYTES = 2**24  # of a member that is rewritten in memory
UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, EOFError, ValueError, OSError, struct.error)
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can hold
EPOCH_BYTES = struct.pack("<HH", 0, 1 << 5 | 1)
ENCRYPTED = 1  # the flag of a member whose time may be part of how it is encrypted
LOCAL, CENTRAL = struct.Struct("<4s26x"), struct.Struct("<4s24x3H12x")  # signature; lengths of what follows the header
LOCAL_TIME, CENTRAL_TIME = 10, 12  # offsets in these headers


def canonicalize(path: Path) -> None:
    """Rewrite a file in place if its format is known; leave it alone if it can't be read."""
    canonicalizer = CANONICALIZERS.get(path.suffix)
    if canonicalizer is None:
        return
    try:
        canonicalizer(path)
    except UNREADABLE as error:  # damaged or encrypted: its reader will say so
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # bz2's; a place before the start
            raise


def reset_clocks(path: Path) -> None:
    """Set the times of the members of a zip file to the earliest one, in place: no other byte of it changes.

    Raises: BadZipFile and what else zipfile raises, having changed nothing.
    """
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


def _canonicalize_keras(path: Path) -> None:
    """Rewrite a `.keras` file without its date, its addresses, and the times of its members."""
    rewritten = path.with_name(f".redoit-{os.urandom(8).hex()}")  # a name that no file of a step has
    with zipfile.ZipFile(path) as source, contextlib.ExitStack() as unfinished:
        unfinished.callback(rewritten.unlink, missing_ok=True)
        with zipfile.ZipFile(rewritten, "w") as target:
            target.comment = source.comment
            for member in source.infolist():
                copied = copy.copy(member)  # has its size: beyond 2 GiB the header must say so beforehand
                copied.date_time = EPOCH
                if member.filename in KERAS_MEMBERS and member.file_size <= MAX_MEMBER_BYTES:
                    target.writestr(copied, KERAS_MEMBERS[member.filename](source.read(member)))
                else:
                    with source.open(member) as reader, target.open(copied, "w") as writer:
                        shutil.copyfileobj(reader, writer)
        shutil.copymode(path, rewritten)
        rewritten.replace(path)


def without_date(data: bytes) -> bytes:
    """Return metadata.json without `date_saved`."""
    with contextlib.suppress(ValueError, RecursionError):
        fields = json.loads(data)
        if isinstance(fields, dict) and fields.pop("date_saved", None) is not None:
            return json.dumps(fields).encode()
    return data


def without_addresses(data: bytes) -> bytes:
    """Return config.json with each `shared_object_id` counted, from 1 on, so that sharing stays."""
    numbers: dict[int, int] = {}

    def renumbered(fields: dict[str, Any]) -> dict[str, Any]:
        if isinstance(address := fields.get("shared_object_id"), int):
            fields["shared_object_id"] = numbers.setdefault(address, len(numbers) + 1)
        return fields

    with contextlib.suppress(ValueError, RecursionError):
        return json.dumps(json.loads(data, object_hook=renumbered)).encode()
    return data


KERAS_MEMBERS = {"metadata.json": without_date, "config.json": without_addresses}
CANONICALIZERS = {".npz": reset_clocks, ".keras": _canonicalize_keras}
