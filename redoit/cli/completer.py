"""What may follow on doit's command line. Pure: knows neither doit nor a shell."""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

FILES = "=files"  # offered where the shell is to complete file names; no word begins so
ASSIGNMENT = re.compile(r"\w+=")
TASKS, TARGETS, COMMANDS, ANY_FILE = "TASK", "TARGET", "COMMAND", "FILE"
LOADER_OPTIONS = {"-f", "--file", "-d", "--dir", "-k", "--seek-file"}  # may precede the name of a command


class Offer(NamedTuple):
    """A word that may follow, and its description. The user continues one that ends with `=` or `/`."""

    word: str
    text: str = ""


class Option(NamedTuple):
    """An option or variable. `names`: its spellings; `valued`: takes a value; `values`: all possible ones, if known."""

    names: tuple[str, ...]
    text: str = ""
    valued: bool = False
    values: tuple[str, ...] = ()
    files: bool = False

    def offers(self, prefix: str = "") -> list[Offer]:
        """Return the values, each behind a prefix in the same word."""
        return [Offer(FILES)] if self.files else [Offer(prefix + value) for value in self.values]


class Command(NamedTuple):
    """A command. `usage`: doit's description of its arguments; `verbs`: its subcommands, with their options."""

    options: tuple[Option, ...] = ()
    usage: str = ""
    verbs: Mapping[str, Sequence[str]] = MappingProxyType({})


class Task(NamedTuple):
    """A task. `variables`: its settings as variables of the command line; `group`: the group it belongs to."""

    name: str
    text: str = ""
    options: tuple[Option, ...] = ()
    variables: tuple[Option, ...] = ()
    targets: tuple[str, ...] = ()
    group: str = ""


class Project(NamedTuple):
    """The commands (name -> purpose, and each in full on demand) and the tasks by name."""

    commands: Mapping[str, str]
    command: Callable[[str], Command]
    tasks: Mapping[str, Task]


@dataclass
class Context:
    """What precedes the current word. `options`: those that may follow; `pending`: the one whose value follows.

    `before_command`: the name of a command may still follow.
    """

    command: Command
    options: tuple[Option, ...]
    pending: Option | None = None
    before_command: bool = True
    arguments: list[str] = field(default_factory=list)

    def option(self, name: str) -> Option | None:
        """Return the option of that name."""
        return next((option for option in self.options if name in option.names), None)


def split(line: str) -> tuple[list[str], str]:
    """Return the complete words behind the command's name in a line of a shell, and the unfinished last word."""
    words: list[str] = []
    for closing in ("", "'", '"'):
        try:
            words = shlex.split(f"{line}.{closing}")  # the dot makes an empty last word count
            break
        except ValueError:
            continue
    while words and ASSIGNMENT.match(words[0]):
        del words[0]
    return words[1:-1], words[-1].removesuffix(".") if len(words) > 1 else ""


def offers(words: Iterable[str], current: str, project: Project) -> list[Offer]:
    """Return the words that may complete the current one, in order."""
    context = _context(words, project)
    name, equals, _ = current.partition("=")
    if context.pending:
        found: Iterable[Offer] = context.pending.offers()
    elif current.startswith("-") and equals:
        option = context.option(name)
        found = option.offers(f"{name}=") if option and option.valued else ()
    elif current.startswith("-"):
        found = [Offer(spelling, option.text) for option in context.options for spelling in option.names]
    elif equals:
        variables = (variable for task in project.tasks.values() for variable in task.variables)
        found = [offer for each in variables if name in each.names for offer in each.offers(f"{name}=")]
    else:
        found = _arguments(context, current, project)
    fitting = {offer.word: offer for offer in found if offer.word.startswith(current) or offer.word == FILES}
    return list(fitting.values())


def _context(words: Iterable[str], project: Project) -> Context:
    run = project.command("run")
    context = Context(run, run.options)
    for word in words:
        if context.pending:
            context.pending = None
        elif word.startswith("-"):
            option = context.option(word.partition("=")[0])
            context.pending = option if option and option.valued and "=" not in word else None
            context.before_command &= word.partition("=")[0] in LOADER_OPTIONS
        elif context.before_command and word in project.commands:
            context.command = project.command(word)
            context.options, context.before_command = context.command.options, False
        elif "=" not in word:
            context.arguments.append(word)
            context.before_command = False
            task = project.tasks.get(word) if TARGETS in context.command.usage else None
            verb = context.command.verbs.get(word, ())
            context.options = task.options if task else tuple(Option((name,)) for name in verb)
    return context


def _arguments(context: Context, current: str, project: Project) -> Iterator[Offer]:
    usage = context.command.usage
    if context.before_command or COMMANDS in usage:
        yield from (Offer(name, text) for name, text in project.commands.items())
    if not context.arguments:
        yield from (Offer(verb) for verb in context.command.verbs)
    if TASKS in usage:
        yield from _tasks(current, [task for task in project.tasks.values() if task.name not in context.arguments])
        if "." in current:
            for task in project.tasks.values():
                yield from (Offer(f"{variable.names[0]}=", variable.text) for variable in task.variables)
    if TARGETS in usage and current:
        for task in project.tasks.values():
            yield from (Offer(_up_to_next_folder(target, current), f"made by {task.name}") for target in task.targets)
    if ANY_FILE in usage:
        yield Offer(FILES)


def _tasks(current: str, tasks: list[Task]) -> Iterator[Offer]:
    """Yield tasks; members of a group if only that group matches, private tasks if `_` was written."""
    matching = [task for task in tasks if task.name.startswith(current) and (current or not task.name.startswith("_"))]
    groups = {task.group or task.name for task in matching}
    for task in matching:
        if not task.group or len(groups) == 1 or task.name.partition(":")[0] == current.partition(":")[0]:
            yield Offer(task.name, task.text)


def _up_to_next_folder(path: str, current: str) -> str:
    """Return a path up to the end of the folder that is being written."""
    end = path.find("/", len(current))
    return path if end < 0 else path[: end + 1]
