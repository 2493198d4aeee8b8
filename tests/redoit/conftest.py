"""What tests of the engine's parts share: a look at what is forced to the disk."""

import os

import pytest


@pytest.fixture
def forced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list, to which the path of each file and folder is added as it is forced to the disk."""
    paths: list[str] = []
    true = os.fsync

    def fsync(handle: int) -> None:
        paths.append(os.readlink(f"/proc/self/fd/{handle}"))
        true(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    return paths
