"""The state of one checkout: the latest traces of each stage, and the format of its folder."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from examples import action, artifact, put, trace

from redoit.errors import DiskError, StoreError
from redoit.model import FORMAT, Policy, Reason, Stage, Trace
from redoit.state.invalidations import Invalidation
from redoit.state.workspace import Workspace, files_in_place
from redoit.storage.serialize import trace_name
from redoit.storage.store import Store

STAGE = Stage("train:big/one", "steps.train", {}, {"model": "model"})


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Return an open workspace."""
    made = Workspace(tmp_path)
    made.open()
    return made


def test_open(tmp_path: Path, workspace: Workspace) -> None:
    """The folder is made once, says its format, is hidden from git, and opens again."""
    assert json.loads((tmp_path / ".redoit/format").read_bytes()) == {"format": FORMAT}
    assert (tmp_path / ".redoit/.gitignore").read_text() == "*\n"
    workspace.open()


@pytest.mark.parametrize("found", [FORMAT + 1, "1", None])
def test_a_newer_format_is_refused(tmp_path: Path, workspace: Workspace, found: object) -> None:
    """What a newer redoit made is not touched."""
    (tmp_path / ".redoit/format").write_text(json.dumps({"format": found}))
    with pytest.raises(StoreError, match="upgrade redoit"):
        workspace.open()


@pytest.mark.parametrize("data", [b"", b"garbage", b"[]", b"{}", b"null", b"\xff"])
def test_a_garbage_format_is_refused(tmp_path: Path, workspace: Workspace, data: bytes) -> None:
    """A folder whose format can't be read is refused in one line, with the way out."""
    (tmp_path / ".redoit/format").write_bytes(data)
    with pytest.raises(StoreError, match="nothing is lost with it") as caught:
        workspace.open()
    assert "\n" not in str(caught.value)


def test_an_earlier_format_is_raised_once(tmp_path: Path, workspace: Workspace) -> None:
    """A folder of an earlier format is of this one after a command that may write, which is told so, once."""
    (tmp_path / ".redoit/format").write_bytes(b'{"format":1}')
    (tmp_path / ".redoit/distrust").mkdir()
    (tmp_path / ".redoit/distrust/train").write_bytes(b"{}")
    assert not workspace.open(create=False)
    assert [workspace.open(), workspace.open()] == [True, False]
    assert json.loads((tmp_path / ".redoit/format").read_bytes()) == {"format": FORMAT}
    assert workspace.invalidations.get("train") == Invalidation(Reason("forgotten"))


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    """A `.redoit` that is a file can't be used, and that is said."""
    (tmp_path / ".redoit").touch()
    with pytest.raises(DiskError, match="expected a folder; move it away"):
        Workspace(tmp_path).open()


def test_latest(tmp_path: Path, workspace: Workspace) -> None:
    """The trace that outputs came from last is found again by the next process."""
    assert workspace.latest(STAGE) is None
    workspace.store.append(trace())
    workspace.remember(STAGE, trace())
    found = Workspace(tmp_path).latest(STAGE)
    assert found is not None
    assert found.digests == trace().digests


def test_earlier_results(tmp_path: Path, workspace: Workspace) -> None:
    """The results that a stage had are found again, each once, the latest first, and no more than a few."""
    made = [trace(started=float(number)) for number in range(12)]
    for one in made:
        workspace.store.append(one)
        workspace.remember(STAGE, one)
    workspace.remember(STAGE, made[9])
    found = [one.started for one in Workspace(tmp_path).earlier(STAGE)]
    assert found == [9, 11, 10, 8, 7, 6, 5, 4]
    (tmp_path / ".redoit/traces" / made[11].action.key / f"{trace_name(made[11])}.json").unlink()
    assert [one.started for one in workspace.earlier(STAGE)] == [9, 10, 8, 7, 6, 5, 4]


def test_impure_traces_are_private(workspace: Workspace) -> None:
    """The traces of an impure stage stand apart."""
    impure = Stage("fetch", "steps.fetch", {}, {}, Policy(impure=True))
    assert workspace.store_of(impure) is workspace.private
    assert workspace.store_of(STAGE) is workspace.store


def made_by(stage: Stage, **changes: Any) -> Trace:
    """Return a trace of a stage, which has its outputs."""
    return trace(
        action=action(outputs=dict(stage.outputs)), manifest=dict.fromkeys(stage.outputs, artifact(b"m")), **changes
    )


