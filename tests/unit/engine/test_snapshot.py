"""A snapshot of a project's source: a change during it never gives a mixture of old and new."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from redoit.engine.snapshot import SourceSnapshot
from redoit.model import Code, Stage
from redoit.plugin.checkout import code_of
from redoit.source.project import Project
from redoit.state.source_cache import SourceCache, code_digests
from redoit.state.stat_cache import StatCache


def test_a_module_that_appears_between_two_questions(tmp_path: Path) -> None:
    """A package that shadows the step after its code was read changes the signature, not the code of that snapshot."""
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps/__init__.py").touch()
    (tmp_path / "steps/one.py").write_text("import numpy\n\ndef run(made, *, times: int = 1): numpy.zeros(times)\n")
    look = SourceSnapshot(tmp_path, SourceCache(tmp_path / "memory", StatCache(tmp_path / "files")), code_of)
    before = code_digests(code_of(Project(tmp_path), "steps.one", (), True))
    assert look.code_digests(Stage("one", "steps.one", {}, {}), ()) == before
    (tmp_path / "steps/one").mkdir()
    (tmp_path / "steps/one/__init__.py").write_text("def run(made, *, times: int = 2): pass\n")
    assert look.signature("steps.one").roles == ("made",)
    assert look.code_digests(Stage("one", "steps.one", {}, {}), ()) == before


def test_files_and_versions_of_code_outside_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files outside are named in full; a package that is edited there has its version, another one is absent."""
    root, other, site = (tmp_path / name for name in ("project", "other", "site-packages"))
    texts = {
        "steps/__init__.py": "",
        "steps/one.py": "import helper, nowhere\ndef run(made): helper.make(made)\n",
        "../other/helper.py": "def make(made): pass\n",
        "../site-packages/helper-3.dist-info/METADATA": "Name: helper\nVersion: 3\n",
        "../site-packages/helper-3.dist-info/RECORD": "helper.pth,,\n",
        "../site-packages/helper.pth": f"{other}\n",
    }
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    monkeypatch.setenv("PYTHONPATH", f"{site}:{other}")
    snapshot = SourceSnapshot(root, SourceCache(tmp_path / "memory", StatCache(tmp_path / "files")), code_of)
    code = snapshot.code_digests(Stage("one", "steps.one", {}, {}), ())
    assert sorted(snapshot.files("steps.one", code)) == [f"{other}/helper.py", "steps/__init__.py", "steps/one.py"]
    assert snapshot.versions("steps.one", code) == {"helper": "3", "nowhere": "absent"}


def test_what_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    """A later snapshot goes on with the modules that were read, until one of them changes or is found elsewhere."""
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps/one.py").write_text("from steps import two\n\ndef run(made): two.f()\n")
    (tmp_path / "steps/two.py").write_text("def f(): return 1\ndef g(): return 1\n")
    cache, stage, trees = (
        SourceCache(tmp_path / "memory", StatCache(tmp_path / "files")),
        Stage("one", "steps.one", {}, {}),
        [],
    )

    def code(project: Project, step: str, roots: Iterable[tuple[str, str]], bodies: bool) -> Code:
        trees.append([module.tree for name in (step, "steps.two") if (module := project.module(name))])
        return code_of(project, step, roots, bodies)

    before = SourceSnapshot(tmp_path, cache, code)
    assert "steps.two:g" not in before.code_digests(stage, ()).parts
    after = SourceSnapshot(tmp_path, cache, code, readings=before.readings)
    assert "steps.two:g" in after.code_digests(stage, (), ["steps.two:g"]).parts
    assert trees[0] == trees[1]
    (tmp_path / "steps/two.py").write_text("def f(): return 1\ndef g(): return 2\n")
    changed = SourceSnapshot(tmp_path, cache, code, readings=after.readings)
    assert changed.code_digests(stage, (), ["steps.two:g"]) != after.code_digests(stage, (), ["steps.two:g"])
    (tmp_path / "steps/two").mkdir()
    (tmp_path / "steps/two/__init__.py").write_text("def f(): return 3\n")
    moved = SourceSnapshot(tmp_path, cache, code, readings=changed.readings)
    assert moved.code_digests(stage, ()).parts["steps.two:f"] != before.code_digests(stage, ()).parts["steps.two:f"]
    assert len({id(tree) for found in trees for tree in found}) == 6


def test_a_module_that_was_not_asked_for_is_looked_for_as_it_is_now(tmp_path: Path) -> None:
    """A module that appears after the step was read is found by a later snapshot, and so is what it holds by then."""
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps/one.py").write_text("def run(made): pass\n")
    cache, stage = SourceCache(tmp_path / "memory", StatCache(tmp_path / "files")), Stage("one", "steps.one", {}, {})
    before = SourceSnapshot(tmp_path, cache, code_of)
    assert before.project.locate("steps.late") is None
    before.code(stage, ())
    (tmp_path / "steps/late.py").write_text("def f(): pass\n")
    after = SourceSnapshot(tmp_path, cache, code_of, readings=before.readings)
    assert "steps.late:f" in after.code_digests(stage, (), ["steps.late:f"]).parts
