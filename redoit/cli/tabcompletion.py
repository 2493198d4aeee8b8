"""`doit tabcompletion`: a script for a shell, which then asks this command what may stand next."""

import contextlib
import io
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from doit.cmd_completion import TabCompletion as OfDoit
from doit.cmd_completion import opt_hardcode_tasks, opt_shell
from doit.exceptions import InvalidDodoFile

from redoit.cli.base import DODO
from redoit.cli.completer import EARLY, Command, Option, Project, Task, offers, split
from redoit.cli.console import STANDARD_OUTPUT, guard_stdout
from redoit.plugin.stage_task import StageTask, stage_of
from redoit.text import printable

NEW_LINE = "\n"
LINE = "_REDOIT_COMPLETE"  # the variable by which a script hands over the line before the cursor
SHELLS = {"bash": "", "zsh": "", "fish": ""}
TEMPLATES = Path(__file__).with_name("templates")
FILES = {"file", "dir", "output-file", "db-file", "output"}  # options that take files
FREE = {"path", "str"}  # kinds of settings that may well be files


class TabCompletion(OfDoit):
    """Completes commands, tasks, their parameters and targets. Runs no task, changes nothing, waits for nobody."""

    doc_purpose = "print a script for completion in bash, zsh or fish"
    doc_description = (
        "Completes commands and their options, tasks, what follows a task (--epochs), variables (train.epochs=),"
        " their values where these are known, and targets.\n\n"
        'In ~/.bashrc: eval "$(doit tabcompletion)". In ~/.zshrc, after compinit: eval "$(doit tabcompletion -s zsh)".'
        " In ~/.config/fish/config.fish: doit tabcompletion -s fish | source."
    )
    execute_tasks = True  # as for doit, which then leaves tasks alone that are to be made later
    cmd_options = (
        {**opt_shell, "choices": tuple(SHELLS.items())},
        {**opt_hardcode_tasks, "help": "without effect: the tasks are those of where you are"},
    )

    def execute(self, opt_values: Any, _pos_args: list[str]) -> int:
        """Print a script; or what may stand next, where one asks.

        Raises: InvalidDodoFile if nobody can read it.
        """
        if sys.__stdout__ is None:  # what stands in for it would swallow the script
            raise InvalidDodoFile(f"{STANDARD_OUTPUT}: found closed, expected a shell or a file that takes the script")
        return guard_stdout(lambda: self._say(opt_values), STANDARD_OUTPUT)

    def _say(self, opt_values: Any) -> int:
        line = os.environ.get(LINE)
        if line is None:
            self.outstream.write((TEMPLATES / f"completion.{opt_values['shell']}").read_text())
            return 0
        sys.dont_write_bytecode = True
        words, current = split(line)
        found = offers(words, current, Project(self._purposes(), self._command, self._tasks(opt_values, words)))
        lines = [
            f"{word}\t{printable(text.partition(NEW_LINE)[0])}\n" for word, text in found if word == printable(word)
        ]
        self.outstream.write("".join(lines))
        return 0

    def _purposes(self) -> dict[str, str]:
        return {name: command.doc_purpose for name, command in sorted(self.cmds.items())}

    def _command(self, name: str) -> Command:
        """Return a command in full."""
        command = self.cmds[name](**self.init_kwargs)
        options = tuple(_option(vars(option)) for option in command.cmdparser.options if option.short or option.long)
        return Command(options, command.doc_usage, getattr(command, "verbs", {}))

    def _tasks(self, params: Any, words: list[str]) -> dict[str, Task]:
        """Return the tasks of where we are; none if they can't be loaded."""
        start = Path.cwd()
        given = dict(itertools.pairwise(words))
        given |= dict(word.split("=", 1) for word in words if word.startswith("--") and "=" in word)
        for name, variable in (("-f", "dodoFile"), ("--file", "dodoFile"), ("-d", "cwdPath"), ("--dir", "cwdPath")):
            if name in given:
                params[variable] = os.path.expanduser(given[name])
        # Whatever a dodo.py does when it is imported, a shell must not show it.
        with _silence():
            try:
                if not EARLY & given.keys() and params["dodoFile"] == DODO:
                    os.chdir(next(folder for folder in (start, *start.parents) if (folder / DODO).exists()))
                self.loader.setup(params)
                self.loader.load_doit_config()
                tasks = self.loader.load_tasks(cmd=self, pos_args=[])
            except (Exception, SystemExit):  # noqa: BLE001 - it is the user's code
                return {}
        return {task.name: _task(task, start) for task in tasks}


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Let nothing be printed, also by processes that are started meanwhile."""
    kept = {number: os.dup(number) for number in (1, 2)}
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in kept:
            os.dup2(nothing, number)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        for number, handle in kept.items():
            os.dup2(handle, number)
            os.close(handle)
        os.close(nothing)


def _task(task: Any, start: Path) -> Task:
    stage = stage_of(task)
    options = tuple(_option(param, stage) for param in task.params)
    variables = tuple(_variable(stage, name) for name in stage.declared) if stage else ()
    targets = tuple(os.path.relpath(target, start) for target in task.targets)
    return Task(task.name, task.doc or "", options, variables, targets, task.subtask_of or "")


def _option(given: Any, stage: StageTask | None = None) -> Option:
    """Return an option from doit's description of it."""
    names = [f"--{given[kind]}" for kind in ("long", "inverse") if given.get(kind)]
    names += [f"-{given['short']}"] if given.get("short") else []
    text = str(given.get("help", "")).replace("%(default)s", str(given.get("default"))).replace("%%", "%")
    declared = stage.declared.get(given["name"]) if stage else None
    if given.get("type") is bool:
        return Option(tuple(names), text)
    values = _values(declared.kind) if declared else tuple(map(str, dict(given.get("choices", ()))))
    files = given.get("long") in FILES if declared is None else declared.kind.name in FREE
    return Option(tuple(names), text, valued=True, values=values, files=files)


def _variable(stage: StageTask, name: str) -> Option:
    declared = stage.declared[name]
    files = declared.kind.name in FREE
    text = f"{declared.help} [default: {declared.default}]".strip()
    return Option((f"{stage.stage.name}.{name}",), text, valued=True, values=_values(declared.kind), files=files)


def _values(kind: Any) -> tuple[str, ...]:
    """Return all values that a setting may have, if these are few."""
    known = tuple(map(str, kind.choices)) or (("true", "false") if kind.name == "bool" else ())
    return (*known, "none") if kind.optional and known else known
