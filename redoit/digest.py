"""Digests of bytes, files and values: BLAKE3, 64 hexadecimal digits.

A value is encoded canonically before it is digested. Each field carries its type and its length, so that
neighbours can't merge and `1`, `1.0`, `True` and `"1"` stay four different values. Knows nothing of stages.
"""

import itertools
import math
import os
import re
import struct
from collections.abc import Iterator, Mapping
from io import BufferedReader, BufferedWriter, FileIO
from pathlib import Path

from blake3 import blake3

DIGEST = re.compile("[0-9a-f]{64}")
BLOCK_BYTES = 2**20  # bytes that are read at once: what was just read is still near when it is written
THREADED_BYTES = 2**25  # bytes from which on a thread that reads ahead saves more time than it takes


def of_bytes(data: bytes) -> str:
    """Return the digest of bytes."""
    return blake3(data).hexdigest()


def of_file(path: Path) -> str:
    """Return the digest of a file's content.

    Raises: OSError.
    """
    with path.open("rb", buffering=0) as file:
        return of_stream(file)


def of_stream(file: BufferedReader | FileIO) -> str:
    """Return the digest of what is left of an open file.

    Read, not mapped into memory: a file that somebody cuts short meanwhile would end this process.

    Raises: OSError.
    """
    size = os.fstat(file.fileno()).st_size
    hasher = _hasher(size)
    for block in _ahead(_blocks(file, size), size):
        hasher.update(block)
    return hasher.hexdigest()


def copy_and_digest(reader: BufferedReader | FileIO, writer: BufferedWriter) -> str:
    """Copy what is left of an open file into another, and return the digest of the bytes that were written.

    Raises: OSError.
    """
    size = os.fstat(reader.fileno()).st_size
    hasher = _hasher(size)

    def hashed() -> Iterator[memoryview]:
        for block in _blocks(reader, size):
            hasher.update(block)
            yield block

    writer.writelines(_ahead(hashed(), size))
    return hasher.hexdigest()


def of_value(value: object) -> str:
    """Return the digest of a value made of None, bool, int, float, str, bytes, list, tuple and dict.

    Raises: TypeError on any other type.
    """
    return of_bytes(encode(value))


def is_digest(text: object) -> bool:
    """Tell whether something can be a digest: safe as a file name, whoever wrote it."""
    return isinstance(text, str) and DIGEST.fullmatch(text) is not None


def encode(value: object) -> bytes:
    """Return the canonical encoding of a value: type, length, content. Equal values have equal bytes.

    Raises: TypeError on a type that has no canonical encoding.
    """
    match value:
        case None:
            return _framed(b"n", b"")
        case bool():
            return _framed(b"b", b"1" if value else b"0")
        case int():
            return _framed(b"i", str(value).encode())
        case float():
            return _framed(b"f", struct.pack(">d", math.nan if math.isnan(value) else value))
        case str():
            return _framed(b"s", value.encode("utf-8", "surrogatepass"))
        case bytes():
            return _framed(b"y", value)
        case list() | tuple():
            return _framed(b"l", b"".join(encode(item) for item in value))
        case Mapping():
            pairs = sorted((encode(key), encode(item)) for key, item in value.items())
            return _framed(b"d", b"".join(key + item for key, item in pairs))
    raise TypeError(f"{type(value).__name__}: no canonical encoding")


def _framed(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack(">Q", len(content)) + content


def _hasher(size: int) -> blake3:
    """Return a hasher for so many bytes: through all cores, if it takes longer to hash them than to wake the cores."""
    return blake3(max_threads=blake3.AUTO if size > BLOCK_BYTES else 1)


def _blocks(file: BufferedReader | FileIO, size: int) -> Iterator[memoryview]:
    """Yield what is left of an open file of about that size, in blocks; each is good until the next but one."""
    room = min(size + 1, BLOCK_BYTES)  # to clear a large block takes longer than to read a small file
    spare = [memoryview(bytearray(room)) for _ in range(2 if size > BLOCK_BYTES else 1)]
    for block in itertools.cycle(spare):
        count = file.readinto(block)
        if not count:
            return
        yield block[:count]


def _ahead(blocks: Iterator[memoryview], size: int) -> Iterator[memoryview]:
    """Yield blocks; if they are of a large file, the next is made in a thread beside while one is used."""
    if size <= THREADED_BYTES:
        yield from blocks
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as beside:
        coming = beside.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = beside.submit(next, blocks, None)
            yield block
