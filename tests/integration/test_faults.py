"""Crashes, signals, corrupt state, and two at once."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from in_process import STAGES
from projects import ALL, FOR_EVER, WAYS, Pipeline, alive, until, waits_for_lock

from redoit.engine.staging import staging_folder

pytestmark = pytest.mark.parametrize("preload", WAYS.values(), ids=WAYS, indirect=True)

PAUSE = f"echo $PPID > ../pid; {FOR_EVER}"


def paused(pipeline: Pipeline, name: str) -> "tuple[object, int]":
    """Start doit, wait until a step is in the middle, and return doit and the step's process id."""
    note = pipeline.root.parent / "pid"
    process = pipeline.start(**{f"DURING_{name}": PAUSE})
    until(lambda: note.exists() and note.read_text().strip())
    return process, int(note.read_text())


DATABASES = {"deleted": None, "garbage": b"garbage" * 1000, "empty": b"", "truncated": b"0123"}


@pytest.mark.parametrize("data", DATABASES.values(), ids=DATABASES)
def test_the_database_is_never_the_truth(built: Pipeline, data: bytes | None) -> None:
    """With doit's database lost or corrupt, no stage runs; a corrupt one is moved aside."""
    database = built.path(".redoit/doit.db")
    assert built.doit("ignore", "side").code == 0
    database.unlink() if data is None else database.write_bytes(data)
    result = built.doit()
    assert (result.executed, result.code, result.err) == ([], 0, "")
    assert result.told("kept") == ALL
    if data:
        assert built.path(".redoit/doit.db.corrupt").read_bytes() == data


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_what_stands_in_place_of_the_database_goes(built: Pipeline, make: Callable[[Path], None]) -> None:
    """A pipe or a folder in the place of doit's database is moved away, without waiting."""
    make(built.path(".redoit/doit.db"))
    for _ in range(2):
        result = built.doit()
        assert (result.executed, result.code, result.err) == ([], 0, "")
    assert not built.path(".redoit/doit.db").exists()


@pytest.mark.parametrize("name", ["stat-cache", "installed"])
@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"\xff\x00"], ids=["empty", "braces", "list", "bytes"])
def test_what_was_remembered_is_never_the_truth(built: Pipeline, name: str, data: bytes) -> None:
    """With redoit's caches lost or corrupt, no stage runs."""
    built.path(f".redoit/{name}").write_bytes(data)
    result = built.doit()
    assert (result.executed, result.code, result.err) == ([], 0, "")


@pytest.mark.parametrize("name", ["make", "sort"])
def test_a_killed_doit(fresh: Pipeline, name: str) -> None:
    """After kill -9 of doit the step's process ends too, and the next doit runs only what is missing."""
    process, step = paused(fresh, name)
    os.kill(process.pid, signal.SIGKILL)  # type: ignore[attr-defined]
    until(lambda: not alive(step))
    fresh.finish(process)  # type: ignore[arg-type]
    result = fresh.doit()
    assert (result.executed, result.code) == (ALL[ALL.index(name) :], 0), result.text
    assert sorted(path.name for path in fresh.path("data").iterdir()) == sorted(
        ["made.txt", "ordered.txt", "total.txt", "report.txt"]
    )
    assert fresh.doit().executed == []


