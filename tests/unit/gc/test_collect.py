"""What gc removes from a store, what it leaves, and what is moved to quarantine."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from examples import action, artifact, put, trace
from projects import PATIENCE, until, waits_for_lock

from redoit import digest
from redoit.errors import DiskError
from redoit.gc import collect
from redoit.gc.policy import Removal, RetentionPolicy
from redoit.model import Input, Trace
from redoit.storage.serialize import trace_name
from redoit.storage.store import Store

NOW = time.time()
DAY = 86_400.0
ELSEWHERE = """
import sys
from pathlib import Path

from redoit.gc.collect import collect
from redoit.gc.policy import RetentionPolicy
from redoit.storage.store import Store

print("begun", flush=True)
collect(Store(Path(sys.argv[1])), RetentionPolicy(older_than=0), tuple)
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a store."""
    return Store(tmp_path / "store")


def kept(store: Store, content: bytes, *, stage: str = "train", started: float = NOW, used: float = NOW) -> Trace:
    """Put the blobs of a trace, and record it, used at a time."""
    made = trace(
        manifest={"model": put(store, content), "history": put(store, b"shared")},
        action=action(
            inputs={"normalized": Input("in", digest.of_bytes(content))}, code={"a:run": put(store, b"code").digest}
        ),
        log=put(store, b"log of " + content).digest,
        started=started,
        stage=stage,
    )
    path = store.trace_path(made.action.key, store.append(made))
    os.utime(path, (used, used))
    return made


def collected(store: Store, policy: RetentionPolicy, *gc_roots: Trace, dry: bool = False) -> Removal:
    """Collect, or only report; some traces are of outputs in place."""
    names = {trace_name(one) for one in gc_roots}
    return collect.collect(store, policy, lambda: names, dry_run=dry)


def left(store: Store) -> set[str]:
    """Return the names of the traces that are left, and see that each has its blobs."""
    held = collect.inventory(store)
    for one in held.traces:
        assert held.blobs.keys() >= set(one.blobs)
    return {one.name for one in held.traces}


def test_without_a_policy_only_orphans_go(store: Store) -> None:
    """Without a policy, unnamed blobs, old temporary files and the quarantine go; each trace stays, whole."""
    made = kept(store, b"model")
    unnamed = put(store, b"unnamed")
    old, new = store.root / "blobs/.tmp-old", store.root / "blobs/.tmp-new"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    (store.root / "quarantine").mkdir()
    (store.root / "quarantine/thing").write_bytes(b"corrupt")
    done = collected(store, RetentionPolicy())
    assert (done.traces, done.blobs, done.freed) == (
        (),
        (unnamed.digest,),
        unnamed.size + len(b"half") + len(b"corrupt"),
    )
    assert left(store) == {trace_name(made)}
    assert (old.exists(), new.exists(), list((store.root / "quarantine").iterdir())) == (False, True, [])


def test_orphans_outside_the_store_go(store: Store, tmp_path: Path) -> None:
    """Old temporary files go from other folders, too, if they are named; what else is in these stays."""
    beside = tmp_path / "latest"
    beside.mkdir()
    for name in (".tmp-old", "train"):
        (beside / name).write_bytes(b"half")
        os.utime(beside / name, (1, 1))
    done = collect.collect(store, RetentionPolicy(), lambda: (), folders=[beside, tmp_path / "absent"])
    assert done.orphans == (beside / ".tmp-old",)
    assert [path.name for path in beside.iterdir()] == ["train"]


def test_a_blob_goes_only_when_its_traces_are_gone_for_good(store: Store, forced: list[str]) -> None:
    """Where another's removal of a trace may not be on the disk, that is forced before its blobs go."""
    made, other = kept(store, b"model"), kept(store, b"other", used=1)
    store.trace_path(made.action.key, trace_name(made)).unlink()
    forced.clear()
    collected(store, RetentionPolicy(), other)
    assert {str(store.root / "traces" / made.action.key), str(store.root / "traces"), str(store.root)} <= {*forced}
    forced.clear()
    collected(store, RetentionPolicy(older_than=0))
    assert {str(store.root / "traces"), str(store.root)} <= {*forced}


