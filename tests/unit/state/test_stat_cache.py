"""Remembered digests: what is remembered is used, what may be wrong is not."""

import os
import time
from pathlib import Path

import pytest
from projects import until

from redoit import digest
from redoit.state.stat_cache import FINE_CLOCK_NS, STAMP, StatCache, identity
from redoit.storage.serialize import seal

DAY = 86_400


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the files that are read from now on; they are read all the same."""
    read: list[Path] = []
    of_file = digest.of_file

    def spy(path: Path) -> str:
        read.append(path)
        return of_file(path)

    monkeypatch.setattr(digest, "of_file", spy)
    return read


def settled(path: Path, content: bytes) -> Path:
    """Write a file and wait until its times are old enough to be trusted."""
    path.write_bytes(content)
    return rested(path)


def rested(path: Path) -> Path:
    """Wait until the times of a file are old enough to be trusted."""
    clock = path.with_name("clock")

    def is_old() -> bool:
        clock.write_bytes(b"")
        return clock.stat().st_mtime_ns > path.stat().st_ctime_ns + FINE_CLOCK_NS

    until(is_old)
    return path


@pytest.fixture
def at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StatCache:
    """Return the digests of a process for which no time passes from now on, however slow the machine is."""
    files = StatCache(tmp_path / "memory")
    monkeypatch.setattr(time, "monotonic_ns", lambda: 0)
    (tmp_path / "other").touch()
    files.digest(tmp_path / "other")  # it asks for the time
    return files


def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path) -> None:
    """The digest of a file is that of its bytes, the empty file's included."""
    files = StatCache(tmp_path / "memory")
    for content in (b"", b"content"):
        (tmp_path / "file").write_bytes(content)
        assert files.digest(tmp_path / "file") == digest.of_bytes(content)


def test_what_is_no_file_has_no_digest(tmp_path: Path) -> None:
    """A folder, a device, a pipe, a dangling link, an absent file and one below a file have none."""
    files = StatCache(tmp_path / "memory")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("absent")
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "link", "absent", "pipe", "file/below"):
        assert files.digest(tmp_path / name) is None
    assert files.digest("/dev/null") is None


def test_a_link_is_the_file_it_points_to(tmp_path: Path) -> None:
    """A link has the digest of its file, and a new target is noticed."""
    files = StatCache(tmp_path / "memory")
    settled(tmp_path / "one", b"1")
    settled(tmp_path / "two", b"2")
    (tmp_path / "link").symlink_to("one")
    assert files.digest(tmp_path / "link") == digest.of_bytes(b"1")
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("two")
    assert files.digest(tmp_path / "link") == digest.of_bytes(b"2")


def test_an_unchanged_file_is_read_once(tmp_path: Path, counted: list[Path]) -> None:
    """A settled file is read once, by all processes together: the memory is saved and loaded."""
    path = settled(tmp_path / "file", b"content")
    files = StatCache(tmp_path / "memory")
    expected = digest.of_bytes(b"content")
    assert [files.digest(path) for _ in range(3)] == [expected] * 3
    files.save()
    assert StatCache(tmp_path / "memory").digest(str(path)) == expected
    assert counted == [path]


def test_without_saving_nothing_is_remembered(tmp_path: Path, counted: list[Path]) -> None:
    """After a process is killed before it saves, the next one digests again, no more."""
    path = settled(tmp_path / "file", b"content")
    StatCache(tmp_path / "memory").digest(path)
    StatCache(tmp_path / "memory").digest(path)
    assert len(counted) == 2


def test_an_edit_with_the_same_size_and_time_is_noticed(tmp_path: Path) -> None:
    """An edit that keeps size and mtime is detected by ctime, which can't be set."""
    path = settled(tmp_path / "file", b"one")
    files = StatCache(tmp_path / "memory")
    assert files.digest(path) == digest.of_bytes(b"one")
    before = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (before.st_ino, before.st_size, before.st_mtime_ns) == (after.st_ino, after.st_size, after.st_mtime_ns)
    assert files.digest(path) == digest.of_bytes(b"two")


def test_a_file_renamed_onto_another_is_noticed(tmp_path: Path) -> None:
    """A file that takes another's place with the same size and time is another file."""
    path = settled(tmp_path / "file", b"one")
    other = settled(tmp_path / "other", b"two")
    files = StatCache(tmp_path / "memory")
    assert files.digest(path) == digest.of_bytes(b"one")
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)
    assert files.digest(path) == digest.of_bytes(b"two")


