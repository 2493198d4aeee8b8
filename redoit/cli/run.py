"""doit's own commands for projects with stages: run, ignore, reset-dep, forget, clean."""

import contextlib
import fnmatch
import os
from pathlib import Path

from doit import cmd_clean, cmd_forget, cmd_ignore, cmd_resetdep, cmd_run, cmd_strace
from doit.cmd_base import subtasks_iter, tasks_and_deps_iter
from doit.control import TaskControl
from doit.exceptions import InvalidDodoFile
from doit.task import Task

from redoit.cli.base import StageCommand
from redoit.engine.commit import rescue
from redoit.errors import DeclarationError
from redoit.plugin.checkout import engine
from redoit.plugin.stage_task import stage_of
from redoit.source.settings import nearest
from redoit.text import printable


class Run(StageCommand, cmd_run.Run):
    """doit's `run`."""

    builds = True


class Ignore(StageCommand, cmd_ignore.Ignore):
    """doit's `ignore`."""


class ResetDep(StageCommand, cmd_resetdep.ResetDep):
    """doit's `reset-dep`, for ordinary tasks: that a stage's outputs are what its step writes is proved, never said."""

    name = "reset-dep"

    def _execute(self, pos_args: list[str] | None = None) -> int | None:
        tasks = self.tasks
        for name in with_members([each for each in pos_args or () if each in tasks], tasks):
            if stage_of(tasks[name]):
                found = "found a stage, whose outputs count only if its step wrote them"
                raise DeclarationError(name, found, f"say: doit {name}")
        names = pos_args or [name for name, task in tasks.items() if not (task.has_subtask or stage_of(task))]
        return super()._execute(names) if names else None


class Strace(StageCommand, cmd_strace.Strace):
    """doit's `strace`, for ordinary tasks."""

    builds = True

    def _execute(self, show_all: bool) -> int:
        for task in self.task_list:
            if task.name in (self.sel_tasks or ()) and stage_of(task):
                raise DeclarationError(task.name, "found a stage, expected a task whose action is a command")
        return super()._execute(show_all)


class Forget(StageCommand, cmd_forget.Forget):
    """doit's `forget`: stages and their dependents are invalidated, and run again. Nothing is deleted."""

    doc_purpose = "invalidate stages and their dependents, so that they run again"

    def _execute(self, forget_sub: bool, forget_disable_default: bool, forget_all: bool) -> None:
        if not self.sel_tasks and forget_disable_default and not forget_all:
            raise InvalidDodoFile("doit forget: found no task, expected at least one; name it, or add --all")
        tasks = TaskControl(self.task_list).tasks  # with all their dependencies
        selected = list(tasks) if forget_all or not self.sel_tasks else matching(self.sel_tasks, tasks)
        chosen = set(with_members(selected, tasks))
        if forget_sub:
            chosen |= {task.name for task in tasks_and_deps_iter(tasks, chosen)}
        forget(self, [name for name in tasks if name in chosen])


class Clean(StageCommand, cmd_clean.Clean):
    """doit's `clean`: removes outputs and then empty folders. The store stays, so the next run restores them."""

    def clean_tasks(self, tasks: list[Task], dryrun: bool, cleanforget: bool) -> None:
        """Clean tasks; `--forget` does what `doit forget` does."""
        if cleanforget and not dryrun:
            forget(self, [task.name for task in tasks])
        for task in tasks:  # which remove their outputs, unless they say `clean=False` or else
            if (stage := stage_of(task)) and getattr(task, "_remove_targets", False) and not dryrun:
                files = [path for path in task.targets if os.path.isfile(path) and not os.path.islink(path)]
                for warning in rescue(engine().workspace, stage.stage, files):
                    self.outstream.write(f"{task.name} - {printable(warning)}\n")
        super().clean_tasks(tasks, dryrun, cleanforget=False)
        folders = {Path(target).parent for task in tasks if stage_of(task) for target in task.targets} - {Path()}
        for folder in () if dryrun else sorted(folders, reverse=True):
            with contextlib.suppress(OSError):  # it is not empty, not there, a link, or somebody else's
                folder.rmdir()


def forget(command: StageCommand, names: list[str]) -> None:
    """Invalidate tasks and their dependents, and print which."""
    tasks = command.tasks
    for name in names:
        command.dep_manager.remove(name)  # of a stage: that it is ignored
        if stage_of(tasks[name]) is None:
            command.outstream.write(f"forgetting {name}\n")
            continue
        dependents = command.loader.session.graph.dependents(name)
        engine().workspace.invalidations.add(name, dependents, "forgotten")
        others = [dependent for dependent in dependents if dependent not in names]
        tail = f" (its dependents run again, too: {', '.join(others)})" if others else ""
        command.outstream.write(f"forgetting {name}{tail}\n")


def matching(patterns: list[str], tasks: dict[str, Task]) -> list[str]:
    """Return the tasks that patterns match. Raises: DeclarationError on a pattern that matches none."""
    matched = []
    for pattern in patterns:
        names = [name for name in tasks if fnmatch.fnmatchcase(name, pattern)]
        if not names:
            raise DeclarationError(pattern, "no such task", nearest(pattern, tasks))
        matched += names
    return matched


def with_members(names: list[str], tasks: dict[str, Task]) -> list[str]:
    """Return the names, each group followed by its members."""
    return [each for name in names for each in (name, *(task.name for task in subtasks_iter(tasks, tasks[name])))]
