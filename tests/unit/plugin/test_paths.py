"""Paths as dodo.py writes them: their form in a project, and which of them name one file."""

from pathlib import Path

import pytest

from redoit.plugin.paths import MAX_LINKS, Places, project_path


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a project, which is the working directory."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


@pytest.mark.parametrize(
    "written", ["a/b.txt", "./a//b.txt", "c/../a/b.txt", "../project/a/b.txt", "{project}/a/b.txt", "{link}/a/b.txt"]
)
def test_a_path_inside_the_project_has_one_form(project: Path, written: str) -> None:
    """Without dots and from the project's folder, also if that is written absolutely or through a link."""
    link = project.parent / "link"
    link.symlink_to("project")
    assert project_path(written.format(project=project, link=link)) == "a/b.txt"


@pytest.mark.parametrize("outside", ["/etc/hostname", "../other/a.txt", "/", "..", "../projects/a.txt", "..a"])
def test_a_path_outside_is_as_written(outside: str) -> None:
    """A path that leaves the project stays; a name that only begins like one is inside."""
    assert project_path(outside) == outside


def test_links_on_the_way_name_the_same_file(project: Path) -> None:
    """A file is known by each link to it, and to its folder; what is at the end of a link is another output."""
    (project / "data").mkdir()
    (project / "link").symlink_to("data")
    (project / "last.txt").symlink_to("link/mid.txt")
    places = Places()
    made = places.of_output("data/mid.txt")
    assert places.of_output("link/mid.txt") == places.of_output("./data/../data/mid.txt") == made
    assert places.of_output("last.txt") != made
    assert [*places.of_input("last.txt")] == [str(project / "last.txt"), made]
    assert [*places.of_input("nothing.txt")] == [str(project / "nothing.txt")]


def test_links_in_a_circle_and_odd_texts_end(project: Path) -> None:
    """A link to itself ends after as many links as the kernel follows, and a text that is no path is let be."""
    (project / "circle").symlink_to("circle")
    assert len([*Places().of_input("circle")]) == MAX_LINKS
    assert [*Places().of_input("a\0/b")] == ["a\0/b"]
