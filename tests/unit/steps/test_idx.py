"""The IDX reader and writer: what goes in comes out, and nothing malformed gets through."""

import gzip
import io
import re
import tracemalloc
import zlib

import numpy as np
import pytest

from steps import idx

IMAGES = np.arange(2 * 28 * 28, dtype=np.uint32).reshape(2, 28, 28).astype(np.uint8)
CONTENT = idx.encoded(IMAGES)
ZIPPED = gzip.compress(CONTENT)


def read(data: bytes, limit: int = idx.MAX_CONTENT_BYTES) -> bytes:
    """Read a file of these bytes."""
    return idx.read_from(io.BytesIO(data), "some-file", limit)


@pytest.mark.parametrize("values", [IMAGES, np.array([3, 1, 4], np.uint8)])
def test_decoded_is_what_was_encoded(values):
    """Images and labels survive the way into an IDX file and back."""
    decoded = idx.decoded(idx.encoded(values))
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, values)


def test_encoded_is_what_the_format_says():
    """The magic number, the big-endian sizes and the values follow each other."""
    assert idx.encoded(np.array([7, 9], np.uint8)) == bytes.fromhex("00000801 00000002 07 09")


def test_wider_numbers_are_refused():
    """Values that do not fit a byte are an error, not cut off."""
    with pytest.raises(TypeError):
        idx.encoded(np.array([300]))


def test_written_bytes_depend_on_content_alone(tmp_path):
    """Files of equal content have equal bytes, independent of their names, with no time in them."""
    idx.write(tmp_path / "one.gz", CONTENT)
    idx.write(tmp_path / "other.gz", CONTENT)
    data = (tmp_path / "one.gz").read_bytes()
    assert data == (tmp_path / "other.gz").read_bytes()
    assert data[:4] == b"\x1f\x8b\x08\x00"  # no flags, so no name
    assert data[4:8] == bytes(4)  # no time


@pytest.mark.parametrize("data", [CONTENT, ZIPPED], ids=["plain", "gzipped"])
def test_plain_and_gzipped_files_differ_by_content(tmp_path, data):
    """A file's name does not say whether it is gzipped."""
    (tmp_path / "file.gz").write_bytes(data)
    assert idx.read(tmp_path / "file.gz") == CONTENT


def test_missing_file_is_named(tmp_path):
    """A missing file is an error that names it."""
    with pytest.raises(FileNotFoundError, match=r"absent\.gz: no such file"):
        idx.read(tmp_path / "absent.gz")


FLIPPED = bytearray(ZIPPED)
FLIPPED[-6] ^= 1  # in the checksum

FAULTS = {
    "empty": (b"", "found an empty file"),
    "html": (b"<!doctype html>", "found magic number 0x3c21646f"),
    "floats": (b"\x00\x00\x0d\x03" + CONTENT[4:], "found magic number 0x00000d03"),
    "short header": (CONTENT[:9], "found 9 bytes, expected a whole IDX header"),
    "no samples": (idx.encoded(IMAGES[:0]), "found 0 x 28 x 28 values, expected 1 to"),
    "short": (CONTENT[:-1], "found 1,567 bytes of values, expected 1,568"),
    "trailing": (CONTENT + b"\x00", "found more bytes of values, expected 1,568"),
    "trailing inside gzip": (gzip.compress(CONTENT + b"\x00"), "found more bytes of values, expected 1,568"),
    "trailing behind gzip": (ZIPPED + b"more", "found a damaged gzip file"),
    "gzip cut off": (ZIPPED[:-20], "found a gzip file that ends too early"),
    "gzip without its end": (ZIPPED[:-8], "found a gzip file that ends too early"),
    "gzip with a wrong checksum": (bytes(FLIPPED), "found a damaged gzip file"),
    "gzip of nothing": (gzip.compress(b""), "found an empty file"),
}


@pytest.mark.parametrize(("data", "fault"), FAULTS.values(), ids=FAULTS)
def test_malformed_file_is_an_error_that_says_what_was_found(data, fault):
    """Each way of being malformed is one clear error: subject, found, expected, what to do."""
    with pytest.raises(ValueError, match="^some-file: " + re.escape(fault)) as caught:
        read(data)
    assert re.search("expected .*; get the file again$|; check where it comes from$", str(caught.value))


def test_header_beyond_the_limit_is_refused_before_anything_is_allocated():
    """A header that promises more than the limit is refused."""
    with pytest.raises(ValueError, match="found 4294967295 x 28 x 28 values"):
        read(bytes.fromhex("00000803 ffffffff 0000001c 0000001c"))


def test_gzip_bomb_is_not_inflated():
    """A small file that inflates to a hundred megabytes costs no more memory than its header promises."""
    bomb = gzip.compress(idx.encoded(IMAGES) + bytes(100_000_000), 1)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="found more bytes of values"):
            read(bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


def test_each_member_of_a_gzip_file_costs_a_block_at_most(monkeypatch):
    """Many small members are read one after the other, and what is behind them is not gone through for each."""
    count, handed, true = 20_000, [], zlib.decompressobj

    class Counting:
        def __init__(self, *given):
            self._true = true(*given)

        def decompress(self, data, *given):
            handed.append(len(data))
            return self._true.decompress(data, *given)

        def __getattr__(self, name):
            return getattr(self._true, name)

    monkeypatch.setattr(zlib, "decompressobj", Counting)
    assert read(gzip.compress(b"") * count + ZIPPED) == CONTENT
    assert len(handed) < 2 * count
    assert max(handed) <= 2**16
