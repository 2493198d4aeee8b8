"""The data of a page: what occurs often stands once, and no text can end the element that holds it."""

import json
import math
import re
from dataclasses import replace
from typing import Any

import pytest
from examples import action, artifact, named, trace
from lineages import FIRST, HOSTILE_NAMES, RUNS, SECOND, USE, USED, all_named, made, run, two_stages

from redoit.history.run_log import StageRecord
from redoit.lineage.lineage import Lineage
from redoit.lineage.page_data import MAX_BYTES, MAX_ITEMS, MAX_PARTS, page_data, rounded
from redoit.model import Artifact, Policy, Setting, Stage, Status, Trace


def fields(lineage: Lineage) -> dict[str, Any]:
    """Return the data as a page's script reads it."""
    found: dict[str, Any] = json.loads(page_data(lineage))
    return found


def of_trace(done: Trace) -> tuple[list[Any], list[str]]:
    """Return the row of one trace, and the words that its numbers stand for."""
    found = fields(Lineage([], traces={done.name: done}))
    return found["traces"][0], found["words"]


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_hostile_names(name: str) -> None:
    """The data is JSON without a sign that could end it, and says what was said."""
    text = page_data(all_named(name))
    assert not re.search("[<>&\u2028\u2029]", text)
    found = json.loads(text.encode())
    assert len(found["stages"]) == 3
    assert found["traces"][0][11][0][1] == "1.5"


def test_nothing_at_all() -> None:
    """Without stages and runs all fields are there, and empty."""
    assert fields(Lineage([])) == {
        "stages": [], "runs": [], "older": 0, "latest": {}, "traces": [], "texts": [],
        "words": [], "parts": [], "environments": [],
    }  # fmt: skip


def test_stages_by_number() -> None:
    """Declared stages come first, with files and policy; stages of old runs have a name alone."""
    stage = Stage("fetch", "steps.fetch", {"a": "in"}, {"b": "out"}, Policy(impure=True))
    found = fields(Lineage([stage], [run(1, gone=StageRecord(Status.KEPT))]))
    words = found["words"]
    assert found["stages"][1:] == [["gone"]]
    name, step, inputs, outputs, policy = found["stages"][0]
    assert (name, step, policy) == ("fetch", "steps.fetch", "impure")
    assert [[words[number] for number in pair] for pair in (*inputs, *outputs)] == [["a", "in"], ["b", "out"]]


def test_outcomes_and_traces_refer_by_number() -> None:
    """An outcome refers to its stage, and a trace to the run that made it; each word stands once."""
    found = fields(two_stages(*RUNS, traces=(FIRST, USED), latest={"make": [SECOND.name, FIRST.name]}))
    words = found["words"]
    assert len(words) == len(set(words))
    newest, older = found["runs"]
    assert [(number, words[status]) for number, status, *_ in newest[5]] == [(0, "ran"), (1, "failed")]
    assert words[newest[5][1][5]] == "no"
    assert words[older[5][1][2]] == USED.name
    assert [(words[row[0]], row[4], words[row[13]]) for row in found["traces"]] == [
        ("make", 1, FIRST.name),
        ("use", 1, USED.name),
    ]
    assert found["latest"] == {"0": [words.index(FIRST.name)]}


def test_a_trace_of_an_older_run_has_its_command() -> None:
    """Where the run that made a trace is not on the page, its command line stands with the trace."""
    older = run(0, use=StageRecord(Status.RAN, "k", USED.name))
    origins = {USED.name: older, FIRST.name: RUNS[1]}
    found = fields(replace(two_stages(*RUNS, traces=(USED, FIRST, SECOND)), origins=origins))
    assert [row[4:6] for row in found["traces"]] == [[-1, "doit 0"], [1, ""], [-1, ""]]


def test_what_a_trace_is_made_of() -> None:
    """Settings have name, type and value as Python writes it; code and environment refer to their tables."""
    done = made(USE, {"made": b"1"}, {"out": b"22"})
    found = fields(Lineage([], traces={done.name: done, "same": replace(done, name="same")}))
    row, same = found["traces"]
    words = found["words"]
    assert [[words[number] for number in setting] for setting in row[6]][-1] == ["name", "str", "'größe'"]
    assert [(words[role], words[digest], size) for role, digest, size in row[8]] == [("out", artifact(b"22").digest, 2)]
    assert [found["parts"][number][0] for number in row[9]] == ["steps.train:run", "steps.nets:build"]
    assert found["environments"] == [[["platform", "Linux x86_64 glibc"], ["python", "3.11"], ["numpy", "2.0.1"]]]
    assert [[words[number] for number in pair] for pair in row[14]] == [
        ["step", "steps.train:run"],
        ["path of made", "a.txt"],
        ["path of out", "b.txt"],
        ["uses params.yaml", named("params")],
    ]
    assert row[:12] == same[:12]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.99, "0.99"), (math.inf, "Infinity"), (-math.inf, "-Infinity"), (math.nan, "NaN"), (1 / 3, "0.333333333")],
)
def test_metrics_are_numbers_as_scripts_read_them(value: float, text: str) -> None:
    """JSON has neither NaN nor infinity, so a metric is a text that JavaScript makes a number of."""
    row, words = of_trace(trace(metrics={"score": value}, name=named("t")))
    assert [(words[name], number) for name, number in row[11]] == [("score", text)]


def test_what_is_too_much_is_left_out() -> None:
    """Of each table of a trace so many rows are kept, and a size stays a whole number of JavaScript."""
    many = action(
        settings=tuple(Setting(f"s{n}", "int", n) for n in range(MAX_ITEMS + 1)),
        code={f"m:{n}": named("one") for n in range(MAX_PARTS + 1)},
    )
    done = trace(action=many, manifest={"model": Artifact(named("m"), 2**60)}, name=named("t"))
    row, _ = of_trace(done)
    assert (len(row[6]), len(row[9])) == (MAX_ITEMS, MAX_PARTS)
    assert row[8][0][2] == MAX_BYTES


def test_stages_that_a_run_does_not_name() -> None:
    """The sums of stages that are not on the page stand by their outcome."""
    found = fields(Lineage([], [run(1)._replace(omitted={"kept": (298, 1.23456)})]))
    ((status, number, seconds),) = found["runs"][0][6]
    assert (found["words"][status], number, seconds) == ("kept", 298, 1.235)


@pytest.mark.parametrize(("seconds", "shown"), [(1.23456, 1.235), (-0.5, 0.0), (0.0004, 0.0), (12.0, 12.0)])
def test_seconds_are_rounded(seconds: float, shown: float) -> None:
    """Seconds are shown to a thousandth; a clock that was set back makes none negative."""
    assert rounded(seconds) == shown
