"""`doit plan`: what a run would do, compared with what it then does."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from projects import ALL, Pipeline


def plan(pipeline: Pipeline, *arguments: str) -> list[str]:
    """Return the lines that `doit plan` prints."""
    result = pipeline.doit("plan", *arguments)
    assert (result.executed, result.code, result.err) == ([], 0, ""), result.text
    return result.out.splitlines()


def planned(pipeline: Pipeline, *arguments: str) -> dict[str, dict[str, Any]]:
    """Return the output of `doit plan --json`, by task."""
    result = pipeline.doit("plan", "--json", *arguments)
    assert (result.executed, result.code, result.err) == ([], 0, ""), result.text
    return {found["task"]: found for found in json.loads(result.out)}


def test_the_lines_of_a_plan(built: Pipeline) -> None:
    """A plan has a line per task in the order of a run: decision, time of the earlier result, reason; and a sum."""
    lines = plan(built, "side.cache=no", "make.times=3")
    assert lines[0] == "make  keep"
    assert lines[1] == "sort  keep"
    assert re.fullmatch(r"side  run   [~<]\d+\.\d s  caching is off", lines[2])
    assert re.fullmatch(r"join  run   [~<]\d+\.\d s  side is not cached", lines[3])
    assert re.fullmatch(r"4 tasks: 2 keep, 2 run; [~<]\d+\.\d s\.", lines[4])


def test_a_restored_stage_has_known_bytes(built: Pipeline) -> None:
    """Stages behind a restored one are decided as they will be."""
    assert built.doit("make.times=7").code == 0
    built.edit("steps/sort.py", "key=int", "key=float")
    found = planned(built)
    assert [found[name]["verdict"] for name in ALL] == ["restore", "run", "restore", "run"]
    assert found["sort"]["why"] == "code of steps.sort:run changed"  # against the result of those bytes
    assert found["sort"]["awaits"] == []
    assert found["join"]["awaits"] == ["data/ordered.txt"]
    result = built.doit()
    assert (result.executed, result.told("restored")) == (["sort"], ["make", "side", "join"])


def test_open_decisions_are_shown_as_such(built: Pipeline) -> None:
    """A stage behind one that runs is planned to run, unless its input is rebuilt with the same content."""
    built.edit("steps/side.py", "found = sum", "found = 0 + sum")
    found = planned(built)
    assert found["join"]["verdict"] == "run"
    assert found["join"]["unless_same"] == "kept"
    assert found["join"]["why"] == "unless side rebuilds data/total.txt with the same content"
    lines = plan(built)
    assert lines[3].split()[:2] == ["join", "run?"]
    assert re.fullmatch(r"4 tasks: 2 keep, 1 run, 1 run\?; [~<]\d+\.\d s( to [~<]\d+\.\d s)?\.", lines[4])
    assert built.doit().executed == ["side"]


def test_tasks_and_parameters_are_those_of_a_run(built: Pipeline) -> None:
    """A plan takes names, targets, options and variables as a run does, and shows what it needs as well."""
    assert list(planned(built, "sort", "--reverse")) == ["make", "sort"]
    assert planned(built, "sort", "--reverse")["sort"]["why"] == "reverse False -> True"
    assert list(planned(built, "data/total.txt")) == ["make", "side"]
    assert list(planned(built, "-s", "join")) == ["join"]
    assert {found["verdict"] for found in planned(built, "-a").values()} == {"run"}
    assert planned(built, "-n", "2", "-v", "0") == planned(built)


def test_an_ordinary_task_between_stages(built: Pipeline) -> None:
    """Ordinary tasks are in the plan as doit decides them; the content of files that they rebuild is not known."""
    built.write(
        "dodo.py",
        built.read("dodo.py").replace('{"source": "source.txt"}', '{"source": "copied.txt"}')
        + "\n\ndef task_copy():\n    return {'actions': ['cp source.txt copied.txt'], 'file_dep': ['source.txt'],"
        "\n            'targets': ['copied.txt']}\n",
    )
    first = planned(built)
    assert list(first) == ["copy", *ALL]
    assert [first["copy"]["verdict"], first["copy"]["stage"]] == ["run", False]
    assert first["make"]["awaits"] == ["copied.txt"]
    result = built.doit()
    assert result.executed == ["make"]
    assert "(input source now at copied.txt)" in result.out
    assert {found["verdict"] for found in planned(built).values()} == {"keep"}


def test_a_plan_of_what_fails(built: Pipeline) -> None:
    """A plan shows the error of a stage that can't run, and its dependents as not run."""
    built.path("source.txt").unlink()
    assert plan(built)[1:] == [
        "1 task: 1 fail.",
        "A run stops at the first failure; with -c it goes on with what does not need it.",
    ]
    found = planned(built, "-c")
    assert [found[name]["verdict"] for name in ALL] == ["fail", "not run", "not run", "not run"]
    assert "source.txt: not there" in found["make"]["why"]


def test_what_is_ignored(built: Pipeline) -> None:
    """A task that doit ignores is planned as ignored."""
    built.doit("ignore", "side")
    assert planned(built)["side"]["verdict"] == "ignored"
    assert built.doit().code == 0


@pytest.mark.parametrize("width", ["40", "200"])
def test_a_plan_fits_the_terminal(built: Pipeline, width: str) -> None:
    """On a narrow terminal the reason is broken over lines; no line is wider than the terminal."""
    built.doit("forget", "make")
    script = (
        "import os, pty, sys\n"
        "os.environ.update(COLUMNS=sys.argv[1], LINES='30')\n"
        "pty.spawn([sys.executable, '-m', 'doit', 'plan', 'make.times=1234567890'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, width], cwd=built.root, env=built.env, capture_output=True, text=True, check=True
    )
    lines = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout).splitlines()
    assert all(len(line) <= int(width) for line in lines[:-1]), lines
    assert "forgotten" in " ".join(lines)


def test_a_reader_that_goes_away(built: Pipeline) -> None:
    """`doit plan | head -1` ends without a complaint."""
    command = f"{sys.executable} -m doit why | head -1"
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=built.root, env=built.env, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("make: keep\n", "")
