"""doit's own commands on stages: what they invalidate, ignore, remove and bring back."""

import pytest
from commands import call
from doit.task import Task
from projects import ALL, Pipeline

from redoit.cli.run import matching, with_members
from redoit.errors import DeclarationError
from redoit.state.rescued import rescued

ORDINARY = """

def task_plain():
    return {"actions": ["touch note.txt"], "targets": ["note.txt"], "clean": True}
"""
TASKS = {
    task.name: task
    for task in (
        Task("train", None),
        Task("trim", None),
        Task("sweep", None, task_dep=["sweep:big", "sweep:small"], has_subtask=True),
        Task("sweep:big", None, subtask_of="sweep"),
        Task("sweep:small", None, subtask_of="sweep"),
    )
}


def statuses(chain: Pipeline) -> dict[str, str]:
    """Return stage -> its planned status."""
    return {words[0]: words[1] for words in (line.split() for line in call(chain.root, "plan").lines[:-1])}


def run(chain: Pipeline, *arguments: str) -> list[str]:
    """Run stages, none of whose steps must be executed; return the reporter's lines."""
    result = call(chain.root, "run", "-o", "reported.txt", *arguments)
    assert (result.code, result.err) == (0, "")
    return chain.read("reported.txt").splitlines()


PATTERNS = {
    "": [],
    "train": ["train"],
    "trim tr*": ["trim", "train", "trim"],
    "tr*": ["train", "trim"],
    "sweep*": ["sweep", "sweep:big", "sweep:small"],
    "*:[bs]*": ["sweep:big", "sweep:small"],
    "t???": ["trim"],
}


@pytest.mark.parametrize("patterns", PATTERNS)
def test_patterns_match_whole_names(patterns: str) -> None:
    """A pattern matches names from end to end; patterns are taken in their order, the tasks of each in theirs."""
    assert matching(patterns.split(), TASKS) == PATTERNS[patterns]


@pytest.mark.parametrize(("pattern", "todo"), [("trian", "did you mean train?"), ("Train", "did you mean train?")])
def test_a_pattern_that_matches_nothing_is_an_error(pattern: str, todo: str) -> None:
    """A pattern that matches no task is an error, also behind one that matches; case counts."""
    with pytest.raises(DeclarationError, match=f"^{pattern}: no such task; {todo.replace('?', '[?]')}$"):
        matching(["train", pattern], TASKS)


def test_a_group_is_followed_by_its_members() -> None:
    """A group stands for its members, too; any other task for itself."""
    assert with_members(["trim", "sweep"], TASKS) == ["trim", "sweep", "sweep:big", "sweep:small"]
    assert with_members(["sweep:big"], TASKS) == ["sweep:big"]


FORGOTTEN: dict[str, tuple[list[str], list[str]]] = {
    "forget side": (["forgetting side (its dependents run again, too: join)"], ["side", "join"]),
    "forget join side": (["forgetting side", "forgetting join"], ["side", "join"]),
    "forget s*": (
        [
            "forgetting sort (its dependents run again, too: join)",
            "forgetting side (its dependents run again, too: join)",
        ],
        ["sort", "side", "join"],
    ),
    "forget -s side": (
        [
            "forgetting make (its dependents run again, too: sort, join)",
            "forgetting side (its dependents run again, too: join)",
        ],
        ALL,
    ),
    "forget": ([f"forgetting {name}" for name in ALL], ALL),
    "forget --all": ([f"forgetting {name}" for name in ALL], ALL),
    "clean --forget --dry-run side": (["side - removing file 'data/total.txt'"], []),
    "clean --forget join": (["forgetting join", "join - removing file 'data/report.txt'"], ["join"]),
}


@pytest.mark.parametrize(("arguments", "expected"), FORGOTTEN.items(), ids=FORGOTTEN)
def test_what_is_forgotten_runs_again(chain: Pipeline, arguments: str, expected: tuple[list[str], list[str]]) -> None:
    """Named stages and their dependents are invalidated, and printed in the order of dodo.py; nothing is deleted."""
    lines, again = expected
    blobs = chain.blobs()
    result = call(chain.root, *arguments.split())
    assert (result.code, result.lines, result.err) == (0, lines, "")
    assert statuses(chain) == {name: "run" if name in again else "keep" for name in ALL}
    assert chain.blobs() == blobs


def test_forgetting_nothing_is_an_error_if_asked_for(chain: Pipeline) -> None:
    """With `--disable-default`, a task or `--all` must be given."""
    result = call(chain.root, "forget", "--disable-default")
    assert (result.code, result.out) == (3, "")
    assert result.err == "ERROR: doit forget: found no task, expected at least one; name it, or add --all\n"
    assert set(statuses(chain).values()) == {"keep"}


