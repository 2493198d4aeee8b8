"""How a dodo.py declares a stage: what doit gets, and which declarations are refused."""

import os
from pathlib import Path
from typing import Any

import pytest
from doit.cmdparse import CmdOption, CmdParseError, TaskParse
from examples import write

from redoit.errors import DeclarationError
from redoit.model import Policy, Stage
from redoit.plugin.checkout import engine
from redoit.plugin.declare import DOIT_CONFIG, flag, step
from redoit.plugin.stage_task import ContentChecker, StageTask

TRAIN = '''
from pathlib import Path
from typing import Literal


def run(data: Path, model: Path, *, epochs: int = 5, learning_rate: float = 0.1, shuffle: bool = True,
        optimizer: Literal["adam", "sgd"] = "adam") -> None:
    """Train.

    epochs: passes over the data, 100% each
    """
'''
GIVEN: dict[str, Any] = {"inputs": {"data": "data.npz"}, "outputs": {"model": "out/model"}}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with one step, which is the working directory."""
    write(tmp_path, steps__train=TRAIN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stage_in(task: dict[str, Any]) -> StageTask:
    """Return the stage of a declaration."""
    [stage] = task["uptodate"]
    assert isinstance(stage, StageTask)
    return stage


def parsed(task: dict[str, Any], arguments: list[str]) -> dict[str, Any]:
    """Return the parameters of a task as doit parses them."""
    return dict(TaskParse([CmdOption(param) for param in task["params"]]).parse(arguments)[0])


def test_a_stage_is_a_task_of_doit() -> None:
    """The task has the files as dependencies and targets, and the fields that the declaration passes on."""
    task = step("steps.train", **GIVEN, name="a", task_dep=["b"], clean=False)
    assert (task["file_dep"], task["targets"]) == (["data.npz"], ["out/model"])
    assert (task["name"], task["task_dep"], task["clean"]) == ("a", ["b"], False)
    assert task["actions"] == [stage_in(task).build]


def test_the_stage_says_what_was_declared(project: Path) -> None:
    """Paths are those from the project however they are written, variables are sorted, and the policy is whole."""
    inputs, outputs = {"data": project / "in/../data.npz"}, {"model": "./out//model"}
    task = step("steps.train", inputs=inputs, outputs=outputs, impure=True, cache=False, environ=["B", "A", "B"])
    policy = Policy(cache=False, impure=True)
    expected = Stage("steps.train", "steps.train", {"data": "data.npz"}, {"model": "out/model"}, policy, ("A", "B"))
    assert stage_in(task).stage == expected
    outside = step("steps.train", inputs={"data": Path("/etc/hostname")}, outputs=outputs, environ="HOME")
    assert (outside["file_dep"], stage_in(outside).stage.environ) == (["/etc/hostname"], ("HOME",))


def test_settings_are_parameters_of_the_task() -> None:
    """Each setting has its option, default and type; a switch has its negation, and every stage its own two."""
    task = step("steps.train", **GIVEN, time_limit=60)
    defaults = {"epochs": 5, "learning_rate": 0.1, "shuffle": True, "optimizer": "adam"}
    assert parsed(task, []) == {**defaults, "cache": True, "time_limit": 60}
    line = ["--epochs=7", "--learning-rate", "1", "--no-shuffle", "--optimizer=sgd", "--no-cache", "--time-limit=none"]
    given = {"epochs": 7, "learning_rate": 1.0, "shuffle": False, "optimizer": "sgd"}
    assert parsed(task, line) == {**given, "cache": False, "time_limit": None}


def test_the_help_of_a_setting_says_its_choices() -> None:
    """The help has the text of the docstring, its per cent signs escaped for doit, the choices and the default."""
    helps = {param["name"]: param["help"] for param in step("steps.train", **GIVEN)["params"]}
    assert helps["epochs"] == "passes over the data, 100%% each [default: %(default)s]"
    assert helps["optimizer"] == "(one of adam, sgd) [default: %(default)s]"
    assert helps["learning_rate"] == "[default: %(default)s]"


def test_an_option_of_a_wrong_type_is_named() -> None:
    """The error that doit shows is one line with the option, the value and what was expected."""
    task = step("steps.train", **GIVEN)
    with pytest.raises(CmdParseError, match=r"^--learning-rate: found 'fast', expected a number"):
        parsed(task, ["--learning-rate", "fast"])


def test_stages_of_a_step_share_its_parameters_until_it_changes(project: Path) -> None:
    """Stages of one step have one table of parameters, and another once the signature in force is another."""
    before = stage_in(step("steps.train", **GIVEN)).declared
    assert stage_in(step("steps.train", **GIVEN)).declared is before
    write(project, steps__train="def run(data, model, *, epochs: int = 6): pass\n")
    engine().inspector.refresh()
    after = stage_in(step("steps.train", **GIVEN)).declared
    assert (before["epochs"].default, after["epochs"].default) == (5, 6)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"targets": []}, "found 'targets', which redoit sets itself; leave it out"),
        ({"inputs": {"dta": "a"}}, r"run has no path parameter 'dta'; did you mean data\?"),
        ({"inputs": {}}, "found no file for 'data' of run; name it in inputs or outputs"),
        ({"inputs": {"data": "a", "model": "b"}}, "'model' is both an input and an output; give them two names"),
        ({"inputs": {3: "a"}}, "stage of steps.train: found 3, expected the name of a parameter of run"),
        ({"inputs": {"data": ""}}, "stage of steps.train: data: found '', expected the path of a file"),
        ({"inputs": {"data": "a\0b"}}, "data: found 'a.x00b', expected the path of a file"),
        ({"outputs": {"model": "a/"}}, "model: found 'a/', expected the path of a file"),
        ({"inputs": {"data": "\ud800"}}, "data: found '.ud800', which no file name has in the encoding utf-8"),
        ({"outputs": {"model": "a/" + 256 * "m"}}, r"model: found a/m{38}\.\.\., expected names of at most 255 bytes"),
        ({"uses": [3]}, "stage of steps.train: uses: found 3, expected the path of a file"),
        ({"inputs": ["a"]}, r"stage of steps.train: found \['a'\], expected role -> path"),
        ({"inputs": {"data": 1}}, "stage of steps.train: data: found 1, expected the path of a file"),
        ({"inputs": {"data": "out/model"}}, "'model' and 'data' are both out/model; give each its own file"),
        ({"outputs": {}, "inputs": {"data": "a", "model": "b"}}, "found no outputs, expected at least one"),
        ({"outputs": {"model": "../model"}}, "found the output 'model' at ../model; keep outputs inside the project"),
        ({"outputs": {"model": "/model"}}, "found the output 'model' at /model"),
        ({"outputs": {"model": "."}}, r"found the output 'model' at \."),
        ({"outputs": {"model": ".redoit/model"}}, "found the output 'model' at .redoit/model"),
        ({"environ": ["A=1"]}, r"environ: found \['A=1'\], expected names of environment variables"),
        ({"environ": [""]}, r"environ: found \[''\]"),
        ({"environ": 5}, r"environ: found \[5\], expected names of environment variables"),
        ({"cache": "no"}, r"cache: found 'no', expected True or False"),
        ({"volatile": "no"}, r"volatile: found 'no'"),
        ({"impure": 1}, r"impure: found 1, expected True or False"),
        ({"time_limit": 0}, "stage of steps.train: time_limit: found 0, expected seconds above 0, or none"),
    ],
)
def test_a_wrong_declaration_is_one_error(changes: dict[str, Any], fault: str) -> None:
    """What does not fit the step's `run`, or would leave the project, is refused with what to do."""
    with pytest.raises(DeclarationError, match=fault):
        step("steps.train", **{**GIVEN, **changes})


def test_a_setting_that_every_stage_has_is_refused(project: Path) -> None:
    """A step can't have a setting of its own that is called as one of redoit's."""
    write(project, steps__one="def run(made, *, cache: bool = True): pass\n")
    with pytest.raises(DeclarationError, match="found a setting 'cache' of run, which every stage has already; rename"):
        step("steps.one", inputs={}, outputs={"made": "made"})


def test_doit_is_told_to_use_redoit() -> None:
    """DOIT_CONFIG names redoit's own database, checker and reporter; options are spelled with dashes."""
    assert DOIT_CONFIG["dep_file"] == os.path.join(".redoit", "doit.db")
    assert (DOIT_CONFIG["backend"], DOIT_CONFIG["reporter"]) == ("redoit", "redoit")
    assert DOIT_CONFIG["check_file_uptodate"] is ContentChecker
    assert flag("learning_rate") == "learning-rate"
