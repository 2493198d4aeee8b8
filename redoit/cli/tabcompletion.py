"""`doit tabcompletion`: a script for a shell, which then calls this command to complete a line."""

import itertools
import os
import sys
from pathlib import Path

from doit.cmd_completion import TabCompletion as DoitTabCompletion
from doit.cmd_completion import opt_hardcode_tasks, opt_shell
from doit.cmdparse import CmdOption, DefaultUpdate
from doit.exceptions import InvalidDodoFile
from doit.task import Task as DoitTask

from redoit.cli.base import DODO, STANDARD_OUTPUT, PlainCommand, guard_stdout
from redoit.cli.completer import LOADER_OPTIONS, Task, offers, split
from redoit.plugin.stage_task import StageTask, stage_of
from redoit.text import printable

LINE_VARIABLE = "_REDOIT_COMPLETE"  # holds the line before the cursor, when a script asks
TEMPLATES = Path(__file__).with_name("templates")


class TabCompletion(PlainCommand, DoitTabCompletion):
    """Completes commands, tasks, their parameters and targets. Runs no task, changes nothing, waits for no lock."""

    doc_purpose = "print a script for completion in bash, zsh or fish"
    doc_description = (
        "Completes commands and their options, tasks, their parameters (--epochs), variables (train.epochs=), values of"
        " a known set, and targets.\n\n"
        'In ~/.bashrc: eval "$(doit tabcompletion)". In ~/.zshrc, after compinit: eval "$(doit tabcompletion -s zsh)".'
        " In ~/.config/fish/config.fish: doit tabcompletion -s fish | source."
    )
    execute_tasks = True  # so that doit does not create delayed tasks
    cmd_options = (
        {**opt_shell, "choices": (("bash", ""), ("zsh", ""), ("fish", ""))},
        {**opt_hardcode_tasks, "help": "without effect: the tasks are always those of the current folder"},
    )

    def execute(self, opt_values: DefaultUpdate, _pos_args: list[str]) -> int:
        """Print the script of a shell, or the offers for the line in the environment.

        Raises: InvalidDodoFile if standard output fails.
        """
        if sys.__stdout__ is None:
            raise InvalidDodoFile(f"{STANDARD_OUTPUT}: found closed, expected a shell or a file that takes the script")
        line = os.environ.get(LINE_VARIABLE)
        if line is not None:
            return guard_stdout(lambda: self._offers(opt_values, line), STANDARD_OUTPUT)
        script = (TEMPLATES / f"completion.{opt_values['shell']}").read_text()
        return guard_stdout(lambda: self.outstream.write(script) * 0, STANDARD_OUTPUT)

    def _offers(self, opt_values: DefaultUpdate, line: str) -> int:
        """Print the offers for a line. Nothing else: what dodo.py and its processes print is discarded."""
        with (
            open(os.dup(1), "w", encoding=self.outstream.encoding, errors="backslashreplace") as output,
            open(os.devnull, "wb") as discarded,
        ):
            os.dup2(discarded.fileno(), 1)
            os.dup2(discarded.fileno(), 2)
            sys.dont_write_bytecode = True
            words, current = split(line)
            commands = {name: command(**self.init_kwargs) for name, command in sorted(self.cmds.items())}
            for word, text in offers(words, current, commands, self._tasks(opt_values, words)).items():
                first_line = printable(text.partition("\n")[0])
                output.write(f"{word}\t{first_line}\n" if word.isprintable() else "")
        return 0

    def _tasks(self, params: DefaultUpdate, words: list[str]) -> dict[str, Task]:
        """Return the tasks of the current folder's project; none if they can't be loaded."""
        start = Path.cwd()
        given = dict(itertools.pairwise(words))
        given |= dict(word.split("=", 1) for word in words if word.startswith("--") and "=" in word)
        for name, variable in (("-f", "dodoFile"), ("--file", "dodoFile"), ("-d", "cwdPath"), ("--dir", "cwdPath")):
            if name in given:
                params[variable] = os.path.expanduser(given[name])
        try:
            if not LOADER_OPTIONS & given.keys() and params["dodoFile"] == DODO:
                os.chdir(next(folder for folder in (start, *start.parents) if (folder / DODO).exists()))
            self.loader.setup(params)
            self.loader.load_doit_config()
            return {task.name: _task(task, start) for task in self.loader.load_tasks(cmd=self, pos_args=[])}
        except (Exception, SystemExit):  # noqa: BLE001 - dodo.py may raise anything
            return {}


def _task(task: DoitTask, start: Path) -> Task:
    stage = stage_of(task)
    options = [_option(param, stage) for param in task.params]
    variables = {f"{task.name}.{option.name}": option for option in options if stage}
    targets = tuple(os.path.relpath(target, start) for target in task.targets)
    return Task(task.name, task.doc or "", options, variables, targets, task.subtask_of or "")


def _option(param: dict[str, object], stage: StageTask | None) -> CmdOption:
    """Return a parameter of a task as an option, that of a setting with all its values, if these are known."""
    setting = stage.declared.get(str(param["name"])) if stage else None
    if setting is None:
        return CmdOption(param)
    kind = setting.kind
    values = tuple(map(str, kind.choices)) or (("true", "false") if kind.name == "bool" else ())
    values = (*values, "none") if kind.optional and values else values
    return CmdOption({**param, "choices": [(value, "") for value in values], "metavar": kind.name})
