"""Generated pipelines: stages made of real step modules, and all that a user may edit about them.

A `Shape` says which steps there are, and how stages wire them. A `World` is a shape, numbers in code, looks of code,
settings and inputs: all the files of a project. Each number is one digit, so that an edit changes neither the size of a
file nor, if it is made so, its times.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

SOURCES = ("apples.txt", "plums.txt")
HELPERS = ("double", "spread", "looked")
KNOBS_OF = {  # what a step reaches through a helper
    "double": ("MUL", "double"),
    "spread": ("ADD", "shift", "fine"),
    "looked": ("looked",),
}
SHARED = ("MUL", "ADD", "SPARE", "double", "looked", "offset", "unused", "shift", "fine")
IMPORTS = {  # how a step comes by a helper -> the statement, and the name by which it calls it
    "from": ("from steps.helpers import {name}", "{name}"),
    "module": ("from steps import helpers as own", "own.{name}"),
    "dotted": ("import steps.helpers", "steps.helpers.{name}"),
    "again": ("from steps.api import {name}", "{name}"),
    "relative": ("from .helpers import {name}", "{name}"),
    "alias": ("from steps.helpers import {name}\n\nchosen = {name}", "chosen"),
}
FIXED = {
    "steps/__init__.py": "",
    "steps/witness.py": '''
def executed(name: str) -> None:
    """Witness that the stage was executed which makes a file of this name."""
    with open("../executed", "a") as log:
        log.write(name + "\\n")
''',
    "steps/api.py": "from steps.helpers import double, looked, spread\n\n__all__ = ['double', 'looked', 'spread']\n",
}
CONSTANTS = """{look}
MUL = {MUL}
ADD = {ADD}
SPARE = {SPARE}
"""
SHAPES = """{look}
from steps.constants import ADD


class Base:
    shift = {shift}

    def apply(self, number):
        return number + self.shift + self.extra()

    def extra(self):
        return 0


class Fine(Base):
    def extra(self):
        {look}
        return ADD * {fine}
"""
HELPERS_MODULE = """{look}
from steps import constants
from steps.shapes import Fine

TABLE = {{}}
TABLE["offset"] = {offset}


def double(number):
    return number * constants.MUL + {double}


def spread(number):
    {look}
    return Fine().apply(number)


def looked(number):
    return number + TABLE["offset"] + {looked}


def unused(number):
    return number - {unused} - constants.SPARE
"""
STEP = """{look}
from pathlib import Path

{imports}
from steps.witness import executed


def run({roles}, *, k: int = {default}):
    {look}
    executed(made.name)
    total = sum(int(word) for path in ({inputs},) for word in path.read_text().split())
    value = {call}(total) * {body} + k
    made.write_text(f"{{value % {modulus}:04d}}\\n")
    {more}return {{"value": value}}
"""
LOOKS = ("# one", '"""A docstring."""', "# another, which is longer", "")


@dataclass(frozen=True)
class Step:
    """A step module. `uses`: a helper; `way`: how it is imported; its output is one of `modulus` values."""

    name: str
    arity: int
    outputs: int
    uses: str
    way: str
    modulus: int

    @property
    def inputs(self) -> tuple[str, ...]:
        """Its input roles."""
        return ("left", "right")[: self.arity]

    @property
    def made(self) -> tuple[str, ...]:
        """Its output roles."""
        return ("made", "extra")[: self.outputs]

    @property
    def knobs(self) -> tuple[str, ...]:
        """The numbers in code that it can reach."""
        return (*KNOBS_OF[self.uses], "offset", f"{self.name} body", f"{self.name} default")

    def shows_docstring(self, world: "World") -> bool:
        """Tell whether there is a docstring in a helper that it binds to a name, by which others may get at it."""
        look = LOOKS[world.looks.get("helpers", 0)]
        return (self.way, self.uses) == ("alias", "spread") and look.startswith('"')

    def text(self, world: "World") -> str:
        """Return its source."""
        imports, call = IMPORTS[self.way]
        return STEP.format(
            look=LOOKS[world.looks.get(self.name, 0)],
            imports=imports.format(name=self.uses),
            call=call.format(name=self.uses),
            roles=", ".join(f"{role}: Path" for role in (*self.inputs, *self.made)),
            inputs=", ".join(self.inputs),
            default=world.knobs[f"{self.name} default"],
            body=world.knobs[f"{self.name} body"],
            modulus=self.modulus,
            more='extra.write_text(f"{total % 3:04d}\\n")\n    ' if self.outputs > 1 else "",
        )


@dataclass(frozen=True)
class Stage:
    """A stage: its step, and the files of the step's input roles. `policy`: `volatile`, `impure` or nothing."""

    name: str
    step: Step
    reads: tuple[str, ...]
    policy: str = ""

    @property
    def inputs(self) -> dict[str, str]:
        """Role -> path."""
        return dict(zip(self.step.inputs, self.reads, strict=True))

    @property
    def outputs(self) -> dict[str, str]:
        """Role -> path."""
        return {role: f"data/{self.name}{'-extra' * (role == 'extra')}.txt" for role in self.step.made}


