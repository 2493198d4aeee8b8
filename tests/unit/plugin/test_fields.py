"""What doit's own fields say of a stage: each has its meaning or is refused."""

from pathlib import Path
from typing import Any

import pytest
from doit.task import Task, dict_to_task
from doit_tasks import stage_behind

from redoit.errors import DeclarationError
from redoit.plugin.declare import step
from redoit.plugin.fields import adopt_fields

MADE = {"inputs": {"source": "source.txt"}, "outputs": {"made": "data/made.txt"}}


@pytest.fixture(autouse=True)
def project(chain_folder: Path) -> Path:
    """Return the folder of the chain, the working directory."""
    return chain_folder


def adopted(**fields: Any) -> Task:
    """Return the task of a stage whose dict has these fields instead of its own; a function changes its own."""
    declared = step("steps.make", name="make", **MADE)
    for name, value in fields.items():
        declared[name] = value(declared[name]) if callable(value) and name in declared else value
    task = dict_to_task(declared)
    adopt_fields(task, stage_behind(task), set())
    return task


def test_added_files_are_used() -> None:
    """Files added to `file_dep`, or named by `uses`, count besides the inputs, in the form of all paths, sorted."""
    task = adopted(file_dep=lambda own: [*own, "./b.txt", str(Path("a.txt").absolute()), Path("c/../b.txt")])
    assert stage_behind(task).stage.uses == ("a.txt", "b.txt")
    task = dict_to_task(step("steps.make", name="make", uses=["b.txt", Path("a.txt")], **MADE))
    adopt_fields(task, stage_behind(task), set())
    assert stage_behind(task).stage.uses == ("a.txt", "b.txt")


def test_replaced_conditions_are_added() -> None:
    """A stage stays one where `uptodate` is replaced, and has the conditions that are there instead."""
    task = adopted(uptodate=[False])
    assert [item[0] for item in task.uptodate] == [False, stage_behind(task)]
    assert stage_behind(task).stage.name == "make"


def test_fields_of_doit_pass() -> None:
    """Order, teardown, clean, verbosity, texts, what is watched, and short names of options are doit's business."""
    fields = {"task_dep": ["a"], "setup": ["b"], "teardown": ["true"], "clean": ["true"], "verbosity": 0}
    task = adopted(**fields, doc="Make.", watch=["a"], meta={"a": 1}, io={"capture": False})
    assert (task.task_dep, task.setup_tasks, task.verbosity, task.doc) == (["a"], ["b"], 0, "Make.")
    adopted(params=lambda own: [{**own[0], "short": "t"}, *own[1:]])


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"actions": ["true"]}, "make: actions: found others than that of the stage"),
        ({"actions": lambda own: [*own, "true"]}, "make: actions: found others than that of the stage"),
        ({"actions": None}, "make: actions: found others than that of the stage"),
        ({"targets": lambda own: [*own, "b.txt"]}, "make: targets: found b.txt, which is no output"),
        ({"targets": ["data/maid.txt"]}, "make: targets: found data/maid.txt, which is no output"),
        ({"targets": []}, "make: targets: found 0 of 1 outputs"),
        ({"file_dep": ["b.txt"]}, "make: file_dep: found no source.txt, which is an input"),
        ({"params": lambda own: [*own, {"name": "a", "default": 1}]}, "make: params: found others than the settings"),
        ({"params": lambda own: own[1:]}, "make: params: found others than the settings"),
        ({"params": lambda own: [{**own[0], "type": str}, *own[1:]]}, "make: params: found another type of times"),
        ({"params": lambda own: [{**own[0], "type": bool}, *own[1:]]}, "make: params: found another type of times"),
        ({"params": lambda own: [{**own[0], "default": 9}, *own[1:]]}, "make: params: found the default 9 of times"),
        ({"calc_dep": ["a"]}, "make: calc_dep: found on a stage"),
        ({"getargs": {"times": ("a", "b")}}, "make: getargs: found on a stage"),
        ({"pos_arg": "times"}, "make: pos_arg: found on a stage"),
        ({"title": lambda task: "Make"}, "make: title: found on a stage"),
        ({"io": {"capture": True}}, "make: io: found capture"),
    ],
)
def test_other_fields_are_refused(fields: dict[str, Any], fault: str) -> None:
    """What would have no effect, or a false one, is an error that names the field."""
    with pytest.raises(DeclarationError, match=fault):
        adopted(**fields)


def test_two_tasks_with_one_stage_are_refused() -> None:
    """The dict of a stage is that of one task: a copy of it has the same outputs."""
    declared = step("steps.make", **MADE)
    first, second = (dict_to_task({**declared, "name": name}) for name in ("first", "second"))
    adopt_fields(second, stage_behind(second), set())
    with pytest.raises(DeclarationError, match=r"first: found the stage of second.*; call step\(\) for each task"):
        adopt_fields(first, stage_behind(first), set())
