"""Digests of bytes, files and values: what differs has another digest, what is the same has the same."""

import math
import os
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


class Colour(Enum):
    """An enumeration, which has no canonical encoding of its own."""

    RED = 1


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
    """Values that look alike have different digests: each field carries its type and its length."""
    for one, other in combinations(values, 2):
        assert digest.of_value(one) != digest.of_value(other), (one, other)


def test_order_of_a_dict_does_not_count() -> None:
    """A dict is its pairs, in whatever order they were put in."""
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


@pytest.mark.parametrize("size", [0, 1, 1024, (1 << 20) - 1, (1 << 20) + 1, 5_000_011])
def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path, size: int) -> None:
    """However a file is read, its digest is that of its bytes, and BLAKE3's own."""
    data = bytes(index * 7 % 251 for index in range(1000)) * (size // 1000 + 1)
    path = tmp_path / "file"
    path.write_bytes(data[:size])
    assert digest.of_file(path) == digest.of_bytes(data[:size]) == blake3(data[:size]).hexdigest()


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
    """A file that somebody cuts short as soon as it is looked at."""

    def readinto(self, buffer: Any) -> int:
        """Read once what was there, and let the rest be gone."""
        count = super().readinto(buffer[:4096]) or 0
        os.truncate(self.fileno(), 4096)
        return count


def test_a_file_that_is_cut_short_meanwhile_does_not_end_us(tmp_path: Path) -> None:
    """Who shares a file may cut it at any time: it then has the digest of what was left of it."""
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10**6)
    with Cut(path, "r+") as file:
        assert digest.of_stream(file) == digest.of_bytes(b"x" * 4096)


@pytest.mark.parametrize("value", [None, 1, ["a"] * 64, b"a" * 64, f"{'a' * 64}\n", "\uff11" * 64])
def test_only_a_text_is_a_digest(value: object) -> None:
    """Whatever else has 64 parts is no digest, and a new line behind one makes it none."""
    assert not digest.is_digest(value)
