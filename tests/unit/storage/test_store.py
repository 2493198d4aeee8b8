"""What every store must do. A store that is added joins STORES, and must pass this suite as it stands."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from examples import action, artifact, put, trace

from redoit import digest
from redoit.errors import CorruptError, DiskError, StoreError
from redoit.gc.collect import clear
from redoit.model import Artifact
from redoit.storage.serialize import trace_name, trace_to_bytes
from redoit.storage.store import Store

STORES: dict[str, Callable[[Path], Store]] = {
    "folder": lambda root: Store(root / ".redoit"),
    "folder before another": lambda root: Store(root / ".redoit", upstream=Store(root / "shared")),
}
GOLDEN = Path(__file__).parent.parent / "golden"
CONTENTS = [b"", b"x", b"model" * 1000, bytes(1 << 20) + b"end"]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Return each kind of store, empty."""
    return STORES[request.param](tmp_path)


def files_of(store: Store) -> list[Path]:
    """Return every file of the store's blobs and traces."""
    folders = (store.root / name for name in ("blobs", "traces"))
    return [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]


def blob_of(store: Store, made: Artifact) -> Path:
    """Return the one file of the store that a blob is."""
    found = [path for path in files_of(store) if f"{path.parent.name}{path.name}" == made.digest]
    assert len(found) == 1
    return found[0]


def flip(path: Path) -> None:
    """Flip one bit in the middle of a file; its size and times stay."""
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("content", CONTENTS, ids=len)
def test_put_get_restore(store: Store, tmp_path: Path, content: bytes) -> None:
    """What was put comes back, as bytes and as a file, under the digest of its bytes."""
    made = put(store, content)
    assert made == Artifact(digest.of_bytes(content), len(content))
    assert store.exists(made)
    assert store.get(made.digest) == content
    store.restore(made, tmp_path / "restored")
    assert (tmp_path / "restored").read_bytes() == content


@pytest.mark.parametrize("content", CONTENTS, ids=len)
def test_a_file_is_its_bytes(store: Store, tmp_path: Path, content: bytes) -> None:
    """A file that is put is the same blob as its bytes, and stays where it is."""
    source = tmp_path / "output"
    source.write_bytes(content)
    assert put(store, source) == artifact(content)
    assert source.read_bytes() == content
    assert put(store, content) == put(store, source)
    assert len(files_of(store)) == 1


def test_blob_is_named_by_its_digest(store: Store) -> None:
    """A blob's path is blobs/, the first two digits of its digest, and the other digits."""
    made = put(store, b"content")
    assert files_of(store) == [store.root / "blobs" / made.digest[:2] / made.digest[2:]]


def test_put_twice_is_put_once(store: Store, tmp_path: Path) -> None:
    """A blob is written once: a second put leaves the file that is there."""
    source = tmp_path / "output"
    source.write_bytes(b"content")
    made = put(store, source)
    before = blob_of(store, made).stat()
    put(store, source)
    put(store, b"content")
    after = blob_of(store, made).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_what_is_put_together_appears_together(store: Store, tmp_path: Path) -> None:
    """Until the last of several blobs is taken none is in the store, then all are; equal ones are one."""
    (tmp_path / "output").write_bytes(b"one")
    there = put(store, b"there")

    def contents() -> Iterator[bytes | Path]:
        yield from (b"one", tmp_path / "output", b"two", b"there")
        assert [store.exists(artifact(each)) for each in (b"one", b"two", b"there")] == [False, False, True]

    made = store.put(contents())
    assert [*made.values()] == [artifact(b"one"), artifact(b"one"), artifact(b"two"), there]
    assert [store.get(each.digest) for each in made.values()] == [b"one", b"one", b"two", b"there"]
    assert len(files_of(store)) == 3


def test_if_one_of_several_can_not_be_put_none_is(store: Store, tmp_path: Path) -> None:
    """If one of several blobs can't be taken, none is kept, and no temporary file is left."""
    with pytest.raises(FileNotFoundError):
        store.put([b"one", tmp_path / "absent"])
    assert files_of(store) == []


