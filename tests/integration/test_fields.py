"""doit's own fields on the dict of a stage, in real runs: what they add counts."""

from collections.abc import Callable

import pytest
from commands import call
from projects import Pipeline

DODO = """
from pathlib import Path

from doit.tools import config_changed, run_once

from redoit import step


def task_copy():
    return {"actions": ["cp source.txt used.txt"], "file_dep": ["source.txt"], "targets": ["used.txt"]}


def task_make():
    task = step("steps.read", inputs={"source": "other.txt"}, outputs={"made": "made.txt"})
    CHANGE
    return task


def task_last():
    return step("steps.read", inputs={"source": "made.txt"}, outputs={"made": "last.txt"})
"""
READ = """
from pathlib import Path


def run(source: Path, made: Path) -> None:
    made.write_text(Path("used.txt").read_text() if made.name == "made.txt" else source.read_text())
"""
DECLARED = "task['file_dep'].append('used.txt')"
New = Callable[[dict[str, str]], Pipeline]


def with_change(project: New, change: str) -> Pipeline:
    """Return a project whose stage `make` has a change of its dict, and whose step reads what a task makes."""
    files = {"dodo.py": DODO.replace("CHANGE", change), "steps/read.py": READ, "source.txt": "1", "other.txt": ""}
    made = project({**files, "version": "1"})
    made.path("linked.txt").symlink_to("used.txt")
    return made


def statuses(pipeline: Pipeline) -> dict[str, str]:
    """Return stage -> what a plan says of it, then of what the run that follows does."""
    planned = dict(line.split()[:2] for line in call(pipeline.root, "plan").lines[:-1] if not line.startswith("copy"))
    result = pipeline.doit()
    assert result.code == 0, result.text
    ran = dict.fromkeys(result.told("finished"), "run") | dict.fromkeys(result.told("kept"), "keep")
    assert {name: status.rstrip("?") for name, status in planned.items()} == ran or "?" in str(planned)
    return ran


@pytest.mark.parametrize(
    "change",
    [
        "task['file_dep'].append('used.txt')",
        "task['file_dep'] = (*task['file_dep'], './steps/../used.txt')",
        "task['file_dep'] += ['linked.txt']",
        "task = step('steps.read', inputs={'source': 'other.txt'}, outputs={'made': 'made.txt'}, uses=['used.txt'])",
    ],
)
def test_a_file_that_is_added_counts(project: New, change: str) -> None:
    """A stage runs after what makes it, again if its bytes change, and reads it without a warning."""
    pipeline = with_change(project, change)
    first = pipeline.doit()
    assert (first.code, pipeline.read("last.txt"), "WARNING" in first.text) == (0, "1", False), first.text
    assert statuses(pipeline) == {"make": "keep", "last": "keep"}
    pipeline.write("source.txt", "2")
    assert statuses(pipeline) == {"make": "run", "last": "run"}
    assert pipeline.read("last.txt") == "2"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ("task['uptodate'].append(False)", "run"),
        ("task['uptodate'] = [lambda task, values: False]", "run"),
        ("task['uptodate'] += [(lambda word: word == 'yes', ['no'])]", "run"),
        ("task['uptodate'].insert(0, 'false')", "run"),
        ("task['uptodate'] += [True, None, 'true', lambda: True]", "keep"),
        ("task['uptodate'].append(run_once)", "keep"),
    ],
)
def test_a_condition_that_is_false_runs_the_stage(project: New, change: str, status: str) -> None:
    """The stage runs and is not restored; what depends on it is kept, as its bytes are the same."""
    pipeline = with_change(project, f"{change}; {DECLARED}")
    pipeline.doit()
    assert statuses(pipeline) == {"make": status, "last": "keep"}


def test_a_condition_compares_with_the_last_run(project: New) -> None:
    """What a condition of doit remembers is stored with the run of a stage: it runs once for each change."""
    change = "task['uptodate'].append(config_changed(Path('version').read_text()))"
    pipeline = with_change(project, f"{change}; {DECLARED}")
    pipeline.doit()
    assert statuses(pipeline)["make"] == "keep"
    pipeline.write("version", "2")
    assert statuses(pipeline)["make"] == "run"
    assert statuses(pipeline)["make"] == "keep"
    pipeline.doit("forget", "make")
    assert statuses(pipeline)["make"] == "run"


def test_a_failing_condition_shows_its_own_traceback(project: New) -> None:
    """An exception in a function that doit calls has the frames of dodo.py, and none of doit or redoit."""
    pipeline = with_change(project, "task['uptodate'].append(lambda: 1 / 0)")
    error = pipeline.doit().err
    assert error.startswith("ERROR: dodo.py can't be loaded\nTraceback (most recent call last):\n")
    assert "dodo.py" in error.splitlines()[2]
    assert error.endswith("ZeroDivisionError: division by zero\n")
    assert "doit_cmd.py" not in error
