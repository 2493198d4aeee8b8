"""The lines of a run: one for each stage and its status, and the summary."""

import io
import os
import pty
import re
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import pytest
from doit.exceptions import TaskFailed, UnmetDependency
from doit.task import Task
from doit_tasks import chain_tasks, stage_behind
from examples import trace

from redoit.model import Outcome, Reason, Restore, Run, Status
from redoit.plugin.reporter import StageReporter

TRACE = trace(started=0.0, seconds=12.5, metrics={"accuracy": 0.98765, "n\x1b": 2.0})
RESULT = r"\(ran 12\.500s on 19(70-01-01|69-12-31)\)\.\n"


@pytest.fixture
def tasks(chain_folder: Path) -> dict[str, Task]:
    """Return the chain's tasks, and an ordinary one."""
    return chain_tasks(plain=Task("plain", ["true"]))


def report(act: Callable[[StageReporter], object], stream: TextIO | None = None) -> str:
    """Return what a reporter writes."""
    out = stream or io.StringIO()
    act(StageReporter(out, {}))
    out.seek(0)
    return out.read()


def test_a_stage_that_starts_says_why(tasks: dict[str, Task]) -> None:
    """The line of a stage that runs has its reasons, with the names of files without their folders."""
    stage_behind(tasks["sort"]).decision = Run((Reason("input", "made"), Reason("setting", "reverse", False, True)))
    expected = "Step sort has started. (input made.txt changed, reverse False -> True)\n"
    assert report(lambda reporter: reporter.execute_task(tasks["sort"])) == expected


def test_a_restore_is_reported_once_it_is_done(tasks: dict[str, Task]) -> None:
    """A stage that will be restored writes nothing at its start, and then how long it took and ran."""
    stage_behind(tasks["make"]).decision = Restore(TRACE)
    stage_behind(tasks["make"]).outcome = Outcome(Status.RESTORED, TRACE, 0.25)
    assert report(lambda reporter: reporter.execute_task(tasks["make"])) == ""
    text = report(lambda reporter: reporter.add_success(tasks["make"]))
    assert re.fullmatch(r"Step make restored in 0\.250s " + RESULT, text)


def test_a_kept_stage_is_one_line(tasks: dict[str, Task]) -> None:
    """A kept stage says how long the decision took, and when its step ran and for how long."""
    stage_behind(tasks["make"]).outcome = Outcome(Status.KEPT, TRACE, 0.001)
    text = report(lambda reporter: reporter.skip_uptodate(tasks["make"]))
    assert re.fullmatch(r"Step make kept in 0\.001s " + RESULT, text)


def test_a_stage_that_ran_has_its_metrics_and_warnings(tasks: dict[str, Task]) -> None:
    """The last line of a run has the duration of the step and its metrics; each warning has a line of its own."""
    stage_behind(tasks["make"]).outcome = Outcome(
        Status.RAN, TRACE, 13.0, (), ("undeclared input a", "not reproducible")
    )
    assert report(lambda reporter: reporter.add_success(tasks["make"])) == (
        "Step make has finished in 12.500s. (accuracy 0.9877, n\\x1b 2)\n"
        "WARNING make: undeclared input a\n"
        "WARNING make: not reproducible\n"
    )


def test_a_failure_is_one_line(tasks: dict[str, Task]) -> None:
    """A stage that failed has its error, one that needs it the sorted names of what failed."""
    failed = report(lambda reporter: reporter.add_failure(tasks["make"], TaskFailed("step steps.make: no luck\n")))
    assert failed == "Step make has failed. step steps.make: no luck\n"
    unmet = UnmetDependency("sort side")
    assert report(lambda reporter: reporter.add_failure(tasks["join"], unmet)) == (
        "Step join was not run: it needs side and sort.\n"
    )
    assert report(lambda reporter: reporter.add_failure(tasks["plain"], UnmetDependency("make"))) == (
        "Task plain was not run: it needs make.\n"
    )


