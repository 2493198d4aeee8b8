"""The checkouts that share a store: what their outputs rest on stays in it."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from examples import action, trace

from redoit.errors import DiskError
from redoit.gc.checkouts import gc_roots, other_checkouts, register
from redoit.model import Stage
from redoit.state.workspace import Workspace
from redoit.storage.serialize import trace_name

STAGE = Stage("train:big/one", "steps.train", {}, {"model": "model"})


def opened(project: Path, store: Path | None = None) -> Workspace:
    """Return an open workspace that is registered with its store."""
    workspace = Workspace(project, store)
    workspace.open()
    register(workspace)
    return workspace


def test_a_record_that_names_another_folder_counts_for_nothing(tmp_path: Path) -> None:
    """Who shares a store is known by the digest of his folder: a record under another name leads nowhere."""
    shared = opened(tmp_path / "one", tmp_path / "store")
    shared.remember(STAGE, trace())
    other = opened(tmp_path / "two", tmp_path / "store")
    assert gc_roots(other) == {trace_name(trace())}
    (record,) = (record for record in (tmp_path / "store/checkouts").iterdir() if b"/one/" in record.read_bytes())
    record.rename(record.with_name("a" * 64))
    assert gc_roots(other) == set()


def test_outputs_of_another_dodo_file_stay(tmp_path: Path) -> None:
    """What an equally named stage of another dodo file made is a gc root as long as its output is there."""
    workspace = opened(tmp_path)
    theirs = trace(action=action(outputs={"model": "other", "history": "gone"}))
    workspace.store.append(theirs)
    (tmp_path / "other").touch()
    workspace.remember(STAGE, theirs)
    workspace.remember(STAGE, trace())
    assert gc_roots(workspace) == {trace_name(theirs), trace_name(trace())}


def test_a_shared_store_records_its_checkouts(tmp_path: Path) -> None:
    """A checkout that is gone relies on nothing; one whose record was damaged has it mended when it is opened next."""
    checkouts = [Workspace(tmp_path / name, tmp_path / "store") for name in ("one", "two")]
    for seconds, checkout in enumerate(checkouts):
        register(checkout)
        checkout.remember(STAGE, trace(seconds=seconds))
    for record in (tmp_path / "store/checkouts").iterdir():
        record.write_bytes(b"{}")
    first, second = (trace_name(trace(seconds=seconds)) for seconds in range(2))
    assert gc_roots(checkouts[0]) == {first}
    register(checkouts[1])
    assert gc_roots(checkouts[0]) == {first, second}
    shutil.rmtree(tmp_path / "two")
    assert gc_roots(checkouts[0]) == {first}


def test_a_store_may_be_in_a_checkout(tmp_path: Path) -> None:
    """Who shares the store of another checkout counts that one, too, which has no record there."""
    owner = Workspace(tmp_path / "one")
    guest = Workspace(tmp_path / "two", tmp_path / "one/.redoit")
    for seconds, checkout in enumerate((owner, guest)):
        register(checkout)
        checkout.remember(STAGE, trace(seconds=seconds))
    assert gc_roots(owner) == gc_roots(guest) == {trace_name(trace(seconds=seconds)) for seconds in range(2)}
    assert (other_checkouts(owner), other_checkouts(guest)) == ({guest.root}, {owner.root})


def test_a_checkout_that_is_hidden_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder whose existence can't be determined counts as existing."""
    one, two = (Workspace(tmp_path / name, tmp_path / "store") for name in ("one", "two"))
    register(two)
    true = os.stat

    def stat(path: Any, **named: Any) -> os.stat_result:
        if os.fspath(path) == os.fspath(two.root):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return true(path, **named)

    monkeypatch.setattr(os, "stat", stat)
    assert other_checkouts(one) == {two.root}


@pytest.mark.parametrize("name", ["latest", "latest/train%3Abig%2Fone", "checkouts"])
def test_gc_roots_are_complete_or_an_error(tmp_path: Path, failing: Callable[[Path], None], name: str) -> None:
    """A failing disk is an error, not an empty set of traces to keep."""
    workspace = opened(tmp_path)
    workspace.remember(STAGE, trace(stage=STAGE.name))
    failing(workspace.root / name)
    with pytest.raises(DiskError, match="Input/output error"):
        gc_roots(workspace)
