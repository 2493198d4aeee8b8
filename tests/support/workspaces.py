"""A workspace that has a file of each kind, and the trace in it. Made without running anything."""

import sysconfig
from pathlib import Path

from redoit.digest import of_bytes
from redoit.history.run_log import MAX_CHANGED_STAGES, RunLog, RunRecord, StageRecord
from redoit.model import Action, Artifact, Environment, Input, Setting, Stage, Status, Trace
from redoit.source.project import Project
from redoit.state.source_cache import StepInfo
from redoit.state.workspace import Workspace
from redoit.storage.serialize import seal, trace_name

TRAIN = Stage("train", "steps.train", {}, {"model": "data/model"})


def some_trace() -> Trace:
    """Return a trace with something in each field."""
    settings = (Setting("epochs", "int", 5), Setting("rates", "list[float]", [0.5, float("inf")]))
    action = Action(
        ("function", "steps.train:run"),
        {"raw": Input("data/raw", of_bytes(b"raw"))},
        {},
        settings,
        {"model": "data/model"},
        {"steps.train:run": of_bytes(b"")},
        Environment(python="3.11"),
    )
    return Trace(
        action, {"model": Artifact(of_bytes(b"m"), 1)}, 1.5, 2.5, "train", "host", of_bytes(b""), {"loss": 0.5}
    )


def large_run() -> RunRecord:
    """Return a run with so many stages that the next such run refers to its record."""
    kept = StageRecord(Status.KEPT, some_trace().action.key, trace_name(some_trace()), step_seconds=2.5)
    return RunRecord("doit", 1.5, 2.5, {f"s{number}": kept for number in range(MAX_CHANGED_STAGES + 1)})


def whole_workspace(project: Path) -> Workspace:
    """Return a workspace that has a file of each kind."""
    project.mkdir(parents=True, exist_ok=True)
    (project / "input").write_text("input")
    workspace = Workspace(project)
    workspace.open()
    trace = some_trace()
    workspace.store.append(trace)
    workspace.remember(TRAIN, trace)
    workspace.store.next_sequence()
    workspace.invalidations.supersede("train", 0)
    workspace.invalidations.add("train", (), "forgotten")
    files = {str(project / "input"): [of_bytes(b"input"), 1, 2, 5, 3, 4]}
    (workspace.root / "stat-cache").write_bytes(seal(files))
    workspace.installed.owners(sysconfig.get_path("purelib"), "blake3/__init__.py")
    workspace.installed.save()
    known = StepInfo(read={str(project / "input"): of_bytes(b"input")})
    workspace.source_cache.add("steps.train", known, StepInfo(), Project(project))
    workspace.source_cache.save()
    workspace.trace_index.save()
    for started in (1.5, 2.5):
        RunLog(workspace.root).append(large_run()._replace(started=started))
    return workspace
