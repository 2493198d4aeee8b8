"""Digests of bytes, files and values: what differs has another digest, what is the same has the same."""

import errno
import math
import os
import threading
from enum import Enum
from io import FileIO
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from redoit import digest

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
KEYS = st.booleans() | st.integers() | st.text() | st.binary()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))


SIZES = [
    0,
    1,
    1024,
    digest.BLOCK_BYTES - 1,
    digest.BLOCK_BYTES,
    digest.BLOCK_BYTES + 1,
    5_000_011,
    digest.THREADED_BYTES,
    digest.THREADED_BYTES + 1_000_003,
]


class Colour(Enum):
    """An enumeration, which has no canonical encoding of its own."""

    RED = 1


def some_bytes(size: int) -> bytes:
    """Return so many bytes, of which no two blocks are equal."""
    return b"".join(block.to_bytes(8, "big") * 125 for block in range(size // 1000 + 1))[:size]


def identity(value: Any) -> Any:
    """Return something that is equal for two values exactly if they are equal by type and value."""
    if isinstance(value, float):
        return "float", repr(value)
    if isinstance(value, list | tuple):
        return "list", tuple(identity(item) for item in value)
    if isinstance(value, dict):
        return "dict", frozenset((identity(key), identity(item)) for key, item in value.items())
    return type(value).__name__, value


@given(VALUES, VALUES)
def test_encoding_is_injective(one: Any, other: Any) -> None:
    """Two values have one encoding exactly if they are equal by type and value."""
    assert (digest.encode(one) == digest.encode(other)) == (identity(one) == identity(other))


@given(VALUES)
def test_encoding_is_deterministic(value: Any) -> None:
    """A value is encoded the same each time, and its digest is that of its encoding."""
    assert digest.encode(value) == digest.encode(value)
    assert digest.of_value(value) == digest.of_bytes(digest.encode(value))


@given(st.lists(SCALARS, max_size=4), st.integers(0, 4))
def test_grouping_counts(items: list[Any], cut: int) -> None:
    """A list of lists differs from each other way to cut the same items."""
    for other in range(len(items) + 1):
        grouped = digest.encode([items[:cut], items[cut:]]) == digest.encode([items[:other], items[other:]])
        assert grouped == (min(cut, len(items)) == other)


@pytest.mark.parametrize(
    "values",
    [
        (1, 1.0, True, "1", b"1", [1]),
        (0, 0.0, -0.0, False, "", b"", None, [], {}),
        (["ab", "c"], ["a", "bc"], ["abc"], "abc", ["a", "b", "c"]),
        ([["a"], "b"], ["a", ["b"]], [["a", "b"]], ["a", "b"]),
        ({"a": "b"}, ["a", "b"], {"b": "a"}, {"a": "b", "": ""}),
        ({"a": {"b": 1}}, {"a": "b", "1": None}, {"ab": 1}),
        (math.nan, math.inf, -math.inf, "nan", None),
        ("é", "e\u0301", "\udcff", "?"),
    ],
)
def test_types_and_frames_differ(values: tuple[Any, ...]) -> None:
    """Similar values have different digests: each field includes its type and its length."""
    for one, other in combinations(values, 2):
        assert digest.of_value(one) != digest.of_value(other), (one, other)


def test_order_of_a_dict_does_not_count() -> None:
    """A dict's digest does not depend on insertion order."""
    assert digest.of_value({"a": 1, "b": {"c": 2, "d": 3}}) == digest.of_value({"b": {"d": 3, "c": 2}, "a": 1})


def test_order_of_a_list_counts() -> None:
    """A list is its items in their order."""
    assert digest.of_value([1, 2]) != digest.of_value([2, 1])


def test_nan_is_one_value() -> None:
    """NaN equals nothing, not even itself, but has one digest."""
    assert digest.of_value(math.nan) == digest.of_value(float("nan"))


@pytest.mark.parametrize("value", [{1, 2}, object(), Path("x"), 1j, Colour.RED, bytearray(b"x"), [1, {2}], {"a": {3}}])
def test_unknown_type_is_refused(value: object) -> None:
    """What has no canonical encoding is a TypeError, however deep it lies."""
    with pytest.raises(TypeError, match="no canonical encoding"):
        digest.of_value(value)


@pytest.mark.parametrize("size", SIZES)
def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path, size: int) -> None:
    """However a file is read, its digest is that of its bytes, and BLAKE3's own."""
    data = some_bytes(size)
    path = tmp_path / "file"
    path.write_bytes(data)
    assert digest.of_file(path) == digest.of_bytes(data) == blake3(data).hexdigest()


@pytest.mark.parametrize("size", SIZES)
def test_what_is_copied_has_the_digest_of_its_bytes(tmp_path: Path, size: int) -> None:
    """A copy has the bytes of what was left of its source, and the digest that is returned is theirs."""
    (tmp_path / "source").write_bytes(b"read already" + some_bytes(size))
    with (tmp_path / "source").open("rb") as reader, (tmp_path / "copy").open("xb") as writer:
        reader.read(12)
        assert digest.copy_and_digest(reader, writer) == digest.of_bytes(some_bytes(size))
    assert (tmp_path / "copy").read_bytes() == some_bytes(size)


@pytest.mark.parametrize("size", [3 * 2**20, 2**25 + 2**20 + 5])
def test_holes_stay_holes(tmp_path: Path, size: int) -> None:
    """The copy of a file with holes takes as little room, whether it ends in a hole or not."""
    for name, tail in (("hole", b""), ("data", b"end")):
        with (tmp_path / name).open("wb") as file:
            file.write(b"begin")
            file.seek(size)
            file.write(tail)
            file.truncate()
        with (tmp_path / name).open("rb") as reader, (tmp_path / f"{name}.copy").open("xb") as writer:
            assert digest.copy_and_digest(reader, writer) == digest.of_file(tmp_path / name)
        copied = (tmp_path / f"{name}.copy").stat()
        assert digest.of_file(tmp_path / f"{name}.copy") == digest.of_file(tmp_path / name)
        assert (copied.st_size, copied.st_blocks <= 32) == (size + len(tail), True)


@pytest.mark.parametrize("size", [1, digest.THREADED_BYTES + 1])
def test_a_disk_that_is_full_ends_a_copy(tmp_path: Path, size: int) -> None:
    """What can't be written is an error, and no digest; the thread that reads ahead has ended by then."""
    (tmp_path / "source").write_bytes(bytes(size))
    threads = threading.active_count()
    with (
        (tmp_path / "source").open("rb") as reader,
        Path("/dev/full").open("wb", buffering=0) as full,
        pytest.raises(OSError, match="No space left"),
    ):
        digest.copy_and_digest(reader, full)
    assert threading.active_count() == threads


def test_an_absent_file_is_an_error(tmp_path: Path) -> None:
    """A file that can't be read has no digest."""
    with pytest.raises(OSError, match="No such file"):
        digest.of_file(tmp_path / "absent")


@pytest.mark.parametrize("text", ["", "a" * 63, "a" * 65, "A" * 64, "../" + "a" * 61, "g" * 64, "\u0661" * 64])
def test_what_is_no_digest(text: str) -> None:
    """Only 64 lower-case hexadecimal digits are a digest."""
    assert not digest.is_digest(text)
    assert digest.is_digest(digest.of_bytes(text.encode()))


class Cut(FileIO):
    """A file that is truncated as soon as it is read."""

    def readinto(self, buffer: Any) -> int:
        """Read the first part once, then the end of the file."""
        count = super().readinto(buffer[:4096]) or 0
        os.truncate(self.fileno(), 4096)
        return count


class Failing(FileIO):
    """A file of which the disk gives a part only."""

    def readinto(self, buffer: Any) -> int:
        """Read a part, then fail."""
        if self.tell() > digest.BLOCK_BYTES:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().readinto(buffer) or 0


def test_a_large_file_that_can_not_be_read_is_an_error(tmp_path: Path) -> None:
    """An error in the read-ahead thread is raised as if there were no thread."""
    (tmp_path / "file").write_bytes(bytes(digest.THREADED_BYTES + 1))
    with Failing(tmp_path / "file") as file, pytest.raises(OSError, match="Input/output error"):
        digest.of_stream(file)


@pytest.mark.parametrize("size", [10**6, digest.THREADED_BYTES + 1])
def test_a_file_that_is_cut_short_meanwhile_does_not_end_us(tmp_path: Path, size: int) -> None:
    """Who shares a file may cut it at any time: it then has the digest of what was left of it."""
    path = tmp_path / "file"
    path.write_bytes(b"x" * size)
    with Cut(path, "r+") as file:
        assert digest.of_stream(file) == digest.of_bytes(b"x" * 4096)


@pytest.mark.parametrize("value", [None, 1, ["a"] * 64, b"a" * 64, f"{'a' * 64}\n", "\uff11" * 64])
def test_only_a_text_is_a_digest(value: object) -> None:
    """Whatever else has 64 parts is no digest, and a new line behind one makes it none."""
    assert not digest.is_digest(value)
