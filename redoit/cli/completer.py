"""What may follow on doit's command line, from doit's own commands and options. Pure: knows no shell.

An offer is a word that may follow, with its description. The user continues a word that ends with `=` or `/`.
"""

import contextlib
import itertools
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from doit.cmd_base import Command
from doit.cmdparse import CmdOption

FILES = "=files"  # offered where the shell is to complete file names; no word begins so
Offer = tuple[str, str]
ASSIGNMENT = re.compile(r"\w+=")
TASKS, TARGETS, COMMANDS, ANY_FILE = "TASK", "TARGET", "COMMAND", "FILE"
LOADER_OPTIONS = {"-f", "--file", "-d", "--dir", "-k", "--seek-file"}  # may precede the name of a command
FILE_OPTIONS = {"file", "dir", "output-file", "db-file", "output"}  # of commands
FILE_METAVARS = {"path", "str"}  # of the other options whose values may be files


class Task(NamedTuple):
    """A task. `variables`: its settings as variables of the command line; `group`: the group it belongs to."""

    name: str
    text: str = ""
    options: Iterable[CmdOption] = ()
    variables: Mapping[str, CmdOption] = MappingProxyType({})
    targets: tuple[str, ...] = ()
    group: str = ""


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
        variables = (task.variables[name] for task in tasks.values() if name in task.variables)
        found = (offer for variable in variables for offer in _values(variable, f"{name}="))
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
            context.options = _by_spelling(tasks[word].options) if takes_options else dict.fromkeys(verb)
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
        if "." in current:
            for task in tasks.values():
                yield from ((f"{name}=", _text(option)) for name, option in task.variables.items())
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
    groups = {task.group or task.name for task in matching}
    for task in matching:
        if not task.group or len(groups) == 1 or task.name.partition(":")[0] == current.partition(":")[0]:
            yield task.name, task.text
