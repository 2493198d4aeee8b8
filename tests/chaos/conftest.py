"""What campaigns share: projects in the states in which attacks begin."""

import itertools
from collections.abc import Iterator

import pytest
from invariants import Ground


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """Return the states in which scenarios begin."""
    return Ground(tmp_path_factory.mktemp("ground"))


@pytest.fixture
def numbers(request: pytest.FixtureRequest) -> Iterator[int]:
    """Return the numbers of a campaign's rounds, for attacks that go through a list."""
    return itertools.count(int(request.config.getoption("--round") or 0))
