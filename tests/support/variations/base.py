"""The words in which a variation describes its part of a project: steps, ordinary tasks, files and links."""

import importlib
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BASE = "@BASE@"  # in a text: the folder that the project lies in
SITE = "../env/site-packages"  # the distributions that a user has installed beside the project
DIGITS = (1, 2, 3)
Chosen = Mapping[str, Any]  # knob -> value


@dataclass(frozen=True)
class Step:
    """A stage. `settings`: those in force; `edits`: statements of dodo.py that change the stage's `task`.

    `arguments`: further ones of its call of `step`, as they are written there.
    """

    name: str
    module: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    edits: tuple[str, ...] = ()
    arguments: str = ""

    def declared(self) -> str:
        """Return the body of its function in dodo.py."""
        basename, _, name = self.name.partition(":")
        fields = f"basename={basename!r}{f', name={name!r}' if name else ''}"
        call = f'step("{self.module}", inputs={self.inputs}, outputs={self.outputs}, {fields}{self.arguments})'
        lines = [f"task = {call}", *self.edits, f"{'yield' if name else 'return'} task"]
        return "".join(f"    {line}\n" for line in lines)

    def execute(self) -> None:
        """Call the step, as a clean build does."""
        paths = {role: Path(path) for role, path in {**self.inputs, **self.outputs}.items()}
        importlib.import_module(self.module).run(**paths, **self.settings)


@dataclass(frozen=True)
class Command:
    """An ordinary task of doit: a shell's command line. `config`: a value with which it is up to date, if any."""

    name: str
    line: str
    inputs: tuple[str, ...] = ()
    output: str = ""
    config: str = ""

    @property
    def outputs(self) -> Mapping[str, str]:
        """Role -> path."""
        return {"made": self.output} if self.output else {}

    def declared(self) -> str:
        """Return the body of its function in dodo.py."""
        known = f"'uptodate': [config_changed({self.config!r})], " if self.config else ""
        actions = [f"echo {self.name} >> ../executed", self.line]
        fields = f"'actions': {actions}, 'file_dep': {list(self.inputs)}, 'targets': {[*self.outputs.values()]}"
        return f"    return {{'basename': {self.name!r}, {known}{fields}}}\n"

    def execute(self) -> None:
        """Call the command, as a clean build does."""
        subprocess.run(self.line, shell=True, check=True)


Task = Step | Command


@dataclass(frozen=True)
class Part:
    """A variation's part of a project, as its knobs stand.

    `tasks`: in an order in which they can run; `python_path`: folders that PYTHONPATH names; `arguments`: of doit;
    `needs`: everything that determines its results, so that what was built before is not executed again; `loose`:
    reading takes more than that into account, which is allowed; `counts_all`: so it does with modules of other parts;
    `always`: stages that run each time; `variables`: of the environment; `compiled`: modules whose time never changes,
    and whose first byte code lies beside them; `error`: what doit must say as it fails, if it must.
    """

    files: Mapping[str, str | bytes]
    tasks: tuple[Task, ...]
    needs: object
    loose: bool = False
    counts_all: bool = False
    links: Mapping[str, str] = field(default_factory=dict)
    python_path: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    always: frozenset[str] = frozenset()
    variables: Mapping[str, str] = field(default_factory=dict)
    compiled: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Variation:
    """A kind of thing that a user edits. `knobs`: name -> the values that it may have; `part`: what follows of them.

    `alone`: it is about the whole project, so that no other can be beside it.
    """

    name: str
    knobs: Mapping[str, tuple[Any, ...]]
    part: Callable[[Chosen], Part]
    alone: bool = False

    @property
    def first(self) -> Chosen:
        """Each knob at its first value."""
        return {name: values[0] for name, values in self.knobs.items()}
