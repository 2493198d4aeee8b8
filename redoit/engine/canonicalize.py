"""Removes clocks and memory addresses from the archives that a step wrote: `.keras` and `.npz`.

Two equal trainings differ in a `.keras` file only by the date it was saved, the times of its zip members, and
`shared_object_id` numbers, which are memory addresses. Without them equal results have equal bytes, and so early
cutoff works for models. Knows zip and JSON, not Keras: what it does not recognise stays as it is.

Source: the members of the archive, https://keras.io/guides/serialization_and_saving/.
"""

import errno
import json
import lzma
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

SMALL = 2**24  # bytes of JSON that may be read into memory
DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, EOFError, ValueError, OSError, struct.error)
SUFFIXES = frozenset({".keras", ".npz"})
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can hold


def canonicalize(path: Path) -> None:
    """Rewrite an archive in place without clocks and addresses; leave other files, and what is no zip, alone."""
    if path.suffix not in SUFFIXES or not zipfile.is_zipfile(path):
        return
    rewritten = path.with_name(f"{path.name}.canonical")
    try:
        _rewrite(path, rewritten)
    except DAMAGE as error:  # or encrypted: its reader will say so
        rewritten.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # bz2's; a place before the start
            raise
    else:
        rewritten.replace(path)


def _rewrite(path: Path, rewritten: Path) -> None:
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(rewritten, "w") as target:
        for member in source.infolist():
            timeless = zipfile.ZipInfo(member.filename, EPOCH)
            timeless.compress_type = member.compress_type
            timeless.external_attr = member.external_attr
            if path.suffix == ".keras" and member.filename in KERAS and member.file_size <= SMALL:
                target.writestr(timeless, KERAS[member.filename](source.read(member)))
                continue
            timeless.file_size = member.file_size  # beyond 2 GiB the header must say so beforehand
            with source.open(member) as reader, target.open(timeless, "w") as writer:
                while chunk := reader.read(1 << 20):
                    writer.write(chunk)


def _without_date(data: bytes) -> bytes:
    """Return metadata.json without `date_saved`."""
    fields = _json(data)
    if isinstance(fields, dict) and fields.pop("date_saved", None) is not None:
        return json.dumps(fields).encode()
    return data


def _without_addresses(data: bytes) -> bytes:
    """Return config.json with `shared_object_id` counted from 1 in order of appearance, so that sharing stays."""
    config = _json(data)
    numbers: dict[int, int] = {}
    try:
        return json.dumps(_renumbered(config, numbers)).encode() if config is not None else data
    except RecursionError:
        return data


def _renumbered(value: Any, numbers: dict[int, int]) -> Any:
    if isinstance(value, list):
        return [_renumbered(item, numbers) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: numbers.setdefault(item, len(numbers) + 1)
        if name == "shared_object_id" and isinstance(item, int)
        else _renumbered(item, numbers)
        for name, item in value.items()
    }


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


KERAS = {"metadata.json": _without_date, "config.json": _without_addresses}
