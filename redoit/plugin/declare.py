"""How a dodo.py declares stages: `step` makes a task of doit, `DOIT_CONFIG` lets doit look at content.

Holds a declaration against the signature of the step's `run`, so that a mistake is told when the file loads.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from redoit.errors import DeclarationError
from redoit.model import Policy, Stage
from redoit.plugin.checkout import engine
from redoit.plugin.parameters import Parameters
from redoit.plugin.stage_task import CACHE, TIME_LIMIT, ContentChecker, StageTask
from redoit.source.settings import Declared, Kind, Signature, nearest
from redoit.state.workspace import FOLDER

_SHARED: dict[tuple[str, bool, float | None], tuple[Signature, Parameters]] = {}
OURS = frozenset({"actions", "file_dep", "getargs", "io", "params", "pos_arg", "targets", "uptodate"})  # fields of doit


def step(
    module: str,
    *,
    inputs: Mapping[str, str | os.PathLike[str]],
    outputs: Mapping[str, str | os.PathLike[str]],
    cache: bool = True,
    volatile: bool = False,
    impure: bool = False,
    environ: Iterable[str] = (),
    time_limit: float | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Declare a stage: return a doit task for the step in `module`.

    `inputs` and `outputs` are role -> path; their roles are the positional parameters of the step's `run`, whose
    keyword-only parameters become the task's. `environ` names the environment variables that its result depends on.
    `time_limit` is how many seconds it may run. `fields` go to doit as they are (`name`, `doc`, `task_dep`, ...).

    Raises: DeclarationError.
    """
    for field in sorted(OURS & fields.keys()):
        raise DeclarationError(f"stage of {module}", f"'{field}' is given, which a step has already", "leave it out")
    policy = Policy(cache, volatile, impure)
    declaration = Stage(module, module, _paths(inputs), _paths(outputs), policy, _names(module, environ))
    signed = engine().inspector.signature(module)
    _check_roles(declaration, signed)
    _check_paths(declaration)
    parameters = _parameters(module, signed, cache=cache, time_limit=time_limit)
    stage = StageTask(declaration, parameters)
    return {
        "actions": [stage.build],
        "file_dep": list(declaration.inputs.values()),
        "targets": list(declaration.outputs.values()),
        "uptodate": [stage],
        "params": parameters.of(stage),
        "clean": True,
        "io": {"capture": False},  # the step's output goes where `-v` says, and to its log
        **fields,
    }


def _parameters(module: str, signed: Signature, *, cache: bool, time_limit: float | None) -> Parameters:
    """Return the parameters of a step's stages, which share them. Raises: DeclarationError."""
    key = module, cache, time_limit
    known = _SHARED.get(key)
    if known is None or known[0] != signed:
        caching = Declared(CACHE, Kind("bool"), cache, "trust earlier results")
        limit = Declared(TIME_LIMIT, Kind("seconds", optional=True), time_limit, "seconds it may run")
        limit.value(time_limit, f"stage of {module}: {TIME_LIMIT}")
        known = _SHARED[key] = signed, Parameters(signed.settings, (caching, limit))
    return known[1]


def _paths(given: Mapping[str, str | os.PathLike[str]]) -> dict[str, str]:
    if not isinstance(given, Mapping) or not all(isinstance(path, str | os.PathLike) for path in given.values()):
        raise DeclarationError("step", f"found {given!r}, expected role -> path", "write {'role': 'path'}")
    return {role: _from_here(os.path.normpath(os.fspath(path))) for role, path in given.items()}


def _from_here(path: str) -> str:
    """Return a path from the project's folder, if it is below it."""
    if not path.startswith(os.sep):
        return path
    root = os.getcwd()
    return os.path.relpath(path, root) if Path(path).is_relative_to(root) else path


def _names(module: str, environ: Iterable[str]) -> tuple[str, ...]:
    names = [environ] if isinstance(environ, str) else list(environ)
    if not all(isinstance(name, str) and name and "=" not in name for name in names):
        raise DeclarationError(
            f"stage of {module}: environ", f"found {names!r}, expected names of environment variables"
        )
    return tuple(sorted(set(names)))


def _check_roles(stage: Stage, signed: Signature) -> None:
    """Hold a declaration against the signature of the step's `run`."""
    subject = f"stage of {stage.step}"
    for role in sorted({*stage.inputs} & {*stage.outputs}):
        raise DeclarationError(subject, f"'{role}' is both an input and an output", "give them two names")
    for role in stage.files:
        if role not in signed.roles:
            raise DeclarationError(subject, f"run has no path '{role}'", nearest(role, signed.roles))
    for role in signed.roles:
        if role not in stage.files:
            raise DeclarationError(subject, f"no file is given for run's path '{role}'", "name it an input or output")
    for name in sorted({CACHE, TIME_LIMIT} & {setting.name for setting in signed.settings}):
        raise DeclarationError(subject, f"run has a setting '{name}', as every stage has already", "rename it")


def _check_paths(stage: Stage) -> None:
    """Refuse outputs that are none, outside the project, or in each other's way."""
    subject = f"stage of {stage.step}"
    if not stage.outputs:
        raise DeclarationError(subject, "found no outputs, expected at least one", "declare what it makes")
    seen = {path: role for role, path in stage.inputs.items()}
    for role, path in stage.outputs.items():
        if os.path.isabs(path) or path == "." or path.split(os.sep)[0] in ("..", FOLDER):
            raise DeclarationError(subject, f"the output '{role}' is {path}", "keep outputs inside the project")
        if seen.setdefault(path, role) != role:
            raise DeclarationError(subject, f"'{role}' and '{seen[path]}' are both {path}", "give each its own file")


DOIT_CONFIG = {
    "backend": "redoit",
    "dep_file": f"{FOLDER}/doit.db",
    "check_file_uptodate": ContentChecker,
    "reporter": "redoit",
    "verbosity": 2,
}
