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
from redoit.lineage.page_data import MAX_ITEMS, MAX_NUMBER, packed, page_data
from redoit.model import Artifact, Policy, Setting, Stage, Status, Trace


def fields(lineage: Lineage) -> dict[str, Any]:
    """Return the data as a page's script reads it."""
    data = json.loads(page_data(lineage))
    found: list[Any] = []
    for value in data["values"]:
        keys, *numbers = value if isinstance(value, list) else (None,)
        items = [found[number] for number in numbers]
        unpacked = items if keys is None else dict(zip(found[keys], items, strict=True))
        found.append(unpacked if isinstance(value, list) else value)
    return {**found[-1], "texts": data["texts"]}


def of_trace(done: Trace) -> dict[str, Any]:
    """Return the data of one trace."""
    (found,) = fields(Lineage([], traces={done.name: done}))["traces"]
    return dict(found)


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_hostile_names(name: str) -> None:
    """The data is JSON without a sign that could end it, and says what was said."""
    text = page_data(all_named(name))
    assert not re.search("[<>&\u2028\u2029]", text)
    found = fields(all_named(name))
    assert len(found["stages"]) == 3
    assert [*found["traces"][0]["metrics"].values()] == ["1.5", "nan", "Infinity"]


def test_nothing_at_all() -> None:
    """Without stages and runs all fields are there, and empty."""
    assert fields(Lineage([])) == {"stages": [], "runs": [], "older": 0, "traces": [], "texts": {}}


def test_each_value_stands_once() -> None:
    """A value is a text, a number, or a list of the numbers of values before it, and differs from all others."""
    values = json.loads(page_data(two_stages(*RUNS, traces=(FIRST, USED))))["values"]
    assert len(set(map(json.dumps, values))) == len(values)
    assert all(number < place for place, row in enumerate(values) if isinstance(row, list) for number in row[1:])


def test_stages() -> None:
    """Declared stages come first, with files and policy; stages of old runs have a name alone."""
    stage = Stage("fetch", "steps.fetch", {"a": "in"}, {"b": "out"}, Policy(impure=True))
    lineage = Lineage([stage], [run(1, gone=StageRecord(Status.KEPT))], latest={"fetch": ["one", "other"]})
    files = {"inputs": {"a": "in"}, "outputs": {"b": "out"}}
    assert fields(lineage)["stages"] == [
        {"name": "fetch", "step": "steps.fetch", **files, "policy": "impure", "latest": ["one", "other"]},
        {"name": "gone"},
    ]


def test_outcomes_and_traces() -> None:
    """An outcome has the name of its trace, and a trace that of the run that made it."""
    found = fields(two_stages(*RUNS, traces=(FIRST, USED)))
    newest, older = (each["stages"] for each in found["runs"])
    assert {stage: outcome["verdict"] for stage, outcome in newest.items()} == {"make": "ran", "use": "failed"}
    assert newest["use"]["error"] == "no"
    assert older["use"]["trace"] == USED.name
    assert [(each["stage"], each["run"], each["name"]) for each in found["traces"]] == [
        ("make", "run1", FIRST.name),
        ("use", "run1", USED.name),
    ]


def test_a_trace_has_the_command_of_its_run() -> None:
    """The run that made a trace may not be on the page, so its command line stands with the trace."""
    older = run(0, use=StageRecord(Status.RAN, "k", USED.name))
    origins = {USED.name: older, FIRST.name: RUNS[1]}
    found = fields(replace(two_stages(*RUNS, traces=(USED, FIRST, SECOND)), origins=origins))
    assert [each["command"] for each in found["traces"]] == ["doit 0", "doit 1", ""]


def test_what_a_trace_is_made_of() -> None:
    """Settings have type and value as Python writes it; outputs have digest and size; and there are all paths."""
    done = made(USE, {"made": b"1"}, {"out": b"22"})
    found = of_trace(done)
    assert found["settings"]["name"] == ["str", "'größe'"]
    assert found["outputs"] == {"out": [artifact(b"22").digest, 2]}
    assert list(found["code"]) == ["steps.train:run", "steps.nets:build"]
    assert found["environment"] == {"platform": "Linux x86_64 glibc", "python": "3.11", "numpy": "2.0.1"}
    assert found["paths"] == {"made": "a.txt", "out": "b.txt"}


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.99, "0.99"), (math.inf, "Infinity"), (-math.inf, "-Infinity"), (math.nan, "nan"), (1 / 3, "0.333333333")],
)
def test_metrics_are_numbers_as_scripts_read_them(value: float, text: str) -> None:
    """JSON has neither NaN nor infinity, so a metric is a text that JavaScript makes a number of."""
    assert of_trace(trace(metrics={"score": value}, name=named("t")))["metrics"] == {"score": text}


def test_what_is_too_much_is_left_out() -> None:
    """Of each table of a trace so many rows are kept, and a size stays a whole number of JavaScript."""
    many = action(
        settings=tuple(Setting(f"s{n}", "int", n) for n in range(MAX_ITEMS + 1)),
        code={f"m:{n}": named("one") for n in range(MAX_ITEMS + 1)},
    )
    found = of_trace(trace(action=many, manifest={"model": Artifact(named("m"), 2**60)}, name=named("t")))
    assert (len(found["settings"]), len(found["code"])) == (MAX_ITEMS, MAX_ITEMS)
    assert found["outputs"]["model"][1] == MAX_NUMBER


def test_stages_that_a_run_does_not_name() -> None:
    """The sums of stages that are not on the page stand by their outcome."""
    found = fields(Lineage([], [run(1)._replace(omitted={"kept": (298, 1.23456)})]))
    assert found["runs"][0]["omitted"] == [{"verdict": "kept", "total": 298, "seconds": 1.235}]


@pytest.mark.parametrize(("seconds", "shown"), [(1.23456, 1.235), (-0.5, 0.0), (0.0004, 0.0), (12.0, 12.0)])
def test_seconds_are_rounded(seconds: float, shown: float) -> None:
    """Seconds are shown to a thousandth; a clock that was set back makes none negative."""
    assert packed(seconds) == [shown]


def test_true_is_one() -> None:
    """What equals another value has its number, so that no count is shown as `true`."""
    assert packed([True, 1, 1.0]) == [1, (None, 0, 0, 0)]
