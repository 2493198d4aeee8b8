"""What happens when: the table of the design, on a chain with a side branch (make -> sort, side -> join)."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from projects import ALL, Pipeline

Change = Callable[[Pipeline], None]


def edit(name: str, old: str, new: str) -> Change:
    """Return a replacement in a file."""
    return lambda pipeline: pipeline.edit(name, old, new)


def append(name: str, text: str) -> Change:
    """Return an addition to a file."""
    return lambda pipeline: pipeline.write(name, pipeline.read(name) + text)


def create(name: str, text: str) -> Change:
    """Return the making of a file."""
    return lambda pipeline: pipeline.write(name, text)


def touch(name: str) -> Change:
    """Return a change of the times of a file."""
    return lambda pipeline: os.utime(pipeline.path(name), (1, 1))


UNSEEN: dict[str, Change] = {
    "nothing": lambda _: None,
    "comment": edit("steps/make.py", "# Any white space", "# Whatever"),
    "docstring": edit("steps/make.py", "Scale numbers.", "Multiply."),
    "layout": edit(
        "steps/helper.py", "[number * times * deep.weight() for", "[\n        number*times*(deep.weight())\n for"
    ),
    "annotation of a local name": edit("steps/make.py", "scaled = scale", "scaled: list[int] = scale"),
    "touched source": touch("steps/make.py"),
    "touched input": touch("source.txt"),
    "touched output": touch("data/made.txt"),
    "unused function": edit("steps/deep.py", "return 0", "return 1"),
    "unused constant": edit("steps/constants.py", "UNUSED = 1", "UNUSED = 2"),
    "unread file": lambda pipeline: pipeline.write("steps/notes.py", "print('nobody imports this')\n"),
    "dodo docstring": edit("dodo.py", '"""Sort them."""', '"""Order them."""'),
}


@pytest.mark.parametrize("change", UNSEEN.values(), ids=UNSEEN)
def test_what_no_step_can_see_changes_nothing(built: Pipeline, change: Change) -> None:
    """Comments, docstrings, layout, times and code out of reach keep every stage."""
    change(built)
    result = built.doit()
    assert (result.executed, result.code) == ([], 0)
    assert result.told("kept") == ALL


def test_a_local_file_that_no_step_reads_can_be_renamed(built: Pipeline) -> None:
    """Renaming a file out of reach keeps every stage."""
    built.write("steps/notes.py", "x = 1\n")
    built.doit()
    built.path("steps/notes.py").rename(built.path("steps/remarks.py"))
    assert built.doit().executed == []


SEEN: dict[str, tuple[Change, list[str]]] = {
    "the step's function": (edit("steps/make.py", "(word) for", "(word) + 1 for"), ALL),
    "a helper": (edit("steps/helper.py", "number * times", "number + times"), ALL),
    "a helper's helper": (edit("steps/deep.py", "FACTOR * 5", "FACTOR * 6"), ALL),
    "a constant far away": (edit("steps/constants.py", "FACTOR = 2", "FACTOR = 3"), ALL),
    "an effect in a module reached": (
        append("steps/deep.py", "\nimport steps.constants\nsteps.constants.X = 1\n"),
        ["make"],
    ),
    "an input": (edit("source.txt", "3 1 2", "3 1 4"), ALL),
    "a setting's default": (edit("steps/make.py", "times: int = 3", "times: int = 4"), ALL),
    "a setting in pyproject.toml": (create("pyproject.toml", "[tool.doit.tasks.make]\ntimes = 4\n"), ALL),
    "code with the same result": (edit("steps/make.py", "(word) for", "(word) + 0 for"), ["make"]),
    "an input with the same result": (edit("source.txt", "3 1 2", "3  1\n2"), ["make"]),
    "code of a side branch with the same result": (edit("steps/side.py", "sum(map", "0 + sum(map"), ["side"]),
    "code in the middle": (edit("steps/sort.py", "reverse=reverse", "reverse=not reverse"), ["sort", "join"]),
    "code at the end": (edit("steps/join.py", '" = "', '" == "'), ["join"]),
}


@pytest.mark.parametrize(("change", "expected"), SEEN.values(), ids=SEEN)
def test_a_change_runs_what_it_reaches(built: Pipeline, change: Change, expected: list[str]) -> None:
    """A change of code, data or settings runs the stages that see it; dependents follow only if bytes changed."""
    before = built.outputs()
    change(built)
    result = built.doit()
    assert (result.executed, result.code) == (expected, 0), result.text
    assert (built.outputs() == before) is (len(expected) == 1 and expected != ["join"])
    assert built.doit().executed == []


GOING_BACK: dict[str, tuple[Change, Change]] = {
    "code": (
        edit("steps/helper.py", "number * times", "number + times"),
        edit("steps/helper.py", "number + times", "number * times"),
    ),
    "input": (edit("source.txt", "3 1 2", "5 1 2"), edit("source.txt", "5 1 2", "3 1 2")),
    "setting": (
        lambda pipeline: pipeline.write("pyproject.toml", "[tool.doit.tasks.make]\ntimes = 4\n"),
        lambda pipeline: pipeline.path("pyproject.toml").unlink(),
    ),
}


@pytest.mark.parametrize(("there", "back"), GOING_BACK.values(), ids=GOING_BACK)
def test_going_back_restores(built: Pipeline, there: Change, back: Change) -> None:
    """The way back to earlier code, data or settings executes nothing, and gives the earlier bytes."""
    before = built.outputs()
    there(built)
    assert built.doit().executed == ALL
    back(built)
    result = built.doit()
    assert (result.executed, result.code) == ([], 0)
    assert result.told("restored") == ALL
    assert built.outputs() == before


def test_a_setting_on_the_command_line_is_not_sticky(built: Pipeline) -> None:
    """`doit make --times 4` runs that task; the next plain doit restores what was before."""
    before = built.outputs()
    assert built.doit("make", "--times", "4").executed == ["make"]
    result = built.doit()
    assert result.executed == []
    assert "Step make restored in" in result.out
    assert built.outputs() == before


def test_a_variable_holds_for_the_whole_pipeline(built: Pipeline) -> None:
    """`doit make.times=4` runs everything that follows; the way back executes nothing."""
    assert built.doit("make.times=4").executed == ALL
    assert built.doit().executed == []
    assert built.doit("make.times=4").executed == []


def damage(name: str) -> Callable[[Path], None]:
    """Return a way to damage a file."""

    def same_size(path: Path) -> None:
        status = path.stat()
        data = bytearray(path.read_bytes())
        data[0] ^= 1
        path.write_bytes(data)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    return {
        "deleted": lambda path: path.unlink(),
        "truncated": lambda path: os.truncate(path, 1),
        "emptied": lambda path: os.truncate(path, 0),
        "edited": lambda path: path.write_text(path.read_text() + " 9"),
        "flipped, with the same size and mtime": same_size,
        "a link into nowhere": lambda path: (path.unlink(), path.symlink_to("nowhere"))[0],
    }[name]


DAMAGES = ["deleted", "truncated", "emptied", "edited", "flipped, with the same size and mtime", "a link into nowhere"]


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_output_is_restored(built: Pipeline, name: str) -> None:
    """An output that is not the one that was made is restored, and the dependents keep theirs."""
    before = built.outputs()
    built.doit()
    damage(name)(built.path("data/made.txt"))
    result = built.doit()
    assert (result.executed, result.code) == ([], 0)
    assert "Step make restored in" in result.out
    assert result.told("kept") == ["sort", "side", "join"]
    assert built.outputs() == before


def test_all_outputs_deleted_are_restored(built: Pipeline) -> None:
    """Without data/ at all, everything is restored and nothing executed."""
    before = built.outputs()
    for path in built.path("data").iterdir():
        path.unlink()
    built.path("data").rmdir()
    assert built.doit().executed == []
    assert built.outputs() == before
