"""The IDX format of MNIST's files: a magic number, the dimensions, then one byte per value; often gzipped.

Reading trusts nothing: the header says how long the file must be, before anything is allocated or inflated.
What the values mean is the business of `dataset`.

Source: "The IDX file format" in The MNIST Database, LeCun, Cortes and Burges.
"""

import gzip
import math
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

MAGICS = {b"\x00\x00\x08\x01": 1, b"\x00\x00\x08\x03": 3}  # unsigned bytes -> number of dimensions
GZIP = b"\x1f\x8b"
LIMIT = 2**30  # bytes of content; 1.3 million images of 28x28
BLOCK, ZIPPED = 2**20, 2**14  # bytes read at once
MEMBER = 16 + zlib.MAX_WBITS  # zlib's word for gzip
LEVEL = 6  # of gzip


def encoded(values: np.ndarray) -> bytes:
    """Return the content of an IDX file.

    Shapes: `values`: uint8 (n,) or (n, rows, columns).
    """
    magic = b"\x00\x00\x08" + bytes([values.ndim])
    sizes = np.array(values.shape, ">u4")  # (dimensions,)
    return magic + sizes.tobytes() + values.astype(np.uint8, casting="safe").tobytes()


def decoded(content: bytes) -> np.ndarray:
    """Return the values in the content of an IDX file, as a read-only view.

    Shapes: uint8 (n,) or (n, rows, columns).
    """
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", count=dimensions, offset=4)  # (dimensions,)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape.astype(int))


def write(path: Path, content: bytes) -> None:
    """Write `content` gzipped; equal content gives equal bytes: no name, no time, a fixed level."""
    with path.open("wb") as file, gzip.GzipFile("", "wb", LEVEL, file, mtime=0) as zipped:
        zipped.write(content)


def read(path: Path) -> bytes:
    """Return the content of the IDX file at `path`, gzipped or not.

    Raises: FileNotFoundError; ValueError, see `read_from`.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file, expected an IDX file; fetch it first")
    with path.open("rb") as file:
        return read_from(file, str(path))


def read_from(file: BinaryIO, subject: str, limit: int = LIMIT) -> bytes:
    """Return the content of an open IDX file, gzipped or not, whole and nothing more.

    Units: `limit` in bytes of content.
    Raises: ValueError, naming `subject`, for anything but a well-formed file within the limit.
    """
    zipped = file.read(len(GZIP)) == GZIP
    file.seek(0)
    try:
        return _content(_Unzipped(file) if zipped else file, subject, limit)
    except EOFError:
        fault = "found a gzip file that ends too early, expected a whole one"
    except zlib.error as error:
        fault = f"found a damaged gzip file ({error}), expected an intact one"
    raise ValueError(f"{subject}: {fault}; get the file again")


class _Unzipped:
    """What a gzip file inflates to, one member after another; zeros may trail.

    Python's own takes seconds for some small files: it goes through what surrounds the members byte by byte.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._rest = b""
        self._member = zlib.decompressobj(MEMBER)

    def read(self, size: int) -> bytes:
        """Return `size` bytes or less, nothing only at the end.

        Raises: EOFError, zlib.error.
        """
        while True:
            self._rest = self._rest or self._file.read(ZIPPED)
            ends = not self._rest
            block = self._member.decompress(self._rest, size)
            self._rest = self._member.unconsumed_tail
            if self._member.eof:
                self._rest = self._member.unused_data.lstrip(b"\0")
                while not self._rest and (more := self._file.read(ZIPPED)):
                    self._rest = more.lstrip(b"\0")
                if self._rest:
                    self._member = zlib.decompressobj(MEMBER)
            if block or (ends and self._member.eof):
                return block
            if ends:
                raise EOFError


def _content(stream: BinaryIO | _Unzipped, subject: str, limit: int) -> bytes:
    """Read the header, then exactly as many bytes as it promises."""
    magic = _exactly(stream, 4)
    if magic not in MAGICS:
        found = f"magic number 0x{magic.hex()}" if magic else "an empty file"
        expected = "IDX with 0x00000801 (labels) or 0x00000803 (images)"
        raise ValueError(f"{subject}: found {found}, expected {expected}; get the file again")
    sizes = _exactly(stream, 4 * MAGICS[magic])
    if len(sizes) < 4 * MAGICS[magic]:
        raise ValueError(f"{subject}: found {4 + len(sizes)} bytes, expected a whole IDX header; get the file again")
    dimensions = [int(size) for size in np.frombuffer(sizes, ">u4")]
    shape = " x ".join(str(size) for size in dimensions)
    length = math.prod(dimensions)
    if not 0 < length <= limit:
        raise ValueError(f"{subject}: found {shape} values, expected 1 to {limit:,} bytes; check where it comes from")
    values = _exactly(stream, length + 1)  # one more than promised: shows what trails, and makes gzip check its sum
    if len(values) != length:
        found = "more" if len(values) > length else f"{len(values):,}"
        raise ValueError(f"{subject}: found {found} bytes of values, expected {length:,} ({shape}); get the file again")
    return magic + sizes + values


def _exactly(stream: BinaryIO | _Unzipped, size: int) -> bytes:
    """Return so many bytes, or all there are; what is only promised is not allocated."""
    blocks = []
    while size and (block := stream.read(min(size, BLOCK))):
        blocks.append(block)
        size -= len(block)
    return b"".join(blocks)
