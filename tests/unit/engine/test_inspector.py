"""A snapshot of a project's source: a change during it never gives a mixture of old and new."""

from pathlib import Path

from redoit.engine.inspector import SourceSnapshot
from redoit.fingerprint import code_of
from redoit.plugin.checkout import Reading
from redoit.source.project import Project
from redoit.state.source_cache import SourceCache, code_digests
from redoit.state.stat_cache import StatCache


def test_a_module_that_appears_between_two_questions(tmp_path: Path) -> None:
    """A package that shadows the step after its code was read changes the signature, not the code of that snapshot."""
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps/__init__.py").touch()
    (tmp_path / "steps/one.py").write_text("import numpy\n\ndef run(made, *, times: int = 1): numpy.zeros(times)\n")
    look = SourceSnapshot(tmp_path, SourceCache(tmp_path / "memory", StatCache(tmp_path / "files")), Reading())
    before = code_digests(code_of(Project(tmp_path), "steps.one"))
    assert look.code_digests("steps.one", ()) == before
    (tmp_path / "steps/one").mkdir()
    (tmp_path / "steps/one/__init__.py").write_text("def run(made, *, times: int = 2): pass\n")
    assert look.signature("steps.one").roles == ("made",)
    assert look.code_digests("steps.one", ()) == before
