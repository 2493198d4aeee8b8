"""What all tests of hostile files share: the workers that read them, and the count of what they read."""

from collections import Counter
from collections.abc import Iterator

import pytest
from hostile import Workers

HELD: Counter[str] = Counter()


@pytest.fixture(scope="session")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """Return the workers."""
    found = Workers(tmp_path_factory.mktemp("hostile"))
    yield found
    found.end()
    HELD.update(found.held)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many hostile files were read, of each kind."""
    if HELD:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(HELD.items()))
        terminalreporter.write_line(f"{HELD.total():,} hostile files held: {kinds}")