def test_a_file_changed_just_now_is_not_trusted(tmp_path: Path, at_once: StatCache, counted: list[Path]) -> None:
    """A file that could change once more without a trace in its times is read each time."""
    path = tmp_path / "file"
    path.write_bytes(b"content")
    at_once.digest(path)
    at_once.digest(path)
    assert len(counted) == 2
    at_once.save()
    assert not (tmp_path / "memory").exists()


def test_an_old_time_does_not_make_a_new_file_trusted(tmp_path: Path, at_once: StatCache, counted: list[Path]) -> None:
    """Setting an old mtime on a fresh file does not hide that it is fresh."""
    path = tmp_path / "file"
    path.write_bytes(b"content")
    os.utime(path, (time.time() - DAY, time.time() - DAY))
    at_once.digest(path)
    at_once.digest(path)
    assert len(counted) == 2


def test_a_time_in_the_future_is_not_trusted(tmp_path: Path, counted: list[Path]) -> None:
    """A file from the future, as a wrong clock makes it, is read each time."""
    path = settled(tmp_path / "file", b"content")
    os.utime(path, (time.time() + DAY, time.time() + DAY))
    rested(path)
    files = StatCache(tmp_path / "memory")
    files.digest(path)
    files.digest(path)
    assert len(counted) == 2


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "garbage", "unsealed", "folder"])
def test_a_damaged_memory_is_ignored(tmp_path: Path, damage: str) -> None:
    """A cache with one wrong byte is discarded: files are digested again, and it is rewritten."""
    path, memory = settled(tmp_path / "file", b"content"), tmp_path / "memory"
    files = StatCache(memory)
    expected = files.digest(path)
    files.save()
    data = memory.read_bytes()
    assert expected is not None
    wrong = data.replace(expected.encode(), digest.of_bytes(b"wrong").encode())
    assert wrong != data
    memory.unlink()
    if damage == "folder":
        memory.mkdir()
    else:
        cut = data[: len(data) // 2]
        texts = {"flip": wrong, "cut": cut, "empty": b"", "garbage": b"\xff\n[", "unsealed": wrong.partition(b"\n")[2]}
        memory.write_bytes(texts[damage])
    later = StatCache(memory)
    assert later.digest(path) == expected
    if damage != "folder":
        later.save()
        assert memory.read_bytes() == data


def test_a_removed_file_is_noticed(tmp_path: Path) -> None:
    """A digest is not remembered beyond its file, and comes back with it."""
    path = settled(tmp_path / "file", b"content")
    files = StatCache(tmp_path / "memory")
    files.digest(path)
    path.unlink()
    assert files.digest(path) is None
    path.write_bytes(b"other")
    assert files.digest(path) == digest.of_bytes(b"other")


def test_a_name_that_is_no_text_can_be_saved(tmp_path: Path, counted: list[Path]) -> None:
    """A file name that is not UTF-8 is remembered as any other."""
    path = settled(tmp_path / os.fsdecode(b"odd\xff"), b"content")
    files = StatCache(tmp_path / "memory")
    files.digest(path)
    files.save()
    assert StatCache(tmp_path / "memory").digest(path) == digest.of_bytes(b"content")
    assert len(counted) == 1


@pytest.mark.parametrize("entry", [["a" * 64], "", "../../canary", "{content}", None, 1])
def test_a_forged_entry_is_ignored(tmp_path: Path, counted: list[Path], entry: object) -> None:
    """An entry that is not a digest and a stamp is none, also under a valid seal."""
    path = settled(tmp_path / "file", b"content")
    found = identity(path)
    assert found is not None
    forged = entry.format(content="a" * 63) + STAMP % found if isinstance(entry, str) else entry
    (tmp_path / "memory").write_bytes(seal({str(path): forged}))
    assert StatCache(tmp_path / "memory").digest(path) == digest.of_bytes(b"content")
    assert len(counted) == 1


def test_a_clock_that_is_ahead(
    tmp_path: Path, at_once: StatCache, counted: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However late it is by our own clock, a file that was written a moment ago is not remembered."""
    late = time.time_ns() + 365 * DAY * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: late)
    (tmp_path / "file").write_bytes(b"1")
    at_once.digest(tmp_path / "file")
    at_once.digest(tmp_path / "file")
    assert len(counted) == 2


def test_where_the_clock_cannot_be_asked_nothing_is_remembered(tmp_path: Path, counted: list[Path]) -> None:
    """In a read-only folder, where the clock can't be read, files are digested each time."""
    path = settled(tmp_path / "file", b"1")
    (tmp_path / "no folder").touch()
    files = StatCache(tmp_path / "no folder/memory")
    assert [files.digest(path), files.digest(path)] == [digest.of_bytes(b"1")] * 2
    assert len(counted) == 2
