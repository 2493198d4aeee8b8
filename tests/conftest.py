"""What all tests share: small projects, and campaigns whose every round can be repeated."""

import contextlib
import functools
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from campaigns import Campaign
from hypothesis import HealthCheck, settings
from projects import ALL, CHAIN, Pipeline
from terminals import Opener, Terminal

# A busy machine is no fault of the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
# Tests in the background of a shell inherit that SIGINT is ignored, and so would each doit that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let campaigns be long, and their rounds be repeated."""
    group = parser.getgroup("campaigns")
    group.addoption("--full", action="store_true", help="run campaigns at full length")
    group.addoption("--examples", type=int, help="rounds of each campaign, whatever its length")
    group.addoption("--seed", type=int, help="repeat a campaign from the seed that it printed")
    group.addoption("--round", type=int, help="repeat one round of a campaign")


@pytest.fixture
def campaign(request: pytest.FixtureRequest) -> Campaign:
    """Return the test's campaign."""
    option = request.config.getoption
    seed = random.SystemRandom().randrange(10**6) if option("--seed") is None else option("--seed")
    return Campaign(
        request.node.name, seed, full=option("--full"), examples=option("--examples"), only=option("--round")
    )


@pytest.fixture
def preload(request: pytest.FixtureRequest) -> str:
    """Return what `pyproject.toml` says of a project, unless the test writes another: nothing, or what to preload."""
    return getattr(request, "param", "")


@pytest.fixture
def project(tmp_path: Path, preload: str) -> Callable[[dict[str, str]], Pipeline]:
    """Return a maker of projects: the witness and the chain's package, and the files given."""

    def make(files: dict[str, str]) -> Pipeline:
        pipeline = Pipeline(tmp_path / "project")
        for name in ("steps/__init__.py", "steps/witness.py"):
            pipeline.write(name, CHAIN[name])
        if preload:
            pipeline.write("pyproject.toml", preload)
        for name, text in files.items():
            pipeline.write(name, text)
        return pipeline

    return make


@pytest.fixture
def fresh(project: Callable[[dict[str, str]], Pipeline]) -> Pipeline:
    """Return the chain, never built."""
    return project(CHAIN)


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that builds the chain once for each way to preload: what is preloaded is part of the key."""

    @functools.cache
    def build(preload: str) -> Path:
        pipeline = Pipeline(tmp_path_factory.mktemp("template") / "project")
        for name, text in {**CHAIN, **({"pyproject.toml": preload} if preload else {})}.items():
            pipeline.write(name, text)
        result = pipeline.doit()
        assert (result.executed, result.code) == (ALL, 0), result.text
        return pipeline.root

    return build


@pytest.fixture
def built(templates: Callable[[str], Path], tmp_path: Path, preload: str) -> Pipeline:
    """Return the chain, built."""
    shutil.copytree(templates(preload), tmp_path / "project")
    return Pipeline(tmp_path / "project")


@pytest.fixture
def open_terminal() -> Iterator[Opener]:
    """Return a maker of terminals, which end with the test."""
    with contextlib.ExitStack() as stack:

        def make(pipeline: Pipeline, *arguments: str, **options: Any) -> Terminal:
            terminal = Terminal(pipeline, *arguments, **options)
            stack.callback(terminal.close)
            return terminal

        yield make