@dataclass(frozen=True)
class Shape:
    """A pipeline: steps, and stages, each of which reads sources or what stages before it make."""

    steps: tuple[Step, ...]
    stages: tuple[Stage, ...]

    def stage(self, name: str) -> Stage:
        """Return a stage by name."""
        return next(stage for stage in self.stages if stage.name == name)

    def needed(self, name: str | None) -> tuple[Stage, ...]:
        """Return a stage, and what it needs, in an order in which they can run; without a name: all stages."""
        if name is None:
            return self.stages
        found, files = [], set(self.stage(name).outputs.values())
        for stage in reversed(self.stages):
            if files & set(stage.outputs.values()):
                found.append(stage)
                files |= set(stage.reads)
        return tuple(reversed(found))

    def dependents(self, name: str) -> set[str]:
        """Return the names of the stages that need this one, directly or not."""
        found, files = set(), set(self.stage(name).outputs.values())
        for stage in self.stages:
            if files & set(stage.reads):
                found.add(stage.name)
                files |= set(stage.outputs.values())
        return found

    def dodo(self) -> str:
        """Return dodo.py."""
        text = "from redoit import DOIT_CONFIG, step\n"
        for stage in self.stages:
            policy = f", {stage.policy}=True" if stage.policy else ""
            call = f'step("steps.{stage.step.name}", inputs={stage.inputs}, outputs={stage.outputs}{policy})'
            text += f"\n\ndef task_{stage.name}():\n    return {call}\n"
        return text


@dataclass(frozen=True)
class World:
    """All that is edited. `looks`: layout of modules, which no result depends on; `settings`: those in pyproject.toml.

    `inputs`: source -> its number; `store`: that of the project, if it is elsewhere.
    """

    shape: Shape
    knobs: Mapping[str, int]
    inputs: Mapping[str, int]
    looks: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    store: str = ""

    def edited(self, what: str, name: str, value: Any) -> "World":
        """Return a world in which one thing is another."""
        return replace(self, **{what: {**getattr(self, what), name: value}})

    def rewired(self, name: str, reads: tuple[str, ...]) -> "World":
        """Return a world in which one stage reads other files."""
        stages = (replace(stage, reads=reads) if stage.name == name else stage for stage in self.shape.stages)
        return replace(self, shape=replace(self.shape, stages=tuple(stages)))

    def files(self) -> dict[str, str]:
        """Return path -> text of all files that a user writes."""
        modules = {"constants": CONSTANTS, "shapes": SHAPES, "helpers": HELPERS_MODULE}
        found = {**FIXED, "dodo.py": self.shape.dodo(), "pyproject.toml": self._pyproject()}
        for name, text in modules.items():
            found[f"steps/{name}.py"] = text.format(look=LOOKS[self.looks.get(name, 0)], **self._shared())
        found |= {f"steps/{step.name}.py": step.text(self) for step in self.shape.steps}
        return found | {path: f"{number} {9 - number}\n" for path, number in self.inputs.items()}

    def k(self, stage: Stage) -> int:
        """Return the setting `k` of a stage."""
        return int(self.settings.get(stage.name, {}).get("k", self.knobs[f"{stage.step.name} default"]))

    def is_cached(self, stage: Stage) -> bool:
        """Tell whether earlier results of a stage count."""
        return bool(self.settings.get(stage.name, {}).get("cache", True))

    def _shared(self) -> dict[str, int]:
        return {name: self.knobs[name] for name in SHARED}

    def _pyproject(self) -> str:
        text = f'[tool.redoit]\nstore = "{self.store}"\n'
        for stage, values in sorted(self.settings.items()):
            text += f"\n[tool.doit.tasks.{stage}]\n"
            text += "".join(f"{name} = {str(value).lower()}\n" for name, value in sorted(values.items()))
        return text
