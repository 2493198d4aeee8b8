"""What is read once for a process is read again for each of these tests, which have a project each."""

from collections.abc import Iterator

import pytest

from redoit.plugin import checkout


@pytest.fixture(autouse=True)
def forget_project() -> Iterator[None]:
    """Forget the engine, the options and the configuration files of a test's project after it."""
    yield
    checkout.forget_project()
