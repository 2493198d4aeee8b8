"""The run log: what is written is read again, and nothing else is."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from redoit.history import run_log
from redoit.history.run_log import RunLog, RunRecord, StageRecord
from redoit.model import Reason, Status
from redoit.storage.serialize import seal, unseal

RUN = RunRecord(
    command="doit train.epochs=2",
    started=1700000000.25,
    seconds=3.5,
    stages={
        "train": StageRecord(Status.RAN, "a" * 64, "b" * 64, 2.5, 2.0, (Reason("setting", "rate", 0.5, float("inf")),)),
        "import": StageRecord(Status.KEPT, "c" * 64, "d" * 64, 0.01, 1.51),
        "evaluate": StageRecord(Status.FAILED, seconds=1.0, error="no luck"),
    },
    saved=1.5,
)


def test_a_run_is_read_again(tmp_path: Path) -> None:
    """All of a run comes back, its stages in their order; an infinite setting as its text."""
    RunLog(tmp_path).append(RUN)
    (found,) = RunLog(tmp_path).newest()
    reason = RUN.stages["train"].reasons[0]._replace(new="inf")
    stages = RUN.stages | {"train": RUN.stages["train"]._replace(reasons=(reason,))}
    assert found == RUN._replace(stages=stages, name=found.name)
    assert list(found.stages) == ["train", "import", "evaluate"]
    assert [record.saved for record in found.stages.values()] == [0.0, 1.5, 0.0]


def test_the_newest_come_first_and_the_oldest_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more runs are kept than fit."""
    monkeypatch.setattr(run_log, "MAX_RUNS", 3)
    record = RunLog(tmp_path)
    for number in range(5):
        record.append(RUN._replace(started=float(number)))
    assert [run.started for run in record.newest()] == [4, 3, 2]
    for number in range(5, 9):
        record.append(RUN._replace(started=float(number)))
    assert len(files_of(tmp_path)) == 6


FORGED: list[object] = [
    [],
    {},
    *(
        {
            "command": "",
            "started": 1,
            "seconds": 1,
            "saved": 0,
            "complete": True,
            "base": "",
            "kept_seconds": 0,
            "stages": [],
            **change,
        }
        for change in (
            {"stages": {}, "seconds": "x"},
            {"stages": [["a"]]},
            {"stages": [["a", "lost", "", "", 1, 0, [], ""]]},
            {"stages": [["a", "kept", "../..", "", 1, 0, [], ""]]},
            {"stages": [["a", "kept", "", "", "inf", 0, [], ""]]},
            {"stages": [["a", "kept", "", "", 1, 0, [[1]], ""]]},
            {"stages": 7},
            {"seconds": 10**400},
            {"saved": []},
            {"started": 1e300},
        )
    ),
]


@pytest.mark.parametrize("fields", FORGED)
def test_a_record_that_is_not_ours_is_absent(tmp_path: Path, fields: object) -> None:
    """What we would not have written is not shown, and hides no other run."""
    record = RunLog(tmp_path)
    record.append(RUN)
    put(tmp_path, fields, 9)
    assert [run.command for run in record.newest()] == [RUN.command]


@pytest.mark.parametrize("data", [b"", b"garbage", seal([])])
def test_a_record_under_another_name_is_absent(tmp_path: Path, data: bytes) -> None:
    """The name of a record has the digest of what it says."""
    record = RunLog(tmp_path)
    record.append(RUN)
    (tmp_path / f"runs/00000000000000000009-{'a' * 64}").write_bytes(data)
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


def run_of(**changed: StageRecord) -> RunRecord:
    """Return a run in which most of 300 stages were kept."""
    kept = {f"s{number}": StageRecord(Status.KEPT, "a" * 64, f"{number:064x}", 0.001, 2.0) for number in range(300)}
    return RUN._replace(stages={**kept, **changed})


RAN = StageRecord(Status.RAN, "a" * 64, "e" * 64, 2.5, 2.0, (Reason("forgotten"),))
KEPT = RAN._replace(status=Status.KEPT, seconds=0.001, reasons=())
FAILED = StageRecord(Status.FAILED, seconds=1.0, error="no luck")


def files_of(root: Path) -> list[Path]:
    """Return the records, the oldest first."""
    return sorted((root / "runs").iterdir())


def fields_of(path: Path) -> dict[str, Any]:
    """Return what a record says."""
    fields: dict[str, Any] = unseal(path.read_bytes())
    return fields


def put(root: Path, fields: object, started: int) -> Path:
    """Write a record under the right name, as somebody else may."""
    data = seal(fields)
    path = root / f"runs/{started:020d}-{data[:64].decode()}"
    path.write_bytes(data)
    return path


def recorded(root: Path, *runs: RunRecord) -> None:
    """Record runs, each in a process of its own."""
    first = len(files_of(root)) if (root / "runs").is_dir() else 0
    for number, run in enumerate(runs, first):
        RunLog(root).append(run._replace(started=1e9 + number))


def read(root: Path) -> list[dict[str, StageRecord]]:
    """Return the stages of all runs, the oldest first."""
    return [dict(run.expanded().stages) for run in RunLog(root).newest()][::-1]


