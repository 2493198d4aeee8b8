"""The lineage: who made what of what, in which run; and where one file came from."""

from dataclasses import replace

from examples import artifact, named
from lineages import FIRST, MAKE, RUNS, SECOND, USE, USED, made, run, two_stages

from redoit.history.run_log import StageRecord
from redoit.lineage.lineage import Lineage, provenance
from redoit.model import Stage, Status


def test_makers_and_sources() -> None:
    """A file's maker is the stage that declares it; other files are sources; stages of old runs are listed."""
    found = two_stages(*RUNS, run(0, gone=StageRecord(Status.KEPT)), traces=())
    assert found.makers == {"a.txt": MAKE, "b.txt": USE, "c.txt": USE}
    assert found.sources == ("in.txt",)
    assert found.undeclared == ("gone",)


def test_where_a_file_came_from() -> None:
    """The content that a step really read is followed, and not what its maker made later."""
    found = two_stages(*RUNS, traces=(FIRST, SECOND, USED))
    origins = provenance(found, "b.txt", artifact(b"b1").digest)
    assert [origin.path for origin in origins.values()] == ["b.txt", "a.txt", "in.txt"]
    root, read, source = origins.values()
    assert (root.stage, root.trace) == (USE, USED)
    assert [path for path, _ in root.inputs] == ["a.txt", "in.txt"]
    assert (read.trace, origins[read.inputs[0]]) == (FIRST, source)
    assert provenance(found, "a.txt")["a.txt", ""].trace == SECOND


def test_unmade_files() -> None:
    """The chain ends at content without a trace, and at a maker without a logged run."""
    found = two_stages(*RUNS, traces=(USED,))
    assert provenance(found, "b.txt", named("other"))["b.txt", named("other")].trace is None
    _, *read = provenance(found, "b.txt").values()
    assert [(origin.path, origin.trace, origin.inputs) for origin in read] == [
        ("a.txt", None, ()),
        ("in.txt", None, ()),
    ]
    assert provenance(two_stages(traces=()), "in.txt")["in.txt", ""].stage is None


def test_a_role_declared_no_longer() -> None:
    """An input whose role the stage has no longer stands under its role."""
    found = two_stages(traces=(made(MAKE, {"old": b"1"}, {"made": b"x"}),), latest={})
    latest = next(iter(found.traces))
    found = replace(found, latest={"make": [latest]})
    assert [path for path, _ in provenance(found, "a.txt")["a.txt", ""].inputs] == ["old"]


def test_a_deep_pipeline() -> None:
    """Ten thousand stages in a row have a provenance, too."""
    count = 10_000
    stages = [Stage(f"s{n}", "steps.s", {"in": f"{n}"}, {"out": f"{n + 1}"}) for n in range(count)]
    traces = {}
    for number, stage in enumerate(stages):
        one = made(stage, {"in": b"%d" % number}, {"out": b"%d" % (number + 1)})
        traces[one.name] = one
    latest = {each.stage: [name] for name, each in traces.items()}
    origins = provenance(Lineage(stages, traces=traces, latest=latest), f"{count}")
    assert len(origins) == count + 1
