"""Stages of the chain as tasks of doit in this process, as dodo.py declares and the loader configures them."""

from collections.abc import Mapping
from typing import Any

from doit.dependency import Dependency
from doit.task import Task, dict_to_task
from in_process import STAGES

from redoit.model import Stage
from redoit.plugin.checkout import Session
from redoit.plugin.database import Database, StageDependency
from redoit.plugin.declare import step
from redoit.plugin.graph import graph_of
from redoit.plugin.paths import Places
from redoit.plugin.stage_task import ContentChecker, StageTask, stage_of
from redoit.state.workspace import FOLDER


def stage_task(stage: Stage, **fields: Any) -> Task:
    """Return a stage as a task of doit, configured, with fields of its declaration."""
    declared = step(stage.step, inputs=stage.inputs, outputs=stage.outputs, name=stage.name, **fields)
    task = dict_to_task(declared)
    stage_behind(task).section = {}
    task.verbosity = 0  # as doit sets it before it runs the task
    return task


def stage_behind(task: Task) -> StageTask:
    """Return the stage of a task that has one."""
    stage = stage_of(task)
    assert stage is not None
    return stage


def chain_tasks(**more: Task) -> dict[str, Task]:
    """Return the chain's tasks by name, and more of them."""
    return {**{name: stage_task(stage) for name, stage in STAGES.items()}, **more}


def begin_session(tasks: Mapping[str, Task]) -> Session:
    """Return a session that these tasks share, as the loader begins one."""
    stages = {name: stage for name, task in tasks.items() if (stage := stage_of(task))}
    session = Session()
    session.tasks = tasks
    session.graph = graph_of(tasks.values(), stages, Places())
    for stage in stages.values():
        stage.session = session
    return session


def database_of(tasks: Mapping[str, Task], name: str = f"{FOLDER}/doit.db") -> StageDependency:
    """Return doit's dependency manager for these tasks, with redoit's database."""
    stages = {name: stage for name, task in tasks.items() if (stage := stage_of(task))}
    return StageDependency(Dependency(Database, name, ContentChecker), stages)
