"""The versions that constraints.txt pins: one for each package that is asked for, the same wherever one is named."""

import itertools
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"\b([\w.-]+)==([\w.]+)")


def normalised(name: str) -> str:
    """Return the name of a package as an index has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str) -> dict[str, str]:
    """Return the version of each package that a text pins."""
    return {normalised(name): version for name, version in PIN.findall(text)}


CONSTRAINTS = pins((ROOT / "constraints.txt").read_text())


def test_the_hooks_of_pre_commit_use_the_versions_of_the_constraints() -> None:
    """A hook of pre-commit checks with the same version of its tool as the session lint."""
    hooks = pins((ROOT / ".pre-commit-config.yaml").read_text())
    assert {"ruff", "codespell", "pre-commit-hooks"} == hooks.keys()
    assert hooks.items() <= CONSTRAINTS.items()


def test_each_requirement_has_a_constraint() -> None:
    """Each package that pyproject.toml or a session of nox asks for is pinned, so that CI tests the same each time."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project, noxfile = settings["project"], (ROOT / "noxfile.py").read_text()
    extras = itertools.chain.from_iterable(project["optional-dependencies"].values())
    asked = [*project["dependencies"], *extras, *settings["build-system"]["requires"]]
    for installed in re.findall(r"session\.install\(\*CONSTRAINTS, ([^)]*)\)", noxfile):
        asked += re.findall(r'"([a-z][a-z-]+)"', installed)
    names = {normalised(re.split(r"[^\w.-]", requirement)[0]) for requirement in asked}
    assert {"doit", "tensorflow", "hatchling", "pre-commit"} <= names <= CONSTRAINTS.keys()