@pytest.mark.parametrize("above", [0, 1, 2], ids=["trace", "its folder", "their folder"])
def test_traces_that_can_not_be_read_are_not_taken_for_absent(
    store: Store, failing: Callable[[Path], None], above: int
) -> None:
    """Where the disk fails nothing is collected: a trace that can't be read may need its blobs."""
    made = kept(store, b"model")
    place = store.trace_path(made.action.key, trace_name(made))
    failing((place, *place.parents)[above])
    with pytest.raises(DiskError, match="Input/output error"):
        collected(store, RetentionPolicy(older_than=0))
    assert place.exists()
    assert store.get(digest.of_bytes(b"model")) == b"model"


def test_what_can_not_be_read_is_not_taken_for_corrupt(store: Store, failing: Callable[[Path], None]) -> None:
    """On a failing disk nothing is moved to quarantine, so a repaired disk has all files."""
    kept(store, b"model")
    blob = store.blob_path(digest.of_bytes(b"model"))
    failing(blob)
    with pytest.raises(DiskError, match="Input/output error"):
        collect.check(store)
    assert blob.exists()


def test_traces_are_gone_for_good_before_blobs(store: Store, forced: list[str]) -> None:
    """What is cleared leaves no trace behind, on the disk, when its blobs go."""
    kept(store, b"model")
    forced.clear()
    collect.clear(store)
    assert forced == [str(store.root)]
    assert list(store.root.iterdir()) == [store.root / "use"]


@pytest.mark.parametrize("dry", [True, False])
def test_older_than(store: Store, dry: bool) -> None:
    """What was not used for long goes, with the blobs that only it needs; a preview says so, and removes none."""
    old = kept(store, b"old", used=NOW - 40 * DAY)
    new = kept(store, b"new", started=NOW - 40 * DAY, used=NOW)
    done = collected(store, RetentionPolicy(older_than=30 * DAY), dry=dry)
    assert [one.name for one in done.traces] == [trace_name(old)]
    assert sorted(done.blobs) == sorted([digest.of_bytes(b"old"), digest.of_bytes(b"log of old")])
    assert left(store) == ({trace_name(old)} if dry else set()) | {trace_name(new)}


def test_traces_of_outputs_in_place_stay(store: Store) -> None:
    """No policy removes a trace of outputs in place, nor its blobs."""
    resting, other = kept(store, b"resting", used=1), kept(store, b"other", used=2)
    collected(store, RetentionPolicy(older_than=0, max_size=0), resting)
    assert left(store) == {trace_name(resting)}
    assert store.traces(other.action.key) == []
    assert store.get(artifact(b"resting").digest) == b"resting"


def test_keep_last(store: Store) -> None:
    """The newest of each stage stay, by when they were made, and are removed by no other limit."""
    traces = [kept(store, b"%d" % number, started=NOW + number, used=NOW - number) for number in range(4)]
    others = [kept(store, b"x%d" % number, started=NOW + number, used=1, stage="other") for number in range(2)]
    newest = {trace_name(one) for one in (*traces[2:], *others)}
    collected(store, RetentionPolicy(max_size=0, keep_last=2))
    assert left(store) == newest
    collected(store, RetentionPolicy(keep_last=1))
    assert left(store) == {trace_name(traces[3]), trace_name(others[1])}


def test_max_size(store: Store) -> None:
    """The least recently used go first, no more of them than it takes."""
    traces = [kept(store, bytes([number]) * 10_000, used=NOW + number) for number in range(4)]
    limit = collect.inventory(store).size - 25_000
    done = collected(store, RetentionPolicy(max_size=limit))
    assert {one.name for one in done.traces} == {trace_name(one) for one in traces[:2]}
    assert done.remaining == collect.inventory(store).size <= limit


def test_a_trace_that_misses_an_output_goes(store: Store) -> None:
    """A trace that can't be restored is removed without any policy, unless its outputs are in place."""
    made = kept(store, b"model")
    store.blob_path(digest.of_bytes(b"model")).unlink()
    collected(store, RetentionPolicy(), made)
    assert left_names(store) == {trace_name(made)}
    assert collected(Store(store.root, constructive=False), RetentionPolicy()).traces == ()
    collected(store, RetentionPolicy())
    assert left(store) == set()


def left_names(store: Store) -> set[str]:
    """Return the names of the traces that are left."""
    return {one.name for one in collect.inventory(store).traces}


