"""A look at the source of a project: what changes while it lasts is no mixture of two readings."""

from pathlib import Path

from redoit.files import FileDigests
from redoit.fingerprint import code_of
from redoit.known import KnownSteps, outline_of
from redoit.observe import Look
from redoit.source import Project


def test_a_module_that_appears_between_two_questions(tmp_path: Path) -> None:
    """Once code was read, a package that hides the step changes its signature, and not the code of that look."""
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps/__init__.py").touch()
    (tmp_path / "steps/one.py").write_text("import numpy\n\ndef run(made, *, times: int = 1): numpy.zeros(times)\n")
    look = Look(tmp_path, KnownSteps(tmp_path / "memory", FileDigests(tmp_path / "files")))
    before = outline_of(code_of(Project(tmp_path), "steps.one"))
    assert look.outline("steps.one", ()) == before
    (tmp_path / "steps/one").mkdir()
    (tmp_path / "steps/one/__init__.py").write_text("def run(made, *, times: int = 2): pass\n")
    assert look.signature("steps.one").roles == ("made",)
    assert look.outline("steps.one", ()) == before
