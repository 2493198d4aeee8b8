"""What is read once for a process is read again for each of these tests, which have a project each."""

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from redoit.plugin import checkout, configuration


@pytest.fixture(autouse=True)
def forget_project() -> Iterator[None]:
    """Forget the engine, the options and the configuration files of a test's project after it."""
    yield
    for read_once in (checkout.engine, checkout.options, configuration._sections):
        read_once.cache_clear()


@pytest.fixture(autouse=True)
def _connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close each database with its test, as the end of a doit process does: Python 3.13 warns of what is left open."""
    connect = sqlite3.connect
    with contextlib.ExitStack() as connections:

        def connected(*arguments: Any, **options: Any) -> sqlite3.Connection:
            return connections.enter_context(contextlib.closing(connect(*arguments, **options)))

        monkeypatch.setattr(sqlite3, "connect", connected)
        yield
