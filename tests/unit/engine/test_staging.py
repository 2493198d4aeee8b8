"""Where a step writes, and how its outputs take their places."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from projects import PATIENCE

from redoit.engine.staging import check_output, make_staging, place_outputs, remove_orphaned_staging, remove_staging
from redoit.errors import StepError
from redoit.execution import orphans
from redoit.model import Stage

STAGE = Stage("train:big/one", "steps.train", {}, {"model": "data/model.keras", "history": "other/history.h5"})


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a project."""
    monkeypatch.chdir(tmp_path)


def test_staged_next_to_its_target() -> None:
    """A staging folder is empty and next to the target, and a file in it has the target's name."""
    first = make_staging(STAGE, STAGE.outputs)
    first["model"].write_text("litter of a crash")
    paths = make_staging(STAGE, STAGE.outputs)
    assert paths == first
    for role, path in paths.items():
        assert path.name == Path(STAGE.outputs[role]).name
        assert path.parent.parent == Path(STAGE.outputs[role]).parent
        assert list(path.parent.iterdir()) == []


@pytest.fixture
def left() -> Iterator["subprocess.Popen[bytes]"]:
    """Return a process that an execution of the stage has left behind."""
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    marked = {**os.environ, orphans.TAG_VARIABLE: orphans.new_tag(STAGE.name)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=marked, start_new_session=True) as process:
        while not Path(f"/proc/{process.pid}/environ").read_bytes():  # the kernel is still about to start it
            time.sleep(0.001)
        yield process


def test_who_may_still_write_is_ended(left: "subprocess.Popen[bytes]") -> None:
    """A process of an earlier execution, which knows the staged paths, is ended before they are given to another."""
    make_staging(STAGE, STAGE.outputs)
    assert left.wait(PATIENCE) == -signal.SIGKILL


def test_sweep(left: "subprocess.Popen[bytes]") -> None:
    """Staging folders that a crash left go, and so does who may still write to them."""
    for folder in ("data", "other"):
        Path(folder, ".redoit-train%3Abig%2Fone").mkdir(parents=True)
    remove_orphaned_staging(STAGE)
    assert left.wait(PATIENCE) == -signal.SIGKILL
    assert [list(Path(folder).iterdir()) for folder in ("data", "other")] == [[], []]


def test_orphans_of_other_owners_stay(left: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    """Processes of other stages, and of other projects' stages of that name, are none of ours."""
    make_staging(Stage("train", "steps.train", {}, {"model": "model"}), ["model"])
    (tmp_path / "copy").mkdir()
    os.chdir(tmp_path / "copy")
    make_staging(STAGE, STAGE.outputs)
    assert left.poll() is None


def test_place_and_unstage() -> None:
    """Outputs replace what was there, those not staged stay, and no folder is left."""
    paths = make_staging(STAGE, ["model"])
    Path("data/model.keras").write_text("old")
    paths["model"].write_text("new")
    place_outputs(STAGE, paths)
    remove_staging(STAGE)
    remove_staging(STAGE)
    assert Path("data/model.keras").read_text() == "new"
    assert [path.name for path in Path("data").iterdir()] == ["model.keras"]


def test_all_or_none_take_their_places() -> None:
    """A folder where one output belongs is an error, and the other output stays as it was."""
    paths = make_staging(STAGE, STAGE.outputs)
    Path("data/model.keras").write_text("old")
    Path("other/history.h5").mkdir()
    for path in paths.values():
        path.write_text("new")
    with pytest.raises(StepError, match=r"other/history\.h5 is a folder"):
        place_outputs(STAGE, paths)
    assert Path("data/model.keras").read_text() == "old"


@pytest.mark.parametrize(("made", "found"), [("", "nothing"), ("folder", "a folder"), ("link", "a link")])
def test_a_broken_promise(made: str, found: str) -> None:
    """What is no file is refused, and the message says what was expected where."""
    path = Path("staged")
    if made == "folder":
        path.mkdir()
    elif made == "link":
        path.symlink_to("absent")
    with pytest.raises(StepError, match=f"wrote {found} as 'model', expected a file for data/model.keras"):
        check_output(STAGE, "model", path, Path("log"))


def test_a_kept_promise() -> None:
    """A file, even an empty one, is what was promised."""
    Path("staged").touch()
    check_output(STAGE, "model", Path("staged"), Path("log"))


def test_an_output_is_a_file_of_its_own() -> None:
    """An output that is another name of an input becomes a copy: who edits the one must not edit the other."""
    Path("input").write_text("data")
    path = make_staging(STAGE, ["model"])["model"]
    path.hardlink_to("input")
    check_output(STAGE, "model", path, Path("log"))
    assert path.read_text() == "data"
    assert (path.stat().st_nlink, Path("input").stat().st_nlink) == (1, 1)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("link", [True, False])
def test_what_stands_in_place_of_a_staging_folder_goes(link: bool) -> None:
    """A link or a file where a step is to write is removed; nothing is written, or removed, through it."""
    outside = Path("outside/inner")
    outside.mkdir(parents=True)
    folder = make_staging(STAGE, ["model"])["model"].parent
    folder.rmdir()
    folder.symlink_to(outside.absolute()) if link else folder.touch()
    path = make_staging(STAGE, ["model"])["model"]
    assert (folder.is_symlink(), folder.is_dir()) == (False, True)
    folder.rmdir()
    folder.symlink_to(outside.absolute())
    path.write_text("data")
    with pytest.raises(StepError, match="wrote a link as 'model'"):
        check_output(STAGE, "model", path, Path("log"))
    remove_staging(STAGE)
    assert not folder.is_symlink()
    assert (outside / path.name).read_text() == "data"
