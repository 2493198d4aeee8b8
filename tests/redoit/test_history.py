"""Runs on record: what is written is read again, and nothing else is."""

import json
from pathlib import Path

import pytest

from redoit import history
from redoit.formats import sealed
from redoit.history import History, Invocation, Verdict
from redoit.reasons import Reason

RUN = Invocation(
    command="doit train.epochs=2",
    started=1700000000.25,
    seconds=3.5,
    verdicts={
        "train": Verdict("ran", "a" * 64, "b" * 64, 2.5, 0.0, (Reason("setting", "rate", 0.5, float("inf")),)),
        "import": Verdict("kept", "c" * 64, "d" * 64, 0.01, 1.5),
        "evaluate": Verdict("failed", seconds=1.0, error="no luck"),
    },
    saved=1.5,
)


def test_a_run_is_read_again(tmp_path: Path) -> None:
    """All of a run comes back, its stages in their order; an infinite setting as its text."""
    History(tmp_path).append(RUN)
    (found,) = History(tmp_path).newest()
    reason = RUN.verdicts["train"].reasons[0]._replace(new="inf")
    verdicts = RUN.verdicts | {"train": RUN.verdicts["train"]._replace(reasons=(reason,))}
    assert found == RUN._replace(verdicts=verdicts, name=found.name)
    assert list(found.verdicts) == ["train", "import", "evaluate"]


def test_the_newest_come_first_and_the_oldest_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more runs are kept than fit."""
    monkeypatch.setattr(history, "LONGEST", 3)
    record = History(tmp_path)
    for number in range(5):
        record.append(RUN._replace(started=float(number)))
    assert [run.started for run in record.newest()] == [4, 3, 2]
    assert [run.started for run in record.newest(2)] == [4, 3]
    monkeypatch.setattr(history, "LARGEST", 1)
    record.append(RUN._replace(started=9.0))
    assert [run.started for run in record.newest()] == [9]


FORGED = [
    b"",
    b"garbage",
    sealed([]),
    sealed({}),
    *(
        sealed({"command": "", "started": 1, "seconds": 1, "saved": 0, "whole": True, "order": ["a"], **change})
        for change in (
            {"stages": {}},
            {"stages": {"a": []}},
            {"stages": {"a": ["lost", "", "", 1, 0, [], ""]}},
            {"stages": {"a": ["kept", "../..", "", 1, 0, [], ""]}},
            {"stages": {"a": ["kept", "", "", "inf", 0, [], ""]}},
            {"stages": {"a": ["kept", "", "", 1, 0, [[1]], ""]}},
            {"stages": {}, "order": 7},
            {"stages": {}, "order": [], "seconds": 10**400},
            {"stages": {}, "order": [], "saved": []},
            {"stages": {}, "order": [], "started": 1e300},
        )
    ),
]


@pytest.mark.parametrize("data", FORGED)
def test_a_record_that_is_not_ours_is_absent(tmp_path: Path, data: bytes) -> None:
    """What we would not have written is not shown, and hides no other run."""
    record = History(tmp_path)
    record.append(RUN)
    (tmp_path / "runs/00000000000000000009-00000000").write_bytes(data)
    assert [run.command for run in record.newest()] == [RUN.command]


def test_a_bit_that_flips_takes_the_record(tmp_path: Path) -> None:
    """A record is believed as it was written, or not at all."""
    record = History(tmp_path)
    record.append(RUN)
    (path,) = (tmp_path / "runs").iterdir()
    data = path.read_bytes()
    assert json.loads(data.partition(b"\n")[2])["saved"] == 1.5
    path.write_bytes(data.replace(b"1.5", b"9.5"))
    assert list(record.newest()) == []
