"""A `.redoit/` as the version before wrote it: no invalidation is lost, caches are begun again."""

import os
from pathlib import Path

import pytest
from examples import trace

from redoit.model import Reason, Stage
from redoit.plugin.migrate import OLD_CACHES, migrate
from redoit.state.workspace import Workspace

STAGE = Stage("train", "steps.train", {}, {"model": "model"})
FORGOTTEN = b'{"command":"doit forget train","kind":"forgotten","since":1795478400.0,"subject":""}'
UPSTREAM = b'{"command":"doit forget train","kind":"upstream","old":"was forgotten","since":1.0,"subject":"train"}'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the state of a checkout with a trace, two invalidations and caches under their old names."""
    workspace = Workspace(tmp_path)
    workspace.open()
    workspace.store.append(trace())
    workspace.remember(STAGE, trace())
    (workspace.root / "distrust").mkdir()
    (workspace.root / "distrust/train").write_bytes(FORGOTTEN)
    (workspace.root / "distrust/test%3Abig").write_bytes(UPSTREAM)
    for name in OLD_CACHES:
        (workspace.root / name).write_bytes(b"cache")
    return workspace.root


def reopened(root: Path) -> Workspace:
    """Return the workspace as this version opens it."""
    workspace = Workspace(root.parent)
    workspace.open()
    migrate(root)
    return workspace


@pytest.mark.parametrize("create", [True, False])
def test_invalidations_and_traces_stay(root: Path, create: bool) -> None:
    """Stages that were invalidated still are, for the same reasons, also where one only looks; traces are found."""
    workspace = Workspace(root.parent)
    workspace.open(create=create)
    migrate(root)
    found = workspace.invalidations.get("train")
    assert (found.reason, found.since, found.command) == (Reason("forgotten"), 1795478400.0, "doit forget train")
    assert workspace.invalidations.get("test:big").reason == Reason("upstream", "train", "was forgotten")
    assert workspace.latest(STAGE).digests == trace().digests
    assert not (root / "distrust").exists()


def test_caches_are_begun_again(root: Path) -> None:
    """What stood under the names of before is gone."""
    reopened(root)
    assert not {*OLD_CACHES} & {*os.listdir(root)}


def test_both_folders_become_one(root: Path) -> None:
    """After the version before ran once more, what each version invalidated stays invalidated."""
    (root / "invalidated").mkdir()
    (root / "invalidated/train").write_bytes(UPSTREAM)
    (root / "invalidated/other").write_bytes(FORGOTTEN)
    (root / "distrust/odd").symlink_to("nowhere")
    (root / "distrust/.tmp-1").touch()
    workspace = reopened(root)
    assert sorted(os.listdir(root / "invalidated")) == ["odd", "other", "test%3Abig", "train"]
    assert workspace.invalidations.get("train").reason.kind == "upstream"
    assert workspace.invalidations.get("odd").reason == Reason("forgotten")
    assert not (root / "distrust").exists()


def test_an_invalidation_is_on_the_disk_before_the_old_one_goes(root: Path, forced: list[str]) -> None:
    """A power failure at any time leaves each stage invalidated, in the old folder or the new one."""
    (root / "invalidated").mkdir()
    (root / "invalidated/train").write_bytes(b"{}")
    reopened(root)
    old, new = str(root / "distrust"), str(root / "invalidated")
    folders = [path for path in forced if path in (old, new)]
    assert folders.index(new) < folders.index(old)
    assert (folders.count(new), folders.count(old)) == (2, 2)


def test_one_rename_is_enough(root: Path, forced: list[str]) -> None:
    """Where only the old folder is there, it gets its new name at once, which is forced to the disk."""
    reopened(root)
    assert forced == [str(root)]
