"""Rewrites an output without clocks and memory addresses, so that equal results have equal bytes.

A registry by suffix: to support another format, add a function to CANONICALIZERS. What a canonicalizer does not
recognise stays as it is.
"""

import errno
import lzma
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from redoit.formats.keras import without_addresses, without_date
from redoit.formats.zip_clocks import EPOCH, reset_clocks

Rewrite = Callable[[bytes], bytes]

MAX_MEMBER_BYTES = 2**24  # of a member that is rewritten in memory
KEPT_FIELDS = (
    *("compress_type", "comment", "extra", "create_system", "create_version", "internal_attr", "external_attr"),
)
UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, EOFError, ValueError, OSError, struct.error)


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


def _canonicalize_keras(path: Path) -> None:
    """Rewrite a `.keras` file without its date, its addresses, and the times of its members."""
    if not zipfile.is_zipfile(path):
        raise zipfile.BadZipFile(path)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:  # whose name no file of a step has
        rewritten = Path(folder, "rewritten")
        _rewrite_members(path, rewritten)
        reset_clocks(rewritten)
        shutil.copymode(path, rewritten)
        rewritten.replace(path)


def _rewrite_members(path: Path, rewritten: Path) -> None:
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(rewritten, "w") as target:
        target.comment = source.comment
        for member in source.infolist():
            copy = zipfile.ZipInfo(member.filename, EPOCH)
            for field in KEPT_FIELDS:
                setattr(copy, field, getattr(member, field))
            if member.filename in KERAS_MEMBERS and member.file_size <= MAX_MEMBER_BYTES:
                target.writestr(copy, KERAS_MEMBERS[member.filename](source.read(member)))
                continue
            copy.file_size = member.file_size  # beyond 2 GiB the header must say so beforehand
            with source.open(member) as reader, target.open(copy, "w") as writer:
                shutil.copyfileobj(reader, writer)


KERAS_MEMBERS: Mapping[str, Rewrite] = {"metadata.json": without_date, "config.json": without_addresses}
CANONICALIZERS: Mapping[str, Callable[[Path], None]] = {".npz": reset_clocks, ".keras": _canonicalize_keras}
