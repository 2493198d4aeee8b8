"""What all tests of hostile files share: the workers that read them."""

from collections.abc import Iterator

import pytest
from hostile import Workers


@pytest.fixture(scope="session")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """Return the workers."""
    found = Workers(tmp_path_factory.mktemp("hostile"))
    yield found
    found.end()
