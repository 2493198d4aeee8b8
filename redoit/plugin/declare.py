"""How a dodo.py declares stages: `step` returns a doit task, `DOIT_CONFIG` lets doit use redoit.

A declaration is checked against the signature of the step's `run` when the file loads. Settings become parameters of
the doit task: `--epochs`, `--learning-rate`, `--no-shuffle`. doit parses the command line; the declared type parses
each value, so that an error names what was expected; the command adds the stage.
"""

import os
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from doit.cmdparse import CmdParseError

from redoit.errors import DeclarationError
from redoit.model import Policy, Setting, Stage
from redoit.plugin.checkout import engine
from redoit.plugin.paths import project_path
from redoit.plugin.stage_task import CACHE, TIME_LIMIT, ContentChecker, StageTask
from redoit.source.settings import Declared, Kind, Signature, nearest
from redoit.state.workspace import FOLDER

MAX_NAME_BYTES = 255  # of a file or folder
# Of a doit task; on the dict that `step` returns, `file_dep` and `uptodate` may be extended.
RESERVED_FIELDS = {
    *("actions", "calc_dep", "file_dep", "getargs", "io", "params", "pos_arg", "targets", "title", "uptodate")
}


class Parameters(NamedTuple):
    """What the stages of one step share: their settings, and those that every stage has.

    `defaults`: of the step's own settings. `params`: `declared` as doit takes them.
    """

    signature: Signature
    declared: Mapping[str, Declared]
    defaults: tuple[Setting, ...]
    params: list[dict[str, object]]


PARAMETERS: dict[tuple[str, bool, str], Parameters] = {}  # of the steps of one project


def step(
    module: str,
    *,
    inputs: Mapping[str, str | os.PathLike[str]],
    outputs: Mapping[str, str | os.PathLike[str]],
    cache: bool = True,
    volatile: bool = False,
    impure: bool = False,
    observe: bool = True,
    uses: Iterable[str | os.PathLike[str]] = (),
    environ: Iterable[str] = (),
    time_limit: float | None = None,
    **fields: object,
) -> dict[str, object]:
    """Return a stage, as a doit task, for the step in `module`.

    `inputs` and `outputs` are role -> path; their roles are the positional parameters of the step's `run`, whose
    keyword-only parameters become the task's. `uses`: files that it needs besides. `environ` names the environment
    variables that its result depends on. `observe`: what it touches besides counts, too. `time_limit`: seconds that it
    may run. `fields` are passed to doit (`name`, `doc`, `task_dep`, ...).

    Raises: DeclarationError.
    """
    subject = f"stage of {module}"
    if not isinstance(module, str):
        raise DeclarationError("step", f"found {module!r:.99}, expected the name of a module")
    for field in sorted(RESERVED_FIELDS & fields.keys()):
        raise DeclarationError(subject, f"found '{field}', which redoit sets itself", "leave it out")
    policy, variables = _policy(subject, cache, volatile, impure, observe), _names(subject, environ)
    declaration = Stage(module, module, _paths(subject, inputs), _paths(subject, outputs), policy, variables)
    used = [_path(f"{subject}: uses", each) for each in _items(uses)]
    signature = engine().inspector.snapshot.signature(module)
    _check_roles(subject, declaration, signature)
    _check_paths(subject, declaration)
    parameters = _parameters(module, signature, cache=cache, time_limit=time_limit)
    stage = StageTask(declaration, parameters.declared, parameters.defaults)
    return {**_task(stage, parameters), "file_dep": [*declaration.inputs.values(), *used], **fields}


def _task(stage: StageTask, parameters: Parameters) -> dict[str, object]:
    """Return a stage as the dict of a doit task, without the files it depends on."""
    return {
        "actions": [stage.build],
        "targets": list(stage.stage.outputs.values()),
        "uptodate": [stage],
        "params": parameters.params,
        "clean": True,
        "io": {"capture": False},  # the step's output goes where `-v` says, and to its log
    }


def _parameters(module: str, signature: Signature, *, cache: bool, time_limit: float | None) -> Parameters:
    """Return the parameters of a step's stages, made once. Raises: DeclarationError."""
    key = module, cache, repr(time_limit)
    shared = PARAMETERS.get(key)
    if shared is None or shared.signature != signature:
        limit = Declared(TIME_LIMIT, Kind("seconds", optional=True), None, "seconds that it may run")
        limit = limit._replace(default=limit.value(time_limit, f"stage of {module}: {TIME_LIMIT}"))
        caching = Declared(CACHE, Kind("bool"), cache, "use earlier results")
        for name in sorted({CACHE, TIME_LIMIT} & {setting.name for setting in signature.settings}):
            found = f"found a setting '{name}' of run, which every stage has already"
            raise DeclarationError(f"stage of {module}", found, "rename it")
        settings = (*signature.settings, caching, limit)
        shared = PARAMETERS[key] = Parameters(
            signature,
            {setting.name: setting for setting in settings},
            tuple(Setting(setting.name, str(setting.kind), setting.default) for setting in signature.settings),
            [*map(_param, settings)],
        )
    return shared


