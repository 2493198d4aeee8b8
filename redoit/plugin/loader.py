"""Loads a dodo.py that declares stages: opens the workspace, applies the configuration, checks the graph.

Wraps doit's own loader. A dodo.py without redoit's DOIT_CONFIG passes through untouched.
"""

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

import doit
from doit import cmd_base, doit_cmd
from doit import globals as shared

from redoit.plugin import configuration
from redoit.plugin.checkout import engine, options
from redoit.plugin.dependency import StageDependency
from redoit.plugin.graph import Graph, graph_of
from redoit.plugin.session import Session
from redoit.plugin.stage_task import StageTask, stage_of
from redoit.state.workspace import FOLDER
from redoit.storage import locks


class StageLoader(cmd_base.TaskLoader2):
    """doit's loader, and what stages need on top. `start` is the folder that doit was called in."""

    def __init__(self, inner: Any, stack: contextlib.ExitStack, start: Path, *, exclusive: bool) -> None:
        self._inner = inner
        self._stack = stack
        self._start = start
        self._exclusive = exclusive
        self._parameters: Any = {}
        self.session = Session(Graph({}))
        self.cmd_options = inner.cmd_options
        self.ours = False

    def setup(self, opt_values: Any) -> None:
        """Import dodo.py; the working directory is its folder from now on."""
        self._parameters = opt_values
        self._inner.setup(opt_values)

    def configure(self, config: Any) -> None:
        """Take what the configuration files of the project's folder say."""
        self._inner.config = config

    def load_doit_config(self) -> Any:
        """Return DOIT_CONFIG; make the workspace ready before doit opens its database there."""
        config = self._inner.load_doit_config()
        self.ours = str(config.get("dep_file", "")).startswith(FOLDER)
        if self.ours:
            # doit would wait for ever for a worker process that is killed; a step has a process of its own anyway.
            self._parameters["par_type"] = "thread"
            workspace = engine().workspace
            workspace.open(relying=self._exclusive)
            self._stack.callback(engine().save_caches if self._exclusive else workspace.stat_cache.save)
            if self._exclusive:
                wait = not self._parameters.get("no_wait")
                orderly = self._stack.enter_context(locks.checkout_lock(workspace.root / "lock", _say, wait=wait))
                if not orderly:  # a crash may have left litter beside outputs, which only a closer look sweeps
                    workspace.trace_index.forget()
        return config

    def load_tasks(self, cmd: Any, pos_args: list[str]) -> Any:
        """Return the tasks, each stage configured."""
        tasks = list(self._inner.load_tasks(cmd=cmd, pos_args=pos_args))
        stages = {task.name: stage for task in tasks if (stage := stage_of(task))}
        if self.ours:
            cmd.dep_manager = shared.Globals.dep_manager = StageDependency(cmd.dep_manager, stages)
            self._configure(tasks, stages)
            if cmd.builds:
                self._begin(cmd)
            else:
                self._look(tasks)
            self._rename(pos_args, tasks)
        return tasks

    def _begin(self, command: Any) -> None:
        """Let stages be realised, and put in the end on record what became of them."""
        self.session.executing = True
        self.session.always = bool(self._parameters.get("always"))
        self.session.parallel = (self._parameters.get("num_process") or 0) > 1
        # doit has no control before it has read all tasks without a complaint.
        self.session.selected = lambda: getattr(getattr(command, "control", None), "selected_tasks", None) or ()
        self._stack.callback(self.session.record, engine().workspace)
        self._stack.callback(engine().close)

    def _look(self, tasks: list[Any]) -> None:
        """Let stages only be looked at, each as it will be once those before it are realised."""
        from redoit.planning.dry_run import PlannedStage
        from redoit.plugin.dry_run_tasks import DryRunTasks, PlannedTask

        named = {task.name: task for task in tasks}
        ahead: list[DryRunTasks] = []

        def dry_run(task: str, database: Any) -> PlannedStage | PlannedTask:
            if not ahead:
                ahead.append(DryRunTasks(self.session, named, database))
            return ahead[0].of(task)

        self.session.dry_run = dry_run

    def _configure(self, tasks: list[Any], stages: dict[str, StageTask]) -> None:
        names = {task.name for task in tasks}
        declared = {name: stage.declared for name, stage in stages.items()}
        configuration.check_names(self._inner.config or {}, stages, names)
        overrides = configuration.overrides(declared, names, others=self._asks_for_variables())
        self.session.graph = graph_of(tasks, stages)
        self.session.caching = options().cache
        for task in tasks:
            task.value_savers.append(_reread)
            stage = stages.get(task.name)
            if stage is None:
                continue
            stage.configured = dict(task.cfg_values or {})
            stage.overridden = overrides.get(task.name, {})
            files = configuration.values(task.name, stage.declared, stage.configured)
            # doit takes these for defaults, so that what follows the task on the command line is stronger.
            task.cfg_values = {**files, **stage.overridden}
            stage.session = self.session

    def _asks_for_variables(self) -> bool:
        """Tell whether dodo.py may ask for variables of the command line itself."""
        names = getattr(self._inner, "namespace", None) or {}
        return any(value is known for value in names.values() for known in (doit, doit_cmd, doit_cmd.get_var))

    def _rename(self, arguments: list[str], tasks: list[Any]) -> None:
        """Let a target be named as the shell names it: from a folder below, by an absolute path, with `./`."""
        names = {task.name for task in tasks}
        targets = {target for task in tasks for target in task.targets}
        for index, argument in enumerate(arguments):
            path = os.path.relpath(self._start / argument)
            if argument not in names | targets and path in targets:
                arguments[index] = path


def _reread() -> dict[str, Any]:
    """Forget the source that was read: a task has succeeded, and may have made some. Return no values of it."""
    engine().inspector.refresh()
    return {}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
