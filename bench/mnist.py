"""The repository's own pipeline in a folder: for redoit, as a plain script, and for bare doit. All from one dodo.py."""

import filecmp
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.bench import REPOSITORY, Bench
from bench.processes import Ran, WrongError, ran

MNIST = REPOSITORY.parent / "shared" / "mnist"
ENVIRON = {"PYTHONHASHSEED": "0"}  # as redoit has it for its steps: the order of a set is then the same

BARE = '''"""The same tasks for bare doit: files by MD5, and steps that are imported when they are called."""

import importlib
from pathlib import Path

from doit.tools import run_once


def call(step, paths, settings):
    """Call a step."""
    importlib.import_module(step).run(**{{role: Path(path) for role, path in paths.items()}}, **settings)


'''
TASK = """def task_{name}():
    return {{
        "actions": [(call, [{step!r}, {paths!r}, {settings!r}])],
        "file_dep": {inputs!r},
        "targets": {outputs!r},
        "uptodate": {uptodate},
    }}


"""

Stages = list[dict[str, Any]]


def source(*, quick: bool = False) -> str:
    """Return where the images come from."""
    return str(MNIST) if MNIST.is_dir() and not quick else "digits"


def data_set(*, quick: bool = False) -> str:
    """Return what to call them."""
    return "MNIST" if source(quick=quick) != "digits" else "the digits of scikit-learn"


def checkout(bench: Bench, root: Path) -> Stages:
    """Copy the pipeline to a folder, with its source of images set in doit.cfg, and return its stages."""
    root.mkdir(parents=True)
    for name in ("dodo.py", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, root)
    shutil.copytree(REPOSITORY / "steps", root / "steps", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "doit.cfg").write_text(f"[task:fetch]\nsource = {source(quick=bench.quick)}\n")
    stages: Stages = json.loads(bench.inside("declared", root).text)
    (root / "bare.py").write_text(bare(stages))
    return stages


def script(stages: Stages, settings: Mapping[str, Mapping[str, Any]], only: Iterable[str]) -> str:
    """Return a plain script: the steps' functions, called in order. `settings`: stage -> setting -> value."""
    names = set(only)
    chosen = [stage for stage in stages if stage["name"] in names]
    modules = sorted({stage["step"] for stage in chosen})
    lines = ['"""The steps, called in order."""', "", "from pathlib import Path", ""]
    lines += [*(f"import {module}" for module in modules), ""]
    for stage in chosen:
        paths = {**stage["inputs"], **stage["outputs"]}
        given = {**stage["settings"], **settings.get(stage["name"], {})}
        arguments = [f"{role}=Path({path!r})" for role, path in paths.items()]
        arguments += [f"{name}={value!r}" for name, value in given.items()]
        lines.append(f"{stage['step']}.run({', '.join(arguments)})")
    return "\n".join([*lines, ""])


def bare(stages: Stages) -> str:
    """Return a dodo.py for bare doit."""
    tasks = (
        TASK.format(
            name=stage["name"],
            step=stage["step"],
            paths={**stage["inputs"], **stage["outputs"]},
            settings=stage["settings"],
            inputs=list(stage["inputs"].values()),
            outputs=list(stage["outputs"].values()),
            uptodate="[]" if stage["inputs"] else "[run_once]",
        )
        for stage in stages
    )
    return BARE.format() + "".join(tasks)


def plain(root: Path, name: str, text: str) -> Ran:
    """Run a plain script in a folder, in which the folders of its outputs are made."""
    (root / name).write_text(text)
    return ran([sys.executable, name], root, **ENVIRON)


def outputs(stages: Stages, only: Iterable[str]) -> list[str]:
    """Return the paths that stages make."""
    names = set(only)
    return [path for stage in stages if stage["name"] in names for path in stage["outputs"].values()]


def make_folders(root: Path, stages: Stages) -> None:
    """Make the folders of all outputs, which tools other than redoit do not make."""
    for path in outputs(stages, (stage["name"] for stage in stages)):
        (root / path).parent.mkdir(parents=True, exist_ok=True)


def clear(root: Path) -> None:
    """Remove all that was made."""
    for name in ("data", ".redoit", ".doit.db", ".doit.db.db", ".doit.db.dat", ".doit.db.dir", ".doit.db.bak"):
        path = root / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def compare(ours: Path, theirs: Path, paths: Iterable[str]) -> None:
    """Hold outputs against those of others, byte for byte, once their archives have lost their clocks too.

    Raises: WrongError.
    """
    from redoit.formats.canonicalize import canonicalize

    for path in paths:
        with tempfile.TemporaryDirectory() as folder:  # what they made stays as they know it
            copy = Path(folder) / Path(path).name
            shutil.copy(theirs / path, copy)
            canonicalize(copy)
            if not filecmp.cmp(ours / path, copy, shallow=False):
                raise WrongError(f"{path}: redoit and what it is compared with made different bytes")


def checked(done: Ran, *words: str) -> Ran:
    """Return a run of doit after checking that its last line has all of some words, such as `3 ran`.

    Raises: WrongError.
    """
    last = done.text.rstrip().rpartition("\n")[2]
    if not all(word in last for word in words):
        raise WrongError(f"found '{last}', expected {', '.join(words)}\n{done.text[-3000:]}")
    return done
