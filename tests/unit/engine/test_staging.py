"""Where a step writes, and how its outputs take their places."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from projects import PATIENCE

from redoit.engine.staging import check_outputs, remove_orphaned_staging, staging, staging_folder
from redoit.errors import StepError
from redoit.execution import orphans
from redoit.model import Stage
from redoit.state.rescued import rescued

STAGE = Stage("train:big/one", "steps.train", {}, {"model": "data/model.keras", "history": "other/history.h5"})


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a project."""
    monkeypatch.chdir(tmp_path)


def test_staged_next_to_its_target() -> None:
    """A staging folder is empty and next to the target, and a file in it has the target's name."""
    with staging(STAGE, STAGE.outputs) as paths:
        for role, path in paths.items():
            assert path.name == Path(STAGE.outputs[role]).name
            assert path.parent.parent == Path(STAGE.outputs[role]).parent
            assert list(path.parent.iterdir()) == []


def test_its_name_depends_on_the_outputs_alone() -> None:
    """A stage of another name and step has the same folder for the same outputs, one of other outputs another."""
    same = STAGE._replace(name="a" * 300, step="steps.other", inputs={"raw": "raw"}, outputs=dict(STAGE.outputs))
    other = STAGE._replace(outputs={**STAGE.outputs, "more": "data/more"})
    assert staging_folder(same, "model") == staging_folder(STAGE, "model")
    assert staging_folder(other, "model") != staging_folder(STAGE, "model")


def test_nothing_is_left() -> None:
    """Neither a folder nor a lock is left at the end, however that comes, nor what was written there."""
    for error in (None, KeyError):
        with contextlib.suppress(KeyError), staging(STAGE, STAGE.outputs) as paths:
            paths["model"].write_text("data")
            if error:
                raise error
        assert [list(Path(folder).iterdir()) for folder in ("data", "other")] == [[], []]


def test_links_to_one_folder() -> None:
    """Where two outputs lie in one folder, through a link, both can be staged."""
    Path("data").mkdir()
    Path("other").symlink_to("data")
    with staging(STAGE, STAGE.outputs) as paths:
        assert paths["model"].parent.samefile(paths["history"].parent)


HOLD = """
import sys; from pathlib import Path; from redoit.engine.staging import staging; from redoit.model import Stage
with staging(Stage("first", "steps.first", {}, eval(sys.argv[1])), ["model"]) as paths:
    paths["model"].write_text("first"); print("held", flush=True); sys.stdin.read()
"""


