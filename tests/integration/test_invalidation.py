"""Stages that must run although traces exist: forgotten, uncached, volatile, impure, always."""

import os
import signal

import pytest
from projects import ALL, FOR_EVER, Pipeline, until


def test_forget_invalidates_the_dependents(built: Pipeline) -> None:
    """`doit forget` runs the stage and all that depend on it, once, although nothing changed."""
    result = built.doit("forget", "sort")
    assert (result.code, result.out) == (0, "forgetting sort (its dependents run again, too: join)\n")
    result = built.doit()
    assert (result.executed, result.code) == (["sort", "join"], 0)
    assert "Step sort has started. (forgotten)" in result.out
    assert "Step join has started. (sort was forgotten)" in result.out
    assert built.doit().executed == []


def test_bare_forget_is_about_all(built: Pipeline) -> None:
    """`doit forget` without a name runs everything again, and deletes nothing."""
    before = built.outputs()
    assert built.doit("forget").code == 0
    assert built.outputs() == before
    assert built.doit().executed == ALL


def test_forget_takes_patterns(built: Pipeline) -> None:
    """`doit forget 's*'` is about every stage that matches."""
    assert built.doit("forget", "s*").code == 0
    assert built.doit().executed == ["sort", "side", "join"]


def test_forget_of_an_unknown_name_suggests(built: Pipeline) -> None:
    """A misspelled stage is an error of one line, and nothing is forgotten."""
    result = built.doit("forget", "srot")
    assert result.code == 3
    assert result.text.strip() == "ERROR: srot: no such task; did you mean sort?"
    assert built.doit().executed == []


def test_no_cache_runs_the_stage_and_its_dependents(built: Pipeline) -> None:
    """`doit make --no-cache` runs that stage; its dependents run the next time they are asked for."""
    assert built.doit("make", "--no-cache").executed == ["make"]
    assert built.doit().executed == ["sort", "side", "join"]
    assert built.doit().executed == []


UNCACHED = {
    "pyproject.toml": lambda pipeline: pipeline.write("pyproject.toml", "[tool.doit.tasks.sort]\ncache = false\n"),
    "doit.cfg": lambda pipeline: pipeline.write("doit.cfg", "[task:sort]\ncache = false\n"),
    "declared": lambda pipeline: pipeline.edit("dodo.py", '"steps.sort", ', '"steps.sort", cache=False, '),
}


@pytest.mark.parametrize("change", UNCACHED.values(), ids=UNCACHED)
def test_an_uncached_stage_runs_each_time(built: Pipeline, change: object) -> None:
    """A stage declared or configured without cache runs in each doit, and so do its dependents."""
    change(built)  # type: ignore[operator]
    for _ in range(2):
        assert built.doit().executed == ["sort", "join"]


def test_always_runs_everything(built: Pipeline) -> None:
    """`doit -a` runs all stages, once."""
    assert built.doit("-a").executed == ALL
    assert built.doit().executed == []


def test_a_project_without_cache_runs_everything(built: Pipeline) -> None:
    """`[tool.redoit] cache = false` runs all stages each time."""
    built.write("pyproject.toml", "[tool.redoit]\ncache = false\n")
    assert built.doit().executed == ALL
    assert built.doit().executed == ALL
    built.path("pyproject.toml").unlink()
    assert built.doit().executed == []


def test_a_volatile_stage_runs_each_time(built: Pipeline) -> None:
    """A volatile stage runs in each doit; dependents follow only if bytes changed."""
    built.edit("dodo.py", '"steps.sort", ', '"steps.sort", volatile=True, ')
    assert built.doit().executed == ["sort"]
    built.edit("steps/sort.py", "reverse=reverse", "reverse=not reverse")
    assert built.doit().executed == ["sort", "join"]
    assert built.doit().executed == ["sort"]


def test_an_impure_stage_is_kept_but_never_restored(built: Pipeline) -> None:
    """An impure stage is kept while its outputs match, runs when they do not, and leaves no blob of them."""
    built.edit("dodo.py", '"steps.side", ', '"steps.side", impure=True, ')
    assert built.doit().executed == ["side"]
    assert built.doit().executed == []
    built.path("data/total.txt").unlink()
    result = built.doit()
    assert result.executed == ["side"]
    assert "Step side has started. (output total.txt is missing)" in result.out
    built.write("data/total.txt", "7")
    assert built.doit().executed == ["side"]


@pytest.mark.parametrize("command", [["forget", "make"], ["make", "--no-cache"]], ids=["forget", "no-cache"])
def test_invalidation_outlives_a_failure(built: Pipeline, command: list[str]) -> None:
    """What was forgotten or uncached stays so until it has succeeded, also when the step fails first."""
    result = built.doit(*command, DURING_make="kill -9 $PPID")
    if command[0] == "forget":
        result = built.doit(DURING_make="kill -9 $PPID")
    assert result.executed == ["make"]
    assert result.code != 0
    assert built.doit().executed == ALL
    assert built.doit().executed == []


@pytest.mark.parametrize("command", [["forget", "make"], ["make", "--no-cache"]], ids=["forget", "no-cache"])
def test_invalidation_outlives_a_killed_doit(built: Pipeline, command: list[str]) -> None:
    """The same, when doit itself is killed while the step runs."""
    if command[0] == "forget":
        built.doit(*command)
        command = []
    process = built.start(*command, DURING_make=FOR_EVER)
    until(lambda: built.executed() == ["make"])
    os.kill(process.pid, signal.SIGKILL)
    built.finish(process)
    assert built.doit().executed == ALL
    assert built.doit().executed == []


def test_no_cache_is_remembered_from_the_start(built: Pipeline) -> None:
    """`--no-cache` is not lost if doit is killed while a dependency of the stage runs."""
    built.edit("source.txt", "3", "4")
    process = built.start("side", "--no-cache", DURING_make=FOR_EVER)
    until(lambda: built.executed() == ["make"])
    process.kill()
    built.finish(process)
    built.edit("source.txt", "4", "3")
    assert set(built.doit().executed) == {"side", "join"}