def test_a_large_run_names_only_what_was_not_kept(tmp_path: Path) -> None:
    """All traces are written once; later records are small, and name what differs."""
    first = run_of(**{f"s{number}": RAN for number in range(300)})
    recorded(tmp_path, first, run_of(), run_of(s7=RAN), run_of(s7=KEPT), run_of(s7=KEPT), run_of(s7=FAILED))
    assert [len(fields_of(path)["stages"]) for path in files_of(tmp_path)] == [300, 300, 1, 1, 1, 1]
    assert all(path.stat().st_size < 1_000 for path in files_of(tmp_path)[2:])


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"s7": RAN},
        {"s7": KEPT},
        {"s7": FAILED, "s8": StageRecord(Status.NOT_RUN)},
        {
            "new": KEPT,
            "s0": StageRecord(Status.RESTORED, "c" * 64, "d" * 64, 0.5, 2.0, (Reason("output missing", "model"),)),
        },
    ],
)
def test_a_large_run_is_read_again(tmp_path: Path, changed: dict[str, StageRecord]) -> None:
    """All stages of a run come back, whether it is a base, refers to one, or repeats a run that does."""
    run = run_of(**changed)
    recorded(tmp_path, run, run_of(), run, run)
    first, _, second, third = read(tmp_path)
    assert first == second == third == run.stages
    newest = next(RunLog(tmp_path).newest())
    assert {stage for stage, record in run.stages.items() if record.status != "kept"} <= newest.stages.keys()


def test_a_kept_stage_that_rests_on_another_trace_is_named(tmp_path: Path) -> None:
    """A stage that is kept with an earlier trace, as its code went back, does not seem to rest on the newest one."""
    recorded(tmp_path, run_of(), run_of(s7=RAN), run_of(), run_of(s7=KEPT))
    assert [stages["s7"].trace for stages in read(tmp_path)] == [f"{7:064x}", "e" * 64, f"{7:064x}", "e" * 64]


def test_a_trace_is_right_after_a_failure(tmp_path: Path) -> None:
    """A stage that failed and is kept after that rests on the trace that it has then."""
    recorded(tmp_path, run_of(s7=FAILED), run_of(), run_of(s7=FAILED), run_of())
    assert [stages["s7"].trace for stages in read(tmp_path)] == ["", f"{7:064x}", "", f"{7:064x}"]


@pytest.mark.parametrize("fewer", [5, 180])
def test_runs_of_other_stages(tmp_path: Path, fewer: int) -> None:
    """Stages that are removed, or not selected, are in no run without them; those that come back are."""
    part = RUN._replace(stages=dict(list(run_of().stages.items())[fewer:]))
    recorded(tmp_path, run_of(), part, run_of(), part, part._replace(stages={"s7": RAN}), run_of(s7=KEPT))
    assert [len(stages) for stages in read(tmp_path)] == [300, 300 - fewer, 300, 300 - fewer, 1, 300]
    assert sum(fields_of(path)["base"] == "" for path in files_of(tmp_path)) == 3
    assert read(tmp_path)[-1]["s7"] == KEPT


def test_the_time_of_kept_stages_is_their_mean(tmp_path: Path) -> None:
    """Of stages that were kept, a record with a base has the mean time."""
    recorded(tmp_path, run_of(), run_of(s8=run_of().stages["s8"]._replace(seconds=0.301)))
    (_, stages) = read(tmp_path)
    assert stages["s8"].seconds == stages["s9"].seconds == pytest.approx(0.002)
    assert stages["s9"].saved == pytest.approx(1.998)


def test_no_record_outlives_its_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many runs are read as fit, whatever the bases they refer to."""
    monkeypatch.setattr(run_log, "MAX_RUNS", 3)
    recorded(tmp_path, *[run_of() for _ in range(20)])
    for number in range(20):
        RunLog(tmp_path).append(run_of(s7=RAN)._replace(started=2e9 + number))
        assert [len(stages) for stages in read(tmp_path)] == [300, 300, 300]
    assert len(files_of(tmp_path)) == 6


def test_what_takes_too_much_room_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest records go when all have too many bytes, and the newest never."""
    runs = [RUN._replace(stages={f"{n}:{s}": r for s, r in run_of().stages.items()}) for n in range(4)]
    monkeypatch.setattr(run_log, "MAX_LOG_BYTES", 150_000)
    recorded(tmp_path, *runs)
    assert len(read(tmp_path)) == len(files_of(tmp_path)) == 2
    monkeypatch.setattr(run_log, "MAX_LOG_BYTES", 1)
    recorded(tmp_path, RUN)
    assert [run.command for run in RunLog(tmp_path).newest()] == [RUN.command]


@pytest.mark.parametrize("data", [b"", b"[]", seal({}), b"[" * 100_000, None])
def test_a_base_that_is_lost_takes_its_runs(tmp_path: Path, data: bytes | None) -> None:
    """Runs whose base is damaged or gone are absent, never wrong, and the next run is a base."""
    recorded(tmp_path, run_of(), run_of(s7=RAN), run_of(s7=KEPT))
    base = files_of(tmp_path)[0]
    base.unlink() if data is None else base.write_bytes(data)
    assert read(tmp_path) == []
    recorded(tmp_path, run_of(s7=KEPT), run_of(s7=KEPT))
    assert read(tmp_path) == [run_of(s7=KEPT).stages] * 2


