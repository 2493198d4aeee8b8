"""`doit plan`: planned tasks as lines with their times, as a summary, and as JSON."""

import io
import json

import pytest
from commands import call
from doit.cmd_base import ModuleTaskLoader
from examples import artifact, trace
from projects import Pipeline

from redoit.cli.plan import Plan
from redoit.model import PlannedStatus, Reason, Stage, Status
from redoit.planning.planned_task import PlannedTask

STAGE = Stage("train", "steps.train", {"data": "data/train.npz"}, {"model": "data/model"})


def planned(name: str, status: PlannedStatus, seconds: float | None = None, **fields: object) -> PlannedTask:
    """Return a planned stage whose earlier result took so many seconds, if it has one."""
    earlier = None if seconds is None else trace(seconds=seconds, manifest={"model": artifact(b"model")})
    return PlannedTask(name, status, stage=STAGE._replace(name=name), trace=earlier, **fields)  # type: ignore[arg-type]


def shown(*tasks: PlannedTask, as_json: bool = False, stopped: bool = False) -> str:
    """Return what the command prints of a plan."""
    command = Plan(ModuleTaskLoader({}))
    command.outstream, command.stopped = io.StringIO(), stopped
    command.show({task.name: task for task in tasks}, [], as_json=as_json)
    text: str = command.outstream.getvalue()
    return text


KEEP = planned("fetch", PlannedStatus.KEEP, 60.0)
RESTORE = planned("import", PlannedStatus.RESTORE, 60.0, reasons=(Reason("output missing", "model"),))
RUN = planned("train", PlannedStatus.RUN, 78.0, reasons=(Reason("setting", "epochs", 5, 7),))
MAYBE = planned(
    "report",
    PlannedStatus.RUN,
    2.0,
    uncertain=True,
    if_unchanged=Status.KEPT,
    pending={"data/model": "train"},
)
FIRST = planned("new", PlannedStatus.RUN, reasons=(Reason("first"),))
FAIL = planned("bad", PlannedStatus.FAIL, error="data/x: no such file")
BLOCKED = planned("after", PlannedStatus.NOT_RUN, blocked_by=("bad",))
PLAIN = PlannedTask("plain", PlannedStatus.RUN)
IGNORED = PlannedTask("old", PlannedStatus.IGNORED)
LINES = [
    (KEEP, "fetch  keep"),
    (RESTORE, "import  restore  <0.1 s  output data/model is missing"),
    (RUN, "train  run  ~1 min 18 s  epochs 5 -> 7"),
    (MAYBE, "report  run?  ~2.0 s  unless train rebuilds data/model with the same content"),
    (FIRST, "new  run  ?  never run before"),
    (FAIL, "bad  fail    data/x: no such file"),
    (BLOCKED, "after  not run    it needs bad"),
    (PLAIN, "plain  run    an ordinary task of doit"),
    (IGNORED, "old  ignored    an ordinary task of doit"),
]


@pytest.mark.parametrize(("task", "line"), LINES, ids=[task.name for task, _ in LINES])
def test_a_task_is_a_line(task: PlannedTask, line: str) -> None:
    """A line has the name, the status, the time where something is executed, and why."""
    assert shown(task).splitlines()[0] == line


SUMMARIES: list[tuple[tuple[PlannedTask, ...], str]] = [
    ((), "0 tasks: nothing to do."),
    ((KEEP,), "1 task: 1 keep."),
    ((RUN, KEEP, RESTORE), "3 tasks: 1 keep, 1 restore, 1 run; ~1 min 18 s."),
    ((RUN, MAYBE), "2 tasks: 1 run, 1 run?; ~1 min 18 s to ~1 min 20 s."),
    ((MAYBE,), "1 task: 1 run?; <0.1 s to ~2.0 s."),
    ((RUN, FIRST), "2 tasks: 2 run; ~1 min 18 s, and 1 of unknown time."),
    ((FIRST,), "1 task: 1 run; time unknown."),
    ((FAIL, BLOCKED, IGNORED), "3 tasks: 1 fail, 1 not run, 1 ignored."),
    ((PLAIN,), "1 task: 1 run."),
]


@pytest.mark.parametrize(("tasks", "summary"), SUMMARIES, ids=[summary for _, summary in SUMMARIES])
def test_the_last_line_sums_up(tasks: tuple[PlannedTask, ...], summary: str) -> None:
    """The summary counts each status, and adds the times of stages: with and without the uncertain ones."""
    assert shown(*tasks).splitlines()[-1] == summary


def test_a_plan_that_stops_says_so() -> None:
    """Behind the summary of a plan that ends at a failure, a line says how a run goes on."""
    assert shown(FAIL, stopped=True).splitlines()[-1].startswith("A run stops at the first failure; with -c ")
    assert "stops" not in shown(FAIL)


def test_programs_get_each_task_as_an_object() -> None:
    """JSON has the status, the estimated time, and why; null where there is none."""
    found = {each["task"]: each for each in json.loads(shown(KEEP, MAYBE, FIRST, PLAIN, as_json=True))}
    assert list(found) == ["fetch", "report", "new", "plain"]
    assert found["report"] == {
        "task": "report",
        "verdict": "run",
        "certain": False,
        "unless_same": "kept",
        "awaits": ["data/model"],
        "estimated_seconds": 2.0,
        "why": "unless train rebuilds data/model with the same content",
        "stage": True,
    }
    assert [found["fetch"]["why"], found["fetch"]["estimated_seconds"]] == [None, 0.0]
    assert [found["new"]["why"], found["new"]["estimated_seconds"]] == ["never run before", None]
    assert [found["plain"]["stage"], found["plain"]["estimated_seconds"]] == [False, None]


def test_no_tasks_are_an_empty_list_for_programs() -> None:
    """A plan without tasks is valid JSON."""
    assert json.loads(shown(as_json=True)) == []


OPTIONS = {
    "": ["make", "sort", "side", "join"],
    "side": ["make", "side"],
    "data/ordered.txt": ["make", "sort"],
    "-s side": ["side"],
    "-n 4 -v 0 side": ["make", "side"],
    "make --times 5": ["make"],
}


@pytest.mark.parametrize("arguments", OPTIONS)
def test_a_plan_has_the_tasks_of_a_run(chain: Pipeline, arguments: str) -> None:
    """The tasks are those that a run with the same arguments would reach, in its order."""
    result = call(chain.root, "plan", *arguments.split())
    assert (result.code, result.err) == (0, "")
    assert [line.split()[0] for line in result.lines[:-1]] == OPTIONS[arguments]


@pytest.mark.parametrize(("options", "statuses"), [((), ["keep", "fail"]), (("-c",), ["keep", "fail", "keep", "not"])])
def test_a_plan_ends_where_a_run_does(chain: Pipeline, options: tuple[str, ...], statuses: list[str]) -> None:
    """At a stage that can't run, the plan ends as a run does; with `-c` it goes on with the others."""
    chain.write("steps/broken.py", "def (\n")
    chain.edit("steps/sort.py", "from steps.witness", "import steps.broken\nfrom steps.witness")
    result = call(chain.root, "plan", *options)
    rows = [line.split() for line in result.lines]
    assert [row[1] for row in rows[: len(statuses)]] == statuses
    assert rows[len(statuses)][1] == "tasks:"
    assert ("A run stops" in result.out) == (not options)


def test_always_runs_what_is_up_to_date(chain: Pipeline) -> None:
    """With `-a`, stages that a run would keep are planned to run, because of it."""
    lines = call(chain.root, "plan", "-a", "make").lines
    assert lines[0].startswith("make  run  ")
    assert lines[0].endswith("  forced by doit -a")
