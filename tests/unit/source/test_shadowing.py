"""Which module an import finds where the project has one of the standard library's names."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from examples import write
from isolated_imports import isolated_imports

from redoit.source.import_hook import StandardFirst, import_from_source, protect, standard_first

OURS = "PLACE = 'project'\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield a project, which is the working directory, with modules that have names of the standard library's."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, sched=OURS, src__colorsys=OURS, chunked=OURS)
    with isolated_imports("sched", "colorsys", "mine"):
        for name in ("sched", "colorsys"):
            sys.modules.pop(name, None)
        yield tmp_path


def is_ours(name: str) -> bool:
    """Import a module, and tell whether it is the project's."""
    return getattr(importlib.import_module(name), "PLACE", None) == "project"


def test_others_get_the_standard_library() -> None:
    """Whoever is not the project finds the standard library's module, and the project's where there is no other."""
    import_from_source()
    assert [is_ours(name) for name in ("sched", "colorsys", "chunked")] == [False, False, True]


IMPORTS = {
    "import": "import sched\n",
    "import as": "import sched as other\n",
    "from": "from sched import PLACE\n",
    "in a function": "def run():\n    import sched\n",
    "for types": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import sched\n",
}


@pytest.mark.parametrize("loaded", [False, True], ids=["", "loaded"])
@pytest.mark.parametrize("source", IMPORTS.values(), ids=IMPORTS)
def test_the_project_gets_its_own(source: str, *, loaded: bool) -> None:
    """From the import of a source that imports it, a name stands for the project's module; another name does not."""
    import_from_source()
    if loaded:
        assert not is_ours("sched")
    write(Path(), mine=source)
    importlib.import_module("mine")
    assert (is_ours("sched"), is_ours("colorsys")) == (True, False)


@pytest.mark.parametrize(
    "source",
    ["from . import sched\n", "from .sched import run\n", "sched = 'sched'\nprint(sched)\n", "import sched.\n"],
)
def test_other_words_are_no_imports(source: str) -> None:
    """A relative import, a variable, a text, and a source that can't be parsed use no module of the name."""
    import_from_source()
    standard_first().use_imports(source.encode())
    assert not is_ours("sched")


def test_everything_is_restored() -> None:
    """What was loaded before is loaded again, the very same, and imports find the standard library's."""
    import_from_source()
    before = importlib.import_module("sched")
    standard_first().use(["sched", "colorsys"])
    assert is_ours("sched")
    assert is_ours("colorsys")
    standard_first().restore()
    assert importlib.import_module("sched") is before
    assert not is_ours("colorsys")


def test_a_folder_is_no_module(project: Path) -> None:
    """A folder without `__init__.py` stands behind a module of the standard library, as in Python."""
    (project / "sched.py").unlink()
    (project / "src/colorsys.py").unlink()
    (project / "sched").mkdir()
    before = [*sys.meta_path]
    protect(())
    assert sys.meta_path == before


def test_what_python_finds_first_is_left_alone(project: Path) -> None:
    """Modules that are built in or frozen into Python can't be replaced, and one that is the same is not another."""
    write(project, sys=OURS, time=OURS, os=OURS, codecs=OURS)
    import_from_source()
    write(project, mine="import os, sys, time, codecs\n")
    before = [sys.modules[name] for name in ("os", "sys", "time", "codecs")]
    assert [getattr(importlib.import_module("mine"), name) for name in ("os", "sys", "time", "codecs")] == before


def test_names_beside_the_standard_library(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other names can be protected; each project has its own finder, and one alone."""
    write(project, other__pytest=OURS, pytest=OURS)
    for root in (project, project / "other"):
        sys.path.insert(0, str(root))
        monkeypatch.chdir(root)
        protect(["pytest"])
    assert sum(isinstance(each, StandardFirst) for each in sys.meta_path) == 1
    assert standard_first().find_spec("pytest", None).origin == str(project / "pytest.py")
