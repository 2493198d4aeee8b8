"""doit's commands, for projects with stages: they find the project from any folder below it, and fail in one line."""

import contextlib
import fnmatch
import os
import re
import sys
from pathlib import Path
from typing import Any

from doit import cmd_clean, cmd_forget, cmd_ignore, cmd_info, cmd_list, cmd_resetdep, cmd_run
from doit.cmd_base import DoitCmdBase, subtasks_iter, tasks_and_deps_iter
from doit.cmdparse import CmdParseError
from doit.control import TaskControl
from doit.exceptions import InvalidCommand, InvalidDodoFile

from redoit import configuration
from redoit.errors import DeclarationError, RedoitError
from redoit.graph import graph_of
from redoit.loader import StageLoader
from redoit.settings import nearest
from redoit.tasks import engine, stage_of

INTERRUPTED = 130  # as a shell counts an end by SIGINT
DODO = "dodo.py"


class StageCommand(DoitCmdBase):
    """A command on a project with stages. `exclusive`: it waits for other commands that change something."""

    exclusive = True
    loader: Any

    def execute(self, params: Any, args: list[str]) -> int:
        """Run the command from the project's folder.

        Raises: InvalidDodoFile for each error a user can mend, which doit shows in one line.
        """
        start = Path.cwd()
        with contextlib.ExitStack() as stack:
            self.loader = StageLoader(self.loader, stack, start, exclusive=self.exclusive)
            try:
                self._seek(params)
                return int(super().execute(params, args) or 0)
            except RedoitError as error:
                raise InvalidDodoFile(str(error)) from None
            except CmdParseError as error:
                raise CmdParseError(self._plain(str(error))) from None
            except KeyboardInterrupt:
                sys.stderr.write("Interrupted: what had finished is kept, the rest runs next time.\n")
                return INTERRUPTED

    def _seek(self, params: Any) -> None:
        """Go to the project's folder if we are below it, and read its configuration, as doit did where we were."""
        if params["dodoFile"] != DODO or params["cwdPath"] or os.path.exists(DODO):
            return
        home = next((folder for folder in Path.cwd().parents if (folder / DODO).exists()), None)
        if home is None:
            return
        os.chdir(home)
        for section, values in configuration.sections().items():
            self.config.setdefault(section, {}).update(values)
        self.loader.configure(self.config)  # doit gave them one object each, if there was nothing in it
        for name in ("GLOBAL", self.name):
            for option, value in self.config.get(name, {}).items():
                if option in self.cmdparser:
                    params.update_defaults({option: self.cmdparser[option].str2type(value)})

    def _plain(self, text: str) -> str:
        """Return doit's complaint about an option without the list of all options."""
        found = re.search(r"option (--?)(\S+) not recognized", text)
        if not found:
            return text.split(" (parsing options:", maxsplit=1)[0].strip()
        stages = (stage_of(task) for task in getattr(self, "task_list", ()))
        known = {name.replace("_", "-") for stage in stages if stage for name in stage.declared}
        return f"{found[1]}{found[2]}: no such option; {nearest(found[2], known, 'did you mean --')}".replace(
            "-- ", "--"
        )


class Run(StageCommand, cmd_run.Run):
    """doit's `run`."""


class List(StageCommand, cmd_list.List):
    """doit's `list`."""

    exclusive = False


class Info(StageCommand, cmd_info.Info):
    """doit's `info`."""

    exclusive = False


class Ignore(StageCommand, cmd_ignore.Ignore):
    """doit's `ignore`."""


class ResetDep(StageCommand, cmd_resetdep.ResetDep):
    """doit's `reset-dep`."""

    name = "reset-dep"


