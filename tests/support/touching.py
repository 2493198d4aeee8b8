"""Many stages in one project, each of which touches something undeclared, in a folder of its own."""

import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from projects import Pipeline

STEP = """
import importlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

from steps.witness import executed

HERE = Path("cases/{name}")


def run(source: Path, made: Path{settings}) -> None:
    executed("{name}")
    made.write_text("")
{body}
"""
STAGE = """

def task_{name}():
    return step("steps.{name}", inputs={{"source": "source.txt"}}, outputs={{"made": "data/{name}.txt"}}{more})
"""
FILES = {"data.txt": "1 2 3\n", "folder/one.txt": "1\n", "tool.py": "import json\nprint(open('data.txt').read())\n"}
PACKAGES = "../lib/site-packages"  # outside of the project, on PYTHONPATH


class Case(NamedTuple):
    """What a step does, and what changes then: in its folder, in its modules, in its variables.

    `settings`: of the step, in its signature. `more`: further arguments of its stage. `files`: path from the project ->
    text, in which `{name}` is the case's.
    """

    body: str
    change: Callable[[Path], object] = lambda _: None
    settings: str = ""
    more: str = ""
    files: Mapping[str, str] = {}
    variables: Mapping[str, str] = {}


def name_of(title: str) -> str:
    """Return the name of a case's stage."""
    return "".join(letter if letter.isalnum() else "_" for letter in title)


def make(project: Callable[[dict[str, str]], Pipeline], cases: Mapping[str, Case], pyproject: str = "") -> Pipeline:
    """Return a project with a stage for each case."""
    files = {"source.txt": "1", "pyproject.toml": pyproject}
    dodo = "from redoit import DOIT_CONFIG, step\n"
    for title, case in cases.items():
        name = name_of(title)
        dodo += STAGE.format(name=name, more=case.more.replace("{name}", name))
        body = textwrap.indent(textwrap.dedent(case.body).strip().replace("{name}", name), "    ")
        settings = f", *, {case.settings}" if case.settings else ""
        files[f"steps/{name}.py"] = STEP.format(name=name, body=body, settings=settings)
        files |= {f"cases/{name}/{path}": text for path, text in FILES.items()}
        files |= {path.replace("{name}", name): text.replace("{name}", name) for path, text in case.files.items()}
    pipeline = project({**files, "dodo.py": dodo})
    for title in cases:
        pipeline.path(f"cases/{name_of(title)}/link").symlink_to("data.txt")
    pipeline.env |= {"PYTHONPATH": str(pipeline.path(PACKAGES).resolve()), "PYTHON": sys.executable}
    return pipeline


def change(pipeline: Pipeline, cases: Mapping[str, Case]) -> None:
    """Let each case's change happen."""
    for title, case in cases.items():
        case.change(pipeline.path(f"cases/{name_of(title)}"))


def distribution(name: str, version: str) -> dict[str, str]:
    """Return the files of an installed distribution, from a project."""
    folder = f"{PACKAGES}/{name}-{version}.dist-info"
    record = f"{name}/__init__.py,,\n{name}-{version}.dist-info/METADATA,,\n{name}-{version}.dist-info/RECORD,,\n"
    return {
        f"{PACKAGES}/{name}/__init__.py": f"VERSION = {version!r}\n",
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{folder}/RECORD": record,
    }


def install(name: str) -> Callable[[Path], object]:
    """Return what installs version 1 of a distribution."""

    def do(here: Path) -> None:
        for path, text in distribution(name, "1").items():
            (here.parents[1] / path).parent.mkdir(exist_ok=True)
            (here.parents[1] / path).write_text(text)

    return do


def upgrade(name: str) -> Callable[[Path], object]:
    """Return what makes version 2 of a distribution of version 1."""

    def do(here: Path) -> None:
        packages = here.parents[1] / PACKAGES
        (packages / f"{name}-1.dist-info").rename(packages / f"{name}-2.dist-info")
        for path, text in distribution(name, "2").items():
            (here.parents[1] / path).write_text(text)

    return do


def text(path: str, content: str = "7 8 9 changed\n") -> Callable[[Path], object]:
    """Return what writes a file of a case's folder."""

    def do(here: Path) -> None:
        (here / path).parent.mkdir(exist_ok=True)
        (here / path).write_text(content)

    return do


def source(path: str, old: str, new: str) -> Callable[[Path], object]:
    """Return what edits a file of the project, in whose path `{name}` is the case's."""

    def do(here: Path) -> None:
        file = here.parents[1] / path.replace("{name}", here.name)
        before = file.read_text()
        assert old in before
        file.write_text(before.replace(old, new))

    return do


def gone(path: str) -> Callable[[Path], object]:
    """Return what removes a file of a case's folder."""
    return lambda here: (here / path).unlink()


def linked(path: str, to: str) -> Callable[[Path], object]:
    """Return what lets a link of a case's folder lead elsewhere."""

    def do(here: Path) -> None:
        (here / path).unlink()
        (here / path).symlink_to(to)

    return do
