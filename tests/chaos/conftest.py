"""What campaigns share: projects in the states in which attacks begin."""

import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from invariants import Ground

MEMORY = Path("/dev/shm")  # where there is one, forks need not wait for a disk


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """Return the states in which scenarios begin."""
    return Ground(tmp_path_factory.mktemp("ground"))


@pytest.fixture
def numbers(request: pytest.FixtureRequest) -> Iterator[int]:
    """Return the numbers of a campaign's rounds, for attacks that go through a list."""
    return itertools.count(int(request.config.getoption("--round") or 0))


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """Return a folder, in memory if that can be."""
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else tmp_path) as folder:
        yield Path(folder)
