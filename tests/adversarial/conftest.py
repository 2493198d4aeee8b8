"""What all tests of hostile files share: the workers that read them, and the count of what they read."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hostile_files import Workers

HELD: Counter[str] = Counter()


@pytest.fixture(scope="session")
def workers(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Workers]:
    """Return the workers."""
    found = Workers(tmp_path_factory.mktemp("hostile"))
    yield found
    found.end()
    HELD.update(found.held)
    if hasattr(request.config, "workeroutput"):  # pytest-xdist's, whose controller writes the summary
        request.config.workeroutput["held"] = dict(found.held)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what one of several processes of pytest has counted."""
    HELD.update(getattr(node, "workeroutput", {}).get("held", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many hostile files were read, of each kind."""
    if HELD:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(HELD.items()))
        terminalreporter.write_line(f"{HELD.total():,} hostile files held: {kinds}")