@pytest.mark.parametrize("killed", [True, False])
def test_another_checkout_fails(tmp_path: Path, killed: bool) -> None:
    """Who shares the folder of the outputs fails while another writes there, and names him; then he is free to."""
    (tmp_path / "second").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "second/data").symlink_to(tmp_path / "data")
    command = [sys.executable, "-c", HOLD, repr(STAGE.outputs)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout
        assert first.stdin
        assert first.stdout.readline() == b"held\n"
        os.chdir("second")
        staged = staging_folder(STAGE, "model") / "model.keras"
        remove_orphaned_staging(STAGE)  # which are none
        with pytest.raises(StepError) as caught, staging(STAGE, ["model"]):
            pass
        assert staged.read_text() == "first"
        assert caught.value.subject == STAGE.outputs["model"]
        assert caught.value.found.endswith(f"(process {first.pid}) in {tmp_path} makes it now")
        first.kill() if killed else first.stdin.close()
        first.wait(PATIENCE)
    with staging(STAGE, ["model"]) as paths:
        assert list(paths["model"].parent.iterdir()) == []


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
    with staging(STAGE, STAGE.outputs):
        assert left.wait(PATIENCE) == -signal.SIGKILL


def test_sweep(left: "subprocess.Popen[bytes]") -> None:
    """Staging folders that a crash left go, and so does who may still write to them."""
    for role in STAGE.outputs:
        staging_folder(STAGE, role).mkdir(parents=True)
    remove_orphaned_staging(STAGE)
    assert left.wait(PATIENCE) == -signal.SIGKILL
    assert [list(Path(folder).iterdir()) for folder in ("data", "other")] == [[], []]


def test_orphans_of_other_owners_stay(left: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    """Processes of other stages, and of other projects' stages of that name, are none of ours."""
    with staging(Stage("train", "steps.train", {}, {"model": "model"}), ["model"]):
        pass
    (tmp_path / "copy").mkdir()
    os.chdir(tmp_path / "copy")
    with staging(STAGE, STAGE.outputs):
        assert left.poll() is None


def test_orphans_of_the_owner_that_died_are_ended(left: "subprocess.Popen[bytes]") -> None:
    """What the owner of a staging folder left behind is killed, though it was another checkout, or another stage."""
    lock = staging_folder(STAGE, "model").with_name(f"{staging_folder(STAGE, 'model').name}.lock")
    lock.parent.mkdir()
    lock.write_text(f"'doit' (process 1) in /elsewhere\n{orphans.owner_of(STAGE.name)}")
    with staging(STAGE._replace(name="renamed"), ["model"]):
        assert left.wait(PATIENCE) == -signal.SIGKILL


def checked(path: Path) -> None:
    """Check what was written as the model."""
    check_outputs(STAGE, {"model": path}, Path(".redoit"), Path("log"))


@pytest.mark.parametrize(("made", "found"), [("", "nothing"), ("folder", "a folder"), ("link", "a link")])
def test_a_broken_promise(made: str, found: str) -> None:
    """What is no file is refused, and the message says what was expected where."""
    path = Path("staging/model.keras")
    path.parent.mkdir()
    if made == "folder":
        path.mkdir()
    elif made == "link":
        path.symlink_to("absent")
    with pytest.raises(StepError, match=f"wrote {found} as 'model', expected a file for data/model.keras"):
        checked(path)


def test_a_kept_promise() -> None:
    """A file, even an empty one, is what was promised; what holds no bytes beside it does not matter."""
    path = Path("staging/model.keras")
    Path("staging/folder/inner").mkdir(parents=True)
    for each in (path, Path("staging/model.keras.lock"), Path("staging/folder/inner/empty")):
        each.touch()
    checked(path)


@pytest.mark.parametrize("name", ["model.data", "model.keras.index", "folder/inner/file", "link"])
def test_what_is_written_beside_an_output_is_named_and_kept(name: str) -> None:
    """Bytes beside the outputs are an error that names them; all that was written is set aside."""
    path = Path("staging/model.keras")
    beside = path.parent / name
    beside.parent.mkdir(parents=True)
    path.write_text("weights")
    beside.symlink_to("model.keras") if name == "link" else beside.write_text("more")
    with pytest.raises(StepError) as caught:
        checked(path)
    assert f"wrote {name.partition('/')[0]} beside its outputs, expected nothing else there" in str(caught.value)
    assert "declare an output for each" in str(caught.value)
    (place,) = rescued(Path(".redoit"))
    assert str(caught.value).endswith(f"; what it wrote is in {place}; its log is log")
    assert (place / "model.keras").read_text() == "weights"
    assert os.path.lexists(place / name)


def test_a_library_that_adds_a_suffix() -> None:
    """A file whose name begins with that of a missing output is taken for it, and the error says what to do."""
    Path("staging").mkdir()
    Path("staging/model.keras.npz").write_text("data")
    with pytest.raises(StepError, match=r"wrote nothing as 'model'.*call the output model\.keras\.npz, or hand over"):
        checked(Path("staging/model.keras"))


def test_many_names_are_counted() -> None:
    """Of many files beside the outputs three are named."""
    Path("staging").mkdir()
    for number in range(9):
        Path(f"staging/{number}").write_text("data")
    with pytest.raises(StepError, match="wrote 0, 1, 2 and 6 more beside"):
        checked(Path("staging/model.keras"))


@pytest.mark.parametrize("link", [True, False])
def test_an_output_is_a_file_of_its_own(link: bool) -> None:
    """An output that leads to an input, or is another name of it, becomes a copy with its permissions."""
    Path("input").write_text("data")
    Path("input").chmod(0o740)
    path = Path("staging/model.keras")
    path.parent.mkdir()
    path.symlink_to(Path("input").absolute()) if link else path.hardlink_to("input")
    found = Path("input").stat()
    linked = check_outputs(STAGE, {"model": path}, Path(".redoit"), Path("log"))
    assert linked == (set() if link else {(found.st_dev, found.st_ino)})
    assert (path.read_text(), path.is_symlink(), path.stat().st_mode & 0o777) == ("data", False, 0o740)
    assert (path.stat().st_nlink, Path("input").stat().st_nlink) == (1, 1)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("link", [True, False])
def test_what_stands_in_place_of_a_staging_folder_goes(link: bool) -> None:
    """A link or a file where a step is to write is removed; nothing is written, or removed, through it."""
    outside, folder = Path("outside/inner"), staging_folder(STAGE, "model")
    outside.mkdir(parents=True)
    folder.parent.mkdir()
    folder.symlink_to(outside.absolute()) if link else folder.touch()
    with staging(STAGE, ["model"]) as paths:
        path = paths["model"]
        assert (folder.is_symlink(), folder.is_dir()) == (False, True)
        folder.rmdir()
        folder.symlink_to(outside.absolute())
        path.write_text("data")
        with pytest.raises(StepError, match="wrote a link as 'model'"):
            checked(path)
    assert not folder.is_symlink()
    assert (outside / path.name).read_text() == "data"
