"""Rewrites an output without clocks and memory addresses, so that equal results have equal bytes.

A registry by suffix: to support another format, add a function to CANONICALIZERS. What a canonicalizer does not
recognise stays as it is.
"""

import errno
import lzma
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

from redoit.formats.keras import without_addresses, without_date

Rewrite = Callable[[bytes], bytes]

MAX_MEMBER_BYTES = 2**24  # of a member that is rewritten in memory
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can hold
UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, EOFError, ValueError, OSError, struct.error)


def canonicalize(path: Path) -> None:
    """Rewrite a file in place if its format is known; leave it alone if it can't be read."""
    canonicalizer = CANONICALIZERS.get(path.suffix)
    if canonicalizer is None:
        return
    rewritten = path.with_name(f"{path.name}.canonical")
    try:
        canonicalizer(path, rewritten)
    except UNREADABLE as error:  # damaged or encrypted: its reader will say so
        rewritten.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # bz2's; a place before the start
            raise
    else:
        rewritten.replace(path)


def _rewrite_zip(path: Path, rewritten: Path, members: Mapping[str, Rewrite] = MappingProxyType({})) -> None:
    """Write a zip file without times; `members`: how the content of some is rewritten, by name."""
    if not zipfile.is_zipfile(path):
        raise zipfile.BadZipFile(path)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(rewritten, "w") as target:
        for member in source.infolist():
            timeless = zipfile.ZipInfo(member.filename, EPOCH)
            timeless.compress_type = member.compress_type
            timeless.external_attr = member.external_attr
            if member.filename in members and member.file_size <= MAX_MEMBER_BYTES:
                target.writestr(timeless, members[member.filename](source.read(member)))
                continue
            timeless.file_size = member.file_size  # beyond 2 GiB the header must say so beforehand
            with source.open(member) as reader, target.open(timeless, "w") as writer:
                shutil.copyfileobj(reader, writer)


CANONICALIZERS: Mapping[str, Callable[[Path, Path], None]] = {
    ".npz": _rewrite_zip,
    ".keras": partial(_rewrite_zip, members={"metadata.json": without_date, "config.json": without_addresses}),
}
