"""The pages of the documentation, followed as a reader would: what they show is what commands print."""

import inspect
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from console_blocks import Command, PageError, follow, steps

from redoit import step

REPOSITORY = Path(__file__).parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
BEGINS = {  # the others: built
    "README.md": "new",
    "docs/getting-started.md": "new",
    "docs/own-project.md": "empty",
    "docs/how-to/undeclared.md": "empty",
}
FILES = ("dodo.py", "pyproject.toml")


def name(page: Path) -> str:
    """Return the path of a page in the repository."""
    return page.relative_to(REPOSITORY).as_posix()


def commands(page: Path) -> bool:
    """Return whether a page has commands to run."""
    return any(isinstance(each, Command) for each in steps(page.read_text()))


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment of a reader who has activated the virtual environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # As a pytest of its own ends, it removes the files of earlier ones: large campaigns', not a reader's.
    own = {"PYTEST_DEBUG_TEMPROOT": str(tmp_path_factory.mktemp("pytest"))}
    return {**os.environ, **own, "PATH": path, "NO_COLOR": "1", "PYTHONUTF8": "1"}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty folder."""
    return tmp_path_factory.mktemp("empty")


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the pipeline that never ran; it reads digits, for here is no network."""
    folder = tmp_path_factory.mktemp("new") / "redoit"
    folder.mkdir()
    for file in FILES:
        shutil.copy(REPOSITORY / file, folder)
    shutil.copytree(REPOSITORY / "steps", folder / "steps", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "doit.cfg").write_text("[task:fetch]\nsource = digits\n")
    return folder


@pytest.fixture(scope="module")
def built(new: Path, environ: dict[str, str]) -> Path:
    """Return a copy in which the pipeline has run."""
    folder = new.with_name("built")
    shutil.copytree(new, folder)
    follow("```console\n$ doit\n...\n```\n", folder, environ)
    return folder


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=name)
def test_a_page_shows_what_happens(page: Path, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Each command of a page ends with exit status 0, and prints what the page shows."""
    folder = tmp_path / "redoit"
    shutil.copytree(request.getfixturevalue(BEGINS.get(name(page), "built")), folder, symlinks=True)
    follow(page.read_text(), folder, request.getfixturevalue("environ"))


def test_the_reference_names_each_argument_of_step() -> None:
    """What `step` takes is in the table of configuration.md, and nothing else is."""
    text = (REPOSITORY / "docs/reference/configuration.md").read_text().partition("### doit's own fields")[0]
    names = set(re.findall(r"`(\w+)(?:=[^`]*)?`", "".join(re.findall(r"^\| (`.*?) \|", text, re.MULTILINE))))
    arguments = set(inspect.signature(step).parameters) - {"fields"}
    assert names - {"name", "doc", "task_dep", "setup"} == arguments


@pytest.mark.parametrize(
    "shown",
    [
        "$ echo b",
        "$ echo a\n...\nb",
        "$ false",
        "$ echo a; exit 1\na",
        "$ echo 2 kept\n3 kept",
        "a",
        "$ printf 'a\\nb\\n'\na",
    ],
)
def test_a_page_that_shows_what_does_not_happen_fails(shown: str, tmp_path: Path, environ: dict[str, str]) -> None:
    """Other text, a line too few or too many, an exit status, another count: each is found."""
    with pytest.raises(PageError):
        follow(f"```console\n{shown}\n```\n", tmp_path, environ)


@pytest.mark.parametrize(
    "shown", ["$ echo a 1.5 s\na 2.25 s", "$ printf 'a\\nb\\nc\\n'\n...\nc", "$ echo made by me\nmade ... me", "$ true"]
)
def test_what_differs_from_run_to_run_is_not_compared(shown: str, tmp_path: Path, environ: dict[str, str]) -> None:
    """A measured number stands for another, three dots for any text or lines."""
    assert follow(f"```console\n{shown}\n```\n", tmp_path, environ) == 1
