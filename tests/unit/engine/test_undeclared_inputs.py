"""Which of the things that a step read are undeclared, and the line about them."""

from pathlib import Path

import pytest

from redoit.engine.undeclared_inputs import undeclared_inputs
from redoit.model import Stage

STAGE = Stage("train", "steps.train", {"raw": "data/raw"}, {"model": "out/model"}, environ=("DECLARED",))
DECLARED = ["data/raw", "steps/train.py"]
FOLDERS = ["out/.redoit-train"]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a project."""
    monkeypatch.chdir(tmp_path)


def lines(files: list[str], variables: list[str]) -> list[str]:
    """Return the lines about what a step read."""
    return undeclared_inputs(STAGE, DECLARED, FOLDERS, files, variables)


def test_what_is_declared_makes_no_line() -> None:
    """A step that read its inputs, its source, its own output and its variables has no undeclared inputs."""
    assert lines([*DECLARED, "out/.redoit-train/model", "out/.redoit-train/parts/1"], ["DECLARED"]) == []
    assert lines([], []) == []


@pytest.mark.parametrize("path", ["data/raw2", "data", "out/model", "out/.redoit-train2/model", ".redoit-train/model"])
def test_a_file_that_resembles_a_declared_one_is_undeclared(path: str) -> None:
    """Only the declared files and what is inside the folders of the step are its own, whatever begins likewise."""
    assert lines([path], []) == [f"undeclared input {path}: changes to it are not tracked; declare it in inputs"]


def test_the_target_of_a_declared_link_is_declared() -> None:
    """A link that is declared stands for its file, and a link to where the step writes for that folder."""
    for folder in ("data", "disk/.redoit-train", "real"):
        Path(folder).mkdir(parents=True)
    Path("real/raw").touch()
    Path("data/raw").symlink_to("../real/raw")
    Path("out").symlink_to("disk")
    assert lines(["real/raw", "data/raw", "disk/.redoit-train/model"], []) == []
    assert len(lines(["real/other", "disk/model"], [])) == 1


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, "undeclared input f1: changes to it are not tracked; declare it in inputs"),
        (2, "undeclared inputs f1, f2: changes to them are not tracked; declare them in inputs"),
        (3, "undeclared inputs f1, f2, f3: changes to them are not tracked; declare them in inputs"),
        (4, "undeclared inputs f1, f2, f3 and 1 more: changes to them are not tracked; declare them in inputs"),
        (9, "undeclared inputs f1, f2, f3 and 6 more: changes to them are not tracked; declare them in inputs"),
    ],
)
def test_all_files_are_in_one_line(count: int, expected: str) -> None:
    """Up to three files are named, the others are counted."""
    assert lines([f"f{number}" for number in range(1, count + 1)], []) == [expected]


@pytest.mark.parametrize(
    ("names", "subject", "declaration"),
    [
        (["A"], "variable A", 'it with environ=["A"]'),
        (["A", "B", "C"], "variables A, B, C", 'them with environ=["A", "B", "C"]'),
        (["A", "B", "C", "D"], "variables A, B, C and 1 more", 'them with environ=["A", "B", "C", ...]'),
    ],
)
def test_variables_are_named_as_they_are_declared(names: list[str], subject: str, declaration: str) -> None:
    """A line about variables ends in the text to write into dodo.py, cut short as its names are."""
    (line,) = lines([], ["DECLARED", *names])
    assert line.startswith(f"undeclared {subject}: changes to ")
    assert line.endswith(f"; declare {declaration}")


def test_files_come_before_variables() -> None:
    """A step that read both has one line for each, files first."""
    assert [line.split()[1] for line in lines(["extra"], ["HOST"])] == ["input", "variable"]


def test_a_stage_that_declares_nothing() -> None:
    """A stage without inputs, folders and variables has read whatever it read undeclared."""
    bare = Stage("train", "steps.train", {}, {})
    assert undeclared_inputs(bare, [], [], [], []) == []
    assert len(undeclared_inputs(bare, [], [], ["extra"], ["DECLARED"])) == 2
