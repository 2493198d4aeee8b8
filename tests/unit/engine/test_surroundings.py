"""What observations find now, and how a change is named."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from examples import action, named, write

from redoit.engine.surroundings import Surroundings, copied_names, named_paths, status_digest
from redoit.model import Observation, Policy, Setting, Stage
from redoit.plugin.checkout import make_engine

STAGE = Stage("make", "steps.make", {"source": "source.txt"}, {"made": "data/made.txt"})
UNOBSERVED = STAGE._replace(policy=Policy(observe=False))


@pytest.fixture
def around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Surroundings:
    """Return the surroundings of a project, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASKED", "1")
    write(tmp_path, steps__make="def run(source, made):\n    pass\n", steps__plugin="def hook():\n    return 1\n")
    for name in ("source.txt", "extra.txt", "folder/inside", "folder/made", "folder/output"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("1")
    Path("link").symlink_to("extra.txt")
    return made()


def made() -> Surroundings:
    """Return the surroundings, as another doit has them."""
    engine = make_engine(Path())
    engine.workspace.open()
    engine.around.targets = lambda: {"folder/output": "other", "deep/below/x": "deep"}
    return engine.around


def found(around: Surroundings, kind: str, name: str) -> Observation:
    """Return an observation of what is there now."""
    return Observation(kind, name, around.find(kind, name))


def unlink(name: str) -> Callable[[], object]:
    """Return what removes a file."""
    return lambda: Path(name).unlink()


def text(name: str, content: str) -> Callable[[], object]:
    """Return what writes a file."""
    return lambda: Path(name).write_text(content)


CHANGES: dict[str, tuple[str, str, Callable[[], object], str]] = {
    "a file": ("file", "extra.txt", text("extra.txt", "2"), "read"),
    "a file is gone": ("file", "extra.txt", unlink("extra.txt"), "gone"),
    "content": ("content", "extra.txt", text("extra.txt", "2"), "content"),
    "opened": ("opened", "extra.txt", text("extra.txt", "2"), "opened"),
    "appeared": ("status", "new.txt", text("new.txt", ""), "appeared"),
    "gone": ("status", "extra.txt", unlink("extra.txt"), "looked at"),
    "another type": ("status", "new.txt", lambda: os.mkdir("new.txt"), "appeared"),
    "a size": ("size", "extra.txt", text("extra.txt", "22"), "looked at"),
    "a link": ("link", "link", lambda: (unlink("link")(), Path("link").symlink_to("source.txt")), "looked at"),
    "a link is gone": ("link", "link", unlink("link"), "looked at"),
    "a name": ("folder", "folder", text("folder/new", ""), "listed"),
    "a name is gone": ("folder", "folder", unlink("folder/inside"), "listed"),
    "a name at the root": ("folder", ".", text("new", ""), "listed"),
    "a folder is gone": ("folder", "folder", lambda: Path("folder").rename("other"), "listed"),
    "a variable": ("variable", "ASKED", lambda: os.environ.update(ASKED="2"), "asked"),
    "a variable is gone": ("variable", "ASKED", lambda: os.environ.pop("ASKED"), "asked"),
    "a variable appeared": ("variable", "UNSET", lambda: os.environ.update(UNSET=""), "asked"),
    "an ambient variable": ("ambient", "ASKED", lambda: os.environ.update(ASKED="2"), "asked"),
    "another variable": ("names", "", lambda: os.environ.update(UNSET="2"), "copied"),
}


@pytest.mark.parametrize(("kind", "name", "change", "reason"), CHANGES.values(), ids=CHANGES)
def test_what_changed_is_named(
    around: Surroundings, kind: str, name: str, change: Callable[[], object], reason: str
) -> None:
    """What is found no more makes a reason of its kind; nothing changes by looking."""
    row = found(around, kind, name)
    assert list(around.changes(STAGE, action(), [row])) == []
    change()
    try:
        (only,) = made().changes(STAGE, action(), [row])
        assert (only.kind, only.subject, only.new) == (reason, name, "make")
        assert list(around.changes(UNOBSERVED, action(), [row])) == []
    finally:
        os.environ.pop("UNSET", None)


KEPT: dict[str, tuple[str, str, Callable[[], object]]] = {
    "the same content": ("file", "extra.txt", text("extra.txt", "1")),
    "content of what was looked at": ("status", "extra.txt", text("extra.txt", "other")),
    "content of an equal size": ("size", "extra.txt", text("extra.txt", "2")),
    "content in a folder": ("folder", "folder", text("folder/inside", "2")),
    "an output in a folder": ("folder", "folder", unlink("folder/output")),
    "a folder for outputs": ("folder", ".", lambda: os.makedirs("deep/below")),
    "redoit's own files": ("folder", "folder", text("folder/.redoit-abc", "")),
    "byte code": ("folder", "folder", lambda: os.mkdir("folder/__pycache__")),
    "another variable": ("variable", "ASKED", lambda: os.environ.update(UNSET="2")),
    "a terminal's variable": ("names", "", lambda: os.environ.update(SSH_UNSET="2")),
    "credentials": ("names", "", lambda: os.environ.update(UNSET_TOKEN="2")),
}


@pytest.mark.parametrize(("kind", "name", "change"), KEPT.values(), ids=KEPT)
def test_what_does_not_matter_changes_nothing(
    around: Surroundings, kind: str, name: str, change: Callable[[], object]
) -> None:
    """What was not observed may change."""
    row = found(around, kind, name)
    change()
    try:
        assert list(made().changes(STAGE, action(), [row])) == []
    finally:
        for variable in ("UNSET", "SSH_UNSET", "UNSET_TOKEN"):
            os.environ.pop(variable, None)


def test_what_the_step_made_is_left_out_of_a_listing(around: Surroundings) -> None:
    """Names that the step made in a folder may be gone; it does not matter whether they are."""
    rows = [
        Observation("folder", "folder", around.find("folder", "folder", ["folder/made"])),
        Observation("made", "folder/made", None),
    ]
    assert list(around.changes(STAGE, action(), rows)) == []
    Path("folder/made").unlink()
    assert list(made().changes(STAGE, action(), rows)) == []
    Path("folder/new").touch()
    assert [reason.kind for reason in made().changes(STAGE, action(), rows)] == ["listed"]


def test_an_expected_digest_replaces_that_of_a_file(around: Surroundings) -> None:
    """In a dry run a file has the digest that it will have."""
    row = found(around, "file", "extra.txt")
    assert list(around.changes(STAGE, action(), [row], {"extra.txt": row.digest or ""})) == []
    (reason,) = around.changes(STAGE, action(), [row], {"extra.txt": named("other")})
    assert (reason.kind, reason.subject) == ("read", "extra.txt")


def test_code_that_was_executed(around: Surroundings) -> None:
    """A part that was executed is read again: an edit names it, a comment changes nothing."""
    settings_action = action(settings=())
    code = around.inspector.observed_code(STAGE, (), ["steps.plugin:hook"])
    rows = [Observation("code", name, content) for name, content in code.items()]
    assert "steps.plugin:hook" in code
    Path("steps/plugin.py").write_text("# a comment\ndef hook():\n    return 1\n")
    assert list(made().changes(STAGE, settings_action, rows)) == []
    Path("steps/plugin.py").write_text("def hook():\n    return 2\n")
    (reason,) = made().changes(STAGE, settings_action, rows)
    assert (reason.kind, reason.subject) == ("executed", "steps.plugin:hook")


def test_what_was_not_observed_is_so_until_it_is(around: Surroundings) -> None:
    """A trace of a stage that was not observed does not count once the stage is."""
    row = Observation("unobserved", "", "0" * 64)
    assert [reason.kind for reason in around.changes(STAGE, action(), [row])] == ["unobserved"]
    assert list(around.changes(UNOBSERVED, action(), [row])) == []


def test_the_version_of_a_package(around: Surroundings) -> None:
    """A package is found by a module that it provides, a distribution by its name; a change names both versions."""
    package, distribution = found(around, "package", "doit"), found(around, "distribution", "doit")
    assert package.digest
    assert distribution.digest
    (reason,) = around.changes(STAGE, action(), [package._replace(digest="doit 0.1")])
    assert (reason.kind, reason.subject, reason.old, reason.new) == ("package", "doit", "doit 0.1", package.digest)


def test_names_of_copied_variables(around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of the environment counts by the sorted names that do not differ between terminals, nor are secret."""
    assert around
    mine = ("B_NAME", "A_NAME", "MY_TOKEN", "AWS_SECRET_ACCESS_KEY", "TERM", "XDG_RUNTIME_DIR", "SLURM_JOB_ID")
    for name in mine:
        monkeypatch.setenv(name, "1")
    assert [name for name in copied_names() if name in mine] == ["A_NAME", "B_NAME"]


def test_paths_that_settings_name(around: Surroundings) -> None:
    """Settings of the type Path, and lists of them, name paths; those that are None do not."""
    assert around
    settings = [
        Setting("one", "path", "link"),
        Setting("many", "list[path]", ["folder/../source.txt", "/etc/hosts"]),
        Setting("none", "path", None),
        Setting("text", "str", "folder"),
    ]
    here = Path.cwd()
    assert named_paths(settings) == [str(here / "extra.txt"), str(here / "source.txt"), "/etc/hosts"]


def test_status_is_a_type_and_a_size() -> None:
    """The digests of other types and sizes differ."""
    assert len({status_digest(0o100000, None), status_digest(0o100000, 0), status_digest(0o040000, None)}) == 3
