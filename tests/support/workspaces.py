"""A workspace that has a file of each kind, and the trace in it. Made without running anything."""

from pathlib import Path

from redoit.digest import of_bytes
from redoit.environment import _folders
from redoit.formats import name_of_trace, sealed
from redoit.history import FEW
from redoit.known import Known
from redoit.records import Action, Artifact, Setting, Stage, Trace
from redoit.source import Project
from redoit.verdicts import Invocation, Verdict
from redoit.workspace import Workspace

TRAIN = Stage("train", "steps.train", {}, {"model": "data/model"})


def some_trace() -> Trace:
    """Return a trace with something in each field."""
    settings = (Setting("epochs", "int", 5), Setting("rates", "list[float]", [0.5, float("inf")]))
    action = Action(
        {"raw": of_bytes(b"raw")}, settings, ("model",), {"steps.train:run": of_bytes(b"")}, {"python": "3.11"}
    )
    return Trace(
        action, {"model": Artifact(of_bytes(b"m"), 1)}, 1.5, 2.5, "train", "host", of_bytes(b""), {"loss": 0.5}
    )


def large_run() -> Invocation:
    """Return a run with so many stages that its record refers to a table."""
    kept = Verdict("kept", some_trace().action.key, name_of_trace(some_trace()), made=2.5)
    return Invocation("doit", 1.5, 2.5, {f"s{number}": kept for number in range(FEW + 1)})


def whole_workspace(project: Path) -> Workspace:
    """Return a workspace that has a file of each kind."""
    project.mkdir(parents=True, exist_ok=True)
    (project / "input").write_text("input")
    workspace = Workspace(project)
    workspace.open()
    trace = some_trace()
    workspace.store.append(trace)
    workspace.remember(TRAIN, trace)
    workspace.marks.put("train", (), "forgotten")
    files = {str(project / "input"): [of_bytes(b"input"), 1, 2, 5, 3, 4]}
    (workspace.root / "files").write_bytes(sealed(files))
    environment = {"folders": _folders(), "owners": {"h5py": {"h5py": "3"}}}
    (workspace.root / "environment").write_bytes(sealed(environment))
    known = Known(read={str(project / "input"): of_bytes(b"input")})
    workspace.steps.learn("steps.train", known, Project(project))
    workspace.steps.save()
    workspace.proofs.save()
    workspace.history.append(large_run())
    workspace.save(1.0, 1, 0)
    return workspace