def test_a_record_that_is_lost_hides_no_other(tmp_path: Path) -> None:
    """Records after a gap show the traces that they were written with."""
    recorded(tmp_path, run_of(), run_of(s7=RAN), run_of(s7=KEPT), run_of(s7=KEPT, s8=RAN), run_of(s7=KEPT, s8=KEPT))
    expected = read(tmp_path)
    files_of(tmp_path)[1].unlink()
    files_of(tmp_path)[2].write_bytes(b"")
    assert read(tmp_path) == [expected[0], expected[2], expected[4]]


def test_a_base_that_somebody_replaced_is_none(tmp_path: Path) -> None:
    """A record is read with the base that it was written with, or not at all."""
    recorded(tmp_path, run_of(), run_of())
    base = files_of(tmp_path)[0]
    base.write_bytes(seal(fields_of(base) | {"saved": 9.0}))
    assert read(tmp_path) == []


def test_two_processes_append_at_once(tmp_path: Path) -> None:
    """Whatever each of two writers saw of the other, both records are right."""
    one, other = RunLog(tmp_path), RunLog(tmp_path)
    recorded(tmp_path, run_of())
    for number, (log, run) in enumerate([(one, run_of(s7=RAN)), (other, run_of(s8=RAN)), (one, run_of(s7=KEPT))]):
        log.append(run._replace(started=2e9 + number % 2))
    assert sorted(len(fields_of(path)["stages"]) for path in files_of(tmp_path)) == [1, 1, 1, 300]
    assert {stages["s7"].trace for stages in read(tmp_path)} == {f"{7:064x}", "e" * 64}
    assert {stages["s8"].trace for stages in read(tmp_path)} == {f"{8:064x}", "e" * 64}


WRITER = """
import sys
from pathlib import Path
from redoit.history import run_log
from redoit.history.run_log import RunRecord, StageRecord
from redoit.model import Status
run_log.MAX_RUNS, run_log.MAX_LOG_BYTES = 5, 200_000
for number in range(60):
    trace = f"{int(sys.argv[2]) * 1000 + number:064x}"
    stages = {f"s{each}": StageRecord(Status.KEPT, "a" * 64, trace) for each in range(101 + number % 7 * 10)}
    run_log.RunLog(Path(sys.argv[1])).append(RunRecord(trace, 1e9 + number + int(sys.argv[2]) / 10, 1.0, stages))
"""


def test_writers_that_prune_at_once_leave_no_wrong_record(tmp_path: Path) -> None:
    """While several processes append and remove, each run that is read has its own traces."""
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, tmp_path, str(number)]) for number in range(3)]
    while any(writer.poll() is None for writer in writers):
        for run in RunLog(tmp_path).newest():
            assert {record.trace for record in run.expanded().stages.values()} == {run.command}
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert 1 <= len(files_of(tmp_path)) <= 12


@pytest.mark.parametrize(
    "change",
    [
        {"stages": 7},
        {"stages": [["s7", "kept", "", "", "inf", 0, [], ""]]},
        {"stages": [["s7", "kept", None, None, 0, 0, [], ""]]},
        {"kept_seconds": "x"},
        {"kept_seconds": 1e300},
        {"base": 7},
        {"base": []},
        {"base": "../../canary"},
    ],
)
def test_a_large_record_that_is_not_ours_is_absent(tmp_path: Path, change: dict[str, object]) -> None:
    """What we would not have written is not shown, and stops no run from being recorded."""
    recorded(tmp_path, run_of(), run_of())
    fields = fields_of(files_of(tmp_path)[-1])
    put(tmp_path, fields | change, int(3e18))
    assert len(read(tmp_path)) == 2
    recorded(tmp_path, run_of())
    assert len(read(tmp_path)) == 3


def test_some_stages_of_a_run_alone(tmp_path: Path) -> None:
    """Of the other stages there are the sums: how many had which status, and how long the ones not kept took."""
    recorded(tmp_path, run_of(), run_of(s7=RAN, s8=FAILED))
    found = next(RunLog(tmp_path).newest()).expanded(["s7", "s9", "nobody"])
    assert list(found.stages) == ["s7", "s9"]
    assert found.omitted == {"kept": (297, 0.0), "failed": (1, 1.0)}
    assert RUN.expanded(["import"]).omitted == {"ran": (1, 2.5), "failed": (1, 1.0)}


def test_what_an_earlier_version_recorded_is_left_alone(tmp_path: Path) -> None:
    """Records of an earlier version are not read, and stay."""
    recorded(tmp_path, RUN)
    (tmp_path / "runs/00000000000000000009-00000000").write_bytes(b"")
    assert len(read(tmp_path)) == 1
    recorded(tmp_path, RUN)
    assert len(read(tmp_path)) == 2
    assert len(files_of(tmp_path)) == 3
