"""Where a step writes, and how its outputs take their places."""

from pathlib import Path

import pytest

from redoit.errors import StepError
from redoit.records import Stage
from redoit.staging import check, place, staged, unstage

STAGE = Stage("train:big/one", "steps.train", {}, {"model": "data/model.keras", "history": "other/history.h5"})


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a project."""
    monkeypatch.chdir(tmp_path)


def test_staged_beside_its_target() -> None:
    """A staging folder is empty, beside the target, and a file in it is named as the target."""
    first = staged(STAGE, STAGE.outputs)
    first["model"].write_text("litter of a crash")
    paths = staged(STAGE, STAGE.outputs)
    assert paths == first
    for role, path in paths.items():
        assert path.name == Path(STAGE.outputs[role]).name
        assert path.parent.parent == Path(STAGE.outputs[role]).parent
        assert list(path.parent.iterdir()) == []


def test_place_and_unstage() -> None:
    """Outputs replace what was there, those not staged stay, and no folder is left."""
    paths = staged(STAGE, ["model"])
    Path("data/model.keras").write_text("old")
    paths["model"].write_text("new")
    place(STAGE, paths)
    unstage(STAGE)
    unstage(STAGE)
    assert Path("data/model.keras").read_text() == "new"
    assert [path.name for path in Path("data").iterdir()] == ["model.keras"]


def test_all_or_none_take_their_places() -> None:
    """A folder where one output belongs is an error, and the other output stays as it was."""
    paths = staged(STAGE, STAGE.outputs)
    Path("data/model.keras").write_text("old")
    Path("other/history.h5").mkdir()
    for path in paths.values():
        path.write_text("new")
    with pytest.raises(StepError, match=r"other/history\.h5 is a folder"):
        place(STAGE, paths)
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
        check(STAGE, "model", path, Path("log"))


def test_a_kept_promise() -> None:
    """A file, even an empty one, is what was promised."""
    Path("staged").touch()
    check(STAGE, "model", Path("staged"), Path("log"))