class Forget(StageCommand, cmd_forget.Forget):
    """doit's `forget`, for traces: the stages, and all that depend on them, run again; nothing is deleted."""

    doc_purpose = "run stages, and all that depend on them, again"

    def _execute(self, forget_sub: bool, forget_disable_default: bool, forget_all: bool) -> int:
        tasks = {task.name: task for task in self.task_list}
        if not self.sel_tasks and forget_disable_default and not forget_all:
            raise InvalidDodoFile("forget: found no task, expected one; name it, or take --all")
        selected = list(tasks) if forget_all or not self.sel_tasks else list(_matching(self.sel_tasks, tasks))
        TaskControl(self.task_list)  # tells tasks which tasks make their files
        chosen = {
            name for task in selected for name in [task, *(sub.name for sub in subtasks_iter(tasks, tasks[task]))]
        }
        if forget_sub:
            chosen |= {task.name for task in tasks_and_deps_iter(tasks, chosen)}
        forget(self, [name for name in tasks if name in chosen])
        self.dep_manager.close()
        return 0


class Clean(StageCommand, cmd_clean.Clean):
    """doit's `clean`: the outputs go, the store stays, so the next run restores them."""

    def clean_tasks(self, tasks: list[Any], dryrun: bool, cleanforget: bool) -> None:
        """Clean; `--forget` means here what `doit forget` means."""
        if cleanforget and not dryrun:
            forget(self, [task.name for task in tasks])
        super().clean_tasks(tasks, dryrun, cleanforget=False)
        folders = {Path(target).parent for task in tasks if stage_of(task) for target in task.targets} - {Path()}
        for folder in sorted(folders, reverse=True):
            if not dryrun and folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


class Cache(StageCommand):
    """What the store holds, and the end of it."""

    name = "cache"
    doc_purpose = "show or clear the store of earlier results"
    doc_usage = "[clear]"
    doc_description = "Without argument: show what the store holds. clear: remove all of it."
    cmd_options = (
        {
            "name": "yes",
            "short": "y",
            "long": "yes",
            "type": bool,
            "default": False,
            "help": "do not ask",
        },
    )

    def _execute(self, yes: bool, pos_args: list[str]) -> int:
        # doit looks for options before the first argument only.
        yes = yes or not {"-y", "--yes"}.isdisjoint(pos_args)
        pos_args = [argument for argument in pos_args if argument not in ("-y", "--yes")]
        if pos_args not in ([], ["clear"]):
            raise InvalidCommand(f"cache: found '{' '.join(pos_args)}', expected nothing or 'clear'")
        workspace = engine().workspace
        stores = (workspace.store, workspace.private)
        files = [path for store in stores for path in store.files()]
        size = sum(path.stat().st_size for path in files)
        traces = sum(path.suffix == ".json" for path in files)
        held = f"{traces} traces and {len(files) - traces} blobs, {size / 1e6:.1f} MB"
        if not pos_args:
            self.outstream.write(f"{workspace.root} holds {held}.\n")
            return 0
        self.outstream.write(f"This removes {held}. Outputs in place stay, but each stage runs again.\n")
        if not yes and not _confirmed():
            self.outstream.write("Nothing removed.\n")
            return 1
        for store in stores:
            store.clear()
        self.outstream.write(f"Freed {size / 1e6:.1f} MB.\n")
        return 0


def forget(command: Any, names: list[str]) -> None:
    """Distrust these tasks and all that depend on them, and say so."""
    tasks = {task.name: task for task in command.task_list}
    graph = graph_of(command.task_list, {name for name, task in tasks.items() if stage_of(task)})
    for name in names:
        stage = stage_of(tasks[name])
        if stage is None:
            command.dep_manager.remove(name)
            command.outstream.write(f"forgetting {name}\n")
            continue
        engine().workspace.distrust(name, graph.dependents(name), "forgotten")
        others = [other for other in graph.dependents(name) if other not in names]
        tail = f" (with it run again: {', '.join(others)})" if others else ""
        command.outstream.write(f"forgetting {name}{tail}\n")


def _matching(patterns: list[str], tasks: dict[str, Any]) -> list[str]:
    found = []
    for pattern in patterns:
        names = [name for name in tasks if fnmatch.fnmatchcase(name, pattern)]
        if not names:
            raise DeclarationError(pattern, "no such task", nearest(pattern, tasks))
        found += names
    return found


def _confirmed() -> bool:
    if not sys.stdin.isatty():
        sys.stderr.write("There is no terminal to ask at; take --yes.\n")
        return False
    return input("Go on? [y/N] ").strip().lower() in ("y", "yes")
