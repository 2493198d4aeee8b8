"""The trace index: an entry counts for one action, its outputs and one store only."""

import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from examples import put
from workspaces import TRAIN, some_trace, whole_workspace

from redoit.model import Action, Environment, Input, Setting, Trace
from redoit.state.workspace import Workspace
from redoit.storage.serialize import seal, trace_name, unseal
from redoit.storage.store import Store

TRACE = some_trace()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the folder of a project whose stage has been proven current."""
    workspace = whole_workspace(tmp_path)
    put(workspace.store, b"m")
    return tmp_path


def proven(root: Path, action: Action = TRACE.action, observed: dict[str, str | None] | None = None) -> Trace | None:
    """Return what a new process takes for proven."""
    workspace = Workspace(root)
    return workspace.trace_index.up_to_date(
        "train", workspace.store, action, TRACE.digests if observed is None else observed
    )


def test_an_entry_is_the_trace_itself(root: Path) -> None:
    """What was remembered is the trace as the store has it, name and key included."""
    found = proven(root)
    assert found == TRACE
    assert found == Workspace(root).latest(TRAIN)
    assert found.name == Workspace(root).latest(TRAIN).name
    assert found.action.key == TRACE.action.key


def setting(value: object, kind: str = "int") -> tuple[Setting, ...]:
    """Return the settings with another number of epochs."""
    return (Setting("epochs", kind, value), *TRACE.action.settings[1:])


OTHERS = {
    "another step": {"step": ("function", "steps.other:run")},
    "an input": {"inputs": {"raw": Input("data/raw", "0" * 64)}},
    "an input at another path": {"inputs": {"raw": TRACE.action.inputs["raw"]._replace(path="raw")}},
    "an input more": {"inputs": {**TRACE.action.inputs, "more": Input("more", "0" * 64)}},
    "a file that it uses": {"uses": {"params.yaml": "0" * 64}},
    "an output at another path": {"outputs": {"model": "model"}},
    "a setting": {"settings": setting(6)},
    "a setting that is equal in Python": {"settings": setting(5.0)},
    "a setting of another kind": {"settings": setting(5, "str")},
    "code": {"code": {"steps.train:run": "0" * 64}},
    "no code": {"code": {}},
    "a version": {"environment": Environment(python="3.12")},
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_another_action_is_not_proven(root: Path, other: dict[str, Any]) -> None:
    """An entry does not count for an action that differs, even if only in a value's type."""
    assert proven(root, replace(TRACE.action)) is not None
    assert proven(root, replace(TRACE.action, **other)) is None


@pytest.mark.parametrize("observed", [{"model": "0" * 64}, {"model": None}, {}, {**TRACE.digests, "more": None}])
def test_other_outputs_are_not_proven(root: Path, observed: dict[str, str | None]) -> None:
    """An output with other bytes, none at all, or one more is not what the trace made."""
    assert proven(root, observed=observed) is None


def trace_of(root: Path) -> Path:
    """Return the file of the trace."""
    return next((root / ".redoit/traces").rglob("*.json"))


def blob_of(root: Path) -> Path:
    """Return the file of the output's blob."""
    return Workspace(root).store.blob_path(TRACE.manifest["model"].digest)


def rewritten(root: Path) -> None:
    """Change the trace in place, and leave its size and its time of modification."""
    before = trace_of(root).stat()
    trace_of(root).write_bytes(trace_of(root).read_bytes().replace(b"host", b"HOST"))
    os.utime(trace_of(root), ns=(before.st_atime_ns, before.st_mtime_ns))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "the trace is gone": lambda root: trace_of(root).unlink(),
    "the trace has other bytes": rewritten,
    "the trace is a hole of 10 GB": lambda root: os.truncate(trace_of(root), 10 * 2**30),
    "the blob is gone": lambda root: blob_of(root).unlink(),
    "the blob is shorter": lambda root: blob_of(root).write_bytes(b""),
    "nothing names the trace": lambda root: (root / ".redoit/latest/train").unlink(),
    "a bit of the memory flipped": lambda root: (root / ".redoit/trace-index").write_bytes(b"0"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_what_the_store_has_lost_is_not_proven(root: Path, damage: Callable[[Path], object]) -> None:
    """An entry counts only while the trace, its name in `latest/` and its blobs exist."""
    assert proven(root) is not None
    damage(root)
    assert proven(root) is None


@pytest.mark.parametrize("field", ["log", "key", "name"])
def test_a_forged_entry_is_no_way_to_other_files(root: Path, field: str) -> None:
    """What would name a file elsewhere does not count, though its seal is right."""
    path = root / ".redoit/trace-index"
    forged = unseal(path.read_bytes())
    forged["stages"]["train"][field] = "../../../secret"
    path.write_bytes(seal(forged))
    assert proven(root) is None
    key, name = forged["stages"]["train"]["key"], forged["stages"]["train"]["name"]
    assert Workspace(root).trace_index.lookup("train", Workspace(root).store, key, name) is None


def test_tables_that_no_stage_is_of_are_left_out(root: Path) -> None:
    """Code that was changed does not stay for ever."""
    workspace = Workspace(root)
    changed = replace(TRACE, action=replace(TRACE.action, code={"steps.train:other": "0" * 64}))
    workspace.trace_index.add("train", changed)
    workspace.trace_index.add("test", TRACE)
    workspace.trace_index.add("test", changed)
    workspace.trace_index.save()
    text = (root / ".redoit/trace-index").read_bytes()
    assert (text.count(b'"steps.train:run":'), text.count(b'"steps.train:other":')) == (0, 1)
    workspace.store.append(changed)
    assert proven(root, changed.action) == changed


def test_metrics_without_end_are_remembered(root: Path) -> None:
    """An infinite metric, which JSON has not, does not keep the index from being written."""
    workspace = Workspace(root)
    odd = replace(TRACE, metrics={"loss": math.inf})
    workspace.store.append(odd)
    workspace.trace_index.add("train", odd)
    workspace.trace_index.save()
    assert proven(root) == odd


def test_stages_with_the_same_code_share_its_table(root: Path) -> None:
    """Code and environment are written down once, not once for each stage."""
    workspace = Workspace(root)
    size = (root / ".redoit/trace-index").read_bytes().count(b'"steps.train:run":')
    for number in range(9):
        workspace.trace_index.add(f"train:{number}", TRACE)
    workspace.trace_index.save()
    assert (root / ".redoit/trace-index").read_bytes().count(b'"steps.train:run":') == size == 1


def test_a_trace_that_is_named_is_remembered(root: Path) -> None:
    """To be shown, the trace is found by key and name, and no other one."""
    workspace = Workspace(root)
    key, name = TRACE.action.key, trace_name(TRACE)
    assert workspace.trace_index.lookup("train", workspace.store, key, name) == TRACE
    assert workspace.trace_index.lookup("train", workspace.store, key, "0" * 64) is None
    assert workspace.trace_index.lookup("train", workspace.store, "0" * 64, name) is None
    assert workspace.trace_index.lookup("other", workspace.store, key, name) is None


def test_what_is_upstream_counts(root: Path, tmp_path: Path) -> None:
    """A trace that only a store upstream has, with its blobs, is proven as one in the checkout's own store."""
    shared = tmp_path / "shared"
    shared.mkdir()
    for name in ("blobs", "traces"):
        (root / ".redoit" / name).rename(shared / name)
    assert proven(root) is None
    workspace = Workspace(root)
    store = Store(workspace.root, upstream=Store(shared))
    assert workspace.trace_index.up_to_date("train", store, TRACE.action, TRACE.digests) == TRACE
