"""Projects of thousands of stages, for redoit, bare doit, make and ninja: the same files, made by the same modules.

Each stage reads one file and makes one. In the shape `wide` each has a source of its own; in `layered` there are 100
layers, and each stage reads what the one before it in its chain made. Ten step modules and one that they share.
`observed` is as `wide`, and each step reads ten files beside its source, which only bare doit is told.
"""

from collections.abc import Iterator
from pathlib import Path

MODULES = 10
LAYERS = 100
FOLDER = 100  # files in each folder
SHAPES = ("wide", "layered")
OBSERVED = "observed"
BESIDE = 10  # files

SHARED = '''"""What the steps share."""

import json
from pathlib import Path

PLACES = 6
BESIDE = {beside}


def numbers(path: Path) -> list[float]:
    """Return the numbers of a file, and of the files beside it."""
    paths = [path, *(path.with_name(f"{{path.stem}}-{{number}}.json") for number in range(BESIDE))]
    return [float(number) for each in paths for number in json.loads(each.read_text())]


def keep(path: Path, found: list[float]) -> dict[str, float]:
    """Write numbers down."""
    path.write_text(json.dumps([round(number, PLACES) for number in found]))
    return {{"count": len(found), "largest": max(found)}}
'''

STEP = '''"""Step {number}: scale, shift and sort."""

from pathlib import Path

from steps import shared

SHIFT = {number} + 1


def shifted(number: float) -> float:
    """Return a number, shifted."""
    return number + SHIFT


def run(source: Path, made: Path, *, scale: float = 1.0, descending: bool = False) -> dict[str, float]:
    """Scale, shift and sort numbers.

    scale: what each number is multiplied by
    descending: the largest comes first
    """
    found = [shifted(number * scale) for number in shared.numbers(source)]
    return shared.keep(made, sorted(found, reverse=descending))
'''

STAGES = '''"""{count:,} stages, {shape}."""

from redoit import DOIT_CONFIG, step

__all__ = ["DOIT_CONFIG"]


def source(number):
    """Return what a stage reads."""
    return {source}


def task_stage():
    """Scale, shift and sort."""
    for number in range({count}):
        made = f"data/{{number // {folder}}}/{{number}}.json"
        module = f"steps.step{{number % {modules}}}"
        stage = step(module, inputs={{"source": source(number)}}, outputs={{"made": made}})
        yield {{**stage, "name": f"{{number:05}}"}}
'''

TASKS = '''"""The same for bare doit."""

import importlib
from pathlib import Path


def call(module, source, made):
    """Call a step, which is imported only then."""
    importlib.import_module(module).run(Path(source), Path(made))


def source(number):
    """Return what a task reads."""
    return {source}


def beside(number):
    """Return what its step reads besides."""
    return [f"source/{{number // {folder}}}/{{number}}-{{each}}.json" for each in range({beside})]


def task_stage():
    """Scale, shift and sort."""
    for number in range({count}):
        made = f"data/{{number // {folder}}}/{{number}}.json"
        module = f"steps.step{{number % {modules}}}"
        yield {{
            "name": f"{{number:05}}",
            "actions": [(call, [module, source(number), made])],
            "file_dep": [source(number){beside_it}],
            "targets": [made],
        }}
'''

SOURCES = {
    "wide": 'f"source/{{number // {folder}}}/{{number}}.json"',
    "layered": 'f"data/{{(number - {width}) // {folder}}}/{{number - {width}}}.json" if number >= {width} '
    'else f"source/{{number // {folder}}}/{{number}}.json"',
}


def made(number: int) -> str:
    """Return what a stage makes."""
    return f"data/{number // FOLDER}/{number}.json"


def beside(number: int, shape: str) -> list[str]:
    """Return what the step of a stage reads besides."""
    return [f"source/{number // FOLDER}/{number}-{each}.json" for each in range(BESIDE if shape == OBSERVED else 0)]


def width(count: int, shape: str) -> int:
    """Return how many stages have a source of their own."""
    return max(1, count // LAYERS) if shape == "layered" else count


def read(number: int, count: int, shape: str) -> str:
    """Return what a stage reads."""
    first = width(count, shape)
    return f"source/{number // FOLDER}/{number}.json" if number < first else made(number - first)


def write(root: Path, count: int, shape: str) -> None:
    """Write the project: sources, steps, dodo.py for redoit, bare.py for doit, a Makefile and a build.ninja."""
    for name, text in texts(count, shape):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for number in range(0, count, FOLDER):
        (root / made(number)).parent.mkdir(parents=True, exist_ok=True)


def texts(count: int, shape: str) -> Iterator[tuple[str, str]]:
    """Yield path and text of each file."""
    source = SOURCES["wide" if shape == OBSERVED else shape].replace("{{", "{").replace("}}", "}")
    source = source.replace("{folder}", str(FOLDER)).replace("{width}", str(width(count, shape)))
    fields = {"count": count, "shape": shape, "source": source, "folder": FOLDER, "modules": MODULES}
    is_observed = shape == OBSERVED
    fields |= {"beside": BESIDE * is_observed, "beside_it": ", *beside(number)" * is_observed}
    yield "dodo.py", STAGES.format(**fields)
    yield "bare.py", TASKS.format(**fields)
    yield "steps/__init__.py", ""
    yield "steps/shared.py", SHARED.format(**fields)
    for number in range(MODULES):
        yield f"steps/step{number}.py", STEP.format(number=number)
    for number in range(width(count, shape)):
        yield read(number, count, shape), f"[{number * 1_000_000}, 3, 1, 2]"
        yield from ((path, "[4]") for path in beside(number, shape))
    yield "Makefile", makefile(count, shape)
    yield "build.ninja", ninja(count, shape)


def makefile(count: int, shape: str) -> str:
    """Return the rules for make: what each file is made from. Their recipe is never run here."""
    rules = [f"{made(number)}: {read(number, count, shape)}\n\tfalse $< $@" for number in range(count)]
    return "\n".join(["all: " + " ".join(made(number) for number in range(count)), *rules, ""])


def ninja(count: int, shape: str) -> str:
    """Return the same for ninja."""
    builds = [f"build {made(number)}: touch {read(number, count, shape)}" for number in range(count)]
    return "\n".join(["rule touch", "  command = touch $out", *builds, ""])