def test_absent_blob(store: Store, tmp_path: Path) -> None:
    """Restoring a missing blob is an error, and leaves no file at the destination."""
    absent = artifact(b"absent")
    assert not store.exists(absent)
    with pytest.raises(CorruptError, match="not in the store"):
        store.get(absent.digest)
    with pytest.raises(CorruptError, match="not in the store"):
        store.restore(absent, tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


def test_output_and_blob_share_nothing(store: Store, tmp_path: Path) -> None:
    """Neither what was put nor what was restored is the blob itself: editing either leaves the blob true."""
    source, restored = tmp_path / "output", tmp_path / "restored"
    source.write_bytes(b"content")
    made = put(store, source)
    store.restore(made, restored)
    blob = blob_of(store, made)
    assert blob.stat().st_nlink == source.stat().st_nlink == restored.stat().st_nlink == 1
    assert len({path.stat().st_ino for path in (blob, source, restored)}) == 3
    for path in (source, restored):
        with path.open("r+b") as file:
            file.write(b"EDITED")
    assert store.get(made.digest) == b"content"


def test_reading_a_corrupt_blob_leaves_it(store: Store) -> None:
    """A flipped bit is found, and nothing is changed."""
    made = put(store, b"model")
    assert store.verify(made)
    flip(blob_of(store, made))
    with pytest.raises(CorruptError, match="do not match its digest"):
        store.get(made.digest)
    assert not store.verify(made)
    assert store.exists(made)


def test_corrupt_blob_is_found_and_healed(store: Store, tmp_path: Path) -> None:
    """A flipped bit is found when the blob is restored; the blob is removed, and the next put heals it."""
    content = b"model" * 1000
    made = put(store, content)
    flip(blob_of(store, made))
    with pytest.raises(CorruptError, match="do not match its digest"):
        store.restore(made, tmp_path / "restored")
    assert not (tmp_path / "restored").exists()
    assert not store.exists(made)
    source = tmp_path / "output"
    source.write_bytes(content)
    assert put(store, source) == made
    assert store.get(made.digest) == content


def test_a_true_blob_that_came_meanwhile_is_not_put_aside(store: Store) -> None:
    """Who read a corrupt blob leaves alone what another process has put in its place since."""
    made = put(store, b"content")
    flip(blob_of(store, made))
    with store.open_blob(made.digest) as corrupt:
        blob_of(store, made).unlink()
        put(store, b"content")
        store._quarantine_open(made.digest, corrupt)
    assert store.get(made.digest) == b"content"


@pytest.mark.parametrize("content", [b"", b"mode", b"modelmodel"])
def test_blob_of_another_length_is_absent_and_healed(store: Store, tmp_path: Path, content: bytes) -> None:
    """A blob that was cut off or grew counts as absent at once, and the next put heals it."""
    made = put(store, b"model")
    blob_of(store, made).write_bytes(content)
    assert not store.exists(made)
    with pytest.raises(CorruptError):
        store.restore(made, tmp_path / "restored")
    assert put(store, b"model") == made
    assert store.get(made.digest) == b"model"


def test_a_source_that_grows_is_named_truly(store: Store, tmp_path: Path) -> None:
    """The name is that of the bytes that are kept, so an absent source keeps nothing at all."""
    with pytest.raises(FileNotFoundError):
        put(store, tmp_path / "absent")
    assert files_of(store) == []


def test_traces_come_canonical_first(store: Store) -> None:
    """The traces of an action are ordered by start time, oldest first, independent of their names."""
    times = [30.0, 10.0, 20.0, 10.0]
    made = [trace(started=started, seconds=float(index)) for index, started in enumerate(times)]
    for each in made:
        store.append(each)
    found = store.traces(action().key)
    assert [each.started for each in found] == [10.0, 10.0, 20.0, 30.0]
    names = [trace_name(each) for each in found[:2]]
    assert names == sorted(names)


def test_a_trace_comes_back(store: Store) -> None:
    """A trace is found by key and name, to the byte; one recorded twice is one."""
    name = store.append(trace())
    assert store.append(trace()) == name == trace_name(trace())
    found = store.trace_or_none(action().key, name)
    assert found is not None
    assert trace_to_bytes(found) == trace_to_bytes(trace())
    assert len(store.traces(action().key)) == 1


def test_no_traces(store: Store) -> None:
    """An action that never ran has no traces, and a trace that is not there is None."""
    assert store.traces(action().key) == []
    assert store.trace_or_none(action().key, "a" * 64) is None
    assert store.trace_or_none("..", "\0") is None


def test_a_trace_under_a_wrong_name_is_ignored(store: Store) -> None:
    """A trace that is not what its name promises is treated as absent."""
    name = store.append(trace())
    (path,) = files_of(store)
    wrong = path.with_name(f"{'a' * 64}.json")
    path.rename(wrong)
    assert store.traces(action().key) == []
    assert store.trace_or_none(action().key, name) is None


def test_a_trace_under_a_wrong_key_is_ignored(store: Store) -> None:
    """A trace that was moved to another action proves nothing about it."""
    name = store.append(trace())
    (path,) = files_of(store)
    other = action(inputs={}).key
    path.parent.rename(path.parent.with_name(other))
    assert store.traces(other) == []
    assert store.trace_or_none(other, name) is None


@pytest.mark.parametrize("data", [b"", b"null", b"garbage", b"[" * 100_000])
def test_garbage_under_its_own_digest_is_ignored(store: Store, data: bytes) -> None:
    """A file that is no trace is ignored even if its name matches its digest; other traces count."""
    store.append(trace())
    (path,) = files_of(store)
    path.with_name(f"{digest.of_bytes(data)}.json").write_bytes(data)
    assert len(store.traces(action().key)) == 1


def test_a_flipped_bit_in_a_trace(store: Store) -> None:
    """A trace with a flipped bit is treated as absent, and recording it again heals it."""
    name = store.append(trace())
    (path,) = files_of(store)
    flip(path)
    assert store.traces(action().key) == []
    assert store.append(trace()) == name
    assert len(store.traces(action().key)) == 1


def test_traces_are_numbered(store: Store) -> None:
    """Each number is above the last, also in a new process, and traces come in their order, whatever clocks say."""
    made = [trace(started=-number, sequence=store.next_sequence()) for number in (1.0, 2.0, 3.0)]
    for one in reversed(made):
        store.append(one)
    assert store.traces(action().key) == made
    assert Store(store.root).next_sequence() == 4


@pytest.mark.parametrize("data", [None, b"", b"[]", b'{"sequence":-1}', b'{"sequence":"9"}', b"\xff"])
def test_a_lost_count_begins_above_all_traces(store: Store, data: bytes | None) -> None:
    """Where the number of the last trace can't be read, the traces themselves have it."""
    store.append(trace(sequence=7))
    store.append(trace(sequence=5, action=action(inputs={})))
    if data is not None:
        (store.root / "sequence").write_bytes(data)
    assert [store.next_sequence(), store.next_sequence()] == [8, 9]


def test_processes_that_count_at_once_get_numbers_of_their_own(store: Store) -> None:
    """No number is given twice."""
    with ThreadPoolExecutor(4) as threads:
        numbers = [*threads.map(lambda _: Store(store.root).next_sequence(), range(20))]
    assert sorted(numbers) == [*range(1, 21)]


def test_a_trace_of_an_earlier_format_does_not_count(store: Store) -> None:
    """A trace as an earlier redoit wrote it is none, is no error, and is known for what it is."""
    data = (GOLDEN / "trace-1.json").read_bytes()
    path = store.trace_path(action().key, digest.of_bytes(data))
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    name = store.append(trace())
    assert store.traces(action().key) == [trace()]
    known = [store.is_of_earlier_format(action().key, each) for each in (path.stem, name, "0" * 64)]
    assert known == [True, False, False]
    flip(path)
    assert not store.is_of_earlier_format(action().key, path.stem)


def test_a_newer_trace_is_refused(store: Store) -> None:
    """A trace that a newer redoit wrote stops everything, and says so."""
    store.append(trace())
    (path,) = files_of(store)
    data = path.read_bytes().replace(b'"format":2', b'"format":99')
    path.with_name(f"{digest.of_bytes(data)}.json").write_bytes(data)
    with pytest.raises(StoreError, match="upgrade redoit"):
        store.traces(action().key)


def test_nothing_half_written(store: Store, tmp_path: Path) -> None:
    """What a crash left under a temporary name is no blob and no trace, and puts no one off."""
    made = put(store, b"content")
    store.append(trace())
    for path in files_of(store):
        (path.parent / ".tmp-0123456789abcdef").write_bytes(b"half")
    assert store.get(made.digest) == b"content"
    assert len(store.traces(action().key)) == 1
    left = [path for path in files_of(store) if path.name.startswith(".tmp-")]
    assert len(left) == 2
    store.restore(made, tmp_path / "restored")


def test_no_orphaned_files(store: Store, tmp_path: Path) -> None:
    """A store has the files that were put, and no others."""
    source = tmp_path / "output"
    source.write_bytes(b"content")
    for _ in range(2):
        put(store, source)
        put(store, b"other")
        store.append(trace())
    assert len(files_of(store)) == 3
    assert len([path for path in store.root.rglob("*") if path.is_file()]) == 3


def test_clear(store: Store) -> None:
    """A cleared store is empty, can be cleared again, and takes new blobs."""
    clear(store)
    made = put(store, b"content")
    store.append(trace())
    clear(store)
    assert files_of(store) == []
    assert not store.exists(made)
    assert store.traces(action().key) == []
    clear(store)
    assert store.get(put(store, b"content").digest) == b"content"


def test_stores_do_not_mix(store: Store, tmp_path: Path) -> None:
    """A second store next to the first has neither its blobs nor its traces."""
    made = put(store, b"content")
    store.append(replace(trace(), stage="first"))
    other = Store(tmp_path / "other")
    assert not other.exists(made)
    assert other.traces(action().key) == []


def test_a_blob_without_end_is_not_copied_or_read(store: Store, tmp_path: Path) -> None:
    """A blob that claims to be enormous costs neither room, nor memory, nor time."""
    made = put(store, b"model")
    os.truncate(store.blob_path(made.digest), 2**40)
    with pytest.raises(CorruptError, match="found 1,099,511,627,776 bytes, expected 5"):
        store.restore(made, tmp_path / "restored")
    assert not (tmp_path / "restored").exists()
    with pytest.raises(StoreError, match="expected 8,388,608 at most; look at the file itself"):
        store.get(made.digest)


def test_a_forged_size_does_not_put_a_true_blob_aside(store: Store, tmp_path: Path) -> None:
    """A trace with a wrong size makes its own blob absent, and no other."""
    made = put(store, b"model")
    with pytest.raises(CorruptError):
        store.restore(made._replace(size=6), tmp_path / "restored")
    assert store.get(made.digest) == b"model"


MODEL = artifact(b"model")
MADE = trace(manifest={"model": MODEL}, action=action(outputs=("model",)))
LINKS: dict[str, Callable[[Store], object]] = {
    "blobs": lambda store: put(store, b"model"),
    f"blobs/{MODEL.digest[:2]}": lambda store: put(store, b"model"),
    "traces": lambda store: store.append(MADE),
    f"traces/{MADE.action.key}": lambda store: store.append(MADE),
    "quarantine": lambda store: store.quarantine(store.root / "stray"),
}


@pytest.mark.parametrize("name", LINKS)
def test_nothing_is_written_through_a_link(store: Store, tmp_path: Path, name: str) -> None:
    """A link in the place of a folder of the store leads nothing out of it: no blob, no trace, nothing corrupt."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (store.root / name).parent.mkdir(parents=True, exist_ok=True)
    (store.root / name).symlink_to(outside)
    (store.root / "stray").write_bytes(b"stray")
    with pytest.raises(DiskError, match=f"{name}: found a link, expected a folder of redoit's; remove the link"):
        LINKS[name](store)
    assert list(outside.iterdir()) == []


def test_a_trace_too_large_to_be_read_again_is_not_recorded(store: Store) -> None:
    """A trace with megabytes of settings or metrics is refused with an error."""
    with pytest.raises(StoreError, match=r"train: settings, metrics and names take \d+,\d+,\d+ bytes, expected"):
        store.append(trace(metrics={f"{number:064}": 0.0 for number in range(2**17)}))
    assert files_of(store) == []


@pytest.mark.parametrize("whole", [True, False])
def test_an_existing_blob_is_synced(store: Store, tmp_path: Path, forced: list[str], whole: bool) -> None:
    """A blob that another process put is forced to the disk before anything relies on it."""
    blob = store.blob_path(digest.of_bytes(b"data"))
    blob.parent.mkdir(parents=True)
    for path in (blob, tmp_path / "file"):
        path.write_bytes(b"data")
    if whole:
        put(store, b"data")
    else:
        put(store, tmp_path / "file")
    assert {str(blob.parent), str(blob.parent.parent), str(store.root)} <= {*forced}


@pytest.mark.parametrize(("mode", "expected"), [(0o600, 0o600), (0o755, 0o644), (0o640, 0o640), (0o400, 0o600)])
def test_a_blob_is_no_more_readable_than_its_file(store: Store, tmp_path: Path, mode: int, expected: int) -> None:
    """Who may not read an output may not read its blob either, whatever the umask."""
    (tmp_path / "file").write_text("data")
    (tmp_path / "file").chmod(mode)
    assert blob_of(store, put(store, tmp_path / "file")).stat().st_mode & 0o777 == expected


def test_a_group_shares_all_but_what_a_file_hides(store: Store, tmp_path: Path) -> None:
    """In a folder that is made for a group, the group may use folders, traces and the lock, whatever our umask."""
    store.root.mkdir()
    store.root.chmod(0o2770)
    before = os.umask(0o077)
    try:
        (tmp_path / "file").write_text("data")
        store.append(trace())
        put(store, b"source")
        hidden = blob_of(store, put(store, tmp_path / "file"))
        with store.shared_lock():
            pass
    finally:
        os.umask(before)
    modes = {path: path.stat().st_mode & 0o2777 for path in store.root.rglob("*")}
    assert modes.pop(hidden) == 0o600
    assert {(path.is_dir(), mode) for path, mode in modes.items()} == {(True, 0o2770), (False, 0o660)}


def test_what_is_upstream_counts_and_stays(tmp_path: Path) -> None:
    """A trace and a blob of the store upstream are found and restored from there; what is put goes elsewhere."""
    shared = Store(tmp_path / "shared")
    made, name = put(shared, b"data"), shared.append(trace(sequence=shared.next_sequence()))
    before = files_of(shared)
    store = Store(tmp_path / "own", upstream=shared)
    assert (store.exists(made), store.verify(made), store.get(made.digest)) == (True, True, b"data")
    store.restore(made, tmp_path / "restored")
    assert (tmp_path / "restored").read_bytes() == b"data"
    found = store.trace_or_none(trace().action.key, name)
    assert found is not None
    other = store.append(trace(sequence=store.next_sequence()))
    assert [trace_name(each) for each in store.traces(trace().action.key)] == [name, other]
    put(store, b"data")
    assert Store(store.root).exists(made), "a trace that is recorded here needs it, whatever happens there"
    assert files_of(shared) == before


def test_a_store_that_is_not_there_can_be_made(tmp_path: Path) -> None:
    """A store is writable before it is made; one in whose place no folder can be is not."""
    assert Store(tmp_path / "absent/store").writable
    (tmp_path / "file").touch()
    assert not Store(tmp_path / "file").writable


@pytest.mark.parametrize("mode", [0o600, 0o755, 0o400, 0o664])
def test_permissions_are_restored(store: Store, tmp_path: Path, mode: int) -> None:
    """A restored file has the permissions of the manifest, whatever those of the blob and the umask are."""
    made = put(store, b"data")._replace(mode=mode)
    store.restore(made, tmp_path / "restored")
    assert (tmp_path / "restored").stat().st_mode & 0o7777 == mode


def test_holes_stay_in_a_store(store: Store, tmp_path: Path) -> None:
    """A file with a hole takes as little room in the store, and where it is restored."""
    with (tmp_path / "file").open("wb") as file:
        file.write(b"begin")
        file.truncate(2**24)
    made = put(store, tmp_path / "file")
    store.restore(made, tmp_path / "restored")
    for path in (blob_of(store, made), tmp_path / "restored"):
        assert (path.stat().st_size, path.stat().st_blocks <= 32) == (2**24, True)
