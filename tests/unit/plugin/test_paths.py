"""Paths as dodo.py writes them: their form in a project, which of them name one file, and which are taken."""

from pathlib import Path

import pytest
from examples import write

from redoit.errors import DeclarationError
from redoit.model import Stage
from redoit.plugin.checkout import make_engine
from redoit.plugin.paths import MAX_LINKS, Places, check_outputs, check_paths, project_path

RESERVED = {"dodo.py": "a file that doit reads", "steps/make.py": "the source of steps.make"}


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


def test_a_file_of_the_root_folder_is_none_of_the_project(project: Path) -> None:
    """Two files of one name, in the root folder and in the project's, have their own places."""
    places = Places()
    assert [places.of_output(path) for path in ("/made", "made")] == ["/made", str(project / "made")]


def test_links_in_a_circle_and_odd_texts_end(project: Path) -> None:
    """A link to itself ends after as many links as the kernel follows, and a text that is no path is let be."""
    (project / "circle").symlink_to("circle")
    assert len([*Places().of_input("circle")]) == MAX_LINKS
    assert [*Places().of_input("a\0/b")] == ["a\0/b"]


@pytest.fixture
def sources(project: Path) -> Path:
    """Return the project, with a step, a helper that it reaches, and a module that it does not reach."""
    write(
        project,
        dodo="",
        steps__make="from steps.helper import help\ndef run(source, made):\n    help()\n",
        steps__helper="def help():\n    pass\n",
        steps__unused="",
    )
    (project / "data").mkdir()
    return project


def stage(output: str, source: str = "data/in", name: str = "make") -> Stage:
    """Return a stage with one input and one output."""
    return Stage(name, "steps.make", {"source": source}, {"made": output})


@pytest.mark.parametrize(
    ("output", "what"),
    [
        ("steps/make.py", "the source of steps.make"),
        ("linked/make.py", "the source of steps.make"),
        ("dodo.py", "a file that doit reads"),
        ("here/dodo.py", "a file that doit reads"),
        ("steps", "the folder of steps/make.py"),
        ("data", "the folder of data/in"),
        ("data/in", "its input"),
        ("here/data/in", "its input"),
    ],
)
def test_what_no_stage_makes(sources: Path, output: str, what: str) -> None:
    """Source, settings, the own input, and folders of files are refused, through links as well."""
    (sources / "linked").symlink_to("steps")
    (sources / "here").symlink_to(".")
    with pytest.raises(DeclarationError, match=f"make: its output {output} is {what}; give the output another path"):
        check_paths([stage(output)], RESERVED, Places())


def test_source_that_is_a_link(sources: Path) -> None:
    """Neither a link to source nor what it leads to may be replaced."""
    (sources / "dodo.py").rename(sources / "data/tasks.py")
    (sources / "dodo.py").symlink_to("data/tasks.py")
    for output in ("dodo.py", "data/tasks.py"):
        with pytest.raises(DeclarationError, match=f"its output {output} is a file that doit reads"):
            check_paths([stage(output)], RESERVED, Places())


def test_an_input_that_is_a_link_to_the_output(sources: Path) -> None:
    """A stage whose input leads to its own output would change its input."""
    (sources / "data/in").symlink_to("out")
    with pytest.raises(DeclarationError, match="is its input"):
        check_paths([stage("data/out")], RESERVED, Places())


def test_what_stages_may_make(sources: Path) -> None:
    """New files beside source, files in folders of others, inputs of other stages, and places of links are outputs."""
    (sources / "link.py").symlink_to("steps/make.py")
    outputs = ["steps/new.py", "data/out", "data/deep/out", "link.py", "new/deep"]
    check_paths([stage(path) for path in outputs] + [stage("last", "data/out")], RESERVED, Places())


@pytest.mark.parametrize(
    ("output", "what"),
    [
        ("steps/make.py", "the source of steps.make"),
        ("steps/helper.py", "source that steps.make reaches"),
        ("pyproject.toml", "a file that doit reads"),
        ("steps/unused.py", ""),
    ],
)
@pytest.mark.usefixtures("sources")
def test_source_that_a_step_reaches(output: str, what: str) -> None:
    """What the fingerprint of any stage reads is refused, whichever stage would make it; other source may be made."""
    inspector = make_engine(Path()).inspector
    stages = [(stage("data/out"), tuple), (stage(output, name="other")._replace(step="steps.unused"), tuple)]
    if not what:
        check_outputs(inspector, [*stages[:1], (stage(output), tuple)], ["dodo.py", "pyproject.toml"], Places())
        return
    with pytest.raises(DeclarationError, match=f"other: its output {output} is {what}"):
        check_outputs(inspector, stages, ["dodo.py", "pyproject.toml"], Places())
