"""Absolute paths, and what they lie in."""

import os
from pathlib import Path

import pytest

from redoit.engine.places import folders, from_root, is_below, is_temporary, is_within, places


def test_paths_are_from_the_root() -> None:
    """What lies in the project is named from its root, anything else in full."""
    here = os.getcwd()
    assert [from_root(path) for path in (f"{here}/a/b", here, f"{here}2/a", "/etc")] == [
        "a/b",
        ".",
        f"{here}2/a",
        "/etc",
    ]


def test_a_link_has_two_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path counts as it is written, and without links."""
    monkeypatch.chdir(tmp_path)
    Path("link").symlink_to("file")
    assert places(["link"]) == {str(tmp_path / "link"), str(tmp_path / "file")}


def test_what_lies_below() -> None:
    """A path lies below itself and the folders around it, and below nothing that only begins alike."""
    assert list(folders("/a/b/c")) == ["/a/b", "/a"]
    assert [is_below("/a/b/c", {known}) for known in ("/a/b/c", "/a", "/a/b/c/d", "/a/bc")] == [
        True,
        True,
        False,
        False,
    ]


def test_what_is_made_with_a_folder(tmp_path: Path) -> None:
    """What is in a folder that is made is made with it; what is behind a link that is made is not."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    made = {str(tmp_path / name) for name in ("folder", "link")}
    found = {name: is_within(str(tmp_path / name), made) for name in ("folder/x", "link", "link/x", "x")}
    assert found == {"folder/x": True, "link": True, "link/x": False, "x": False}


def test_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is temporary in the folder for such files, unless the project lies there, too."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    for name in ("tmp/project", "project"):
        (tmp_path / name).mkdir(parents=True)
        monkeypatch.chdir(tmp_path / name)
        assert is_temporary(str(tmp_path / "tmp/file")) == (name == "project")
        assert not is_temporary(str(tmp_path / "file"))
