"""The lineage as a Mermaid flowchart: its lines, the newest outcomes, and labels that no name can end."""

import re

import pytest
from lineages import HOSTILE_NAMES, MAKE, RUNS, USE, all_named, run, two_stages

from redoit.history.run_log import StageRecord
from redoit.lineage.lineage import Lineage
from redoit.lineage.mermaid import STYLES, flowchart
from redoit.model import Stage, Status


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
