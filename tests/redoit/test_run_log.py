"""Runs on record: what is written is read again, and nothing else is."""

import json
from pathlib import Path

import pytest

from redoit.history import run_log
from redoit.history.run_log import RunLog
from redoit.history.run_record import RunRecord, StageRecord
from redoit.reasons import Reason
from redoit.storage.serialize import seal, unseal

RUN = RunRecord(
    command="doit train.epochs=2",
    started=1700000000.25,
    seconds=3.5,
    verdicts={
        "train": StageRecord("ran", "a" * 64, "b" * 64, 2.5, 0.0, (Reason("setting", "rate", 0.5, float("inf")),)),
        "import": StageRecord("kept", "c" * 64, "d" * 64, 0.01, 1.5),
        "evaluate": StageRecord("failed", seconds=1.0, error="no luck"),
    },
    saved=1.5,
)


def test_a_run_is_read_again(tmp_path: Path) -> None:
    """All of a run comes back, its stages in their order; an infinite setting as its text."""
    RunLog(tmp_path).append(RUN)
    (found,) = RunLog(tmp_path).newest()
    reason = RUN.verdicts["train"].reasons[0]._replace(new="inf")
    verdicts = RUN.verdicts | {"train": RUN.verdicts["train"]._replace(reasons=(reason,))}
    assert found == RUN._replace(verdicts=verdicts, name=found.name)
    assert list(found.verdicts) == ["train", "import", "evaluate"]


def test_the_newest_come_first_and_the_oldest_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more runs are kept than fit."""
    monkeypatch.setattr(run_log, "LONGEST", 3)
    record = RunLog(tmp_path)
    for number in range(5):
        record.append(RUN._replace(started=float(number)))
    assert [run.started for run in record.newest()] == [4, 3, 2]
    assert [run.started for run in record.newest(2)] == [4, 3]
    monkeypatch.setattr(run_log, "LARGEST", 1)
    record.append(RUN._replace(started=9.0))
    assert [run.started for run in record.newest()] == [9]


FORGED = [
    b"",
    b"garbage",
    seal([]),
    seal({}),
    *(
        seal({"command": "", "started": 1, "seconds": 1, "saved": 0, "whole": True, "order": ["a"], **change})
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
    record = RunLog(tmp_path)
    record.append(RUN)
    (tmp_path / "runs/00000000000000000009-00000000").write_bytes(data)
    assert [run.command for run in record.newest()] == [RUN.command]


def test_a_bit_that_flips_takes_the_record(tmp_path: Path) -> None:
    """A record is believed as it was written, or not at all."""
    record = RunLog(tmp_path)
    record.append(RUN)
    (path,) = (tmp_path / "runs").iterdir()
    data = path.read_bytes()
    assert json.loads(data.partition(b"\n")[2])["saved"] == 1.5
    path.write_bytes(data.replace(b"1.5", b"9.5"))
    assert list(record.newest()) == []


def large(**changed: StageRecord) -> RunRecord:
    """Return a run in which most of 300 stages were kept."""
    kept = {
        f"s{number}": StageRecord("kept", "a" * 64, f"{number:064x}", 0.001, 1.999, made=2.0) for number in range(300)
    }
    return RUN._replace(verdicts={**kept, **changed})


RAN = StageRecord("ran", "a" * 64, "e" * 64, 2.5, 0.0, (Reason("forgotten"),), made=2.0)
SAME = RAN._replace(word="kept", seconds=0.001, saved=1.999, reasons=())


def runs_of(root: Path) -> list[Path]:
    """Return the records, the oldest first."""
    return sorted((root / "runs").iterdir())


def tables_of(root: Path) -> list[str]:
    """Return the names of the tables."""
    return sorted(path.name for path in (root / "tables").iterdir())


def recorded(root: Path, *runs: RunRecord) -> None:
    """Put runs on record, each in a process of its own."""
    for number, run in enumerate(runs):
        RunLog(root).append(run._replace(started=1e9 + number))


def test_a_large_run_with_few_differences_takes_little_room(tmp_path: Path) -> None:
    """What stages rest on is written once, and runs that differ little from that refer to it."""
    first = large(**{f"s{number}": RAN for number in range(300)})
    fails = large(s7=StageRecord("failed", seconds=1.0, error="no luck"), s8=StageRecord("not run"))
    recorded(tmp_path, first, large(), large(s7=RAN), large(s7=SAME), large(s7=SAME), fails, large(s7=SAME))
    assert len(tables_of(tmp_path)) == 2
    assert all(path.stat().st_size < 2_000 for path in runs_of(tmp_path)[1:])


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"s7": RAN},
        {"s7": SAME},
        {"s7": SAME._replace(seconds=0.5, saved=1.5)},
        {"s7": StageRecord("failed", seconds=1.0, error="no luck"), "s8": StageRecord("not run")},
        {
            "new": SAME,
            "s0": StageRecord("restored", "c" * 64, "d" * 64, 0.5, 1.5, (Reason("output missing", "model"),)),
        },
    ],
)
def test_a_large_run_is_read_again(tmp_path: Path, changed: dict[str, StageRecord]) -> None:
    """All verdicts of a run come back, whether it is the first of its kind, another, or a repetition."""
    run = large(**changed)
    recorded(tmp_path, run, large(), run, run)
    third, second, _, first = RunLog(tmp_path).newest()
    for found in (first, second, third):
        verdicts = {stage: verdict._replace(made=0.0) for stage, verdict in found.verdicts.items()}
        assert verdicts == {stage: verdict._replace(made=0.0) for stage, verdict in run.verdicts.items()}
        assert len(found.verdicts) == len(verdicts)
        assert {stage for stage, verdict in verdicts.items() if verdict.word == "ran"} <= found.executed.keys()


def test_a_large_run_of_fewer_stages_is_read_again(tmp_path: Path) -> None:
    """Stages that were not selected are not in a run that refers to the table of one that had them."""
    fewer = RUN._replace(verdicts=dict(list(large().verdicts.items())[5:]))
    recorded(tmp_path, large(), fewer, fewer)
    assert [len(found.verdicts) for found in RunLog(tmp_path).newest()] == [295, 295, 300]
    assert len(tables_of(tmp_path)) == 1


def test_a_kept_stage_is_told_with_the_mean_unless_it_was_slow(tmp_path: Path) -> None:
    """Of stages that were kept at once nobody needs to know how long exactly each took."""
    recorded(tmp_path, large(s7=SAME._replace(seconds=0.5), s8=SAME._replace(seconds=0.002, saved=1.998)))
    (found,) = RunLog(tmp_path).newest()
    assert found.verdicts["s7"].seconds == 0.5
    assert found.verdicts["s8"].seconds == found.verdicts["s9"].seconds == pytest.approx(0.001, abs=1e-5)
    assert found.verdicts["s8"].saved == pytest.approx(2.0, abs=0.01)


def test_no_record_outlives_its_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table stays as long as a run on record refers to it, and not longer."""
    monkeypatch.setattr(run_log, "LONGEST", 3)
    other = RUN._replace(verdicts={f"other:{stage}": verdict for stage, verdict in large().verdicts.items()})
    recorded(tmp_path, large(), other, large())
    assert len(tables_of(tmp_path)) == 2
    recorded(tmp_path / "more", other, large(), large(), large())
    assert len(tables_of(tmp_path / "more")) == 1
    assert [len(run.verdicts) for root in (tmp_path, tmp_path / "more") for run in RunLog(root).newest()] == [300] * 6


