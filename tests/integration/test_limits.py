"""How long a step may take, and whether a doit waits for another."""

import re
import signal
from collections.abc import Iterator

import pytest
from child_processes import ChildProcesses
from projects import ALL, FOR_EVER, WAYS, Pipeline, until

pytestmark = pytest.mark.parametrize("preload", WAYS.values(), ids=WAYS, indirect=True)

HANGS = {"DURING_side": FOR_EVER}


def test_a_step_that_takes_too_long_fails(fresh: Pipeline) -> None:
    """A step is ended with all it started, in one line that names limit and log; what it does not need goes on."""
    offspring = ChildProcesses(fresh)
    result = fresh.doit("-c", "side.time_limit=0.5", **HANGS)
    assert {*result.executed} - {"side"} == {"make", "sort"}  # its time may be over before its step says a word
    assert result.code != 0
    line = "step steps.side: exceeded its time limit of 0.5 s and was killed; its log is .redoit/logs/side"
    assert f"Step side has failed. {line}\n" in result.out
    assert "Step join was not run: it needs side.\n" in result.out
    assert result.out.splitlines()[-1].startswith("4 steps: 2 ran, 1 failed, 1 not run in ")
    assert offspring.left() == []
    assert fresh.doit().executed == ["side", "join"]


@pytest.mark.parametrize("arguments", [("-n2",), ("-n2", "-Pthread")], ids=["process", "thread"])
def test_a_step_that_takes_too_long_during_others(built: Pipeline, arguments: tuple[str, ...]) -> None:
    """It fails in one line, its earlier output stays, and stages that do not need it are made."""
    before = built.read("data/ordered.txt")
    built.write("pyproject.toml", "[tool.doit.tasks.sort]\ntime_limit = 0.5\n")
    result = built.doit("--continue", "make.times=5", *arguments, DURING_sort=FOR_EVER)
    assert result.code != 0
    assert "failed. step steps.sort: exceeded its time limit of 0.5 s and was killed; its log" in result.out
    assert {*result.told("finished")} == {"make", "side"}
    assert built.read("data/ordered.txt") == before
    again = built.doit("make.times=5", *arguments)
    assert (again.executed, again.code) == (["sort", "join"], 0)


def test_a_time_limit_is_no_setting_of_the_step(built: Pipeline) -> None:
    """A limit that is not reached, or is huge, changes nothing: the result is kept."""
    for limit in ("30", "1e300", "inf", "none"):
        result = built.doit("make", "--time-limit", limit)
        assert (result.executed, result.code, result.err) == ([], 0, "")
    for limit in ("1e300", "inf"):
        result = built.doit("-a", f"make.time_limit={limit}")
        assert (result.executed, result.code, result.err) == (ALL, 0, "")


SECTIONS = {"pyproject.toml": "[tool.doit.tasks.side]", "doit.cfg": "[task:side]"}
OUTPUT = 'outputs={"total": "data/total.txt"}'


@pytest.mark.parametrize("name", ["dodo.py", *SECTIONS])
def test_where_a_limit_may_stand(fresh: Pipeline, name: str) -> None:
    """A limit is set as any setting of a stage, or where the stage is declared."""
    if name == "dodo.py":
        fresh.edit(name, OUTPUT, f"{OUTPUT}, time_limit=0.5")
    else:
        fresh.write(name, f"{SECTIONS[name]}\ntime_limit = 0.5\n")
    result = fresh.doit("side", **HANGS)
    assert result.code == 1
    assert "exceeded its time limit of 0.5 s" in result.out


def test_a_limit_in_dodo_as_text(fresh: Pipeline) -> None:
    """A limit that dodo.py gives as text, say from the environment, is read as settings are."""
    fresh.edit("dodo.py", OUTPUT, f"{OUTPUT}, time_limit='0.5'")
    result = fresh.doit("side", **HANGS)
    assert (result.code, "exceeded its time limit of 0.5 s" in result.out) == (1, True)


def test_a_limit_of_one_run(built: Pipeline) -> None:
    """`doit side --time-limit 0.5` counts for that run; `none` removes a limit."""
    built.edit("steps/side.py", "sum(map", "0 + sum(map")
    assert built.doit("side", "--time-limit", "0.5", **HANGS).code == 1
    built.write("doit.cfg", "[task:side]\ntime_limit = 0.001\n")
    assert built.doit("side", "--time-limit", "none").executed == ["side"]


@pytest.mark.parametrize("limit", ["0", "-1", "nan", "long"])
def test_a_limit_that_is_none(built: Pipeline, limit: str) -> None:
    """What can't be a limit is one line, before anything runs."""
    result = built.doit(f"make.time_limit={limit}")
    assert (result.executed, result.code) == ([], 3)
    assert result.err == f"ERROR: make.time_limit={limit}: found '{limit}', expected seconds above 0, or none\n"


def test_a_limit_in_dodo_that_is_none(built: Pipeline) -> None:
    """A limit that can't be one is found when the stages are loaded."""
    built.edit("dodo.py", OUTPUT, f"{OUTPUT}, time_limit=-1")
    line = "ERROR: stage of steps.side: time_limit: found -1, expected seconds above 0, or none\n"
    assert built.doit("list").err == line


@pytest.fixture
def busy(fresh: Pipeline) -> Iterator[Pipeline]:
    """Return a project in which a doit is in the middle of a step, and stays there: who waits for it never ends."""
    process = fresh.start("make", DURING_make=FOR_EVER)
    until(lambda: fresh.executed() == ["make"])
    yield fresh
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    fresh.finish(process)


@pytest.mark.parametrize("command", ["run", "verify", "forget", "clean", "ignore"])
def test_who_does_not_wait_fails_at_once(busy: Pipeline, command: str) -> None:
    """With `--no-wait` a second doit fails in one line that names the first, and does nothing."""
    result = busy.doit(command, "--no-wait", "make")
    assert (result.code, result.out) == (3, "")
    pattern = r"ERROR: '.*make' \(process \d+\): at work here, expected nobody; let it finish, or leave out --no-wait\n"
    assert re.fullmatch(pattern, result.err)


@pytest.mark.parametrize(
    "arguments", [["cache"], ["cache", "gc"], ["cache", "check"], ["list"], ["info", "make"]], ids=" ".join
)
def test_a_dry_run_does_not_wait(busy: Pipeline, arguments: list[str]) -> None:
    """Dry runs, and gc of the store, work while a step runs."""
    assert busy.doit(*arguments).code in (0, 1)


def test_no_wait_without_another_doit(built: Pipeline) -> None:
    """Where no other doit is at work, `--no-wait` changes nothing."""
    assert built.doit("--no-wait").told("kept") == ["make", "sort", "side", "join"]