def test_check_puts_aside_what_is_corrupt(store: Store) -> None:
    """A file that does not match its name is moved to quarantine and named, once; others stay."""
    made = kept(store, b"model" * 100)
    other = kept(store, b"other")
    blob = store.blob_path(digest.of_bytes(b"model" * 100))
    blob.write_bytes(blob.read_bytes()[:-1] + b"X")
    record = store.trace_path(other.action.key, trace_name(other))
    record.write_bytes(record.read_bytes() + b" ")
    (store.root / "blobs/ab").mkdir(exist_ok=True)
    (store.root / "blobs/ab/link").symlink_to(blob)
    (store.root / "traces/file").write_bytes(b"foreign")
    _, found = collect.check(store)
    expected = [blob, record, store.root / "blobs/ab/link", store.root / "traces/file"]
    assert sorted(found) == sorted(str(path.relative_to(store.root)) for path in expected)
    assert len(list((store.root / "quarantine").iterdir())) == 4
    left, found = collect.check(store)
    assert found == []
    assert [one.name for one in left.unrestorable] == [trace_name(made)]


def test_traces_of_an_earlier_format_are_collected(store: Store) -> None:
    """To check a store leaves traces of an earlier format alone; to collect removes them and what only they name."""
    made = kept(store, b"model")
    data = (Path(__file__).parent.parent / "golden/trace-1.json").read_bytes()
    path = store.trace_path("a" * 64, digest.of_bytes(data))
    path.parent.mkdir()
    path.write_bytes(data)
    blob = store.blob_path(put(store, b"named by the earlier trace").digest)
    assert collect.check(store)[1] == []
    assert path in collected(store, RetentionPolicy(), dry=True).orphans
    collected(store, RetentionPolicy())
    assert (path.parent.exists(), blob.exists(), left(store)) == (False, False, {trace_name(made)})


def test_who_collects_waits_for_who_uses(store: Store) -> None:
    """Nothing is removed while another process uses the store."""
    kept(store, b"model", used=1)
    with store.shared_lock():
        process = subprocess.Popen([sys.executable, "-c", ELSEWHERE, store.root], stdout=subprocess.PIPE)
        assert process.stdout
        assert process.stdout.readline() == b"begun\n"
        until(lambda: waits_for_lock(process.pid))
        assert len(left(store)) == 1
    process.communicate(timeout=PATIENCE)
    assert (process.returncode, left(store)) == (0, set())


@pytest.mark.parametrize("name", ["quarantine", "blobs", "traces", f"blobs/{digest.of_bytes(b'')[:2]}"])
def test_nothing_behind_a_link_is_touched(store: Store, tmp_path: Path, name: str) -> None:
    """What a link in a store leads to is not the store's: nothing there is looked at, moved or removed."""
    kept(store, b"model")
    outside = tmp_path / "outside"
    for file in (digest.of_bytes(b"")[2:], ".tmp-old", f"{digest.of_bytes(b'')[:2]}/{digest.of_bytes(b'')[2:]}"):
        (outside / file).parent.mkdir(parents=True, exist_ok=True)
        (outside / file).write_bytes(b"theirs")
        os.utime(outside / file, (0, 0))
    before = sorted(outside.rglob("*"))
    shutil.rmtree(store.root / name, ignore_errors=True)
    (store.root / name).symlink_to(outside)
    collected(store, RetentionPolicy(older_than=0))
    collect.check(store)
    collect.clear(store)
    assert sorted(outside.rglob("*")) == before
    assert not os.path.lexists(store.root / name.partition("/")[0])


def test_an_orphan_with_the_longest_name_is_quarantined(store: Store) -> None:
    """A corrupt file with a name of 255 bytes is moved to quarantine too, once for each."""
    for folder in ("blobs/ab", "traces/ab"):
        (store.root / folder).mkdir(parents=True)
        (store.root / folder / ("\u0430" * 127)).write_bytes(b"foreign")
    assert len(collect.check(store)[1]) == 2
    assert len(list((store.root / "quarantine").iterdir())) == 2


def test_a_blob_is_digested_through_the_file_that_was_opened(store: Store, tmp_path: Path) -> None:
    """A blob that is a link to the right bytes is not what it should be."""
    made = put(store, b"content")
    blob = store.blob_path(made.digest)
    blob.rename(tmp_path / "elsewhere")
    blob.symlink_to(tmp_path / "elsewhere")
    assert len(collect.check(store)[1]) == 1
    assert (tmp_path / "elsewhere").read_bytes() == b"content"
