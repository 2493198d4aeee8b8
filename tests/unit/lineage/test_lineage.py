"""The lineage: who made what of what, in which run; and where one file came from."""

from dataclasses import replace
from typing import Any

from examples import action, artifact, named, trace

from redoit.history.run_log import RunRecord, StageRecord
from redoit.lineage.export import lineage_json, provenance_json
from redoit.lineage.lineage import Lineage, in_order, provenance
from redoit.model import Stage, Status, Trace

MAKE = Stage("make", "steps.make", {"source": "in.txt"}, {"made": "a.txt"})
USE = Stage("use", "steps.use", {"made": "a.txt", "other": "in.txt"}, {"out": "b.txt", "log": "c.txt"})


def made(stage: Stage, inputs: dict[str, bytes], outputs: dict[str, bytes], **changes: Any) -> Trace:
    """Return a trace of a stage that read and wrote these contents, named as if it had been read."""
    done = action(inputs={role: artifact(data).digest for role, data in inputs.items()}, outputs=tuple(outputs))
    manifest = {role: artifact(data) for role, data in outputs.items()}
    usual = trace(action=done, manifest=manifest, stage=stage.name, **changes)
    return replace(usual, name=named(repr(usual)))


def run(number: int, **stages: StageRecord) -> RunRecord:
    """Return a run."""
    return RunRecord(f"doit {number}", 1.7e9 + number, 1.0, stages, name=f"run{number}")


def lineage(*runs: RunRecord, traces: tuple[Trace, ...], latest: dict[str, list[str]] | None = None) -> Lineage:
    """Return the lineage of the two stages."""
    origins = {one.trace: each for each in runs for one in each.stages.values() if one.status == "ran"}
    return Lineage((MAKE, USE), runs, 0, {each.name: each for each in traces}, origins, latest or {})


FIRST = made(MAKE, {"source": b"1"}, {"made": b"a1"})
SECOND = made(MAKE, {"source": b"2"}, {"made": b"a2"}, started=1.8e9)
USED = made(USE, {"made": b"a1", "other": b"1"}, {"out": b"b1", "log": b""})
RUNS = (
    run(2, make=StageRecord(Status.RAN, "k", SECOND.name), use=StageRecord(Status.FAILED, error="no")),
    run(1, make=StageRecord(Status.RAN, "k", FIRST.name), use=StageRecord(Status.RAN, "k", USED.name)),
)


def test_makers_and_sources() -> None:
    """A file's maker is the stage that declares it; other files are sources; stages of old runs are listed."""
    found = lineage(*RUNS, run(0, gone=StageRecord(Status.KEPT)), traces=())
    assert found.makers == {"a.txt": (MAKE, "made"), "b.txt": (USE, "out"), "c.txt": (USE, "log")}
    assert found.sources == ("in.txt",)
    assert found.undeclared == ("gone",)


def test_the_order_of_stages() -> None:
    """Stages are ordered by depth, then as declared."""
    other = Stage("other", "steps.other", {}, {"made": "o.txt"})
    for runnable in (("make", "use", "other"), ("other", "make", "use")):
        assert in_order([USE, other, MAKE], runnable) == [other, MAKE, USE]


def test_where_a_file_came_from() -> None:
    """The content that a step really read is followed, and not what its maker made later."""
    found = lineage(*RUNS, traces=(FIRST, SECOND, USED))
    root = provenance(found, "b.txt", artifact(b"b1").digest)
    assert (root.stage, root.trace) == (USE, USED)
    assert [origin.path for origin in root.inputs] == ["a.txt", "in.txt"]
    assert root.inputs[0].trace == FIRST
    assert root.inputs[0].inputs[0] is root.inputs[1]
    assert [origin.path for origin in root.all()] == ["b.txt", "a.txt", "in.txt"]
    assert provenance(found, "a.txt").trace == SECOND


def test_unmade_files() -> None:
    """The chain ends at content without a trace, and at a maker without a logged run."""
    found = lineage(*RUNS, traces=(USED,))
    assert provenance(found, "b.txt", named("other")).trace is None
    root = provenance(found, "b.txt")
    assert [(origin.path, origin.trace, origin.inputs) for origin in root.inputs] == [
        ("a.txt", None, ()),
        ("in.txt", None, ()),
    ]
    assert provenance(lineage(traces=()), "in.txt", "").stage is None


def test_a_role_declared_no_longer() -> None:
    """An input whose role the stage has no longer stands under its role."""
    found = lineage(traces=(made(MAKE, {"old": b"1"}, {"made": b"x"}),), latest={})
    latest = next(iter(found.traces))
    found = replace(found, latest={"make": [latest]})
    assert [origin.path for origin in provenance(found, "a.txt").inputs] == ["old"]


def test_a_deep_pipeline() -> None:
    """Ten thousand stages in a row have a provenance, too."""
    count = 10_000
    stages = [Stage(f"s{n}", "steps.s", {"in": f"{n}"}, {"out": f"{n + 1}"}) for n in range(count)]
    traces = {}
    for number, stage in enumerate(stages):
        one = made(stage, {"in": b"%d" % number}, {"out": b"%d" % (number + 1)})
        traces[one.name] = one
    latest = {each.stage: [name] for name, each in traces.items()}
    root = provenance(Lineage(stages, traces=traces, latest=latest), f"{count}")
    assert len(root.all()) == count + 1


def test_for_programs() -> None:
    """The export has each trace once, with the run that made it, and says what is unknown."""
    found = lineage_json(
        lineage(*RUNS, run(0, use=StageRecord(Status.KEPT, named("k"), named("lost"))), traces=(FIRST, USED))
    )
    assert found["traces"][FIRST.name]["run"] == "run1"
    assert found["traces"][USED.name]["metrics"] == {"accuracy": 0.99, "loss": "inf"}
    assert found["runs"][0]["stages"]["use"]["error"] == "no"
    assert named("lost") not in found["traces"]
    files = provenance_json(provenance(lineage(*RUNS, traces=(FIRST, USED)), "b.txt"), lineage(traces=()))["files"]
    assert [(each["path"], each["stage"]) for each in files] == [("b.txt", "use"), ("a.txt", "make"), ("in.txt", None)]
