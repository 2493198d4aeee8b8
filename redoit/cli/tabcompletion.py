"""`doit tabcompletion`: a script for a shell, which then calls this command to complete a line.

Offers come from doit's own commands and tasks. An offer is a word that may follow, with its description; the user
continues a word that ends with `=` or `/`.
"""

import contextlib
import itertools
import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from doit.cmd_base import Command
from doit.cmd_completion import TabCompletion as DoitTabCompletion
from doit.cmd_completion import opt_hardcode_tasks, opt_shell
from doit.cmdparse import CmdOption, DefaultUpdate
from doit.exceptions import InvalidDodoFile
from doit.task import Task

from redoit.cli.base import PlainCommand, guard_stdout
from redoit.plugin.stage_task import stage_of
from redoit.text import printable

LINE_VARIABLE = "_REDOIT_COMPLETE"  # holds the line before the cursor, when a script asks
TEMPLATES = Path(__file__).with_name("templates")
FILES = "=files"  # offered where the shell is to complete file names; no word begins so
Offer = tuple[str, str]
ASSIGNMENT = re.compile(r"\w+=")
TASKS, TARGETS, COMMANDS, ANY_FILE = "TASK", "TARGET", "COMMAND", "FILE"
LOADER_OPTIONS = {"-f", "--file", "-d", "--dir", "-k", "--seek-file"}  # may precede the name of a command
FILE_OPTIONS = {"file", "dir", "output-file", "db-file", "output"}  # of commands
FILE_METAVARS = {"path", "str"}  # of the other options whose values may be files


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
        """Print a shell's script, or the offers for the line in the environment. Raises: as `guard_stdout`."""
        if sys.__stdout__ is None:
            raise InvalidDodoFile("standard output: found closed, expected a shell or a file that takes the script")
        line = os.environ.get(LINE_VARIABLE)
        if line is not None:
            return guard_stdout(lambda: self._offers(opt_values, line))
        script = (TEMPLATES / f"completion.{opt_values['shell']}").read_text()
        return guard_stdout(lambda: print(script, end="", file=self.outstream))

    def _offers(self, opt_values: DefaultUpdate, line: str) -> None:
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
            for word, text in Line(words, commands, self._tasks(opt_values, words)).offers(current).items():
                first_line = printable(text.partition("\n")[0])
                output.write(f"{word}\t{first_line}\n" if word.isprintable() else "")

    def _tasks(self, params: DefaultUpdate, words: list[str]) -> dict[str, Task]:
        """Return the project's tasks, with targets as the current folder names them; none if they can't be loaded."""
        start = Path.cwd()
        given = dict(itertools.pairwise(words))
        given |= dict(word.split("=", 1) for word in words if word.startswith("--") and "=" in word)
        for name, variable in (("-f", "dodoFile"), ("--file", "dodoFile"), ("-d", "cwdPath"), ("--dir", "cwdPath")):
            if name in given:
                params[variable] = os.path.expanduser(given[name])
        try:
            self.enter_project(params)
            self.loader.setup(params)
            self.loader.load_doit_config()
            tasks = {task.name: task for task in self.loader.load_tasks(cmd=self, pos_args=[])}
        except (Exception, SystemExit):  # noqa: BLE001 - dodo.py may raise anything
            return {}
        for task in tasks.values():
            task.targets = [os.path.relpath(target, start) for target in task.targets]
        return tasks


def split(line: str) -> tuple[list[str], str]:
    """Return the complete words behind the command's name in a line of a shell, and the unfinished last word."""
    words: list[str] = []
    for closing in ("", "'", '"'):
        with contextlib.suppress(ValueError):
            words = shlex.split(f"{line}.{closing}")  # the dot makes an empty last word count
            break
    words = list(itertools.dropwhile(ASSIGNMENT.match, words))
    return words[1:-1], words[-1].removesuffix(".") if len(words) > 1 else ""


