"""doit's `list` and `info` on stages: they show what a run would do, and change nothing."""

from collections.abc import Callable

import pytest
from commands import call
from projects import Pipeline

from redoit.cli.list_info import LETTERS
from redoit.model import PlannedStatus

ORDINARY = '''

def task_plain():
    """Write a note."""
    return {"actions": ["echo note > note.txt"], "file_dep": ["source.txt"], "targets": ["note.txt"]}
'''
GROUP = """

def task_pair():
    for size in ("big", "small"):
        yield {**step("steps.side", inputs={"made": "data/made.txt"}, outputs={"total": f"data/{size}.txt"}),
               "name": size}
"""


def test_each_planned_status_has_a_letter() -> None:
    """What a dry run can decide is what `list -s` has a letter for."""
    assert LETTERS.keys() == set(PlannedStatus)


STATES: dict[str, tuple[Callable[[Pipeline], object], dict[str, str]]] = {
    "built": (lambda _: None, {"join": "U", "make": "U", "side": "U", "sort": "U"}),
    "an output is lost": (
        lambda chain: chain.path("data/total.txt").unlink(),
        {"join": "U", "make": "U", "side": "R", "sort": "U"},
    ),
    "code was edited": (
        lambda chain: chain.edit("steps/sort.py", "key=int", "key=float"),
        {"join": "R", "make": "U", "side": "U", "sort": "R"},
    ),
    "an input is lost": (
        lambda chain: chain.path("source.txt").unlink(),
        {"join": "E", "make": "E", "side": "E", "sort": "E"},
    ),
    "one is ignored, and so what needs it": (
        lambda chain: call(chain.root, "ignore", "side"),
        {"join": "I", "make": "U", "side": "I", "sort": "U"},
    ),
}


@pytest.mark.parametrize(("change", "letters"), STATES.values(), ids=STATES)
def test_a_letter_tells_what_a_run_would_do(
    chain: Pipeline, change: Callable[[Pipeline], object], letters: dict[str, str]
) -> None:
    """`list -s` shows each planned status as one letter, by name."""
    change(chain)
    result = call(chain.root, "list", "-s")
    assert (result.code, result.err) == (0, "")
    assert [line.split()[:2] for line in result.lines] == [[letter, name] for name, letter in letters.items()]


def test_members_of_a_group_have_letters(chain: Pipeline) -> None:
    """With `--all`, each member of a group has the letter of its own status, and the group that of all."""
    chain.write("dodo.py", chain.read("dodo.py") + GROUP)
    found = dict(reversed(line.split()[:2]) for line in call(chain.root, "list", "-s", "--all", "pair").lines)
    assert found == {"pair": "R", "pair:big": "R", "pair:small": "R"}


INFO = """\
make

Scale the numbers of the source.

status: keep

settings:
  times       3     from the default of run
  cache       True  from the default of redoit  use earlier results
  time_limit  None  from the default of redoit  seconds that it may run

inputs:
  source  source.txt

outputs:
  made  data/made.txt

step:
  steps.make
"""


def test_a_stage_is_shown_whole(chain: Pipeline) -> None:
    """`info` shows a stage's purpose, status, settings with their origin, files and step; a kept one has status 0."""
    assert call(chain.root, "info", "make") == (0, INFO, "")


def test_a_stage_that_would_run_has_a_reason_and_status_1(chain: Pipeline) -> None:
    """Of a stage that would run, `info` shows why, with a setting's new value and where it comes from."""
    chain.write("doit.cfg", "[task:make]\ntimes = 5\n")
    result = call(chain.root, "info", "make")
    assert result.code == 1
    assert result.lines[4:9] == ["status: run", "  times 3 -> 5", "", "settings:", "  times       5     from doit.cfg"]


def test_without_the_status_nothing_is_decided(chain: Pipeline) -> None:
    """`--no-status` leaves the status out, of a stage that can't run too, and the exit status is 0."""
    chain.path("source.txt").unlink()
    assert call(chain.root, "info", "make").lines[4] == "status: fail"
    result = call(chain.root, "info", "--no-status", "make")
    assert result.code == 0
    assert "status" not in result.out


def test_an_ordinary_task_is_shown_as_doit_does(chain: Pipeline) -> None:
    """Of an ordinary task `info` shows what doit shows, and redoit's status."""
    chain.write("dodo.py", chain.read("dodo.py") + ORDINARY)
    result = call(chain.root, "info", "plain")
    assert result.code == 1
    assert "Write a note." in result.out
    assert result.lines[-2:] == ["status: run", "  an ordinary task of doit"]
    assert "settings:" not in result.out


ERRORS = {
    "mak": "ERROR: mak: no such task; did you mean make?\n",
    "data/made.txt": "ERROR: data/made.txt: no such task; known: join, make, side, sort\n",
}


@pytest.mark.parametrize("name", ERRORS)
def test_a_name_of_no_task_is_one_line(chain: Pipeline, name: str) -> None:
    """`info` of what is no task names the nearest one, or all."""
    assert call(chain.root, "info", name) == (3, "", ERRORS[name])


def test_names_are_escaped(chain: Pipeline) -> None:
    """What a dodo.py says of itself does not command the terminal, in `list` and in `info`."""
    chain.edit("dodo.py", '"""Sort them."""', '"""Sort \\x1b[2J them."""')
    for arguments in (["list"], ["info", "sort"]):
        out = call(chain.root, *arguments).out
        assert "Sort \\x1b[2J them." in out
        assert "\x1b" not in out


def test_listing_writes_nothing_before_the_first_run(fresh: Pipeline) -> None:
    """A project that was never built is listed, and gets no outputs and no store."""
    assert [line[0] for line in call(fresh.root, "list", "-s").lines] == ["R"] * 4
    assert call(fresh.root, "info", "make").lines[4:6] == ["status: run", "  never run before"]
    assert not fresh.path("data").exists()
    assert not fresh.path(".redoit/traces").exists()
