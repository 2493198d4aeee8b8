"""What was in the way of an output, set aside by a rename."""

import errno
import os
from pathlib import Path

import pytest

from redoit.errors import DiskError
from redoit.state.rescued import location, rescued, set_aside


@pytest.mark.parametrize("kind", ["file", "folder", "link", "broken link"])
def test_set_aside(tmp_path: Path, kind: str) -> None:
    """A file, a folder or a link is renamed: it is the same as before, elsewhere, and is listed."""
    path = tmp_path / "out"
    (tmp_path / "target").write_text("data")
    if kind == "folder":
        path.mkdir()
    elif kind == "file":
        path.write_text("data")
    else:
        path.symlink_to("target" if kind == "link" else "absent")
    before = path.lstat()
    place = set_aside(path, tmp_path / ".redoit")
    assert not os.path.lexists(path)
    assert os.path.samestat(place.lstat(), before)
    assert rescued(tmp_path / ".redoit") == [place]
    assert location(place) == place
    assert (tmp_path / "target").read_text() == "data"


def test_two_of_one_name(tmp_path: Path) -> None:
    """What is set aside never replaces what was set aside before."""
    for text in ("one", "two"):
        (tmp_path / "out").write_text(text)
        set_aside(tmp_path / "out", tmp_path / ".redoit")
    assert sorted(place.read_text() for place in rescued(tmp_path / ".redoit")) == ["one", "two"]


def test_on_another_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a rename to `.redoit/` can't be, it goes beside where it was, and a link leads there."""
    true = os.rename

    def rename(path: Path, target: Path) -> None:
        if Path(target).is_relative_to(tmp_path / ".redoit"):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        true(path, target)

    monkeypatch.setattr(os, "rename", rename)
    (tmp_path / "out").write_text("data")
    before = (tmp_path / "out").stat()
    place = set_aside(tmp_path / "out", tmp_path / ".redoit")
    assert place.is_symlink()
    assert location(place).parent.parent == tmp_path
    assert os.path.samestat(location(place).stat(), before)


def test_a_link_of_somebody_else_leads_nowhere(tmp_path: Path) -> None:
    """A link that was set aside is itself what was set aside, whatever it leads to."""
    (tmp_path / ".redoit-rescued-mine").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / ".redoit-rescued-mine/out")
    place = set_aside(tmp_path / "out", tmp_path / ".redoit")
    assert location(place) == place


def test_what_can_not_be_moved(tmp_path: Path) -> None:
    """Where nothing can be set aside, the error names the file."""
    with pytest.raises(DiskError, match="absent: No such file"):
        set_aside(tmp_path / "absent", tmp_path / ".redoit")
