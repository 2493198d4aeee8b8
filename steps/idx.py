"""The IDX format of MNIST's files: a magic number, the dimensions, then one byte per value; often gzipped.

The reader trusts nothing in a file. It takes the length from the header, compares it with a limit, and then reads that
many bytes and no more, so a small file cannot fill the memory. What the values mean is checked in `dataset`.

Source: "The IDX file format" in The MNIST Database, LeCun, Cortes and Burges.
"""

import gzip
import math
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

MAGIC_NUMBERS = {b"\x00\x00\x08\x01": 1, b"\x00\x00\x08\x03": 3}  # unsigned bytes -> number of dimensions
GZIP_SIGNATURE = b"\x1f\x8b"
GZIP_LEVEL = 6  # of compression
GZIP_FORMAT = 16 + zlib.MAX_WBITS  # tells zlib to expect a gzip header and checksum
MAX_CONTENT_BYTES = 2**30  # 1.3 million images of 28x28
BLOCK_BYTES, GZIP_BLOCK_BYTES = 2**20, 2**14  # read at a time: unzipped, gzipped


def encoded(values: np.ndarray) -> bytes:
    """Return the content of an IDX file.

    Shapes: `values`: uint8 (n,) or (n, rows, columns).
    """
    magic = b"\x00\x00\x08" + bytes([values.ndim])
    shape = np.array(values.shape, ">u4")  # (dimensions,)
    return magic + shape.tobytes() + values.astype(np.uint8, casting="safe").tobytes()


def decoded(content: bytes) -> np.ndarray:
    """Return the values in the content of an IDX file, as a read-only view.

    Shapes: uint8 (n,) or (n, rows, columns).
    """
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", count=dimensions, offset=4)  # (dimensions,)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape.astype(int))


def write(path: Path, content: bytes) -> None:
    """Write `content` gzipped. Equal content gives equal bytes: no name, no time, a fixed level of compression."""
    with path.open("wb") as file, gzip.GzipFile("", "wb", GZIP_LEVEL, file, mtime=0) as zipped:
        zipped.write(content)


def read(path: Path) -> bytes:
    """Return the content of the IDX file at `path`, gzipped or not.

    Raises: FileNotFoundError; ValueError, see `read_from`.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file, expected an IDX file; fetch it first")
    with path.open("rb") as file:
        return read_from(file, str(path))


def read_from(file: BinaryIO, subject: str, limit: int = MAX_CONTENT_BYTES) -> bytes:
    """Return the content of an open IDX file, gzipped or not.

    Units: `limit` in bytes of values.
    Raises: ValueError, naming `subject`, if the file is malformed, has trailing bytes or exceeds the limit.
    """
    is_gzipped = file.read(len(GZIP_SIGNATURE)) == GZIP_SIGNATURE
    file.seek(0)
    try:
        return _read_content(_GzipReader(file) if is_gzipped else file, subject, limit)
    except EOFError:
        fault = "found a gzip file that ends too early, expected a whole one"
    except zlib.error as error:
        fault = f"found a damaged gzip file ({error}), expected an intact one"
    raise ValueError(f"{subject}: {fault}; get the file again")


def _read_content(stream: "BinaryIO | _GzipReader", subject: str, limit: int) -> bytes:
    """Read the header, then exactly as many bytes of values as it states."""
    magic = _read_up_to(stream, 4)
    if magic not in MAGIC_NUMBERS:
        found = f"magic number 0x{magic.hex()}" if magic else "an empty file"
        expected = "IDX with 0x00000801 (labels) or 0x00000803 (images)"
        raise ValueError(f"{subject}: found {found}, expected {expected}; get the file again")
    header = _read_up_to(stream, 4 * MAGIC_NUMBERS[magic])
    if len(header) < 4 * MAGIC_NUMBERS[magic]:
        raise ValueError(f"{subject}: found {4 + len(header)} bytes, expected a whole IDX header; get the file again")
    shape = [int(size) for size in np.frombuffer(header, ">u4")]
    shape_text = " x ".join(str(size) for size in shape)
    length = math.prod(shape)
    if not 0 < length <= limit:
        expected = f"1 to {limit:,} bytes"
        raise ValueError(f"{subject}: found {shape_text} values, expected {expected}; check where it comes from")
    values = _read_up_to(stream, length + 1)  # one byte more shows trailing bytes, and makes gzip compare its checksum
    if len(values) != length:
        found, expected = "more" if len(values) > length else f"{len(values):,}", f"{length:,} ({shape_text})"
        raise ValueError(f"{subject}: found {found} bytes of values, expected {expected}; get the file again")
    return magic + header + values


def _read_up_to(stream: "BinaryIO | _GzipReader", size: int) -> bytes:
    """Return `size` bytes, or all that there are; memory grows with what is read, not with `size`."""
    blocks = []
    while size and (block := stream.read(min(size, BLOCK_BYTES))):
        blocks.append(block)
        size -= len(block)
    return b"".join(blocks)


class _GzipReader:
    """The unzipped bytes of a gzip file, which may have several members, and zeros behind each.

    Python's own reader takes seconds for some small hostile files, because it reads headers and zeros byte by byte.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._zipped = b""  # read from the file and not unzipped yet
        self._member = zlib.decompressobj(GZIP_FORMAT)

    def read(self, size: int) -> bytes:
        """Return `size` bytes or fewer, and none only at the end.

        Raises: EOFError, zlib.error.
        """
        while True:
            self._zipped = self._zipped or self._file.read(GZIP_BLOCK_BYTES)
            at_end = not self._zipped
            block = self._member.decompress(self._zipped, size)
            self._zipped = self._member.unconsumed_tail
            if self._member.eof:
                self._begin_next_member()
            if block or (at_end and self._member.eof):
                return block
            if at_end:
                raise EOFError

    def _begin_next_member(self) -> None:
        """Skip the zeros behind a member; if anything follows them, unzip it as a member of its own."""
        self._zipped = self._member.unused_data.lstrip(b"\0")
        while not self._zipped and (more := self._file.read(GZIP_BLOCK_BYTES)):
            self._zipped = more.lstrip(b"\0")
        if self._zipped:
            self._member = zlib.decompressobj(GZIP_FORMAT)
