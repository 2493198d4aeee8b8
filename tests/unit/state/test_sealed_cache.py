"""One cache file: read back only as it was written, and never in anybody's way."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from redoit import digest
from redoit.state.sealed_cache import SealedCache
from redoit.storage import disk
from redoit.storage.serialize import MALFORMED, seal

Numbers = dict[str, int]


def parsed(fields: Any) -> Numbers:
    """Return numbers by name. Raises: one of MALFORMED."""
    return {name: 0 + number for name, number in fields.items()}


def opened(path: Path, parse: Callable[[Any], Numbers] = parsed) -> SealedCache[int]:
    """Return a cache of numbers by name."""
    return SealedCache(path, parse)


def saved(path: Path, content: Numbers) -> bytes:
    """Save content in a cache; return the bytes of its file."""
    cache = opened(path)
    cache.content, cache.changed = content, True
    cache.save()
    return path.read_bytes()


def test_a_missing_file_is_an_empty_cache(tmp_path: Path) -> None:
    """A cache that was never saved is empty, and so is one whose folder is missing."""
    assert opened(tmp_path / "cache").content == {}
    assert opened(tmp_path / "absent/cache").content == {}


def test_changed_content_is_there_for_the_next_process(tmp_path: Path) -> None:
    """What is assigned or changed in place is read back by another cache of the same file."""
    saved(tmp_path / "cache", {"größe": 1})
    cache = opened(tmp_path / "cache")
    cache.content["two"], cache.changed = 2, True
    cache.save()
    assert opened(tmp_path / "cache").content == {"größe": 1, "two": 2}


def test_unchanged_content_is_not_written(tmp_path: Path) -> None:
    """Nothing is written before the content is marked as changed, and nothing again after it was saved."""
    cache = opened(tmp_path / "cache")
    cache.content["one"] = 1
    cache.save()
    assert not cache.path.exists()
    cache.changed = True
    cache.save()
    cache.path.unlink()
    cache.save()
    assert not cache.path.exists()


def test_the_content_is_read_once(tmp_path: Path) -> None:
    """The file is read at the first use of the content, and not again."""
    cache = opened(tmp_path / "cache")
    saved(tmp_path / "cache", {"one": 1})
    assert cache.content == {"one": 1}
    saved(tmp_path / "cache", {"two": 2})
    assert cache.content == {"one": 1}


DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _data: b"",
    "half": lambda data: data[: len(data) // 2],
    "a flipped bit": lambda data: data[:-2] + bytes([data[-2] ^ 1]) + data[-1:],
    "another seal": lambda data: seal({})[:64] + data[64:],
    "no seal": lambda data: data[65:],
    "more": lambda data: data + b"\n",
    "sealed, and no JSON": lambda _data: digest.of_bytes(b"no json").encode() + b"\nno json",
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_an_empty_cache(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """A file that is not byte for byte as it was written counts as empty."""
    data = saved(tmp_path / "cache", {"one": 1})
    (tmp_path / "cache").write_bytes(damage(data))
    assert opened(tmp_path / "cache").content == {}


@pytest.mark.parametrize("error", MALFORMED)
def test_content_that_can_not_be_parsed_is_an_empty_cache(tmp_path: Path, error: type[Exception]) -> None:
    """Content under a valid seal that redoit would not have written counts as empty."""
    saved(tmp_path / "cache", {"one": 1})

    def parse(_fields: Any) -> Numbers:
        raise error

    assert opened(tmp_path / "cache", parse).content == {}


def test_a_file_beyond_the_limit_is_an_empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of exactly the limit is read, one of a byte more counts as empty."""
    size = len(saved(tmp_path / "cache", {"one": 1}))
    for limit, content in ((size, {"one": 1}), (size - 1, {})):
        monkeypatch.setattr(disk, "LARGE_FILE_BYTES", limit)
        assert opened(tmp_path / "cache").content == content


def test_a_forged_entry_drops_all_when_it_is_saved(tmp_path: Path) -> None:
    """Content that can't be turned into JSON is saved as empty, once."""
    cache = opened(tmp_path / "cache")
    cache.content, cache.changed = {"one": 1, "odd": float("nan")}, True
    cache.save()
    assert (cache.changed, cache.path.read_bytes()) == (False, seal({}))


def test_a_disk_that_refuses_the_file_is_no_error(tmp_path: Path) -> None:
    """A cache that can't be written is dropped, without another try."""
    cache = opened(tmp_path / "absent/cache")
    cache.changed = True
    cache.save()
    assert (cache.changed, cache.path.parent.exists()) == (False, False)
