"""The source cache: an entry equals a new reading, or it does not count."""

from pathlib import Path

import pytest

from redoit.fingerprint import code_of
from redoit.source.project import Project
from redoit.source.signature import signature
from redoit.state.source_cache import SourceCache, StepInfo, code_digests
from redoit.state.stat_cache import StatCache

STEP = """
import numpy
import nowhere
from enum import Enum
from steps import tools
from steps.modes import Mode

LIMIT = 3

def run(source, target, *, limit: int | None = LIMIT, mode: Mode = Mode.FAST, share: float = 0.1):
    '''Do it.

    limit: how many
    '''
    return tools.first(limit)
"""
FILES = {
    "steps/__init__.py": "",
    "steps/one.py": STEP,
    "steps/tools.py": "def first(n): return n\n",
    "steps/modes.py": "from enum import Enum\n\nclass Mode(Enum):\n    FAST = 1\n    EXACT = 2\n",
    "steps/other.py": "def run(): pass\n",
}
EDITS = {
    "a comment in the step": ("steps/one.py", f"# why\n{STEP}"),
    "another helper": ("steps/tools.py", "def first(n): return n + 1\n"),
    "another member": ("steps/modes.py", "from enum import Enum\n\nclass Mode(Enum):\n    FAST = 1\n"),
    "a module that hides an installed one": ("numpy.py", ""),
    "a package that hides a module": ("steps/tools/__init__.py", "def first(n): return 0\n"),
    "a folder that is a package now": ("nowhere/inner/code.py", ""),
    "a source folder": ("src/numpy.py", ""),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project."""
    for name, text in FILES.items():
        write(tmp_path / name, text)
    return tmp_path


def write(path: Path, text: str) -> None:
    """Write a file, and the folders around it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def memory(root: Path) -> SourceCache:
    """Return what a new process knows."""
    return SourceCache(root / "memory", StatCache(root / "files"))


def learnt(root: Path, step: str = "steps.one") -> StepInfo:
    """Read a step, remember it and return it."""
    steps, project = memory(root), Project(root)
    found = steps.add(step, StepInfo(), StepInfo(signature=signature(project, step)), project)
    found = steps.add(step, found, StepInfo(code={"": code_digests(code_of(project, step))}), project)
    steps.save()
    return found


def test_entries_are_there_for_the_next_process(root: Path) -> None:
    """Signature and digests of code come back as they were read."""
    found = learnt(root)
    project = Project(root)
    assert memory(root).lookup("steps.one", project) == found
    assert not project.file_digests  # nothing was parsed
    assert found.signature == signature(Project(root), "steps.one")
    assert found.code[""] == code_digests(code_of(Project(root), "steps.one"))


@pytest.mark.parametrize(("name", "text"), EDITS.values(), ids=EDITS)
def test_a_changed_file_or_a_new_module_is_read_again(root: Path, name: str, text: str) -> None:
    """An entry does not count if a file differs, or a module is found at another path."""
    learnt(root)
    write(root / name, text)
    assert memory(root).lookup("steps.one", Project(root)) == StepInfo()


def test_what_the_step_does_not_reach_may_change(root: Path) -> None:
    """An edit of another step leaves this step's entry valid."""
    found = learnt(root)
    write(root / "steps/other.py", "def run(): return 1\n")
    assert memory(root).lookup("steps.one", Project(root)) == found


def test_a_step_that_reaches_all_modules_knows_their_names(root: Path) -> None:
    """Where a dynamic import may load any module, a new one makes the step unknown."""
    write(root / "steps/one.py", "import importlib\ndef run(name): importlib.import_module(name)\n")
    found = learnt(root)
    assert memory(root).lookup("steps.one", Project(root)) == found
    write(root / "steps/new.py", "")
    assert memory(root).lookup("steps.one", Project(root)) == StepInfo()


def test_readings_of_different_times_are_not_mixed(root: Path) -> None:
    """An entry made before a file changed does not count for the changed file."""
    before = learnt(root)
    write(root / "steps/tools.py", "def first(n): return -n\n")
    steps, project = memory(root), Project(root)
    found = steps.add(
        "steps.one", before, StepInfo(code={"Mode": code_digests(code_of(project, "steps.one"))}), project
    )
    assert found.signature is None
    assert list(found.code) == ["Mode"]


def test_a_default_that_json_can_not_hold_is_read_each_time(root: Path) -> None:
    """A number without end is no JSON, so the step is not remembered."""
    write(root / "steps/one.py", "def run(target, *, limit: float = 1e999): pass\n")
    assert learnt(root).signature is not None
    assert memory(root).lookup("steps.one", Project(root)) == StepInfo()


def test_a_damaged_memory_is_no_memory(root: Path) -> None:
    """A flipped bit costs a reading, not more."""
    learnt(root)
    data = bytearray((root / "memory").read_bytes())
    data[len(data) // 2] ^= 1
    (root / "memory").write_bytes(data)
    assert memory(root).lookup("steps.one", Project(root)) == StepInfo()


def test_a_module_outside_the_checkout_is_checked_too(
    root: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry holds no longer if a module on PYTHONPATH has changed, is hidden by another, or is not found there."""
    other, more = tmp_path_factory.mktemp("other"), tmp_path_factory.mktemp("more")
    write(root / "steps/one.py", "import helper\ndef run(made): helper.make(made)\n")
    write(other / "helper.py", "def make(made): pass\n")
    monkeypatch.setenv("PYTHONPATH", f"{more}:{other}")
    found = learnt(root)
    assert f"{other}/helper.py" in found.read
    assert memory(root).lookup("steps.one", Project(root)) == found
    write(more / "helper.py", "def make(made): pass\n")
    assert memory(root).lookup("steps.one", Project(root)) == StepInfo()
    (more / "helper.py").unlink()
    monkeypatch.delenv("PYTHONPATH")
    assert memory(root).lookup("steps.one", Project(root)) == StepInfo()
    monkeypatch.setenv("PYTHONPATH", str(other))
    assert memory(root).lookup("steps.one", Project(root)) == found
    write(other / "helper.py", "def make(made): return\n")
    assert memory(root).lookup("steps.one", Project(root)) == StepInfo()


def test_an_added_root_is_part_of_an_entry(root: Path) -> None:
    """What was read with a folder that the step adds is checked with it; what was read before without it stays."""
    write(root / "lib/helper.py", "def make(made): pass\n")
    steps, project = memory(root), Project(root)
    found = steps.add("steps.one", StepInfo(), StepInfo(signature=signature(project, "steps.one")), project)
    project = Project(root)
    project.add_root("lib")
    assert project.module("helper") is not None
    found = steps.add("steps.one", found, StepInfo(code={"": code_digests(code_of(project, "steps.one"))}), project)
    steps.save()
    assert found.signature is not None
    assert found.located["helper"] == f"{root}/lib/helper.py"
    assert memory(root).lookup("steps.one", Project(root)) == found
    write(root / "helper.py", "")
    assert memory(root).lookup("steps.one", Project(root)) == StepInfo()
