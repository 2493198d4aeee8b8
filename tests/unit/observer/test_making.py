"""What a process makes, moves and removes; what fails makes nothing."""

from pathlib import Path

import pytest
from observed_process import recorded


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a project with a folder and a file in it, an empty folder, a file and a link."""
    (tmp_path / "project/folder").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")
    Path("folder/inside").write_text("1")
    Path("empty").mkdir()
    Path("file").write_text("content")
    Path("link").symlink_to("../outside")
    Path("../outside").write_text("outside")


def of(body: str, kind: str) -> list[str]:
    """Return the names that records of a kind have."""
    lines = f"import os\nfrom pathlib import Path\ntry:\n    {body}\nexcept OSError:\n    pass\n"
    return [record[1] for record in recorded(lines) if record[0] == kind]


FAILS = [
    "os.mkdir('folder')",
    "os.makedirs('folder', exist_ok=True)",
    "os.symlink('x', 'file')",
    "os.symlink('x', 'link')",
    "os.link('file', 'folder')",
    "os.link('no', 'new')",
    "os.rename('no', 'file')",
    "os.rename('file', 'folder')",
    "os.rename('folder', 'file')",
    "os.rename('empty', 'folder')",
    "os.remove('folder')",
    "os.remove('no')",
    "os.rmdir('folder')",
    "os.rmdir('file')",
    "os.rmdir('no')",
    "open('file', 'x')",
    "open('folder', 'w')",
    "open('no/file', 'w')",
    "os.open('no', os.O_WRONLY)",
    "os.utime('no')",
    "os.mkdir('no/folder')",
]


@pytest.mark.parametrize("body", FAILS)
def test_what_fails_makes_nothing(body: str) -> None:
    """What can't be made, moved or removed is not of the process's making."""
    assert of(body, "made") == []


MADE = {
    "os.mkdir('new')": ["new"],
    "os.symlink('x', 'new')": ["new"],
    "os.link('file', 'new')": ["file", "new"],
    "os.rename('file', 'new')": [],
    "os.rename('../outside', 'new')": ["new"],
    "open('new', 'w').close(); os.rename('new', 'file')": ["new", "file"],
    "os.remove('link')": ["link"],
    "os.rmdir('empty')": ["empty"],
    "os.mkdir('new'); os.rename('new', 'empty')": ["new", "empty"],
    "os.rename('folder', 'new')": [],
}


@pytest.mark.parametrize(("body", "names"), MADE.items())
def test_what_is_made(body: str, names: list[str]) -> None:
    """What is made, moved or removed is of the process's making, a link by its own name; not what a folder holds."""
    assert of(body, "made") == names


def test_what_is_stamped() -> None:
    """A file of which the times or permissions are set is recorded; nothing of it is made or changed."""
    body = "Path('file').touch(); os.chmod('file', 0o600); os.utime('folder/inside')"
    assert of(body, "stamped") == ["file", "folder/inside"]
    assert of(body, "made") == of(body, "changed") == []


def test_what_is_shortened() -> None:
    """A file that is truncated changes in part; one that is not there makes nothing."""
    assert of("os.truncate('file', 1); os.truncate('no', 1)", "changed") == ["file"]


MOVED = {
    "os.rename('folder', 'new')": [("folder", "new")],
    "os.rename('file', 'new')": [("file", "new")],
    "os.replace('link', 'file')": [("link", "file")],
    "os.rename('file', '../elsewhere')": [("file", "")],
    "open('new', 'w').close(); os.rename('new', 'file')": [],
    "os.rename('no', 'new')": [],
}


@pytest.mark.parametrize(("body", "names"), MOVED.items())
def test_what_another_process_may_have_made(body: str, names: list[tuple[str, str]]) -> None:
    """What this process moves and did not make is recorded with both of its names."""
    lines = f"import os\ntry:\n    {body}\nexcept OSError:\n    pass\n"
    assert [record[1:] for record in recorded(lines) if record[0] == "moved"] == names


def test_a_parent_behind_a_link() -> None:
    """The parent of what a link leads to is that of the target."""
    body = "os.makedirs('folder/deep'); os.symlink('folder/deep', 'short'); open('short/../new', 'w').close()"
    assert of(f"{body}; os.remove('short/../new')", "made")[-1] == "folder/new"


READ = {
    "os.rename('file', 'new')": [],
    "os.rename('file', 'new'); open('new')": ["new"],
    "os.rename('link', 'new'); open('new')": ["new"],
    "os.remove('link'); os.rename('file', 'link'); open('link')": ["link"],
    "os.mkdir('new'); os.rename('file', 'new/file'); open('new/file')": ["new/file"],
    "os.mkdir('new'); os.rename('folder', 'new/folder'); open('new/folder/inside')": ["new/folder/inside"],
    "os.link('file', 'new')": ["file"],
    "open('log', 'a').close(); os.rename('log', 'new'); open('new')": [],
}


@pytest.mark.parametrize(("body", "names"), READ.items())
def test_what_has_another_name_is_read(body: str, names: list[str]) -> None:
    """A file that is linked is read; one that is moved is once somebody reads it, save the process's own."""
    assert of(body, "read") == names