def test_what_does_not_fit_goes_with_its_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables count for the room that all records take."""
    runs = [RUN._replace(verdicts={f"{n}:{s}": v for s, v in large().verdicts.items()}) for n in range(3)]
    monkeypatch.setattr(run_log, "LARGEST", 100_000)
    recorded(tmp_path, *runs)
    assert len(list(RunLog(tmp_path).newest())) == len(tables_of(tmp_path)) == 2


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"[" * 100_000])
def test_a_table_that_is_not_as_it_was_written_takes_its_runs(tmp_path: Path, data: bytes) -> None:
    """Runs whose table is lost are absent, and the next run makes a new one."""
    recorded(tmp_path, large(), large())
    (table,) = (tmp_path / "tables").iterdir()
    table.write_bytes(data)
    assert list(RunLog(tmp_path).newest()) == []
    RunLog(tmp_path).append(large())
    assert [len(run.verdicts) for run in RunLog(tmp_path).newest()] == [300, 300, 300]


@pytest.mark.parametrize(
    "change",
    [
        {"stages": []},
        {"stages": {"s7": ["kept", None, None, "inf", 0, [], ""]}},
        {"stages": {"new": ["kept", None, None, 0, 0, [], ""]}},
        {"each": "x"},
        {"each": 1e300},
        {"without": 7},
        {"without": [[]]},
        {"order": ["s7"]},
    ],
)
def test_a_large_record_that_is_not_ours_is_absent(tmp_path: Path, change: dict[str, object]) -> None:
    """What we would not have written is not shown, and stops no run from being recorded."""
    recorded(tmp_path, large())
    (path,) = runs_of(tmp_path)
    fields = unseal(path.read_bytes())
    besides = {} if "order" in change else change
    path.write_bytes(seal({**fields, **change} if besides else {"order": ["s7"]}))
    assert list(RunLog(tmp_path).newest()) == []
    RunLog(tmp_path).append(large())
    assert len(next(RunLog(tmp_path).newest()).verdicts) == 300


@pytest.mark.parametrize("besides", [7, [[]], ["s7", "nobody"], [None]])
def test_what_a_forged_record_says_of_its_table_stops_nothing(tmp_path: Path, besides: object) -> None:
    """The next run is recorded as it was, or as the enemy's record says, and never with an error."""
    recorded(tmp_path, large())
    (path,) = runs_of(tmp_path)
    path.write_bytes(seal(unseal(path.read_bytes()) | {"besides": besides}))
    RunLog(tmp_path).append(large())
    assert len(next(RunLog(tmp_path).newest()).verdicts) == 300


def test_some_stages_of_a_run_alone(tmp_path: Path) -> None:
    """Of stages that are left out it is known how many had which verdict, and how long what was executed took."""
    failed = StageRecord("failed", seconds=1.0, error="no luck")
    recorded(tmp_path, large(), large(s7=RAN, s8=failed))
    found = next(RunLog(tmp_path).newest()).alone(["s7", "s9", "nobody"])
    assert list(found.verdicts) == ["s7", "s9"]
    assert {word: many for word, (many, _) in found.others.items()} == {"kept": 297, "failed": 1}
    assert found.others["failed"] == (1, 1.0)
    assert RUN.alone(["import"]).others == {"ran": (1, 2.5), "failed": (1, 1.0)}