def test_an_ordinary_task_is_forgotten_as_doit_does(chain: Pipeline) -> None:
    """Forgetting an ordinary task removes what doit remembers of it, and invalidates no stage."""
    chain.write("dodo.py", chain.read("dodo.py") + ORDINARY)
    assert call(chain.root, "forget", "plain").lines == ["forgetting plain"]
    assert [status for name, status in statuses(chain).items() if name in ALL] == ["keep"] * 4


def test_cleaning_removes_outputs_and_the_run_restores_them(chain: Pipeline) -> None:
    """`clean` removes a stage's outputs; the store keeps them, so the next run restores them without its step."""
    before = chain.outputs()
    assert call(chain.root, "clean", "side", "join").code == 0
    assert [path.name for path in sorted(chain.path("data").iterdir())] == ["made.txt", "ordered.txt"]
    assert [line.split()[:3] for line in run(chain)[:4]] == [
        ["Step", "make", "kept"],
        ["Step", "sort", "kept"],
        ["Step", "side", "restored"],
        ["Step", "join", "restored"],
    ]
    assert chain.outputs() == before


@pytest.mark.parametrize(("other", "left"), [("", False), ("data/mine.txt", True)])
def test_cleaning_removes_only_empty_folders(chain: Pipeline, other: str, left: bool) -> None:
    """A folder goes with its last output, unless a file of somebody else is in it."""
    if other:
        chain.write(other, "mine")
    assert call(chain.root, "clean", "--clean-all").code == 0
    assert chain.path("data").exists() == left
    assert not other or chain.read(other) == "mine"


def test_cleaning_below_a_link_leaves_the_link(chain: Pipeline) -> None:
    """Where the folder of the outputs is a link to one elsewhere, `clean` empties that, and the link stays."""
    chain.path("data").rename(chain.root.parent / "elsewhere")
    chain.path("data").symlink_to(chain.root.parent / "elsewhere")
    called = call(chain.root, "clean", "--clean-all")
    assert (called.code, called.err) == (0, "")
    assert chain.path("data").is_symlink()
    assert list((chain.root.parent / "elsewhere").iterdir()) == []


def test_cleaning_sets_aside_what_no_run_made(chain: Pipeline) -> None:
    """`clean` removes what a run made; a file that was edited by hand is moved away, and that is said."""
    chain.write("data/made.txt", "by hand")
    assert call(chain.root, "clean", "--dry-run", "make", "sort").code == 0
    assert chain.read("data/made.txt") == "by hand"
    called = call(chain.root, "clean", "make", "sort")
    (place,) = rescued(chain.path(".redoit"))
    assert f"make - data/made.txt held what no run recorded: it is now {place.relative_to(chain.root)}" in called.lines
    assert (called.code, place.read_text(), chain.path("data/made.txt").exists()) == (0, "by hand", False)
    assert not chain.path("data/ordered.txt").exists()


@pytest.mark.parametrize("reporter", ["zero", "json", "error-only", "redoit"])
def test_what_was_set_aside_is_said_by_every_reporter(chain: Pipeline, reporter: str) -> None:
    """A warning about a user's file names its new place, whoever reports, and also where an output is restored."""
    chain.write("data/made.txt", "by hand")
    called = call(chain.root, "run", "-r", reporter, "-o", "report", "make")
    (place,) = rescued(chain.path(".redoit"))
    line = f"WARNING make: data/made.txt held what no run recorded: it is now {place.relative_to(chain.root)}"
    assert (called.code, place.read_text()) == (0, "by hand")
    assert line in called.err + chain.read("report")
    assert "Step make" not in called.out


@pytest.mark.parametrize("arguments", ["forget join", "clean --forget join"])
def test_an_ignored_stage_is_left_until_it_is_forgotten(chain: Pipeline, arguments: str) -> None:
    """A run leaves an ignored stage as it is; forgetting the stage ends that, as with any task of doit."""
    assert call(chain.root, "ignore", "join").lines == ["ignoring join"]
    assert statuses(chain) == {"make": "keep", "sort": "keep", "side": "keep", "join": "ignored"}
    assert call(chain.root, *arguments.split()).code == 0
    assert statuses(chain)["join"] == "run"


def test_reset_dep_invalidates_nothing(chain: Pipeline) -> None:
    """After `reset-dep`, stages are decided by their traces as before."""
    chain.path("data/total.txt").unlink()
    before = statuses(chain)
    assert call(chain.root, "reset-dep").code == 0
    assert statuses(chain) == before
