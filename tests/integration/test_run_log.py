"""The run log: each doit records the outcome of its stages, however it ends."""

import json
import signal
from typing import Any

from projects import ALL, FOR_EVER, Pipeline, until

from redoit.storage.serialize import unseal


def runs(pipeline: Pipeline) -> list[dict[str, Any]]:
    """Return the recorded runs, the oldest first."""
    return [unseal(path.read_bytes()) for path in sorted(pipeline.path(".redoit/runs").iterdir())]


def rows(run: dict[str, Any]) -> dict[str, list[Any]]:
    """Return stage -> the rest of its row."""
    return {name: row for name, *row in run["stages"]}


def words(run: dict[str, Any]) -> dict[str, str]:
    """Return stage -> its status."""
    return {name: row[0] for name, row in rows(run).items()}


def test_each_run_is_on_record(built: Pipeline) -> None:
    """What ran, was restored and was kept is written down, with reasons, trace, and the time it saved."""
    built.path("data/total.txt").unlink()
    assert built.doit("sort.reverse=true").code == 0
    first, second = runs(built)
    assert words(first) == dict.fromkeys(ALL, "ran")
    assert rows(first)["make"][5] == [["first", "", None, None]]
    assert words(second) == {"make": "kept", "side": "restored", "sort": "ran", "join": "ran"}
    assert rows(second)["sort"][5] == [["setting", "reverse", False, True]]
    assert rows(second)["side"][5][0][:2] == ["output missing", "total"]
    assert rows(second)["make"][1:3] == rows(first)["make"][1:3]
    assert second["command"] == "doit sort.reverse=true"
    assert second["saved"] > 0
    assert second["complete"] is True


def test_a_run_that_fails_is_on_record(built: Pipeline) -> None:
    """The log has the error, and the stages that were not run."""
    built.edit("steps/sort.py", "ordered.write_text", "raise ValueError('no luck')\n    ordered.write_text")
    built.doit("join")
    last = runs(built)[-1]
    assert words(last)["sort"] == "failed"
    assert words(last)["join"] == "not run"
    assert "no luck" in rows(last)["sort"][6]


def test_a_run_that_is_interrupted_is_on_record(built: Pipeline) -> None:
    """An interrupted run is logged with the outcomes so far, and as incomplete."""
    built.edit("source.txt", "3", "4")
    process = built.start(DURING_sort=FOR_EVER)
    until(lambda: "sort" in built.executed())
    process.send_signal(signal.SIGINT)
    built.finish(process)
    last = runs(built)[-1]
    assert last["complete"] is False
    assert words(last)["make"] == "ran"
    assert rows(last)["sort"][6] == "interrupted"
    assert rows(last)["sort"][3] > 0
    assert words(last)["join"] == "not run"


def test_a_dry_run_is_not_logged(built: Pipeline) -> None:
    """Commands that build nothing are no runs."""
    for command in (("list", "-s"), ("info", "make"), ("cache",), ("forget", "make"), ("clean", "-n")):
        built.doit(*command)
    assert len(runs(built)) == 1


def test_the_record_does_not_stop_a_run(built: Pipeline) -> None:
    """Where no record can be written, doit does its work all the same."""
    for path in built.path(".redoit/runs").iterdir():
        path.unlink()
    built.path(".redoit/runs").rmdir()
    built.write(".redoit/runs", "")
    result = built.doit()
    assert (result.executed, result.code) == ([], 0)
    assert json.loads(built.read(".redoit/format")) == {"format": 2}
