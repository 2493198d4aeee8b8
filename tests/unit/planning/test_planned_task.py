"""What a plan says of one task: as a value, in one line, and in JSON."""

from dataclasses import replace
from typing import Any

import pytest
from examples import artifact, trace

from redoit.model import PlannedStatus, Reason, Stage, Status
from redoit.planning.planned_task import PlannedTask, condition, explanation

STAGE = Stage("train", "steps.train", {"normalized": "data/normalized.npz"}, {"model": "data/model.keras"})
RUNS = PlannedTask("train", PlannedStatus.RUN, STAGE, (Reason("input", "normalized"),))
ORDINARY = PlannedTask("copy", PlannedStatus.RUN)


@pytest.mark.parametrize(
    ("status", "executes", "label"),
    [
        (PlannedStatus.KEEP, False, "keep"),
        (PlannedStatus.RESTORE, True, "restore?"),
        (PlannedStatus.RUN, True, "run?"),
        (PlannedStatus.FAIL, False, "fail"),
        (PlannedStatus.NOT_RUN, False, "not run"),
        (PlannedStatus.IGNORED, False, "ignored"),
    ],
)
def test_only_a_task_that_executes_can_be_in_question(status: PlannedStatus, executes: bool, label: str) -> None:
    """A question mark stands behind an uncertain run or restore, and behind no other status."""
    planned = PlannedTask("train", status, STAGE, uncertain=True)
    assert (planned.executes, planned.label) == (executes, label)
    assert replace(planned, uncertain=False).label == status


@pytest.mark.parametrize(
    ("status", "earlier", "seconds"),
    [
        (PlannedStatus.RUN, trace(seconds=12.5), 12.5),
        (PlannedStatus.RUN, None, None),
        (PlannedStatus.RESTORE, trace(manifest={"a": artifact(b"x" * 3000), "b": artifact(b"")}), 3e-6),
        (PlannedStatus.KEEP, trace(), 0.0),
        (PlannedStatus.FAIL, None, 0.0),
    ],
)
def test_the_estimate_is_that_of_the_earlier_result(status: PlannedStatus, earlier: Any, seconds: float | None) -> None:
    """A run takes as long as its earlier result did, a restore what its bytes take, and anything else no time."""
    assert PlannedTask("train", status, STAGE, trace=earlier).seconds == seconds


def test_the_duration_of_an_ordinary_task_is_unknown() -> None:
    """Nobody knows how long an ordinary task takes, whether it runs or is kept."""
    assert ORDINARY.seconds is None
    assert replace(ORDINARY, status=PlannedStatus.KEEP).seconds is None


def test_json_names_what_it_awaits_in_order() -> None:
    """The fields for programs are plain values, and the files that it awaits are sorted."""
    planned = replace(RUNS, pending={"b": "make", "a": "make"}, if_unchanged=Status.KEPT, uncertain=True)
    assert planned.to_json() == {
        "verdict": "run",
        "certain": False,
        "unless_same": "kept",
        "awaits": ["a", "b"],
        "estimated_seconds": None,
    }


FILES = {f"data/{number}": f"make:{number}" for number in range(4)}


@pytest.mark.parametrize(
    ("pending", "text"),
    [
        ({}, ""),
        ({"data/a": "make"}, "unless make rebuilds data/a with the same content"),
        ({"data/b": "make", "data/a": "make"}, "unless make rebuilds data/a and data/b with the same content"),
        ({"data/a": "sort", "data/b": "make"}, "unless make and sort rebuild data/a and data/b with the same content"),
        (FILES, "unless 4 tasks rebuild 4 files with the same content"),
        ({"make": "make"}, "unless make gives the same result"),
        ({"make": "make", "sort": "sort"}, "unless make and sort give the same result"),
        ({"test -e a": ""}, "unless test -e a succeeds"),
        ({"true": "", "false": ""}, "unless false and true succeed"),
        (
            {"data/a": "make", "sort": "sort", "true": ""},
            "unless make rebuilds data/a with the same content, sort gives the same result and true succeeds",
        ),
        ({"a\nb": "make"}, r"unless make rebuilds a\nb with the same content"),
    ],
)
def test_the_condition_under_which_a_task_does_not_run(pending: dict[str, str], text: str) -> None:
    """Files, results of tasks and commands are named in one line, and only counted if they are more than three."""
    assert condition(replace(RUNS, pending=pending, if_unchanged=Status.KEPT)) == text
    assert condition(replace(RUNS, pending=pending)) == ""


@pytest.mark.parametrize(
    ("planned", "text"),
    [
        (RUNS, "input data/normalized.npz changed"),
        (
            replace(RUNS, pending={"a": "make"}, if_unchanged=Status.KEPT),
            "unless make rebuilds a with the same content",
        ),
        (replace(RUNS, error="source.txt: not there"), "source.txt: not there"),
        (replace(RUNS, error="source.txt: not there", blocked_by=("a", "b", "c")), "it needs a, b and c"),
        (PlannedTask("train", PlannedStatus.KEEP, STAGE), ""),
        (ORDINARY, "an ordinary task of doit"),
        (
            replace(ORDINARY, pending={"make": "make"}, if_unchanged=Status.KEPT),
            "an ordinary task of doit, unless make gives the same result",
        ),
    ],
)
def test_one_line_explains_a_task(planned: PlannedTask, text: str) -> None:
    """What blocks a task explains it first, then its error, then its condition, then its reasons with their files."""
    assert explanation(planned) == text
