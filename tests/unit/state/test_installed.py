"""The versions of installed distributions, and the cache of them."""

import sysconfig
from importlib import metadata
from pathlib import Path

import pytest

from redoit.source.search_path import SearchPath
from redoit.state.installed import InstalledPackages
from redoit.state.stat_cache import StatCache
from redoit.storage.serialize import seal

SITE = sysconfig.get_path("platlib")
BLAKE3 = "blake3/__init__.py"


def packages(folder: Path) -> InstalledPackages:
    """Return what a new process knows."""
    return InstalledPackages(folder / "memory", StatCache(folder / "files"))


def versions(cache: InstalledPackages, name: str) -> dict[str, str]:
    """Return what a snapshot that is made now says of a module."""
    cache.forget()
    return SearchPath(Path(), cache.owners).versions(name)


def test_the_version_of_what_a_module_belongs_to(tmp_path: Path) -> None:
    """A module has the version of its distribution, and one that nothing has installed has none."""
    cache = packages(tmp_path)
    assert versions(cache, "blake3") == {"blake3": metadata.version("blake3")}
    assert versions(cache, "no_such_module") == {}


@pytest.mark.parametrize("data", [b"", b"garbage", b"[]", b"{}", b'{"folders": [], "distributions": {}}', b"\xff"])
def test_a_damaged_cache_is_ignored(tmp_path: Path, data: bytes) -> None:
    """What was cached is lost without harm."""
    (tmp_path / "memory").write_bytes(data)
    assert packages(tmp_path).owners(SITE, BLAKE3) == {"blake3": metadata.version("blake3")}


@pytest.mark.parametrize("owners", [None, [1], {BLAKE3: 5}, {BLAKE3: {"blake3": [[]]}}, {BLAKE3: ["blake3"]}])
def test_a_forged_cache_is_ignored(tmp_path: Path, owners: object) -> None:
    """Forged content under a valid seal is discarded without harm."""
    memory = tmp_path / "memory"
    memory.write_bytes(seal({SITE: ["0" * 64, owners]}))
    assert packages(tmp_path).owners(SITE, BLAKE3) == {"blake3": metadata.version("blake3")}


def test_an_answer_is_there_for_the_next_process(tmp_path: Path) -> None:
    """An answer is saved, and believed as long as the metadata is as it was."""
    cache = packages(tmp_path)
    cache.owners(SITE, BLAKE3)
    cache.save()
    again = packages(tmp_path)
    assert again.owners(SITE, BLAKE3) == {"blake3": metadata.version("blake3")}
    again.save()
    assert not again._cache.changed


@pytest.mark.parametrize("folder", ["site-packages", "libs"])
@pytest.mark.parametrize("same", [True, False])
def test_an_installed_distribution_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, same: bool, folder: str
) -> None:
    """Installing and upgrading a distribution changes what this process and the next one find, cache or not."""
    site = tmp_path / folder
    site.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(site))
    found, cache = [], packages(tmp_path)
    for version in (None, "1.0", "2.0"):
        for old in site.glob("*.dist-info"):
            old.rename(site / f"thing-{version}.dist-info")
        if version:
            info = site / f"thing-{version}.dist-info"
            info.mkdir(exist_ok=True)
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: thing\nVersion: {version}\n")
            (info / "top_level.txt").write_text("thing\n")
            (site / "thing.py").touch()
        found.append(versions(cache if same else packages(tmp_path), "thing"))
    assert found == [{}, {"thing": "1.0"}, {"thing": "2.0"}]


def test_metadata_that_changes_in_place_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that is written over the old one counts, though no folder changed."""
    info = tmp_path / "site-packages/thing-1.dist-info"
    info.mkdir(parents=True)
    (info.parent / "thing.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(info.parent))
    found, cache = [], packages(tmp_path)
    for version in ("1.0", "1.10"):
        (info / "METADATA").write_text(f"Name: thing\nVersion: {version}\n")
        found.append(versions(cache, "thing"))
    assert found == [{"thing": "1.0"}, {"thing": "1.10"}]


def test_stamps_change_with_what_may_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another search path, another distribution and another archive on it give other stamps."""
    cache = packages(tmp_path)
    seen = [cache.stamps()]
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}/libs:{tmp_path}/lib.zip")
    seen.append(cache.stamps())
    (tmp_path / "libs/thing-1.dist-info").mkdir(parents=True)
    seen.append(cache.stamps())
    (tmp_path / "lib.zip").touch()
    seen.append(cache.stamps())
    assert cache.stamps() == seen[-1]
    assert len({*map(tuple, seen)}) == 4
