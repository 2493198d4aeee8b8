"""The lineage for programs: as JSON, with each trace once; as a flowchart, with labels that no name can end."""

import json
import re
from dataclasses import replace

import pytest
from examples import artifact, named
from lineages import FIRST, HOSTILE_NAMES, MAKE, RUNS, SECOND, USE, USED, all_named, run, two_stages

from redoit.history.run_log import StageRecord
from redoit.lineage.export import STYLES, VERSION, flowchart, lineage_json, provenance_json
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
        "cache": True, "volatile": False, "impure": True, "observe": True,
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
    files = provenance_json(provenance(found, "b.txt").values(), found)["files"]
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
    (only,) = provenance_json(provenance(found, "b.txt").values(), found)["files"]
    assert only == {"path": "b.txt", "digest": None, "stage": "use", "trace": None, "inputs": []}


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_hostile_names_are_exported_as_they_are(name: str) -> None:
    """Whatever names say, the export is JSON without NaN, and a program reads the names back."""
    found = json.loads(json.dumps(lineage_json(all_named(name)), allow_nan=False))
    assert found["stages"][0]["name"] == name
    assert found["traces"][named("t")]["settings"] == {name: name}
    assert found["traces"][named("t")]["metrics"]["nan"] == "nan"


def lines(lineage: Lineage) -> list[str]:
    """Return the lines of a flowchart, without their indent."""
    return [line.strip() for line in flowchart(lineage).splitlines()]


def test_a_small_flowchart() -> None:
    """Files are rounded, sources first; stages are boxes; arrows lead from inputs to stages to outputs."""
    assert lines(Lineage((MAKE, USE))) == [
        "flowchart LR",
        'f0(["in.txt"])',
        'f1(["a.txt"])',
        'f2(["b.txt"])',
        'f3(["c.txt"])',
        's0["make"]',
        "f0 --> s0",
        "s0 --> f1",
        's1["use"]',
        "f1 --> s1",
        "f0 --> s1",
        "s1 --> f2",
        "s1 --> f3",
    ]


def test_nothing_at_all() -> None:
    """Without stages the flowchart is empty, and ends its line."""
    assert flowchart(Lineage([])) == "flowchart LR\n"


def test_the_newest_run_is_shown() -> None:
    """Each stage has its outcome in the newest run, and the style of that outcome; older runs are not shown."""
    found = lines(two_stages(*RUNS, traces=()))
    assert 's0["make<br>ran"]' in found
    assert 's1["use<br>failed"]' in found
    assert [line for line in found if line.startswith("class ")] == ["class s0 ran", "class s1 failed"]
    assert sum(line.startswith("classDef ") for line in found) == 2


def test_a_stage_that_the_newest_run_did_not_select_has_no_outcome() -> None:
    """A run of some stages says nothing of the others."""
    found = lines(two_stages(run(3, use=StageRecord(Status.KEPT)), *RUNS, traces=()))
    assert 's0["make"]' in found
    assert 's1["use<br>kept"]' in found


@pytest.mark.parametrize("status", Status)
def test_each_outcome_has_a_style(status: Status) -> None:
    """Whatever became of two stages, one style that a name without spaces defines holds for both."""
    found = lines(two_stages(run(1, make=StageRecord(status), use=StageRecord(status)), traces=()))
    name = status.replace(" ", "")
    assert found[-2:] == [f"classDef {name} {STYLES[status]}", f"class s0,s1 {name}"]


def test_a_file_that_is_two_inputs_has_one_arrow() -> None:
    """A stage that reads one file in two roles is led to once."""
    stage = Stage("both", "s", {"one": "in.txt", "two": "in.txt"}, {"out": "out.txt"})
    assert lines(Lineage([stage])).count("f0 --> s0") == 1


@pytest.mark.parametrize("sign", '&<>"#`\\;[]{}()|')
def test_markup_in_a_name_is_escaped(sign: str) -> None:
    """A sign that could end a label or count as markup stands as its number."""
    stage = Stage(f"a{sign}b", "s", {}, {"out": f"c{sign}d"})
    escaped = f"#{ord(sign)};"
    assert f's0["a{escaped}b"]' in lines(Lineage([stage]))
    assert f'f0(["c{escaped}d"])' in lines(Lineage([stage]))


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_no_name_ends_its_label(name: str) -> None:
    """Whatever names say, the flowchart has as many lines, its quotes match, and the only tag is a line break."""
    found = flowchart(all_named(name)).splitlines()
    assert len(found) == len(flowchart(all_named("plain")).splitlines())
    assert all(line.count('"') in (0, 2) for line in found)
    assert not any(re.search(r"<(?!br>)", line) for line in found)
