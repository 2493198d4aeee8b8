"""Lineages made without running anything: one of two stages, and one whose names are all the same."""

from dataclasses import replace
from typing import Any

from examples import action, artifact, named, trace

from redoit.history.run_log import RunRecord, StageRecord
from redoit.lineage.lineage import Lineage
from redoit.model import Environment, Input, Reason, Setting, Stage, Status, Trace

MAKE = Stage("make", "steps.make", {"source": "in.txt"}, {"made": "a.txt"})
USE = Stage("use", "steps.use", {"made": "a.txt", "other": "in.txt"}, {"out": "b.txt", "log": "c.txt"})
HOSTILE_NAMES = [
    "</script><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}",
    "a\u2028b\u2029",
    "\udcff\x00\x1b[31m",
    "x" * 100_000,
    "'\"&lt;",
]


def made(stage: Stage, inputs: dict[str, bytes], outputs: dict[str, bytes], **changes: Any) -> Trace:
    """Return a trace of a stage that read and wrote these contents, named as if it had been read."""
    done = action(
        inputs={role: Input(stage.inputs.get(role, role), artifact(data).digest) for role, data in inputs.items()},
        outputs={role: stage.outputs.get(role, role) for role in outputs},
    )
    manifest = {role: artifact(data) for role, data in outputs.items()}
    usual = trace(action=done, manifest=manifest, stage=stage.name, **changes)
    return replace(usual, name=named(repr(usual)))


def run(number: int, **stages: StageRecord) -> RunRecord:
    """Return a run."""
    return RunRecord(f"doit {number}", 1.7e9 + number, 1.0, stages, name=f"run{number}")


def two_stages(*runs: RunRecord, traces: tuple[Trace, ...], latest: dict[str, list[str]] | None = None) -> Lineage:
    """Return the lineage of MAKE and USE."""
    origins = {one.trace: each for each in runs for one in each.stages.values() if one.status == "ran"}
    return Lineage((MAKE, USE), runs, 0, {each.name: each for each in traces}, origins, latest or {})


FIRST = made(MAKE, {"source": b"1"}, {"made": b"a1"})
SECOND = made(MAKE, {"source": b"2"}, {"made": b"a2"}, started=1.8e9)
USED = made(USE, {"made": b"a1", "other": b"1"}, {"out": b"b1", "log": b""})
RUNS = (
    run(2, make=StageRecord(Status.RAN, "k", SECOND.name), use=StageRecord(Status.FAILED, error="no")),
    run(1, make=StageRecord(Status.RAN, "k", FIRST.name), use=StageRecord(Status.RAN, "k", USED.name)),
)


def all_named(name: str) -> Lineage:
    """Return a lineage in which everything that has a name has this one."""
    stage = Stage(name, name, {name: name}, {name + "o": "out/" + name}, environ=(name,))
    done = trace(
        action=action(
            inputs={name: Input(name, named("1"))},
            outputs={name + "o": "out/" + name},
            settings=(Setting(name, name, name),),
            code={name: named("2")},
            environment=Environment(packages={name: name}),
        ),
        manifest={name + "o": artifact(b"1")},
        stage=name,
        host=name,
        metrics={name: 1.5, "nan": float("nan"), "inf": float("inf")},
        name=named("t"),
    )
    stages = {
        name: StageRecord(Status.RAN, named("k"), done.name, 1.0, 2.0, (Reason("setting", name, name, name),)),
        name + "2": StageRecord(Status.FAILED, error=name),
        "lost": StageRecord(Status.KEPT, named("k"), named("lost")),
    }
    newest = RunRecord(name, 1.7e9, 5.0, stages, 2.0, name="run")
    texts = {done.log: name[:100]}
    return Lineage([stage], [newest], 3, {done.name: done}, {done.name: newest}, {name: [done.name]}, texts)