class Line:
    """What may follow some words. `commands`, `tasks`: doit's, by name; a command with subcommands has `verbs`."""

    def __init__(self, words: Iterable[str], commands: Mapping[str, Command], tasks: Mapping[str, Task]) -> None:
        self._commands, self._tasks = commands, tasks
        self._command = commands["run"]
        self._before_command = True  # its name may still follow
        self._arguments: list[str] = []
        self._options: Mapping[str, CmdOption | None] = _by_spelling(self._command.cmdparser.options)
        self._pending: CmdOption | None = None  # the option whose value follows
        for word in words:
            self._add(word)

    def _add(self, word: str) -> None:
        name, equals, _ = word.partition("=")
        if self._pending:
            self._pending = None
        elif word.startswith("-"):
            option = self._options.get(name)
            self._pending = option if option and option.type is not bool and not equals else None
            self._before_command &= name in LOADER_OPTIONS
        elif self._before_command and word in self._commands:
            self._command, self._before_command = self._commands[word], False
            self._options = _by_spelling(self._command.cmdparser.options)
        elif not equals:
            self._arguments.append(word)
            self._before_command = False
            takes_options = TARGETS in self._command.doc_usage and word in self._tasks
            verb = getattr(self._command, "verbs", {}).get(word, ())
            self._options = _by_spelling(_options(self._tasks[word])) if takes_options else dict.fromkeys(verb)

    def offers(self, current: str) -> dict[str, str]:
        """Return the words that may complete the current one, and their descriptions, in order."""
        name, equals, _ = current.partition("=")
        found: Iterable[Offer] = ()
        if self._pending:
            found = _values(self._pending)
        elif current.startswith("-") and equals:
            option = self._options.get(name)
            found = _values(option, f"{name}=") if option and option.type is not bool else ()
        elif current.startswith("-"):
            found = ((spelling, _text(option)) for spelling, option in self._options.items())
        elif equals:
            variable = self._variables(name).get(name)
            found = _values(variable, f"{name}=") if variable else ()
        else:
            found = self._argument_offers(current)
        return {word: text for word, text in found if word.startswith(current) or word == FILES}

    def _argument_offers(self, current: str) -> Iterator[Offer]:
        usage, tasks = self._command.doc_usage, self._tasks
        if self._before_command or COMMANDS in usage:
            yield from ((name, command.doc_purpose) for name, command in self._commands.items())
        if not self._arguments:
            yield from ((verb, "") for verb in getattr(self._command, "verbs", ()))
        if TASKS in usage:
            yield from _task_offers(current, [task for task in tasks.values() if task.name not in self._arguments])
            yield from ((f"{name}=", _text(option)) for name, option in self._variables(current).items())
        if TARGETS in usage and current:
            for task in tasks.values():
                for target in task.targets:
                    end = target.find("/", len(current)) + 1 or None  # up to the folder that is being written
                    yield target[:end], f"made by {task.name}"
        if ANY_FILE in usage:
            yield FILES, ""

    def _variables(self, word: str) -> dict[str, CmdOption]:
        """Return the settings of the stage that a word names, as variables of the command line."""
        task = self._tasks.get(word.rpartition(".")[0])
        return {f"{task.name}.{option.name}": option for option in _options(task)} if task and stage_of(task) else {}


def _by_spelling(options: Iterable[CmdOption]) -> dict[str, CmdOption]:
    """Return options by each way to write them."""
    return {
        dashes + name: option
        for option in options
        for dashes, name in (("--", option.long), ("--", option.inverse), ("-", option.short))
        if name
    }


def _text(option: CmdOption | None) -> str:
    """Return the description of an option. `%` is doit's, but may be the user's as well."""
    return option.help.replace("%(default)s", str(option.default)).replace("%%", "%") if option else ""


def _values(option: CmdOption, prefix: str = "") -> list[Offer]:
    """Return the values of an option, each behind a prefix in the same word."""
    is_file = option.long in FILE_OPTIONS if option.metavar == "ARG" else option.metavar in FILE_METAVARS
    return [(FILES, "")] if is_file else [(f"{prefix}{choice}", "") for choice in option.choices]


def _task_offers(current: str, tasks: list[Task]) -> Iterator[Offer]:
    """Yield tasks; members of a group if only that group matches, private tasks if `_` was written."""
    matching = [task for task in tasks if task.name.startswith(current) and (current or not task.name.startswith("_"))]
    groups = {task.subtask_of or task.name for task in matching}
    for task in matching:
        if not task.subtask_of or len(groups) == 1 or task.name.partition(":")[0] == current.partition(":")[0]:
            yield task.name, task.doc or ""


def _options(task: Task) -> list[CmdOption]:
    """Return the parameters of a task as options, those of settings with all their values, if these are known."""
    stage, options = stage_of(task), [*map(CmdOption, task.params)]
    for option in options:
        if stage and option.name in stage.declared:
            kind = stage.declared[option.name].kind
            values = [*map(str, kind.choices)] or (["true", "false"] if kind.name == "bool" else [])
            values += ["none"] if kind.optional and values else []
            option.choices, option.metavar = dict.fromkeys(values, ""), kind.name
    return options
