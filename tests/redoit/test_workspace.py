"""The state of one checkout: the latest traces of each stage, and whose folder it is."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from examples import trace

from redoit.errors import DiskError, StoreError
from redoit.model import FORMAT, Policy, Stage
from redoit.reasons import Reason
from redoit.state.invalidations import Invalidation
from redoit.state.workspace import Saved, Workspace
from redoit.storage.serialize import seal, trace_name

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


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"key": "..", "trace": "\\u0000"}', b'{"key": 1, "trace": []}'])
def test_a_damaged_latest_is_none(workspace: Workspace, data: bytes) -> None:
    """A note that can't be read is lost without harm."""
    workspace.store.append(trace())
    workspace.remember(STAGE, trace())
    (path,) = (workspace.root / "latest").iterdir()
    path.write_bytes(data)
    assert workspace.latest(STAGE) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"seconds": "1", "kept": 1, "restored": 1},
        {"seconds": 1.0, "kept": True, "restored": 1},
        {"seconds": 1.0, "kept": -1, "restored": 1},
        {"seconds": 1e300, "kept": 1, "restored": 1},
        {"seconds": [], "kept": {}, "restored": None},
        [1.0, 1, 1],
        None,
    ],
)
def test_forged_figures_are_none(workspace: Workspace, fields: object) -> None:
    """Figures that can't be ours, if under the right seal, are lost without harm."""
    (workspace.root / "saved").write_bytes(seal(fields))
    assert workspace.saved == Saved()
    workspace.save(1.5, 2, 3)
    assert workspace.saved == Saved(1.5, 2, 3)


LINKS: dict[str, Callable[[Workspace], object]] = {
    "latest": lambda workspace: workspace.remember(STAGE, trace()),
    "distrust": lambda workspace: workspace.invalidations.add("train", (), "forgotten"),
    "logs": lambda workspace: workspace.log("train"),
}


@pytest.mark.parametrize("folder", LINKS)
def test_nothing_is_written_through_a_link(tmp_path: Path, workspace: Workspace, folder: str) -> None:
    """A link in the place of a folder of ours is told, and what it leads to stays as it is."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (workspace.root / folder).symlink_to(outside)
    with pytest.raises(DiskError, match=rf"{folder}: found a link, expected a folder of redoit's"):
        LINKS[folder](workspace)
    assert list(outside.iterdir()) == []


def test_a_card_that_names_another_folder_counts_for_nothing(tmp_path: Path) -> None:
    """Who shares a store is known by the digest of his folder: a card under another name leads nowhere."""
    shared = Workspace(tmp_path / "one", tmp_path / "store")
    shared.open()
    shared.remember(STAGE, trace())
    other = Workspace(tmp_path / "two", tmp_path / "store")
    other.open()
    assert other.gc_roots() == {trace_name(trace())}
    (card,) = (card for card in (tmp_path / "store/checkouts").iterdir() if b"/one/" in card.read_bytes())
    card.rename(card.with_name("a" * 64))
    assert other.gc_roots() == set()


def test_who_shares_a_store_is_known_to_it(tmp_path: Path) -> None:
    """A checkout that is gone relies on nothing; one whose card was damaged has it mended when it is opened next."""
    checkouts = [Workspace(tmp_path / name, tmp_path / "store") for name in ("one", "two")]
    for seconds, checkout in enumerate(checkouts):
        checkout.open()
        checkout.remember(STAGE, trace(seconds=seconds))
    for card in (tmp_path / "store/checkouts").iterdir():
        card.write_bytes(b"{}")
    first, second = (trace_name(trace(seconds=seconds)) for seconds in range(2))
    assert checkouts[0].gc_roots() == {first}
    checkouts[1].open()
    assert checkouts[0].gc_roots() == {first, second}
    shutil.rmtree(tmp_path / "two")
    assert checkouts[0].gc_roots() == {first}


def test_a_store_may_be_in_a_checkout(tmp_path: Path) -> None:
    """Who shares the store of another checkout counts that one, too, which has no card there."""
    owner = Workspace(tmp_path / "one")
    guest = Workspace(tmp_path / "two", tmp_path / "one/.redoit")
    for seconds, checkout in enumerate((owner, guest)):
        checkout.open()
        checkout.remember(STAGE, trace(seconds=seconds))
    assert owner.gc_roots() == guest.gc_roots() == {trace_name(trace(seconds=seconds)) for seconds in range(2)}
    assert (owner.others(), guest.others()) == ({guest.root}, {owner.root})


def test_a_checkout_that_is_hidden_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of which the system does not tell whether it is there may be there."""
    one, two = (Workspace(tmp_path / name, tmp_path / "store") for name in ("one", "two"))
    two.open()
    true = os.stat

    def stat(path: Any, **named: Any) -> os.stat_result:
        if os.fspath(path) == os.fspath(two.root):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return true(path, **named)

    monkeypatch.setattr(os, "stat", stat)
    assert one.others() == {two.root}


def test_what_is_relied_on_is_forced(workspace: Workspace, forced: list[str]) -> None:
    """A trace and a mark that another process wrote are forced to the disk before one relies on them."""
    made = trace(stage=STAGE.name)
    place, mark = workspace.store.place(made.action.key, trace_name(made)), workspace.root / "distrust/other"
    for path in (place, mark):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"")
    workspace.remember(STAGE, made)
    assert forced.index(str(place.parent)) < forced.index(str(workspace.root / "latest"))
    workspace.invalidations.add(STAGE.name, ("other",), "forgotten")
    assert forced.count(str(mark.parent)) == 2  # for the mark that was there, and for the new one


@pytest.mark.parametrize("name", ["latest", "latest/train%3Abig%2Fone", "checkouts"])
def test_what_outputs_rest_on_is_told_for_sure_or_not_at_all(
    workspace: Workspace, failing: Callable[[Path], None], name: str
) -> None:
    """A disk that fails does not let it seem that outputs rest on nothing."""
    workspace.remember(STAGE, trace(stage=STAGE.name))
    failing(workspace.root / name)
    with pytest.raises(DiskError, match="Input/output error"):
        workspace.gc_roots()


def test_a_mark_that_can_not_be_looked_at_is_one(workspace: Workspace, failing: Callable[[Path], None]) -> None:
    """Where it can't be told whether a stage is distrusted, it is; but nobody is told that it has been marked."""
    failing(workspace.root / "distrust")
    assert workspace.invalidations.get("train") == Invalidation(Reason("forgotten"))
    failing(workspace.root / "distrust/train")
    with pytest.raises(OSError, match="Input/output error"):
        workspace.invalidations.add("fetch", ("train",), "forgotten")
