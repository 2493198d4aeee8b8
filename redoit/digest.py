"""Digests of bytes, files and values: BLAKE3, 64 hexadecimal digits.

A value is encoded canonically first: each field carries its type and its length, so that neighbours can't merge and
`1`, `1.0`, `True` and `"1"` stay four different values. Knows nothing of stages.
"""

import itertools
import math
import os
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from io import BufferedReader, BufferedWriter, FileIO
from pathlib import Path

from blake3 import blake3

LENGTH = 64  # hexadecimal digits
DIGEST = re.compile(f"[0-9a-f]{{{LENGTH}}}")
BLOCK_BYTES = 2**20  # read at once: few enough to be in the processor's cache still when they are written
STAT_BLOCK_BYTES = 512  # the unit of `st_blocks`
PAGE_OF_ZEROS = bytes(4096)
THREADED_BYTES = 2**25  # from this size on a thread that reads ahead saves more time than it takes


def of_bytes(data: bytes) -> str:
    """Return the digest of bytes."""
    return blake3(data).hexdigest()


def of_file(path: Path) -> str:
    """Return the digest of a file's content. Raises: OSError."""
    with path.open("rb", buffering=0) as file:
        return of_stream(file)


def of_stream(file: BufferedReader | FileIO) -> str:
    """Return the digest of the rest of an open file. Raises: OSError.

    It is read, not mapped into memory: a mapped file that is truncated meanwhile would end this process.
    """
    size = os.fstat(file.fileno()).st_size
    hasher = _hasher(size)
    for block in _read_ahead(_blocks(file, size), size):
        hasher.update(block)
    return hasher.hexdigest()


def copy_and_digest(reader: BufferedReader | FileIO, writer: BufferedWriter) -> str:
    """Copy the rest of an open file into another; return the digest of what was written. Holes stay holes.

    Raises: OSError.
    """
    status = os.fstat(reader.fileno())
    size = status.st_size
    hasher = _hasher(size)

    def hashed() -> Iterator[memoryview]:
        for block in _blocks(reader, size):
            hasher.update(block)
            yield block

    blocks = _read_ahead(hashed(), size)
    writer.writelines(blocks) if status.st_blocks * STAT_BLOCK_BYTES >= size else _write_sparse(writer, blocks)
    return hasher.hexdigest()


def of_value(value: object) -> str:
    """Return the digest of a value's canonical encoding. Raises: TypeError."""
    return of_bytes(encode(value))


def of_content(of_bytes: str, *, executable: bool) -> str:
    """Return the digest of a file's content: that of its bytes, or another one if the file is executable."""
    return of_value(["executable", of_bytes]) if executable else of_bytes


def of_tree(entries: Mapping[str, Sequence[str]]) -> str:
    """Return the digest of a folder's content.

    `entries`: relative name -> "file" and the digest of its content, "link" and its target, or "folder" if it is empty.
    """
    return of_value(["tree", entries])


def is_digest(text: object) -> bool:
    """Tell whether something has the form of a digest, and so is safe as a file name."""
    return isinstance(text, str) and DIGEST.fullmatch(text) is not None


def encode(value: object) -> bytes:
    """Return the canonical encoding of a value of JSON's types or bytes: type, length, content.

    Raises: TypeError on any other type.
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
    """Return a hasher for a number of bytes, on all cores if that takes less time than to wake them."""
    return blake3(max_threads=blake3.AUTO if size > BLOCK_BYTES else 1)


def _blocks(file: BufferedReader | FileIO, size: int) -> Iterator[memoryview]:
    """Yield the rest of an open file of about that size in blocks; each is overwritten by the block after the next."""
    block_bytes = min(size + 1, BLOCK_BYTES)  # to clear a large block takes longer than to read a small file
    buffers = [memoryview(bytearray(block_bytes)) for _ in range(2 if size > BLOCK_BYTES else 1)]
    for block in itertools.cycle(buffers):
        count = file.readinto(block)
        if not count:
            return
        yield block[:count]


def _write_sparse(writer: BufferedWriter, blocks: Iterator[memoryview]) -> None:
    """Write blocks, and leave a hole for each page of zeros."""
    for block in blocks:
        for start in range(0, len(block), len(PAGE_OF_ZEROS)):
            page = bytes(block[start : start + len(PAGE_OF_ZEROS)])
            writer.seek(len(page), os.SEEK_CUR) if page == PAGE_OF_ZEROS[: len(page)] else writer.write(page)
    writer.truncate()


def _read_ahead(blocks: Iterator[memoryview], size: int) -> Iterator[memoryview]:
    """Yield blocks; of a large file, a thread reads the next one while the caller uses one."""
    if size <= THREADED_BYTES:
        yield from blocks
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as reader:
        following = reader.submit(next, blocks, None)
        while (block := following.result()) is not None:
            following = reader.submit(next, blocks, None)
            yield block
