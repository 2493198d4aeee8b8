"""What a garbage collection removes, decided from an inventory alone."""

from dataclasses import replace
from pathlib import Path

import pytest
from examples import action, artifact, named, trace
from hypothesis import given
from hypothesis import strategies as st

from redoit.gc.policy import Inventory, Removal, RetentionPolicy, StoredTrace, removal, stored_trace
from redoit.storage.serialize import trace_name

NOW = 1000.0
USUAL = RetentionPolicy()


def stored(name: str, *contents: bytes, stage: str = "train", started: float = 0.0, used: float = NOW) -> StoredTrace:
    """Return a trace of one byte whose outputs have some contents."""
    outputs = tuple(map(artifact, contents))
    return StoredTrace("key", name, stage, started, 1.0, outputs, tuple(made.digest for made in outputs), 1, used)


def inventory(*traces: StoredTrace) -> Inventory:
    """Return the inventory of a store that has some traces with all their blobs."""
    return Inventory(traces, {made.digest: made.size for each in traces for made in each.outputs})


def removed(policy: RetentionPolicy, *traces: StoredTrace, gc_roots: tuple[str, ...] = ()) -> str:
    """Return the names of the traces that a policy removes, as one text."""
    return "".join(each.name for each in removal(inventory(*traces), policy, gc_roots, NOW).traces)


def test_from_an_empty_store_nothing_goes() -> None:
    """Where there is nothing, no policy removes anything."""
    policy = RetentionPolicy(max_size=0, older_than=0.0, keep_last=1)
    assert removal(Inventory((), {}), policy, (), NOW) == Removal((), (), (), 0, 0)


def test_blobs_and_files_that_nobody_needs_are_counted() -> None:
    """Unnamed blobs and orphaned files free their bytes, of which only the blobs were the store's own."""
    held = inventory(stored("a", b"model"))
    held.blobs[artifact(b"unnamed").digest] = 7
    found = removal(held._replace(orphans={Path(".tmp-1"): 100}), USUAL, (), NOW)
    assert found == Removal((), (artifact(b"unnamed").digest,), (Path(".tmp-1"),), freed=107, remaining=6)


@pytest.mark.parametrize("size", [None, 4, 6], ids=["absent", "short", "long"])
def test_a_trace_whose_output_can_not_be_restored_goes(size: int | None) -> None:
    """A trace that misses a blob, or has one of another size, goes unless its outputs are in place or not stored."""
    whole, broken = stored("a", b"whole"), stored("b", b"whole", b"model")
    blobs = {artifact(b"whole").digest: 5, **({artifact(b"model").digest: size} if size else {})}
    held = Inventory((whole, broken), blobs)
    assert held.unrestorable == (broken,)
    assert removal(held, USUAL, (), NOW).traces == (broken,)
    assert removal(held, USUAL, {"b"}, NOW).traces == ()
    assert Inventory(held.traces, blobs, constructive=False).unrestorable == ()


def test_what_was_used_long_ago_goes() -> None:
    """A trace of exactly that age stays, an older one goes, save that of outputs in place."""
    traces = [stored(name, used=NOW - age) for name, age in {"a": 9.0, "b": 10.0, "c": 10.5, "d": 99.0}.items()]
    assert removed(RetentionPolicy(older_than=10.0), *traces) == "cd"
    assert removed(RetentionPolicy(older_than=10.0), *traces, gc_roots=("d",)) == "c"


def test_the_newest_of_each_stage_stay() -> None:
    """Alone, `keep_last` removes all but the newest by start; beside another limit it only keeps them."""
    times = {"a": 1.0, "b": 3.0, "c": 2.0}
    traces = [stored(name, started=started, used=started) for name, started in times.items()]
    other = stored("z", stage="other", used=0.0)
    assert removed(RetentionPolicy(keep_last=1), *traces, other) == "ac"
    assert removed(RetentionPolicy(keep_last=2), *traces, other) == "a"
    assert removed(RetentionPolicy(keep_last=1, older_than=NOW), *traces, other) == ""
    assert removed(RetentionPolicy(keep_last=1, max_size=10**9), *traces, other) == ""
    assert removed(RetentionPolicy(keep_last=1, older_than=NOW - 1.5), *traces, other) == "a"


@pytest.mark.parametrize(("limit", "names"), [(33, ""), (32, "b"), (22, "b"), (21, "bc"), (11, "bc"), (10, "abc")])
def test_the_least_recently_used_go_until_the_size_is_right(limit: int, names: str) -> None:
    """No more goes than it takes: three traces of eleven bytes each are removed in the order of their last use."""
    used = {"a": 3.0, "b": 1.0, "c": 2.0}
    traces = [stored(name, name.encode() * 10, used=time) for name, time in used.items()]
    assert removed(RetentionPolicy(max_size=limit), *traces) == names


def test_a_shared_blob_is_freed_with_its_last_trace() -> None:
    """To remove one of two traces with the same output frees the trace alone."""
    traces = [stored(name, b"x" * 100, used=used) for name, used in {"a": 1.0, "b": 2.0, "c": 3.0}.items()]
    found = removal(inventory(*traces), RetentionPolicy(max_size=101), (), NOW)
    assert (found.traces, found.blobs, found.freed, found.remaining) == (tuple(traces[:2]), (), 2, 101)
    found = removal(inventory(*traces), RetentionPolicy(max_size=100), (), NOW)
    assert (found.blobs, found.freed, found.remaining) == ((artifact(b"x" * 100).digest,), 103, 0)


def test_a_stored_trace_names_each_blob_once() -> None:
    """Outputs, log and code are the blobs of a trace, one that is several of these only once."""
    made = trace(
        manifest={"model": artifact(b"log"), "history": artifact(b"")}, action=action(code={"a": named("log")})
    )
    found = stored_trace(made, 5, 7.0)
    assert sorted(found.blobs) == sorted({named("log"), named("")})
    assert (found.outputs, found.size, found.used) == ((artifact(b"log"), artifact(b"")), 5, 7.0)


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 5), st.sets(st.integers(0, 5)), st.booleans()), max_size=8
    ),
    st.none() | st.integers(0, 60),
    st.none() | st.integers(0, 5),
    st.none() | st.integers(0, 3),
)
def test_no_trace_is_left_without_its_blobs(
    rows: list[tuple[str, int, set[int], bool]], size: int | None, age: int | None, last: int | None
) -> None:
    """Under any policy, traces of outputs in place stay, traces that stay have their blobs, and other blobs go."""
    held = []
    for number, (stage, used, contents, _) in enumerate(rows):
        manifest = {str(each): artifact(bytes([each]) * each) for each in contents}
        made = trace(
            stage=stage, started=float(number), manifest=manifest, action=action(outputs=tuple(manifest), code={})
        )
        held.append(stored_trace(replace(made, name=trace_name(made)), 1, float(used)))
    names = {made.digest: made.size for one in held for made in one.outputs}
    gc_roots = {one.name for one, row in zip(held, rows, strict=True) if row[3]}
    blobs = {**dict.fromkeys((blob for one in held for blob in one.blobs), 1), **names, artifact(b"unnamed").digest: 5}
    found = removal(Inventory(tuple(held), blobs), RetentionPolicy(size, age, last), gc_roots, 6.0)
    staying = [one for one in held if one not in found.traces]
    remaining = blobs.keys() - set(found.blobs)
    assert gc_roots <= {one.name for one in staying}
    assert remaining == {blob for one in staying for blob in one.blobs}
    assert found.remaining == sum(blobs[blob] for blob in remaining) + len(staying)
    if size is not None and last is None and not gc_roots:
        assert found.remaining <= size
