"""Undeclared inputs in words: what is said once, and what is an error."""

import pytest
from examples import named, trace

from redoit.engine.undeclared import MARKS, faults, lines_of, new_lines
from redoit.model import Observation, Policy, Stage

STAGE = Stage("train", "steps.train", {"raw": "data/raw"}, {"model": "out/model"})
IMPURE = STAGE._replace(policy=Policy(impure=True))
VOLATILE = STAGE._replace(policy=Policy(volatile=True))


def rows(kind: str, *names: str) -> list[Observation]:
    """Return observations of a kind."""
    return [Observation(kind, name, named("x")) for name in names]


LINES = {
    "a file": (
        rows("file", "params.yaml"),
        'undeclared input params.yaml: tracked; declare it with uses=["params.yaml"]',
    ),
    "two files": (
        rows("file", "a.csv", "b.csv"),
        'undeclared inputs a.csv, b.csv: tracked; declare them with uses=["a.csv", "b.csv"]',
    ),
    "many files": (
        rows("file", "1", "2", "3", "4", "5"),
        'undeclared inputs 1, 2, 3 and 2 more: tracked; declare them with uses=["1", "2", "3", ...]',
    ),
    "an odd name": (rows("file", 'a "b"'), 'undeclared input a "b": tracked; declare it with uses=["a \\"b\\""]'),
    "a variable": (rows("variable", "SCALE"), 'undeclared variable SCALE: tracked; declare it with environ=["SCALE"]'),
    "variables": (
        rows("variable", "A", "B"),
        'undeclared variables A, B: tracked; declare them with environ=["A", "B"]',
    ),
    "a copy": (
        rows("names", ""),
        "undeclared variables, by a copy of the environment: each is tracked; ask by name for those it needs",
    ),
    "a program": (
        [Observation("foreign", "python3", None)],
        MARKS["foreign"].format("python3"),
    ),
    "no inotify": (
        [Observation("unwatched", "", None)],
        "native reads were not observed: files that C code and other programs read are not tracked",
    ),
}


@pytest.mark.parametrize(("found", "line"), LINES.values(), ids=LINES)
def test_what_is_said(found: list[Observation], line: str) -> None:
    """Undeclared inputs of a kind are in one line, with what to write into dodo.py."""
    assert lines_of(found) == [line]


def test_files_come_before_variables() -> None:
    """A step that read both has one line for each, files first."""
    assert [line.split()[1] for line in lines_of([*rows("variable", "A"), *rows("file", "b")])] == ["input", "variable"]


UNSAID = ["content", "opened", "link", "folder", "made", "ambient", "package", "distribution", "code"]


def test_what_nobody_need_declare_is_not_said() -> None:
    """Possible reads, listings, what was looked at, code, packages and libraries' variables are tracked silently."""
    found = [row for kind in UNSAID for row in rows(kind, "name")]
    assert lines_of(found) == []
    assert faults(STAGE, found, {"name": "other"}, strict=True) == []


def test_what_was_said_is_not_said_again() -> None:
    """Only what no earlier trace of the stage observed is said, and nothing of a stage that is impure."""
    new = trace(observations=tuple(rows("file", "a", "b")))
    earlier = [trace(observations=tuple(rows("file", "a")))]
    assert new_lines(STAGE, new, earlier) == ('undeclared input b: tracked; declare it with uses=["b"]',)
    assert new_lines(STAGE, new, [new]) == new_lines(IMPURE, new, []) == ()


@pytest.mark.parametrize("kind", ["file", "status", "size"])
def test_what_a_task_makes_is_an_error(kind: str) -> None:
    """An undeclared file that a task makes, read or looked for, is an error that names the task: its order was luck."""
    found = rows(kind, "data/x.csv", "params.yaml")
    assert faults(STAGE, found, {"data/x.csv": "other"}, strict=False) == [
        "undeclared input data/x.csv: made by other; declare it in inputs"
    ]


def test_its_own_earlier_output_is_an_error() -> None:
    """A step that reads what it made before depends on its own history."""
    (line,) = faults(STAGE, rows("file", "out/model"), {"out/model": "train"}, strict=False)
    assert line.startswith("undeclared input out/model: its own earlier output, which a clean build has not; ")


def test_strict_refuses_each_undeclared_input() -> None:
    """With `strict` what is said of files, variables and foreign programs is an error; else it is not."""
    found = [*rows("file", "a"), *rows("variable", "B"), Observation("foreign", "python3", None)]
    first, *rest = faults(STAGE, found, {}, strict=True)
    assert first == 'undeclared input a: refused with strict = true; declare it with uses=["a"]'
    assert [line.partition(":")[0] for line in rest] == [
        "undeclared variable B",
        "a Python program that can't be observed, python3",
    ]
    assert faults(STAGE, found, {}, strict=False) == []


def test_strict_does_not_refuse_what_is_not_there() -> None:
    """A variable that is not set, and that native reads were not observed, are no errors."""
    found = [Observation("variable", "UNSET", None), Observation("unwatched", "", None)]
    assert faults(STAGE, found, {}, strict=True) == []


@pytest.mark.parametrize("stage", [IMPURE, VOLATILE], ids=["impure", "volatile"])
def test_a_stage_that_depends_on_more_may_read(stage: Stage) -> None:
    """A stage that is declared to depend on more than its inputs has no faults."""
    assert faults(stage, rows("file", "out/model", "a"), {"a": "other"}, strict=True) == []