def _param(declared: Declared) -> dict[str, object]:
    """Return a setting as doit takes a parameter."""
    kind = declared.kind
    text = declared.help.replace("%", "%%")
    if kind.choices:
        text = f"{text} ({kind.expected})".strip()
    fields = {
        "name": declared.name,
        "long": flag(declared.name),
        "default": declared.default,
        "help": f"{text} [default: %(default)s]".strip(),
    }
    if declared.is_switch:
        return {**fields, "type": bool, "inverse": f"no-{flag(declared.name)}"}
    return {**fields, "type": partial(_parsed, declared)}


def _parsed(declared: Declared, text: str) -> object:
    """Return a setting's value from the command line. Raises: CmdParseError, which doit shows in one line."""
    try:
        return declared.value(text, f"--{flag(declared.name)}")
    except DeclarationError as error:
        raise CmdParseError(str(error)) from None


def flag(name: str) -> str:
    """Return the name of a setting's option, without the dashes."""
    return name.replace("_", "-")


def _paths(subject: str, given: Mapping[str, str | os.PathLike[str]]) -> dict[str, str]:
    """Return role -> path in the project. Raises: DeclarationError if it is anything else."""
    if not isinstance(given, Mapping):
        raise DeclarationError(subject, f"found {given!r:.99}, expected role -> path", "write {'role': 'path'}")
    for role in given:
        if not isinstance(role, str):
            raise DeclarationError(subject, f"found {role!r:.99}, expected the name of a parameter of run")
    return {role: _path(f"{subject}: {role}", path) for role, path in given.items()}


def _path(subject: str, given: str | os.PathLike[str]) -> str:
    """Return the path of a file in the project. Raises: DeclarationError if it is none."""
    path = os.fspath(given) if isinstance(given, str | os.PathLike) else given
    if not isinstance(path, str) or not path or "\0" in path or path.endswith(os.sep):
        raise DeclarationError(subject, f"found {given!r:.99}, expected the path of a file")
    try:
        if max(map(len, os.fsencode(path).split(b"/"))) > MAX_NAME_BYTES:
            raise DeclarationError(subject, f"found {path:.40}..., expected names of at most {MAX_NAME_BYTES} bytes")
    except UnicodeEncodeError as error:
        found = f"found {given!r:.99}, which no file name has in the encoding {error.encoding}"
        raise DeclarationError(subject, found, "set LC_ALL=C.UTF-8") from None
    return project_path(path)


def _policy(subject: str, *switches: object) -> Policy:
    for field, value in zip(Policy._fields, switches, strict=True):
        if not isinstance(value, bool):
            raise DeclarationError(f"{subject}: {field}", f"found {value!r}, expected True or False")
    return Policy(*map(bool, switches))


def _items(given: object) -> list[Any]:
    """Return several values, or the one that is given instead."""
    return list(given) if isinstance(given, Iterable) and not isinstance(given, str | bytes) else [given]


def _names(subject: str, environ: Iterable[str]) -> tuple[str, ...]:
    names = _items(environ)
    if not all(isinstance(name, str) and name and not {"=", "\0"} & {*name} for name in names):
        raise DeclarationError(f"{subject}: environ", f"found {names!r}, expected names of environment variables")
    return tuple(sorted(set(names)))


def _check_roles(subject: str, stage: Stage, signature: Signature) -> None:
    """Check roles against the signature of the step's `run`. Raises: DeclarationError."""
    if sorted((*stage.inputs, *stage.outputs)) == sorted(signature.roles):
        return
    for role in sorted({*stage.inputs} & {*stage.outputs}):
        raise DeclarationError(subject, f"'{role}' is both an input and an output", "give them two names")
    for role in stage.files:
        if role not in signature.roles:
            raise DeclarationError(subject, f"run has no path parameter '{role}'", nearest(role, signature.roles))
    for role in signature.roles:
        if role not in stage.files:
            raise DeclarationError(subject, f"found no file for '{role}' of run", "name it in inputs or outputs")


def _check_paths(subject: str, stage: Stage) -> None:
    """Check that there are outputs, inside the project, each with a path of its own. Raises: DeclarationError."""
    if not stage.outputs:
        raise DeclarationError(subject, "found no outputs, expected at least one", "declare the files that it makes")
    seen = {path: role for role, path in stage.inputs.items()}
    for role, path in stage.outputs.items():
        if os.path.isabs(path) or path == "." or path.split(os.sep)[0] in ("..", FOLDER):
            raise DeclarationError(subject, f"found the output '{role}' at {path}", "keep outputs inside the project")
        if seen.setdefault(path, role) != role:
            raise DeclarationError(subject, f"'{role}' and '{seen[path]}' are both {path}", "give each its own file")


DOIT_CONFIG = {
    "backend": "redoit",
    "dep_file": f"{FOLDER}/doit.db",
    "check_file_uptodate": ContentChecker,
    "reporter": "redoit",
    "verbosity": 2,
}
