"""What may stand next on doit's command line. Pure: knows neither doit nor a shell."""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

FILES = "=files"  # is offered where the shell is to complete the names of files; no word begins so
ASSIGNMENT = re.compile(r"\w+=")
TASKS, TARGETS, COMMANDS, ANY_FILE = "TASK", "TARGET", "COMMAND", "FILE"
EARLY = {"-f", "--file", "-d", "--dir", "-k", "--seek-file"}  # options that may stand before a command's name


class Offer(NamedTuple):
    """A word that may stand there, and what it means. One that ends with `=` or `/` is to be continued."""

    word: str
    text: str = ""


@dataclass(frozen=True)
class Option:
    """An option. `names`: its spellings; `valued`: it takes a value; `values`: all that it may be, if that is known."""

    names: tuple[str, ...]
    text: str = ""
    valued: bool = False
    values: tuple[str, ...] = ()
    files: bool = False

    def offers(self, before: str = "") -> list[Offer]:
        """Return the values, each with what stands before it in the same word."""
        return [Offer(FILES)] if self.files else [Offer(before + value) for value in self.values]


@dataclass(frozen=True)
class Command:
    """A command. `takes` is how doit describes its arguments; `verbs`: words that it knows, and their options."""

    options: tuple[Option, ...] = ()
    takes: str = ""
    verbs: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """A task. `variables`: its settings, as they are given for a whole run; `group`: the task that it belongs to."""

    name: str
    text: str = ""
    options: tuple[Option, ...] = ()
    variables: tuple[Option, ...] = ()
    targets: tuple[str, ...] = ()
    group: str = ""


@dataclass(frozen=True)
class Project:
    """What there is: name -> purpose of each command, and each command in full on demand; the tasks by name."""

    commands: Mapping[str, str]
    command: Callable[[str], Command]
    tasks: Mapping[str, Task]


@dataclass
class Said:
    """What the words before say. `options`: those that may follow; `early`: a command's name may still follow."""

    command: Command
    options: tuple[Option, ...]
    pending: Option | None = None
    early: bool = True
    positions: list[str] = field(default_factory=list)

    def option(self, name: str) -> Option | None:
        """Return the option of that name."""
        return next((option for option in self.options if name in option.names), None)


def split(line: str) -> tuple[list[str], str]:
    """Return the words of a shell's line behind the command's name, and apart the one that is being written."""
    words: list[str] = []
    for closing in ("", "'", '"'):
        try:
            words = shlex.split(f"{line}.{closing}")  # the point lets an empty word count
            break
        except ValueError:
            continue
    while words and ASSIGNMENT.match(words[0]):
        del words[0]
    return words[1:-1], words[-1].removesuffix(".") if len(words) > 1 else ""


def offers(words: Iterable[str], current: str, project: Project) -> list[Offer]:
    """Return the words that may continue the current one, in order."""
    said = _said(words, project)
    name, equals, _ = current.partition("=")
    if said.pending:
        found: Iterable[Offer] = said.pending.offers()
    elif current.startswith("-"):
        option = said.option(name)
        if equals:
            found = option.offers(f"{name}=") if option else ()
        else:
            found = [Offer(each, option.text) for option in said.options for each in option.names]
    elif equals:
        variables = (variable for task in project.tasks.values() for variable in task.variables)
        found = [offer for each in variables if name in each.names for offer in each.offers(f"{name}=")]
    else:
        found = _positions(said, current, project)
    fitting = {offer.word: offer for offer in found if offer.word.startswith(current) or offer.word == FILES}
    return list(fitting.values())


def _said(words: Iterable[str], project: Project) -> Said:
    run = project.command("run")
    said = Said(run, run.options)
    for word in words:
        if said.pending:
            said.pending = None
        elif word.startswith("-"):
            option = said.option(word.partition("=")[0])
            said.pending = option if option and option.valued and "=" not in word else None
            said.early &= word.partition("=")[0] in EARLY
        elif said.early and word in project.commands:
            said.command = project.command(word)
            said.options, said.early = said.command.options, False
        elif "=" not in word:
            said.positions.append(word)
            said.early = False
            task = project.tasks.get(word) if TARGETS in said.command.takes else None
            verb = said.command.verbs.get(word, ())
            said.options = task.options if task else tuple(Option((name,)) for name in verb)
    return said


def _positions(said: Said, current: str, project: Project) -> Iterator[Offer]:
    takes = said.command.takes
    if said.early or COMMANDS in takes:
        yield from (Offer(name, text) for name, text in project.commands.items())
    if not said.positions:
        yield from (Offer(verb) for verb in said.command.verbs)
    if TASKS in takes:
        yield from _tasks(current, [task for task in project.tasks.values() if task.name not in said.positions])
        if "." in current:
            for task in project.tasks.values():
                yield from (Offer(f"{variable.names[0]}=", variable.text) for variable in task.variables)
    if TARGETS in takes and current:
        for task in project.tasks.values():
            yield from (Offer(_step(target, current), f"made by {task.name}") for target in task.targets)
    if ANY_FILE in takes:
        yield Offer(FILES)


def _tasks(current: str, tasks: list[Task]) -> Iterator[Offer]:
    """Yield tasks: members of groups only where one group is meant, private ones where they are asked for."""
    near = [task for task in tasks if task.name.startswith(current) and (current or not task.name.startswith("_"))]
    groups = {task.group or task.name for task in near}
    for task in near:
        if not task.group or len(groups) == 1 or task.name.partition(":")[0] == current.partition(":")[0]:
            yield Offer(task.name, task.text)


def _step(path: str, current: str) -> str:
    """Return a path up to the end of the next folder."""
    end = path.find("/", len(current))
    return path if end < 0 else path[: end + 1]
