"""The loader of a dodo.py: what it opens and locks, how stages are configured, and what it leaves alone."""

import contextlib
import os
import py_compile
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from doit import doit_cmd
from doit.cmd_base import DodoTaskLoader, ModuleTaskLoader
from doit.cmd_run import Run
from doit.cmdparse import DefaultUpdate
from doit.dependency import Dependency
from doit.globals import Globals
from doit.task import Task
from doit_tasks import stage_behind
from examples import write
from in_process import STAGES

from redoit.errors import BusyError, DeclarationError
from redoit.history.run_log import StageRecord
from redoit.model import PlannedStatus, Status
from redoit.plugin.checkout import engine, run_log
from redoit.plugin.database import Database, StageDependency
from redoit.plugin.declare import DOIT_CONFIG, step
from redoit.plugin.dry_run_tasks import DryRunTasks
from redoit.plugin.loader import StageLoader
from redoit.storage.locks import owned_lock

PLAIN = {"task_plain": lambda: {"actions": ["true"], "targets": ["plain.txt"]}}


@pytest.fixture(autouse=True)
def project(chain_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the chain; what a test imports and sets is forgotten after it."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(doit_cmd, "_CMDLINE_VARS", {})
    monkeypatch.setattr(Globals, "dep_manager", None)
    for name in ("dodo", "tasks_of_dodo"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return chain_folder


@pytest.fixture
def stack() -> Iterator[contextlib.ExitStack]:
    """Yield what a command ends with."""
    with contextlib.ExitStack() as stack:
        yield stack


def chain_of(*names: str) -> dict[str, Any]:
    """Return the namespace of a dodo.py with some stages of the chain."""

    def declared(name: str) -> Any:
        stage = STAGES[name]
        return lambda: step(stage.step, inputs=stage.inputs, outputs=stage.outputs)

    return {"DOIT_CONFIG": DOIT_CONFIG, **PLAIN, **{f"task_{name}": declared(name) for name in names}}


def loader_of(
    namespace: dict[str, Any],
    stack: contextlib.ExitStack,
    *,
    exclusive: bool = True,
    builds: bool = True,
    **options: Any,
) -> StageLoader:
    """Return a loader of a namespace that has read DOIT_CONFIG, with options of the command line."""
    inner = ModuleTaskLoader(namespace)
    inner.config = {}
    loader = StageLoader(Run(task_loader=inner), stack, exclusive=exclusive, builds=builds)
    parameters = DefaultUpdate({"backend": "dbm", "dep_file": ".doit.db", **options})
    loader.setup(parameters)
    loader.load_doit_config()
    return loader


def load(loader: StageLoader, *arguments: str) -> tuple[dict[str, Task], Any, list[str]]:
    """Return the tasks that a command loads, the command, and its arguments then."""
    manager = Dependency(Database, ".redoit/doit.db")
    command = SimpleNamespace(dep_manager=manager, execute_tasks=True, control=None)
    given = list(arguments)
    return {task.name: task for task in loader.load_tasks(command, given)}, command, given


def test_a_dodo_without_redoit_passes_unchanged(project: Path, stack: contextlib.ExitStack) -> None:
    """Without redoit's DOIT_CONFIG no folder is made, and tasks and database are doit's own."""
    loader = loader_of(dict(PLAIN), stack)
    tasks, command, _ = load(loader)
    assert (list(tasks), loader.has_stages) == (["plain"], False)
    assert type(command.dep_manager) is Dependency
    assert tasks["plain"].value_savers == []
    assert not (project / ".redoit").exists()


def test_a_number_of_tasks_below_zero_is_an_error(project: Path, stack: contextlib.ExitStack) -> None:
    """`-n -1` would make doit end at once, with nothing done and nothing said."""
    with pytest.raises(DeclarationError, match="-n: found -1, expected a number of tasks at once"):
        load(loader_of(chain_of("make"), stack, num_process=-1))


def test_a_command_that_changes_something_holds_the_lock(project: Path) -> None:
    """The workspace is made, and locked until the command ends."""

    def lock() -> contextlib.AbstractContextManager[str]:
        return owned_lock(project / ".redoit/lock", str, wait=False)

    with contextlib.ExitStack() as command_ends:
        loader_of(chain_of("make"), command_ends)
        assert (project / ".redoit/format").exists()
        with pytest.raises(BusyError), lock():
            pass
    with lock() as left:
        assert left == ""


def test_a_command_that_shows_something_makes_nothing(project: Path, stack: contextlib.ExitStack) -> None:
    """Without the lock no folder is made, and stages are only planned."""
    tasks, command, _ = load(loader_of(chain_of("make"), stack, exclusive=False, builds=False))
    planned = DryRunTasks(stage_behind(tasks["make"]).session, tasks, command.dep_manager).plan("make")
    assert planned.status == PlannedStatus.RUN
    stack.close()
    assert not (project / ".redoit").exists()


def test_a_crash_of_the_last_holder_empties_the_trace_index(
    built_chain_folder: Path, stack: contextlib.ExitStack
) -> None:
    """Where the name of a dead process stands in the lock, the next command decides each stage in full."""
    (built_chain_folder / ".redoit/lock").write_text("")
    latest = engine().workspace.latest(STAGES["make"])
    assert latest is not None
    with contextlib.ExitStack() as orderly:
        loader_of(chain_of("make"), orderly)
        engine().workspace.trace_index.add("make", latest)
    with contextlib.ExitStack() as orderly:
        loader_of(chain_of("make"), orderly)
        assert "make" in engine().workspace.trace_index._cache.content
    (built_chain_folder / ".redoit/lock").write_text("'doit' (process 1)")
    loader_of(chain_of("make"), stack)
    assert "make" not in engine().workspace.trace_index._cache.content


def test_a_shared_store_knows_its_checkouts(project: Path, tmp_path: Path, stack: contextlib.ExitStack) -> None:
    """A checkout whose store is elsewhere leaves its record there, before anything of it is built."""
    (project / "pyproject.toml").write_text(f'[tool.redoit]\nstore = "{tmp_path / "store"}"\n')
    loader_of(chain_of("make"), stack)
    assert len(list((tmp_path / "store/checkouts").iterdir())) == 1


def test_each_stage_gets_its_settings(stack: contextlib.ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values of files are parsed, variables win over them, and the section stays as it was read."""
    monkeypatch.setattr(doit_cmd, "_CMDLINE_VARS", {"sort.reverse": "yes"})
    loader = loader_of(chain_of("make", "sort"), stack)
    loader._inner.config = {"task:make": {"times": "4"}, "task:sort": {"reverse": "no"}}
    tasks, command, _ = load(loader)
    make, sort = stage_behind(tasks["make"]), stage_behind(tasks["sort"])
    assert make.settings(tasks["make"])[0].value == 4
    assert (sort.settings(tasks["sort"])[0].value, sort.overrides) == (True, {"reverse": True})
    assert (make.section, sort.section) == ({"times": "4"}, {"reverse": "no"})
    assert make.session is sort.session is loader.session
    assert loader.session.graph.dependents("make") == ("sort",)
    assert isinstance(command.dep_manager, StageDependency)


def test_a_wrong_configuration_is_one_error(stack: contextlib.ExitStack) -> None:
    """A section of no task, a wrong value and a file that two tasks make are refused before anything runs."""
    loader = loader_of(chain_of("make"), stack)
    for config, fault in (
        ({"task:mak": {}}, r"\[task:mak\]: no stage 'mak'; did you mean make\?"),
        ({"task:make": {"times": "x"}}, r"\[task:make\] times: found 'x', expected an integer"),
    ):
        loader._inner.config = config
        with pytest.raises(DeclarationError, match=fault):
            load(loader)
    loader._inner.config = {}
    loader._inner.namespace["task_other"] = lambda: {"actions": ["true"], "targets": ["data/made.txt"]}
    with pytest.raises(DeclarationError, match=r"data/made\.txt: is made by both make and other"):
        load(loader)


def test_a_run_is_recorded_when_its_command_ends(project: Path) -> None:
    """The session has the options of the run; at its end the run log has what was selected."""
    with contextlib.ExitStack() as command_ends:
        loader = loader_of(chain_of("make"), command_ends, always=True, num_process=2)
        _, command, _ = load(loader)
        session = loader.session
        assert (session.always, session.parallel) == (True, True)
        assert loader._parameters["par_type"] == "thread"
        assert list(session.selected()) == []
        command.control = SimpleNamespace(selected_tasks=["make"])
    [run] = run_log().newest()
    assert run.stages == {"make": StageRecord(Status.NOT_RUN)}


def test_a_target_may_be_named_from_any_folder(project: Path, stack: contextlib.ExitStack) -> None:
    """Where doit was called in a folder of the project, paths from there name targets; tasks keep their names."""
    namesake = {"task_namesake": lambda: {"actions": ["true"], "targets": ["data/make"]}}
    loader = loader_of({**chain_of("make"), **namesake}, stack)
    loader.start = project / "data"
    names = ["made.txt", str(project / "data/made.txt"), "../plain.txt", "make", "data/made.txt", "none.txt"]
    expected = ["data/made.txt", "data/made.txt", "plain.txt", "make", "data/made.txt", "none.txt"]
    assert load(loader, *names)[2] == expected


def test_source_that_a_task_wrote_is_read_again(project: Path, stack: contextlib.ExitStack) -> None:
    """The success of any task drops the snapshot of the source, however young it is."""
    tasks, _, _ = load(loader_of(chain_of("make"), stack))
    write(project, steps__make="def run(source, made, *, times: int = 8): pass\n")
    tasks["plain"].save_extra_values()
    assert tasks["plain"].values == {}
    assert engine().inspector.snapshot.signature("steps.make").settings[0].default == 8


def test_dodo_is_imported_from_source(project: Path, stack: contextlib.ExitStack) -> None:
    """Byte code that seems to be that of an edited file is ignored for dodo.py and for what it imports."""
    get_code = SourceFileLoader.get_code
    texts = {"dodo.py": "from tasks_of_dodo import VALUE\nOWN = {}\n", "tasks_of_dodo.py": "VALUE = {}\n"}
    for name, text in texts.items():
        (project / name).write_text(text.format(1))
        py_compile.compile(str(project / name))
        stat = (project / name).stat()
        (project / name).write_text(text.format(2))
        os.utime(project / name, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    inner = DodoTaskLoader()
    StageLoader(Run(task_loader=inner), stack, exclusive=True, builds=True).setup(
        {"dodoFile": "dodo.py", "cwdPath": None, "seek_file": False}
    )
    assert (inner.namespace["VALUE"], inner.namespace["OWN"]) == (2, 2)
    assert SourceFileLoader.get_code is get_code
