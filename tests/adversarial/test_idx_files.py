"""IDX files that an enemy made: each is one clear error, before anything large is allocated."""

import gzip
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile_files import IMAGES, LABELS, Workers

from steps import idx

CONTENT = idx.encoded(IMAGES)
ZIPPED = gzip.compress(CONTENT)
MORE = b"\x00\x00\x08\x03" + struct.pack(">III", 2**32 - 1, 2**32 - 1, 2**32 - 1)
JUST = b"\x00\x00\x08\x03" + struct.pack(">III", 2**20, 32, 32)  # a gigabyte, promised in 16 bytes


def gzipped(flags: int, extra: bytes) -> bytes:
    """Return a gzip file with optional fields in its header."""
    return ZIPPED[:3] + bytes([flags]) + ZIPPED[4:10] + extra + ZIPPED[10:]


FILES = {
    "more than there is memory": (MORE, "found 4294967295 x 4294967295 x 4294967295 values"),
    "the same, gzipped": (gzip.compress(MORE), "found 4294967295 x"),
    "as much as is allowed, and nothing there": (JUST, "found 0 bytes of values, expected 1,073,741,824"),
    "the same, gzipped to nothing": (gzip.compress(JUST), "found 0 bytes of values"),
    "no values": (b"\x00\x00\x08\x01" + bytes(4), "found 0 values"),
    "one dimension of none": (b"\x00\x00\x08\x03" + struct.pack(">III", 2**32 - 1, 0, 28), "x 0 x 28 values"),
    "four dimensions": (b"\x00\x00\x08\x04" + bytes(16), "found magic number 0x00000804"),
    "255 dimensions": (b"\x00\x00\x08\xff" + bytes(1020), "found magic number 0x000008ff"),
    "a bomb": (gzip.compress(CONTENT + bytes(100_000_000), 1), "found more bytes of values"),
    "a bomb in a second member": (ZIPPED + gzip.compress(bytes(100_000_000), 1), "found more bytes of values"),
    "a bomb in zeros behind": (ZIPPED + bytes(10_000_000), None),  # padding, as on tapes
    "a bomb of empty members": (gzip.compress(b"") * 20_000 + ZIPPED, None),
    "two members that belong together": (gzip.compress(CONTENT[:99]) + gzip.compress(CONTENT[99:]), None),
    "a member for each byte": (b"".join(gzip.compress(bytes([byte])) for byte in idx.encoded(LABELS)), None),
    "a name of a megabyte": (gzipped(8, b"n" * 2**20 + b"\0"), None),
    "a name without end": (gzipped(8, b"")[:10] + b"n" * 2**20, "found a gzip file that ends too early"),
    "an extra field of 64 kB": (gzipped(4, b"\xff\xff" + bytes(65535)), None),
    "an extra field that is too short": (gzipped(4, b"\xff\xff"), "found a (damaged gzip file|gzip file that ends)"),
    "all flags": (gzipped(255, b""), "found a (damaged gzip file|gzip file that ends)"),
    "an unknown method": (ZIPPED[:2] + b"\x07" + ZIPPED[3:], "found a damaged gzip file"),
    "a wrong checksum": (ZIPPED[:-8] + bytes(4) + ZIPPED[-4:], "found a damaged gzip file"),
    "a wrong length": (ZIPPED[:-4] + b"\xff" * 4, "found a damaged gzip file"),
    "gzip in gzip": (gzip.compress(ZIPPED), "found magic number 0x1f8b08"),
    "a pickle": (b"\x80\x04cos\nsystem\n(S'id'\ntR.", "found magic number 0x8004636f"),
    "labels": (idx.encoded(LABELS), None),
}


@pytest.mark.parametrize(("data", "fault"), FILES.values(), ids=FILES)
def test_hostile_idx_file_is_a_clear_error(workers: Workers, tmp_path: Path, data: bytes, fault: str | None) -> None:
    """The file is refused for what is wrong with it, or it is whole after all."""
    path = tmp_path / "images.gz"
    path.write_bytes(data)
    workers.expect("idx", path, fault)


PLACES: dict[str, Callable[[Path], object]] = {
    "folder": Path.mkdir,
    "pipe": os.mkfifo,
    "link to itself": lambda path: path.symlink_to(path),
    "link to nothing": lambda path: path.symlink_to("nothing"),
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("make", PLACES.values(), ids=PLACES)
def test_what_is_no_file_is_not_read(workers: Workers, tmp_path: Path, make: Callable) -> None:
    """A folder, a pipe, a device or a broken link in the place of an input counts as missing, without waiting."""
    make(tmp_path / "images.gz")
    workers.expect("idx", tmp_path / "images.gz", "no such file")
