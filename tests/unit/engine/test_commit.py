"""Outputs take their places, and what nobody recorded there is set aside."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from examples import artifact, put, trace

from redoit.engine.commit import place_outputs
from redoit.errors import DiskError
from redoit.model import Stage, Trace
from redoit.state.rescued import rescued
from redoit.state.workspace import Workspace

STAGE = Stage("train", "steps.train", {}, {"model": "data/model", "history": "other/history"})


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Return a workspace of the project that is the working directory."""
    monkeypatch.chdir(tmp_path)
    made = Workspace(Path())
    made.open()
    return made


def placed(workspace: Workspace, text: str = "new") -> tuple[str, ...]:
    """Place the two outputs of the stage, with one text; return the warnings."""
    paths = {}
    for role, target in STAGE.outputs.items():
        paths[role] = Path(target).parent / "staging" / role
        paths[role].parent.mkdir(parents=True, exist_ok=True)
        paths[role].write_text(text)
    return place_outputs(workspace, STAGE, paths, made(text))


def made(text: str) -> Trace:
    """Return the trace of outputs with one text."""
    return replace(trace(), manifest=dict.fromkeys(STAGE.outputs, artifact(text.encode())))


def texts() -> list[str]:
    """Return what is in place."""
    return [Path(path).read_text() for path in STAGE.outputs.values()]


def test_nothing_is_in_the_way(workspace: Workspace) -> None:
    """Where nothing was, or the same bytes, outputs take their places without a word."""
    for _ in range(2):
        assert placed(workspace) == ()
        assert texts() == ["new", "new"]
    assert rescued(workspace.root) == []


@pytest.mark.parametrize("known", ["other trace", "earlier trace", "blob"])
def test_what_was_recorded_is_replaced(workspace: Workspace, known: str) -> None:
    """Bytes that a trace of the stage records, or that the store has, are replaced."""
    placed(workspace, "old")
    if known == "blob":
        put(workspace.store, b"old")
    else:
        workspace.store.append(made("old"))
    if known == "earlier trace":
        workspace.remember(STAGE, made("old"))
    assert placed(workspace) == ()
    assert texts() == ["new", "new"]


def test_an_empty_file_is_no_loss(workspace: Workspace) -> None:
    """A file without bytes is replaced without a word."""
    placed(workspace)
    Path(STAGE.outputs["model"]).write_text("")
    assert placed(workspace) == ()


@pytest.mark.parametrize("kind", ["file", "folder", "link", "broken link"])
def test_what_nobody_recorded_is_set_aside(workspace: Workspace, kind: str) -> None:
    """A file, a folder or a link that no run made is moved away, and a warning says where to."""
    path = Path(STAGE.outputs["model"])
    path.parent.mkdir()
    Path("new").write_text("new")
    if kind == "folder":
        path.mkdir()
    elif kind == "file":
        path.write_text("by hand")
    else:
        path.symlink_to("../new" if kind == "link" else "absent")
    before = path.lstat()
    (warning,) = placed(workspace)
    (place,) = rescued(workspace.root)
    assert warning == f"data/model held what no run recorded: it is now {place}"
    assert os.path.samestat(place.lstat(), before)
    assert (texts(), path.is_symlink(), Path("new").read_text()) == (["new", "new"], False, "new")


def test_a_corrupt_blob_is_no_copy(workspace: Workspace) -> None:
    """Bytes whose blob is corrupt are not in the store: they are set aside."""
    placed(workspace, "old")
    found = put(workspace.store, b"old")
    workspace.store.blob_path(found.digest).write_text("bad")
    assert len(placed(workspace)) == 2


def test_all_or_none_take_their_places(workspace: Workspace) -> None:
    """Where one output can't be set aside, the others are where they were."""
    for path in STAGE.outputs.values():
        Path(path).parent.mkdir()
        Path(path).write_text("by hand")
    true = Path.rename

    def rename(path: Path, target: Path) -> Path:
        if path == Path(STAGE.outputs["history"]):
            raise OSError(16, "Device or resource busy")
        return true(path, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        with pytest.raises(DiskError, match="other/history: Device or resource"):
            placed(workspace)
    assert texts() == ["by hand", "by hand"]
