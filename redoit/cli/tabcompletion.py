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
from dataclasses import dataclass, field
from pathlib import Path

from doit.cmd_base import Command
from doit.cmd_completion import TabCompletion as DoitTabCompletion
from doit.cmd_completion import opt_hardcode_tasks, opt_shell
from doit.cmdparse import CmdOption, DefaultUpdate
from doit.exceptions import InvalidDodoFile
from doit.task import Task

from redoit.cli.base import PlainCommand, guard_stdout
from redoit.plugin.stage_task import stage_of
from redoit.source.settings import Kind
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
        """Print the script of a shell, or the offers for the line in the environment.

        Raises: InvalidDodoFile if standard output fails.
        """
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
            for word, text in offers(words, current, commands, self._tasks(opt_values, words)).items():
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


@dataclass
class Context:
    """What precedes the current word. `options`: those that may follow, by spelling; of a subcommand only their names.

    `command`: doit's; with subcommands if it has `verbs`. `before_command`: its name may still follow. `pending`: the
    option whose value follows.
    """

    command: Command
    options: Mapping[str, CmdOption | None]
    pending: CmdOption | None = None
    before_command: bool = True
    arguments: list[str] = field(default_factory=list)


def split(line: str) -> tuple[list[str], str]:
    """Return the complete words behind the command's name in a line of a shell, and the unfinished last word."""
    words: list[str] = []
    for closing in ("", "'", '"'):
        with contextlib.suppress(ValueError):
            words = shlex.split(f"{line}.{closing}")  # the dot makes an empty last word count
            break
    words = list(itertools.dropwhile(ASSIGNMENT.match, words))
    return words[1:-1], words[-1].removesuffix(".") if len(words) > 1 else ""


def offers(
    words: Iterable[str], current: str, commands: Mapping[str, Command], tasks: Mapping[str, Task]
) -> dict[str, str]:
    """Return the words that may complete the current one, and their descriptions, in order. `commands`: doit's."""
    context = _context(words, commands, tasks)
    name, equals, _ = current.partition("=")
    found: Iterable[Offer] = ()
    if context.pending:
        found = _values(context.pending)
    elif current.startswith("-") and equals:
        option = context.options.get(name)
        found = _values(option, f"{name}=") if option and option.type is not bool else ()
    elif current.startswith("-"):
        found = ((spelling, _text(option)) for spelling, option in context.options.items())
    elif equals:
        variable = _variables(tasks.get(name.rpartition(".")[0])).get(name)
        found = _values(variable, f"{name}=") if variable else ()
    else:
        found = _arguments(context, current, commands, tasks)
    return {word: text for word, text in found if word.startswith(current) or word == FILES}


def _context(words: Iterable[str], commands: Mapping[str, Command], tasks: Mapping[str, Task]) -> Context:
    context = Context(commands["run"], _by_spelling(commands["run"].cmdparser.options))
    for word in words:
        if context.pending:
            context.pending = None
        elif word.startswith("-"):
            name, equals, _ = word.partition("=")
            option = context.options.get(name)
            context.pending = option if option and option.type is not bool and not equals else None
            context.before_command &= name in LOADER_OPTIONS
        elif context.before_command and word in commands:
            context.command, context.before_command = commands[word], False
            context.options = _by_spelling(context.command.cmdparser.options)
        elif "=" not in word:
            context.arguments.append(word)
            context.before_command = False
            takes_options = TARGETS in context.command.doc_usage and word in tasks
            verb = getattr(context.command, "verbs", {}).get(word, ())
            context.options = _by_spelling(_options(tasks[word])) if takes_options else dict.fromkeys(verb)
    return context


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


def _arguments(
    context: Context, current: str, commands: Mapping[str, Command], tasks: Mapping[str, Task]
) -> Iterator[Offer]:
    usage = context.command.doc_usage
    if context.before_command or COMMANDS in usage:
        yield from ((name, command.doc_purpose) for name, command in commands.items())
    if not context.arguments:
        yield from ((verb, "") for verb in getattr(context.command, "verbs", ()))
    if TASKS in usage:
        yield from _tasks(current, [task for task in tasks.values() if task.name not in context.arguments])
        variables = _variables(tasks.get(current.rpartition(".")[0]))
        yield from ((f"{name}=", _text(option)) for name, option in variables.items())
    if TARGETS in usage and current:
        for task in tasks.values():
            for target in task.targets:
                end = target.find("/", len(current)) + 1 or None  # up to the folder that is being written
                yield target[:end], f"made by {task.name}"
    if ANY_FILE in usage:
        yield FILES, ""


def _tasks(current: str, tasks: list[Task]) -> Iterator[Offer]:
    """Yield tasks; members of a group if only that group matches, private tasks if `_` was written."""
    matching = [task for task in tasks if task.name.startswith(current) and (current or not task.name.startswith("_"))]
    groups = {task.subtask_of or task.name for task in matching}
    for task in matching:
        if not task.subtask_of or len(groups) == 1 or task.name.partition(":")[0] == current.partition(":")[0]:
            yield task.name, task.doc or ""


def _options(task: Task) -> list[CmdOption]:
    """Return the parameters of a task as options, those of settings with all their values, if these are known."""
    stage = stage_of(task)
    kinds = {name: setting.kind for name, setting in stage.declared.items()} if stage else {}
    return [CmdOption({**param, **_shown(kinds.get(str(param["name"])))}) for param in task.params]


def _shown(kind: Kind | None) -> dict[str, object]:
    """Return what an option shows of the type of its setting."""
    if kind is None:
        return {}
    values = [*map(str, kind.choices)] or (["true", "false"] if kind.name == "bool" else [])
    values += ["none"] if kind.optional and values else []
    return {"choices": [(value, "") for value in values], "metavar": kind.name}


def _variables(task: Task | None) -> dict[str, CmdOption]:
    """Return the settings of a stage as variables of the command line; none of an ordinary task."""
    return {f"{task.name}.{option.name}": option for option in _options(task)} if task and stage_of(task) else {}
