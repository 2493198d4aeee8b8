"""Rewrites an output without clocks and memory addresses, so that equal results have equal bytes.

A registry by suffix: to support another format, add a function to CANONICALIZERS. What a canonicalizer does not
recognise stays as it is.
"""

import copy
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
    with zipfile.ZipFile(path) as source, tempfile.TemporaryDirectory(dir=path.parent) as folder:
        rewritten = Path(folder, "rewritten")  # a name of its own: no file of a step is in the way
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


KERAS_MEMBERS: Mapping[str, Rewrite] = {"metadata.json": without_date, "config.json": without_addresses}
CANONICALIZERS: Mapping[str, Callable[[Path], None]] = {".npz": reset_clocks, ".keras": _canonicalize_keras}