def test_a_step_that_outlives_a_killed_doit(fresh: Pipeline) -> None:
    """A step that was too busy to end with its doit is ended before the next doit runs anything."""
    process, step = paused(fresh, "make")
    os.kill(step, signal.SIGSTOP)
    process.kill()  # type: ignore[attr-defined]
    fresh.finish(process)  # type: ignore[arg-type]
    assert alive(step)
    result = fresh.doit(DURING_make=f"grep -qs . /proc/{step}/environ || echo it is gone")
    assert (result.executed, result.code) == (ALL, 0), result.text
    assert "it is gone" in result.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_an_interrupted_doit(fresh: Pipeline, number: signal.Signals) -> None:
    """Ctrl-C or SIGTERM ends doit and the step; finished stages are kept, the others run next time."""
    process, step = paused(fresh, "sort")
    process.send_signal(number)  # type: ignore[attr-defined]
    result = fresh.finish(process)  # type: ignore[arg-type]
    until(lambda: not alive(step))
    assert result.code != 0
    assert "Traceback" not in result.text
    assert fresh.doit().executed == ["sort", "side", "join"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("arguments", [(), ("-n2",)], ids=["serial", "parallel"])
def test_an_impatient_user(fresh: Pipeline, number: signal.Signals, arguments: tuple[str, ...]) -> None:
    """Repeated Ctrl-C ends doit in good order, and leaves no orphans."""
    process = fresh.start(*arguments, DURING_make=FOR_EVER)
    until(lambda: fresh.executed() == ["make"])
    while process.poll() is None:
        process.send_signal(number)
        time.sleep(0.001)
    result = fresh.finish(process)
    assert result.code == 128 + number, result.text
    assert result.err == "Interrupted: finished stages are kept, the others run next time.\n"
    assert not list(fresh.path("data").iterdir())


def test_what_a_killed_doit_left_is_swept(built: Pipeline) -> None:
    """A folder in which a killed doit had staged goes when its stage is kept: the lock still names who was killed."""
    staged = built.root / staging_folder(STAGES["side"], "total")
    staged.mkdir()
    assert built.read(".redoit/lock") == ""  # after an end in good order
    built.write(".redoit/lock", "'doit' (process 1)")
    assert built.doit().told("kept") == ALL
    assert not staged.exists()


def test_a_system_that_refuses_while_tasks_are_loaded(fresh: Pipeline) -> None:
    """An error of the operating system is one line wherever it occurs."""
    fresh.write("dodo.py", "def task_one():\n    raise OSError(24, 'Too many open files', 'one.txt')\n")
    result = fresh.doit()
    assert (result.code, result.err) == (3, "ERROR: one.txt: Too many open files; mend that and run again\n")


def test_a_newer_format_is_refused(built: Pipeline) -> None:
    """State that a newer redoit wrote is an error that says so, and stays as it is."""
    built.write(".redoit/format", '{"format": 99}')
    result = built.doit()
    assert (result.executed, result.code) == ([], 3)
    assert "found format 99" in result.text
    assert "upgrade redoit" in result.text
    assert "Traceback" not in result.text


def test_a_corrupt_blob_is_not_served(built: Pipeline) -> None:
    """A blob whose bytes are not the ones its name promises is never an output: the step runs, and the blob heals."""
    report = built.read("data/report.txt")
    blob = next(path for path in built.blobs() if path.read_text(errors="replace") == report)
    blob.write_text("X" + report[1:])
    built.path("data/report.txt").unlink()
    result = built.doit()
    assert (result.executed, result.code) == (["join"], 0), result.text
    assert built.read("data/report.txt") == report
    assert blob.read_text() == report
    built.path("data/report.txt").unlink()
    assert built.doit().executed == []


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b'{"format": 1}'], ids=["empty", "braces", "bytes", "format"])
def test_a_corrupt_trace_is_ignored(built: Pipeline, data: bytes) -> None:
    """Traces that can't be read count as absent: the steps run again, with the same result."""
    before = built.outputs()
    for path in built.path(".redoit/traces").rglob("*.json"):
        path.write_bytes(data)
    result = built.doit()
    assert (result.executed, result.code) == (ALL, 0), result.text
    assert built.outputs() == before
    assert built.doit().executed == []


def test_two_at_once(fresh: Pipeline) -> None:
    """A second doit waits for the first, says so, and then finds everything done."""
    first = fresh.start(DURING_make="until [ -e ../go ]; do sleep 0.01; done")
    until(lambda: fresh.executed() == ["make"])
    other = Pipeline(fresh.root)
    other.witness = fresh.root.parent / "second"
    other.env["EXECUTED"] = str(other.witness)
    waiting = other.start()
    until(lambda: waits_for_lock(waiting.pid))
    fresh.path("../go").touch()
    result, second = fresh.finish(first), other.finish(waiting)
    assert (result.code, second.code) == (0, 0)
    assert (result.executed, second.executed) == (ALL, [])
    assert "Waiting for " in second.err


def test_a_store_that_cannot_be_written_to_is_one_line(built: Pipeline) -> None:
    """Where a result can't be kept, the stage fails in one line, and outputs and records stay as they were."""
    before = built.outputs()
    blobs = built.path(".redoit/blobs")
    blobs.rename(built.path(".redoit/away"))
    blobs.write_text("no folder")
    result = built.doit("make.times=9")
    assert result.code != 0
    assert ".redoit/blobs" in result.text
    assert "expected a folder; move it away" in result.text
    assert "Traceback" not in result.text
    assert built.outputs() == before
    blobs.unlink()
    built.path(".redoit/away").rename(blobs)
    assert built.doit().executed == []
