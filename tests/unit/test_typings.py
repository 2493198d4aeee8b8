"""The stubs of doit in `typings/` against objects of doit itself; `stubtest` compares the signatures, and no more."""

import ast
import importlib
import io
import types
import typing
from pathlib import Path

import pytest
from doit.cmd_base import ModuleTaskLoader
from doit.cmd_completion import TabCompletion
from doit.cmd_help import Help
from doit.cmd_run import Run
from doit.cmdparse import CmdOption
from doit.control import ExecNode
from doit.dependency import DependencyStatus
from doit.exceptions import InvalidCommand, TaskFailed
from doit.globals import Globals
from doit.plugin import PluginDict
from doit.reporter import ConsoleReporter
from doit.task import result_dep

STUBS = sorted(Path(__file__).parents[2].glob("typings/doit/*.pyi"))


def attributes():
    """Yield each attribute with a type in the stubs: its module, its class, its name, and the type."""
    for path in STUBS:
        name = f"doit.{path.stem}".removesuffix(".__init__")
        tree = ast.parse(path.read_text())
        imports = ast.Module([node for node in tree.body if isinstance(node, ast.ImportFrom | ast.Import)], [])
        names = dict(vars(importlib.import_module(name)))
        exec(compile(imports, path, "exec"), names)
        for owner in (node for node in tree.body if isinstance(node, ast.ClassDef)):
            for field in (node for node in owner.body if isinstance(node, ast.AnnAssign)):
                yield names[owner.name], field.target.id, eval(ast.unparse(field.annotation), names)


@pytest.fixture(scope="module")
def instances(tmp_path_factory):
    """Return objects of doit, as a run of two tasks leaves them; of each class the first is looked at."""
    given = {"config": {}, "cmds": PluginDict(run=Run)}
    uses = result_dep("first")
    tasks = {"task_first": lambda: {"actions": []}, "task_second": lambda: {"actions": [], "uptodate": [uses]}}
    loader = ModuleTaskLoader(tasks)
    loader.config = {}
    run = Run(task_loader=loader, **given)
    database = str(tmp_path_factory.mktemp("doit") / "doit.db")
    options = ["--backend", "json", "--db-file", database, "--reporter", "zero", "--verbosity", "2"]
    assert run.parse_execute([*options, "first", "second"]) == 0
    task, manager = run.control.tasks["second"], run.dep_manager
    order = [run.control, run.control.task_dispatcher(), task, ExecNode(task, None), uses]
    database = [manager, manager.backend, manager.checker, DependencyStatus(get_log=False), Globals]
    user = [CmdOption({"name": "epochs", "default": 3}), InvalidCommand(not_found="third"), TaskFailed("no")]
    commands = [command(task_loader=loader, **given) for command in (TabCompletion, Help)]
    shown = [ConsoleReporter(io.StringIO(), {}), *commands, task.io]
    return [run, loader, *order, *database, *user, *shown]


def is_of(value, kind):
    """Return whether a value is of a type, as far as `isinstance` can tell."""
    kinds = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    plain = [io.TextIOBase if each is typing.TextIO else typing.get_origin(each) or each for each in kinds]
    return isinstance(value, tuple(plain))


@pytest.mark.parametrize(
    ("owner", "name", "kind"), [pytest.param(*each, id=f"{each[0].__name__}.{each[1]}") for each in attributes()]
)
def test_attribute(owner, name, kind, instances):
    """Each attribute that a stub gives a class of doit is there once tasks have run, and of the type that it says."""
    found = next(each for each in instances if each is owner or isinstance(each, owner))
    assert is_of(getattr(found, name), kind)