def test_outputs_of_another_declaration_are_remembered(tmp_path: Path, workspace: Workspace) -> None:
    """What another dodo file made with a stage of this name is remembered while its output is there."""
    other = STAGE._replace(outputs={"model": "other"})
    mine, theirs, newer = made_by(STAGE), made_by(other), made_by(STAGE, started=2.0)
    (tmp_path / "other").touch()
    for stage, made in ((other, theirs), (STAGE, mine), (STAGE, newer)):
        workspace.store.append(made)
        workspace.remember(stage, made)
    (path,) = (workspace.root / "latest").iterdir()
    assert files_in_place(json.loads(path.read_bytes())) == {"model": trace_name(newer), "other": trace_name(theirs)}
    (tmp_path / "other").unlink()
    workspace.remember(STAGE, mine)
    assert files_in_place(json.loads(path.read_bytes())) == {"model": trace_name(mine)}


@pytest.mark.parametrize("files", [None, 1, {}, [1], [["a" * 64]], {"path": 1}, {"path": "a"}, {"path": ["a" * 64]}])
def test_damaged_files_are_none(files: object) -> None:
    """What redoit would not have written counts for nothing."""
    assert files_in_place({"files": files}) == {}


def test_a_checkout_of_a_shared_store_has_copies(tmp_path: Path) -> None:
    """The trace that outputs rest on is found when the shared store has lost it; a private one needs no copy."""
    workspace = Workspace(tmp_path, tmp_path / "store")
    impure = STAGE._replace(name="fetch", policy=Policy(impure=True))
    for stage in (STAGE, impure):
        workspace.store_of(stage).append(trace())
        workspace.remember(stage, trace())
    shutil.rmtree(tmp_path / "store")
    assert workspace.latest(STAGE) == trace()
    assert workspace.traces(STAGE, trace().action.key) == [trace()]
    shutil.rmtree(workspace.root / "copies")
    assert (workspace.latest(STAGE), workspace.latest(impure)) == (None, trace())
    workspace.store.append(trace())
    workspace.remember(STAGE, trace())
    assert workspace.copies.traces(trace().action.key) == [trace()]


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"key": "..", "trace": "\\u0000"}', b'{"key": 1, "trace": []}'])
def test_a_damaged_latest_is_none(workspace: Workspace, data: bytes) -> None:
    """A note that can't be read is lost without harm."""
    workspace.store.append(trace())
    workspace.remember(STAGE, trace())
    (path,) = (workspace.root / "latest").iterdir()
    path.write_bytes(data)
    assert workspace.latest(STAGE) is None


LINKS: dict[str, Callable[[Workspace], object]] = {
    "latest": lambda workspace: workspace.remember(STAGE, trace()),
    "invalidations": lambda workspace: workspace.invalidations.add("train", (), "forgotten"),
    "logs": lambda workspace: workspace.log("train"),
}


@pytest.mark.parametrize("folder", LINKS)
def test_nothing_is_written_through_a_link(tmp_path: Path, workspace: Workspace, folder: str) -> None:
    """A link in the place of one of redoit's folders is an error, and its target stays unchanged."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (workspace.root / folder).symlink_to(outside)
    with pytest.raises(DiskError, match=rf"{folder}: found a link, expected a folder of redoit's"):
        LINKS[folder](workspace)
    assert list(outside.iterdir()) == []


def test_what_is_used_is_synced(workspace: Workspace, forced: list[str]) -> None:
    """A trace and an invalidation that another process wrote are synced before they are used."""
    made = trace(stage=STAGE.name)
    place, mark = workspace.store.trace_path(made.action.key, trace_name(made)), workspace.root / "invalidations/other"
    for path in (place, mark):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"")
    workspace.remember(STAGE, made)
    assert forced.index(str(place.parent)) < forced.index(str(workspace.root / "latest"))
    workspace.invalidations.add(STAGE.name, ("other",), "forgotten")
    assert forced.count(str(mark.parent)) == 2  # for the mark that was there, and for the new one


def test_an_unreadable_invalidation_counts(workspace: Workspace, failing: Callable[[Path], None]) -> None:
    """If an invalidation can't be read, the stage counts as invalidated, but adding one fails."""
    failing(workspace.root / "invalidations")
    assert workspace.invalidations.get("train") == Invalidation(Reason("forgotten"))
    failing(workspace.root / "invalidations/train")
    with pytest.raises(DiskError, match="Input/output error"):
        workspace.invalidations.add("fetch", ("train",), "forgotten")


def test_a_store_that_can_not_be_written_is_only_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a shared store can't be written, its results count and new ones go to the checkout's own folder."""
    shared = tmp_path / "shared"
    made = put(Store(shared), b"data")
    monkeypatch.setattr(os, "access", lambda path, _mode: not os.fspath(path).startswith(os.fspath(shared)))
    workspace = Workspace(tmp_path / "project", shared)
    assert workspace.store.root == workspace.root
    assert not workspace.shares_store
    assert workspace.store.exists(made)
