"""Outputs that would replace what no stage makes are refused."""

from pathlib import Path

import pytest
from examples import write

from redoit.engine.reserved import check_outputs, check_paths
from redoit.errors import DeclarationError
from redoit.model import Stage
from redoit.plugin.checkout import make_engine

RESERVED = {"dodo.py": "a file that doit reads", "steps/make.py": "the source of steps.make"}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    write(
        tmp_path,
        dodo="",
        steps__make="from steps.helper import help\ndef run(source, made):\n    help()\n",
        steps__helper="def help():\n    pass\n",
        steps__unused="",
    )
    (tmp_path / "data").mkdir()
    return tmp_path


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
def test_what_no_stage_makes(project: Path, output: str, what: str) -> None:
    """Source, settings, the own input, and folders of files are refused, through links as well."""
    (project / "linked").symlink_to("steps")
    (project / "here").symlink_to(".")
    with pytest.raises(DeclarationError, match=f"make: its output {output} is {what}; give the output another path"):
        check_paths([stage(output)], RESERVED)


def test_source_that_is_a_link(project: Path) -> None:
    """Neither a link to source nor what it leads to may be replaced."""
    (project / "dodo.py").rename(project / "data/tasks.py")
    (project / "dodo.py").symlink_to("data/tasks.py")
    for output in ("dodo.py", "data/tasks.py"):
        with pytest.raises(DeclarationError, match=f"its output {output} is a file that doit reads"):
            check_paths([stage(output)], RESERVED)


def test_an_input_that_is_a_link_to_the_output(project: Path) -> None:
    """A stage whose input leads to its own output would change its input."""
    (project / "data/in").symlink_to("out")
    with pytest.raises(DeclarationError, match="is its input"):
        check_paths([stage("data/out")], RESERVED)


def test_what_stages_may_make(project: Path) -> None:
    """New files beside source, files in folders of others, inputs of other stages, and places of links are outputs."""
    (project / "link.py").symlink_to("steps/make.py")
    outputs = ["steps/new.py", "data/out", "data/deep/out", "link.py", "new/deep"]
    check_paths([stage(path) for path in outputs] + [stage("last", "data/out")], RESERVED)


@pytest.mark.parametrize(
    ("output", "what"),
    [
        ("steps/make.py", "the source of steps.make"),
        ("steps/helper.py", "source that steps.make reaches"),
        ("pyproject.toml", "a file that doit reads"),
        ("steps/unused.py", ""),
    ],
)
def test_source_that_a_step_reaches(output: str, what: str) -> None:
    """What the fingerprint of any stage reads is refused, whichever stage would make it; other source may be made."""
    inspector = make_engine(Path()).inspector
    stages = [(stage("data/out"), tuple), (stage(output, name="other")._replace(step="steps.unused"), tuple)]
    if not what:
        check_outputs(inspector, [*stages[:1], (stage(output), tuple)], ["dodo.py", "pyproject.toml"])
        return
    with pytest.raises(DeclarationError, match=f"other: its output {output} is {what}"):
        check_outputs(inspector, stages, ["dodo.py", "pyproject.toml"])
