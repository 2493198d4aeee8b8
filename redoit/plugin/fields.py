"""What doit's own fields say of a stage, checked once doit has made its task: each has its meaning or is refused.

`file_dep` adds files that are no parameters, and `uptodate` conditions; `task_dep`, `setup`, `teardown`, `clean`,
`verbosity`, `doc`, `watch` and `meta` are doit's.
"""

import os

from doit.task import Task

from redoit.errors import DeclarationError
from redoit.plugin.paths import project_path
from redoit.plugin.stage_task import StageTask

REFUSED = {"calc_dep": "calc_dep", "getargs": "getargs", "pos_arg": "pos_arg", "custom_title": "title"}  # by attribute


def adopt_fields(task: Task, stage: StageTask, checked: set[tuple[int, int]]) -> None:
    """Give a stage what fields of its task add to it. Raises: DeclarationError on a field that a stage can't have.

    `checked`: identities of parameters and settings that agree, which the stages of one step share.
    """
    if (stage, [], {}) not in task.uptodate:  # replaced
        task.uptodate.append((stage, [], {}))
        stage.configure_task(task)
    declared = stage.stage
    for attribute, field in REFUSED.items():
        if getattr(task, attribute):
            raise _refused(task, field, "found on a stage, which has no use for it", "leave it out")
    if task._actions != [stage.build]:  # noqa: SLF001 - `actions` would make them
        raise _refused(task, "actions", "found others than that of the stage", "declare a task of doit for them")
    if declared.name != task.name:
        found = f"found the stage of {declared.name}, expected one of its own"
        raise DeclarationError(task.name, found, "call step() for each task")
    if task.io.capture:
        raise _refused(task, "io", "found capture, which a stage has in its log", "leave it out")
    shared = id(task.params), id(stage.declared)
    if shared not in checked:
        _check_params(task, stage)
        checked.add(shared)
    _check_targets(task, stage)
    inputs = set(declared.inputs.values())
    if task.file_dep != inputs:
        given = set(map(project_path, task.file_dep))
        for path in sorted(inputs - given):
            raise _refused(task, "file_dep", f"found no {path}, which is an input", "leave the inputs in it")
        stage.stage = declared._replace(uses=tuple(sorted(given - inputs)))


def _check_targets(task: Task, stage: StageTask) -> None:
    """Check that doit's targets are the outputs. Raises: DeclarationError."""
    outputs = set(stage.stage.outputs.values())
    for target in task.targets:
        if os.path.normpath(target) not in outputs:
            raise _refused(task, "targets", f"found {target}, which is no output", "name it in outputs")
    if len(task.targets) != len(outputs):
        raise _refused(task, "targets", f"found {len(task.targets)} of {len(outputs)} outputs", "leave them in it")


def _check_params(task: Task, stage: StageTask) -> None:
    """Check that doit's parameters are the settings, with their defaults and types. Raises: DeclarationError."""
    if [param.get("name") for param in task.params] != [*stage.declared]:
        raise _refused(task, "params", "found others than the settings of run", "make them parameters of run")
    for param, (name, setting) in zip(task.params, stage.declared.items(), strict=True):
        default, kind = param.get("default"), param.get("type")
        if default is not setting.default:
            found = f"found the default {default!r:.99} of {name}, expected that of run"
            raise _refused(task, "params", found, f"set it in pyproject.toml, [tool.doit.tasks.{task.name}]")
        if not (kind is bool if setting.is_switch else getattr(kind, "args", ())[-1:] == (setting,)):
            raise _refused(task, "params", f"found another type of {name}", "annotate it in run")


def _refused(task: Task, field: str, found: str, todo: str) -> DeclarationError:
    return DeclarationError(f"{task.name}: {field}", found, todo)
