"""The lineage as JSON for programs: each run, each trace once, and what is unknown is said to be."""

import json
from dataclasses import replace

import pytest
from examples import artifact, named
from lineages import FIRST, HOSTILE_NAMES, RUNS, SECOND, USED, all_named, run, two_stages

from redoit.history.run_log import StageRecord
from redoit.lineage.export import VERSION, lineage_json, provenance_json
from redoit.lineage.lineage import Lineage, provenance
from redoit.model import Policy, Reason, Stage, Status


def test_each_trace_stands_once_with_its_run() -> None:
    """Traces stand by name with the run that made them; one that the store has lost does not stand at all."""
    lost = run(0, use=StageRecord(Status.KEPT, named("k"), named("lost")))
    found = lineage_json(two_stages(*RUNS, lost, traces=(FIRST, USED)))
    assert found["traces"].keys() == {FIRST.name, USED.name}
    assert found["traces"][FIRST.name]["run"] == "run1"
    assert found["traces"][USED.name]["metrics"] == {"accuracy": 0.99, "loss": "inf"}
    assert found["runs"][2]["stages"]["use"]["trace"] == named("lost")


def test_a_trace_has_what_made_its_outputs() -> None:
    """A trace has its key, its settings by name without their types, and its outputs with their sizes in bytes."""
    found = lineage_json(two_stages(traces=(FIRST,)))["traces"][FIRST.name]
    assert found["key"] == FIRST.action.key
    assert found["settings"] == {"epochs": 5, "rate": 0.001, "name": "größe"}
    assert found["outputs"] == {"made": {"digest": artifact(b"a1").digest, "size": 2, "mode": 0o644}}
    assert found["inputs"] == {"source": artifact(b"1").digest}
    assert (found["run"], found["stage"], found["seconds"]) == (None, "make", 12.5)


def test_a_run_says_what_each_stage_did_and_why() -> None:
    """A run has its stages' outcomes; reasons name files, as the stage declares them now; an empty field is null."""
    reasons = (Reason("input", "made"), Reason("setting", "made", 1, 2))
    stages = {
        "use": StageRecord(Status.RESTORED, "k", USED.name, 3.0, 7.0, reasons),
        "gone": StageRecord(Status.FAILED, reasons=reasons[:1], error="no"),
    }
    newest = replace(two_stages(traces=()), runs=(run(7, **stages)._replace(complete=False),), older=2)
    found = lineage_json(newest)
    assert found["older_runs"] == 2
    (only,) = found["runs"]
    assert (only["name"], only["command"], only["whole"]) == ("run7", "doit 7", False)
    assert only["stages"]["use"]["reason"] == "input a.txt changed, made 1 -> 2"
    assert (only["stages"]["use"]["seconds"], only["stages"]["use"]["saved"]) == (3.0, 4.0)
    assert only["stages"]["gone"] == {
        "verdict": "failed", "key": None, "trace": None, "seconds": 0.0, "saved": 0.0,
        "reason": "input made changed", "error": "no",
    }  # fmt: skip


def test_a_stage_stands_with_its_policy() -> None:
    """A stage has its step, its files by role, and how its results may be used."""
    stage = Stage("fetch", "steps.fetch", {"a": "in"}, {"b": "out"}, Policy(impure=True), ("HOME",))
    (found,) = lineage_json(Lineage([stage]))["stages"]
    assert found == {
        "name": "fetch", "step": "steps.fetch", "inputs": {"a": "in"}, "outputs": {"b": "out"},
        "cache": True, "volatile": False, "impure": True,
    }  # fmt: skip


def test_the_latest_result_of_each_stage() -> None:
    """Of the latest results of a stage the first is named, and none where there is none."""
    found = lineage_json(two_stages(traces=(), latest={"make": [SECOND.name, FIRST.name], "use": []}))
    assert found["latest"] == {"make": SECOND.name, "use": None}


def test_a_pipeline_without_runs() -> None:
    """Where nothing was recorded there are no runs, and the fields are the same."""
    found = lineage_json(Lineage([]))
    assert found == {"version": VERSION, "stages": [], "runs": [], "older_runs": 0, "latest": {}, "traces": {}}
    assert found.keys() == lineage_json(two_stages(*RUNS, traces=(FIRST,))).keys()


def test_the_files_that_a_file_came_from() -> None:
    """Each content stands once, the file asked for first, with what its execution read; a source has no stage."""
    found = two_stages(*RUNS, traces=(FIRST, SECOND, USED))
    files = provenance_json(provenance(found, "b.txt"), found)["files"]
    assert [(each["path"], each["stage"]) for each in files] == [("b.txt", "use"), ("a.txt", "make"), ("in.txt", None)]
    assert files[0]["inputs"] == [
        {"path": "a.txt", "digest": artifact(b"a1").digest},
        {"path": "in.txt", "digest": artifact(b"1").digest},
    ]
    assert [each["trace"] and each["trace"]["name"] for each in files] == [USED.name, FIRST.name, None]
    assert files[0]["trace"]["run"] == "run1"


def test_a_file_of_unknown_content() -> None:
    """A file whose making is not recorded has neither a digest nor a trace."""
    found = two_stages(traces=())
    (only,) = provenance_json(provenance(found, "b.txt"), found)["files"]
    assert only == {"path": "b.txt", "digest": None, "stage": "use", "trace": None, "inputs": []}


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_hostile_names_are_exported_as_they_are(name: str) -> None:
    """Whatever names say, the export is JSON without NaN, and a program reads the names back."""
    found = json.loads(json.dumps(lineage_json(all_named(name)), allow_nan=False))
    assert found["stages"][0]["name"] == name
    assert found["traces"][named("t")]["settings"] == {name: name}
    assert found["traces"][named("t")]["metrics"]["nan"] == "nan"
