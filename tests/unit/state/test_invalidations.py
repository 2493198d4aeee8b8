"""Invalidations: they make stages run again although traces exist."""

import errno
import json
import sys
import time
from pathlib import Path

import pytest

from redoit.errors import DiskError
from redoit.model import Reason
from redoit.state.invalidations import Invalidations

NAME = "train:big/one"


@pytest.fixture
def invalidations(tmp_path: Path) -> Invalidations:
    """Return the invalidations of a checkout, none."""
    return Invalidations(tmp_path)


def found(invalidations: Invalidations, stage: str) -> Reason | None:
    """Return why a stage must run again."""
    mark = invalidations.get(stage)
    return mark and mark.reason


@pytest.mark.parametrize(("kind", "words"), [("forgotten", "was forgotten"), ("uncached", "is not cached")])
def test_invalidation_reaches_dependents_and_survives(
    tmp_path: Path, invalidations: Invalidations, kind: str, words: str
) -> None:
    """The invalidation of a stage and its dependents is on disk for the next process, until each has run."""
    invalidations.add("import", ("normalize", NAME), kind)
    later = Invalidations(tmp_path)
    assert found(later, "import") == Reason(kind, "")
    for dependent in ("normalize", NAME):
        assert found(later, dependent) == Reason("upstream", "import", words)
    later.remove("import")
    later.remove("import")
    assert invalidations.get("import") is None
    assert invalidations.get("normalize") is not None
    assert invalidations.get("other") is None


def test_dependents_are_invalidated_first(invalidations: Invalidations, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash between the invalidations leaves dependents that run in vain, never a stage that runs alone."""
    replace = Path.replace

    def fails_for_import(self: Path, target: Path) -> Path:
        if target.name == "import":
            raise OSError(errno.EIO, "Input/output error")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fails_for_import)
    with pytest.raises(DiskError, match="Input/output"):
        invalidations.add("import", ("normalize",), "forgotten")
    assert invalidations.get("import") is None
    assert invalidations.get("normalize") is not None


def test_a_file_that_another_process_removed_is_written_again(tmp_path: Path, invalidations: Invalidations) -> None:
    """What was on disk when the folder was listed may be gone when a dependent is invalidated."""
    invalidations.add("train", (), "forgotten")
    later = Invalidations(tmp_path)
    assert later.get("train") is not None
    invalidations.remove("train")
    later.add("import", ("train",), "forgotten")
    assert Invalidations(tmp_path).get("train") is not None


def test_its_own_invalidation_is_kept(invalidations: Invalidations) -> None:
    """A dependent that was invalidated itself keeps its own reason."""
    invalidations.add("train", (), "forgotten")
    invalidations.add("import", ("train",), "uncached")
    assert found(invalidations, "train") == Reason("forgotten", "")


@pytest.mark.parametrize("data", [b"", b"garbage", b"[]", b'{"kind": "unknown", "subject": ""}', b"{}", b"\xff"])
def test_an_unreadable_invalidation_is_one(tmp_path: Path, invalidations: Invalidations, data: bytes) -> None:
    """In doubt a stage runs."""
    invalidations.add("train", (), "uncached")
    (tmp_path / "invalidations/train").write_bytes(data)
    assert found(invalidations, "train") == Reason("forgotten")


def test_an_invalidation_has_time_and_command(invalidations: Invalidations, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repeated invalidation keeps the first time; so do those of dependents."""
    monkeypatch.setattr("sys.argv", ["/usr/bin/doit", "forget", "import"])
    monkeypatch.setattr(time, "time", lambda: 1000.5)
    invalidations.add("import", ("train",), "forgotten")
    monkeypatch.setattr(time, "time", lambda: 2000.5)
    monkeypatch.setattr("sys.argv", ["/usr/bin/doit", "forget", "all"])
    invalidations.add("import", ("train",), "forgotten")
    for stage in ("import", "train"):
        mark = invalidations.get(stage)
        assert mark is not None
        assert (mark.command, mark.since) == ("doit forget import", 1000.5)


@pytest.mark.parametrize("since", ["1e999", "-1", '"now"', "[]", "1e300", "NaN"])
def test_an_invalidation_with_an_impossible_time(tmp_path: Path, invalidations: Invalidations, since: str) -> None:
    """An impossible time is not shown; the invalidation counts."""
    invalidations.add("train", (), "forgotten")
    text = f'{{"kind": "forgotten", "since": {since}, "command": "\\u001b[2J"}}'
    (tmp_path / "invalidations/train").write_text(text)
    mark = invalidations.get("train")
    assert mark is not None
    assert (mark.since, mark.command) == (None, "\\x1b[2J")


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "setting", "subject": "x", "old": "y"},
        {"kind": "upstream", "subject": ["x"], "old": "was forgotten"},
        {"kind": "upstream", "subject": "x", "old": "\x1b[2J"},
        {"kind": "upstream", "subject": "x"},
        {"kind": ["forgotten"], "subject": ""},
    ],
)
def test_a_forged_invalidation_is_hidden(
    tmp_path: Path, invalidations: Invalidations, fields: dict[str, object]
) -> None:
    """Only reasons that redoit writes are read; any other content still is an invalidation."""
    invalidations.add("train", (), "uncached")
    (tmp_path / "invalidations/train").write_text(json.dumps(fields))
    assert found(invalidations, "train") == Reason("forgotten")


@pytest.mark.parametrize("kind", ["forgotten", "uncached", "always", "other"])
def test_each_invalidation_is_read_as_written(invalidations: Invalidations, kind: str) -> None:
    """Every reason that a dependent can be given comes back."""
    invalidations.add("import", ("train",), kind)
    reason = found(invalidations, "train")
    assert reason is not None
    assert (reason.kind, reason.subject) == ("upstream", "import")


def test_what_supersedes_is_found_by_the_next_process(tmp_path: Path) -> None:
    """A stage has the number below which traces do not count, and each other stage its own."""
    Invalidations(tmp_path).supersede("train", 7)
    Invalidations(tmp_path).supersede("a:b/c", 8)
    found = [Invalidations(tmp_path).superseded_below(stage) for stage in ("train", "a:b/c", "other")]
    assert found == [7, 8, 0]


@pytest.mark.parametrize("data", [b"", b"null", b'{"below": -1}', b'{"below": true}', b'{"below": 1.0}', b"\xff"])
def test_a_number_that_can_not_be_read_is_above_all(tmp_path: Path, data: bytes) -> None:
    """Where it is unknown which traces count, none does."""
    Invalidations(tmp_path).supersede("train", 7)
    (tmp_path / "superseded/train").write_bytes(data)
    assert Invalidations(tmp_path).superseded_below("train") == sys.maxsize
