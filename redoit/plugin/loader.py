"""Loads a dodo.py with stages: opens the workspace, applies the configuration, checks the graph.

Wraps doit's own loader; a dodo.py that does not use redoit passes through it unchanged. The order matters: the
lock of the checkout is taken before doit opens its database, and released after the run is recorded.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

import doit
from doit import doit_cmd
from doit import globals as shared
from doit.cmd_base import DoitCmdBase, TaskLoader2
from doit.cmdparse import DefaultUpdate
from doit.exceptions import InvalidDodoFile, InvalidTask
from doit.task import Task

import redoit
from redoit.errors import DeclarationError
from redoit.plugin import configuration
from redoit.plugin.checkout import Session, engine, forget_project
from redoit.plugin.database import StageDependency
from redoit.plugin.declare import DOIT_CONFIG, PARAMETERS, step
from redoit.plugin.fields import adopt_fields
from redoit.plugin.graph import graph_of
from redoit.plugin.paths import Places, check_outputs
from redoit.plugin.stage_task import StageTask, stage_of
from redoit.plugin.user_errors import clear_errors
from redoit.source import import_hook
from redoit.state.stat_cache import identity
from redoit.state.workspace import FOLDER
from redoit.storage import locks

EARLIER_FORMAT = "its results are of an earlier version and do not count; 'doit cache gc' removes them"
# What redoit imports that is neither its own nor the standard library's, with what that imports.
DEPENDENCIES = frozenset(
    "blake3 cloudpickle igraph jinja2 markdown_it markupsafe mdurl pygments rich texttable".split()  # noqa: SIM905 - read as a line
)
VERBOSITIES, DEFAULT_VERBOSITY = (0, 1, 2), 1
REDOIT = os.path.join(Path(__file__).parent.parent, "")


@contextmanager
def _loading(parameters: Mapping[str, object]) -> Iterator[None]:
    """Import dodo.py, and what it imports of the project, from source.

    Python takes byte code for that of an edited file if its size and the second of its time are the same.
    Raises: InvalidDodoFile if the user's code fails.
    """
    get_code = SourceFileLoader.get_code

    def compiled(self: SourceFileLoader, name: str) -> CodeType | None:
        path = self.get_filename(name)
        inside = path.removeprefix(os.path.join(os.getcwd(), ""))
        if inside == path or "site-packages" in Path(inside).parts or path.startswith(REDOIT):
            return get_code(self, name)
        source = self.get_data(path)
        import_hook.protect(DEPENDENCIES)
        import_hook.standard_first().use_imports(source)
        return self.source_to_code(source, path)

    SourceFileLoader.get_code = compiled  # type: ignore[method-assign, assignment]  # in force while this lasts
    try:
        with nullcontext() if parameters.get("pdb") else clear_errors("dodo.py"):
            yield
    except InvalidTask as error:
        text = str(error)
        if "must contain field 'name' or 'basename'" in text and StageTask.__name__ in text:
            found = "yields a stage without a name"
            raise DeclarationError(text.split("'")[1], found, "give each its own: step(..., name=...)") from None
        raise InvalidTask(" ".join(text.split())) from None
    finally:
        SourceFileLoader.get_code = get_code  # type: ignore[method-assign]  # as it was
        import_hook.standard_first().restore()


def _forget_imports(before: set[str], path: list[str]) -> None:
    """Forget what a command has imported of the project: the next one of this process may have another."""
    sys.path[:] = path
    root = os.path.join(os.getcwd(), "")
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.startswith(root) and "site-packages" not in file:
            del sys.modules[name]


class StageLoader(TaskLoader2):
    """Wraps the loader that doit gave a command. `start`: where doit was called.

    `exclusive`: the command takes the checkout's lock. `builds`: it builds stages.
    """

    def __init__(self, command: DoitCmdBase, stack: ExitStack, *, exclusive: bool, builds: bool) -> None:
        self._inner = command.loader
        self._stack = stack
        self._command = command
        self._exclusive = exclusive
        self._builds = builds
        self.start = Path.cwd()
        self._parameters = DefaultUpdate()
        self.session = Session()
        self.cmd_options = self._inner.cmd_options
        self.has_stages = False

    def setup(self, opt_values: DefaultUpdate) -> None:
        """Import dodo.py, and change to its folder."""
        self._parameters = opt_values
        forget_project()
        self._stack.callback(PARAMETERS.clear)
        self._stack.callback(_forget_imports, set(sys.modules), sys.path[:])
        for name in redoit.__all__:  # there once somebody asks for them
            vars(redoit).pop(name, None)
        with _loading(self._parameters):
            self._inner.setup(opt_values)

    def load_doit_config(self) -> dict[str, object]:
        """Return DOIT_CONFIG; open the workspace before doit opens its database there."""
        config = self._inner.load_doit_config()
        self.has_stages = self._uses_redoit(config)
        if self.has_stages:
            config = self._completed(config)
            # doit waits for ever for a worker process that is killed; each step has its own process anyway.
            self._parameters["par_type"] = "thread"
            self._open_workspace()
        return config

    def _open_workspace(self) -> None:
        if self._exclusive and "REDOIT_STEP" in os.environ:
            from redoit.execution.orphans import is_step_of_project

            if is_step_of_project():  # it would wait for the one that waits for it
                found = "called by a step of this project"
                raise DeclarationError("doit", found, "declare in dodo.py what the step needs as inputs of its stage")
        workspace = engine().workspace
        if workspace.open(create=self._exclusive):
            sys.stderr.write(f"{FOLDER}: {EARLIER_FORMAT}\n")
        if not self._exclusive:
            self._stack.callback(workspace.stat_cache.save)
            return
        if workspace.shares_store:
            from redoit.gc.checkouts import register

            register(workspace)
        if shared := workspace.store.upstream:
            sys.stderr.write(f"The store {shared.root} can't be written: new results stay in {FOLDER}.\n")
        self._stack.callback(workspace.save_caches)
        wait = not self._parameters.get("no_wait")
        lock = locks.owned_lock(workspace.root / "lock", lambda text: sys.stderr.write(f"{text}\n"), wait=wait)
        left = self._stack.enter_context(lock)
        if left:  # a crash may have left orphaned files beside outputs, which a full decision removes
            workspace.trace_index.forget()

    def _uses_redoit(self, config: Mapping[str, object]) -> bool:
        """Return whether dodo.py, or what it imports, has asked for a name of redoit."""
        given = [*vars(redoit).values(), *(getattr(self._inner, "namespace", None) or {}).values(), config]
        return any(value is one for value in given for one in (step, DOIT_CONFIG, redoit))

    def _check_options(self, config: Mapping[str, object]) -> None:
        """Check options, wherever they are set: doit checks the choices of those on the command line alone."""
        self._parameters.update_defaults(config)
        choices = {option.name: option.choices for option in self._command.cmdparser.options if option.choices}
        for name, known in {**choices, "verbosity": VERBOSITIES}.items():
            value = self._parameters.get(name, DEFAULT_VERBOSITY)
            if isinstance(value, str | int) and value not in known:  # else it is a class
                raise DeclarationError(name, f"found {value!r:.99}, expected one of {', '.join(map(str, known))}")

    def _completed(self, config: Mapping[str, object]) -> dict[str, object]:
        """Return DOIT_CONFIG with what redoit needs. Its values are weaker than the command line's and the files'."""
        files = [self._inner.config.get(section, {}) for section in ("GLOBAL", str(self._command.name))]
        own = [name for name, value in DOIT_CONFIG.items() if config.get(name, value) == value]
        weaker = {name for name in own if any(name in section for section in files)}
        config = {name: value for name, value in {**DOIT_CONFIG, **config}.items() if name not in weaker}
        self._check_options(config)
        backend = self._parameters["backend"]
        if backend != DOIT_CONFIG["backend"] and self._parameters["dep_file"] == DOIT_CONFIG["dep_file"]:
            config["dep_file"] = f"{DOIT_CONFIG['dep_file']}.{backend}"
        return config

    def load_tasks(self, cmd: DoitCmdBase, pos_args: list[str]) -> list[Task]:
        """Return the tasks, each stage configured."""
        with _loading(self._parameters):
            tasks = list(self._inner.load_tasks(cmd=cmd, pos_args=pos_args))
        stages = {task.name: stage for task in tasks if (stage := stage_of(task))}
        if stages and not self.has_stages:
            found = f"found a stage, {next(iter(stages))}, but no DOIT_CONFIG of redoit"
            raise DeclarationError("dodo.py", found, "begin it with: from redoit import DOIT_CONFIG, step")
        if self.has_stages:
            cmd.dep_manager = shared.Globals.dep_manager = StageDependency(cmd.dep_manager, stages)
            self._configure(tasks, stages)
            if self._builds:
                self._prepare_run(cmd)
            self._resolve_targets(pos_args, tasks)
        return tasks

    def _prepare_run(self, command: DoitCmdBase) -> None:
        """Let stages be built, and record the run at its end."""
        self.session.always = bool(self._parameters.get("always"))
        number = self._parameters.get("num_process")
        if isinstance(number, int) and number < 0:  # doit would do nothing, and say nothing
            raise DeclarationError("-n", f"found {number}, expected a number of tasks at once", "say -n 2")
        self.session.parallel = isinstance(number, int) and number > 1
        # doit sets `control` only once it has accepted all tasks.
        self.session.selected = lambda: getattr(getattr(command, "control", None), "selected_tasks", None) or ()
        self._stack.callback(self.session.record)
        self._stack.callback(engine().close)

    def _configure(self, tasks: list[Task], stages: dict[str, StageTask]) -> None:
        """Check the graph, and give each stage its settings and the session."""
        self.session.tasks = {task.name: task for task in tasks}
        names = set(self.session.tasks)
        declared = {name: stage.declared for name, stage in stages.items()}
        configuration.check_names(self._inner.config, stages, names)
        overrides = configuration.overrides(declared, names, dodo_reads_variables=self._dodo_reads_variables())
        self.session.configuration_files = [*map(identity, configuration.FILES)]
        checked, given = set[tuple[int, int]](), []
        come_back = partial(_come_back, os.getcwd())
        for task in tasks:
            task.value_savers.append(come_back)
            if stage := stages.get(task.name):
                adopt_fields(task, stage, checked)
                stage.section = dict(task.cfg_values or {})
                stage.overrides = overrides.get(task.name, {})
                values = configuration.section_values(task.name, stage.declared, stage.section)
                # For doit these are defaults, which options after the task's name override.
                task.cfg_values = {**values, **stage.overrides}
                stage.session = self.session
                given.append((stage.stage, partial(stage.settings, task)))
        places = Places()
        self.session.graph = graph_of(tasks, stages, places)
        engine().around.targets = lambda: {path: task.name for task in tasks for path in task.targets}
        try:
            read_by_doit = (str(self._parameters.get("dodoFile")), *configuration.FILES)
            check_outputs(engine().inspector, given, read_by_doit, places)
        except DeclarationError as error:
            raise InvalidDodoFile(f"{error}\nNothing was run.") from None

    def _dodo_reads_variables(self) -> bool:
        """Return whether dodo.py may read variables of the command line itself, by what it imports from doit."""
        names = getattr(self._inner, "namespace", None) or {}
        return any(value is reader for value in names.values() for reader in (doit, doit_cmd, doit_cmd.get_var))

    def _resolve_targets(self, arguments: list[str], tasks: list[Task]) -> None:
        """Replace arguments that name a target from the current folder, absolutely or with `./` by the target."""
        names = {task.name for task in tasks}
        targets = {target for task in tasks for target in task.targets}
        for index, argument in enumerate(arguments):
            path = os.path.relpath(self.start / argument)
            if argument not in names | targets and path in targets:
                arguments[index] = path


def _come_back(project: str) -> dict[str, object]:
    """Return to the project's folder, which a task may leave, and drop the snapshot of its source. Save no values."""
    os.chdir(project)
    engine().inspector.refresh()
    return {}
