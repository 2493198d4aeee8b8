"""What the inspector tells of the project: the code that was observed, versions, and what changed meanwhile."""

from pathlib import Path

import pytest
from examples import write

from redoit.engine.inspector import Inspector
from redoit.model import Stage
from redoit.plugin.checkout import make_engine

STAGE = Stage("make", "steps.make", {"source": "source.txt"}, {"made": "made.txt"}, uses=("used.txt",))
FILES = ("source.txt", "used.txt")


@pytest.fixture
def inspector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inspector:
    """Return the inspector of a project, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, steps__make="from steps import helper\ndef run(source, made):\n    helper.help()\n")
    write(tmp_path, steps__helper="def help():\n    pass\ndef other():\n    return LIMIT\nLIMIT = 1\n")
    for name in FILES:
        Path(name).write_text(name)
    engine = make_engine(Path())
    engine.workspace.open()
    return engine.inspector


def test_observed_code_is_what_reading_lacks(inspector: Inspector) -> None:
    """Parts that were executed, and what these name, are told without those that reading reaches anyway."""
    assert inspector.observed_code(STAGE, (), ["steps.helper:help"]) == {}
    found = inspector.observed_code(STAGE, (), ["steps.helper:other"])
    assert sorted(found) == ["steps.helper:LIMIT", "steps.helper:other"]
    assert inspector.observed_code(STAGE, (), found) == found


def test_what_changed_meanwhile(inspector: Inspector) -> None:
    """A change of an input, of what is used, or of code is named; without one there is nothing to say."""
    before = inspector.action_with_source(STAGE, ())
    assert inspector.changes_since(STAGE, before) == ""
    for name in (*FILES, "steps/helper.py"):
        text = Path(name).read_text()
        Path(name).write_text(text.replace("pass", "return 1") if name.endswith(".py") else "other")
        assert name.removesuffix(".py").replace("/", ".") in inspector.changes_since(STAGE, before)
        Path(name).write_text(text)


def test_versions(inspector: Inspector) -> None:
    """A module has the version of what provides it, a distribution its own; what is not installed has none."""
    assert inspector.snapshot.version("doit") == f"doit {inspector.snapshot.version_of('doit')}"
    assert inspector.snapshot.version_of("PyTest.xdist") == inspector.snapshot.version_of("pytest_xdist") is not None
    assert inspector.snapshot.version("no_such_module") is None
    assert inspector.snapshot.version_of("no-such-distribution") is None