def test_the_summary_counts_each_status(tasks: dict[str, Task]) -> None:
    """The last line counts stages by status in a fixed order, and what reuse saved; ordinary tasks do not count.

    A restore that took longer than the step saved nothing.
    """

    def run(reporter: StageReporter) -> None:
        reporter.add_failure(tasks["join"], UnmetDependency("side"))
        reporter.add_failure(tasks["side"], TaskFailed("no luck"))
        reporter.add_failure(tasks["plain"], UnmetDependency("side"))
        stage_behind(tasks["sort"]).outcome = Outcome(Status.KEPT, TRACE, 0.5)
        reporter.skip_uptodate(tasks["sort"])
        stage_behind(tasks["sort"]).outcome = Outcome(Status.RESTORED, TRACE, 99.0)
        reporter.add_success(tasks["sort"])
        stage_behind(tasks["make"]).outcome = Outcome(Status.RAN, TRACE, 13.0)
        reporter.add_success(tasks["make"])
        reporter.add_success(tasks["plain"])
        reporter.complete_run()

    last = report(run).splitlines()[-1]
    assert re.fullmatch(
        r"5 steps: 1 ran, 1 restored, 1 kept, 1 failed, 1 not run in \d+\.\d{3}s, 12\.000s saved\.", last
    )


def test_a_run_of_one_stage_is_counted_as_one(tasks: dict[str, Task]) -> None:
    """One step is no "steps", and nothing was saved by a run; a run without stages has no summary."""

    def run(reporter: StageReporter) -> None:
        stage_behind(tasks["make"]).outcome = Outcome(Status.RAN, TRACE, 13.0)
        reporter.add_success(tasks["make"])
        reporter.complete_run()

    assert re.fullmatch(r"1 step: 1 ran in \d+\.\d{3}s\.", report(run).splitlines()[-1])
    assert report(lambda reporter: reporter.complete_run()) == ""


def test_ordinary_tasks_look_as_in_doit(tasks: dict[str, Task]) -> None:
    """A task that is no stage starts, is skipped and fails with doit's own lines."""

    def run(reporter: StageReporter) -> None:
        reporter.execute_task(tasks["plain"])
        reporter.skip_uptodate(tasks["plain"])
        reporter.add_failure(tasks["plain"], TaskFailed("no luck"))

    assert report(run) == ".  plain\n-- plain\nTaskFailed - taskid:plain\nno luck\n\n"


def test_what_the_stream_can_not_encode_is_escaped(tasks: dict[str, Task]) -> None:
    """A stream with few characters gets the others as their codes, and no error."""
    failure = TaskFailed("größe")
    stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    text = report(lambda reporter: reporter.add_failure(tasks["make"], failure), stream)
    assert text == "Step make has failed. gr\\xf6\\xdfe\n"


@pytest.mark.parametrize(
    ("variables", "word"),
    [({}, "\x1b[31mfailed\x1b[0m"), ({"NO_COLOR": "1"}, "failed"), ({"TERM": "dumb"}, "failed")],
)
def test_a_terminal_shows_the_status_in_colour(
    tasks: dict[str, Task], monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], word: str
) -> None:
    """On a terminal the status is coloured, unless the user or the terminal wants none."""
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    ours, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8") as terminal:
        StageReporter(terminal, {}).add_failure(tasks["make"], TaskFailed("no luck"))
        shown = os.read(ours, 1000).decode()
    os.close(ours)
    assert shown == f"Step make has {word}. no luck\r\n"


@pytest.mark.parametrize(
    ("term", "is_terminal", "shown"),
    [
        ("xterm", True, True),
        ("xterm", False, False),
        ("dumb", True, False),
        ("unknown", True, False),
        ("", True, True),
        (None, True, False),
    ],
)
def test_only_a_terminal_that_can_move_its_cursor_has_a_display(
    monkeypatch: pytest.MonkeyPatch, term: str | None, is_terminal: bool, shown: bool
) -> None:
    """There is no display in a file, nor on a terminal that is known for nothing."""
    monkeypatch.delenv("TERM", raising=False)
    if term is not None:
        monkeypatch.setenv("TERM", term)
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: is_terminal)
    assert (StageReporter(stream, {})._live is not None) == shown
