"""The versions that code runs on."""

import sys
from importlib import metadata
from pathlib import Path

import pytest

from redoit.state.installed import InstalledPackages, _folders
from redoit.storage.serialize import seal

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_versions(tmp_path: Path) -> None:
    """Python's minor version counts, and that of each distribution that provides an import."""
    found = InstalledPackages(tmp_path / "memory").versions(["blake3", "doit"])
    assert found == {"python": PYTHON, "blake3": metadata.version("blake3"), "doit": metadata.version("doit")}


def test_nothing_imported(tmp_path: Path) -> None:
    """A step that imports nothing depends on Python alone."""
    assert InstalledPackages(tmp_path / "memory").versions([]) == {"python": PYTHON}


def test_absent(tmp_path: Path) -> None:
    """A module that nothing provides counts as absent."""
    assert InstalledPackages(tmp_path / "memory").versions(["no_such_module"])["no_such_module"] == "absent"


@pytest.mark.parametrize("data", [b"", b"garbage", b"[]", b"{}", b'{"folders": [], "distributions": {}}', b"\xff"])
def test_a_damaged_memory_is_ignored(tmp_path: Path, data: bytes) -> None:
    """What was remembered is lost without harm."""
    (tmp_path / "memory").write_bytes(data)
    assert InstalledPackages(tmp_path / "memory").versions(["blake3"])["blake3"] == metadata.version("blake3")


@pytest.mark.parametrize("name", ["site-packages", "libs"])
@pytest.mark.parametrize("same", [True, False])
def test_an_installed_distribution_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, same: bool, name: str
) -> None:
    """Installing and upgrading a distribution changes what this process and the next one find, memory or not."""
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    found, environment = [], InstalledPackages(tmp_path / "memory")
    for version in (None, "1.0", "2.0"):
        for old in folder.glob("*.dist-info"):
            old.rename(folder / f"thing-{version}.dist-info")
        if version:
            info = folder / f"thing-{version}.dist-info"
            info.mkdir(exist_ok=True)
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: thing\nVersion: {version}\n")
            (info / "top_level.txt").write_text("thing\n")
        environment.forget()
        found.append((environment if same else InstalledPackages(tmp_path / "memory")).versions(["thing"])["thing"])
    assert found == ["absent", "1.0", "2.0"]


@pytest.mark.parametrize("owners", [None, [1], {"blake3": 5}, {"blake3": {"blake3": [[]]}}, {"blake3": ["blake3"]}])
def test_a_forged_memory_is_ignored(tmp_path: Path, owners: object) -> None:
    """Forged content under a valid seal is discarded without harm."""
    memory = tmp_path / "memory"
    memory.write_bytes(seal({"folders": _folders(), "distributions": owners}))
    assert InstalledPackages(memory).versions(["blake3"])["blake3"] == metadata.version("blake3")
