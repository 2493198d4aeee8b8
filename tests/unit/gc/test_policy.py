"""What a retention rule removes."""

from examples import action, artifact, trace
from hypothesis import given
from hypothesis import strategies as st

from redoit.gc.policy import Inventory, RetentionPolicy, removal, stored_trace
from redoit.storage.serialize import trace_name


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 5), st.sets(st.integers(0, 5)), st.booleans()), max_size=8
    ),
    st.none() | st.integers(0, 60),
    st.none() | st.integers(0, 5),
    st.none() | st.integers(0, 3),
)
def test_a_plan_leaves_no_trace_without_its_blobs(
    rows: list[tuple[str, int, set[int], bool]], size: int | None, age: int | None, last: int | None
) -> None:
    """Under all rules, traces of outputs in place stay, traces that stay have their blobs, and other blobs go."""
    held = []
    for number, (stage, used, contents, _) in enumerate(rows):
        manifest = {str(each): artifact(bytes([each]) * each) for each in contents}
        made = trace(
            stage=stage, started=float(number), manifest=manifest, action=action(outputs=tuple(manifest), code={})
        )
        held.append(stored_trace(made.action.key, trace_name(made), made, 1, float(used)))
    names = {made.digest: made.size for one in held for made in one.outputs}
    gc_roots = {one.name for one, row in zip(held, rows, strict=True) if row[3]}
    blobs = {**dict.fromkeys((blob for one in held for blob in one.blobs), 1), **names, artifact(b"stray").digest: 5}
    found = removal(Inventory(tuple(held), blobs), {}, RetentionPolicy(size, age, last), gc_roots, 6.0)
    staying = [one for one in held if one not in found.traces]
    remaining = blobs.keys() - set(found.blobs)
    assert gc_roots <= {one.name for one in staying}
    assert remaining == {blob for one in staying for blob in one.blobs}
    assert found.remaining == sum(blobs[blob] for blob in remaining) + len(staying)
    if size is not None and last is None and not gc_roots:
        assert found.remaining <= size
