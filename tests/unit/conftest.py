"""Fixtures of these tests: recorded fsyncs, failing disks, and a folder with the chain."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from forked_steps import COMMON, Execute, Forking
from in_process import TIMES, build
from projects import CHAIN

from redoit.execution.executor import execute


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


@pytest.fixture
def chain_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, a new folder with the files of the chain, which was never built there."""
    _write_chain(tmp_path / "chain")
    monkeypatch.chdir(tmp_path / "chain")
    return tmp_path / "chain"


@pytest.fixture(scope="session")
def results_of_chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the chain was built once, in this process."""
    folder = tmp_path_factory.mktemp("results")
    _write_chain(folder)
    build(folder, TIMES)
    return folder


@pytest.fixture
def built_chain_folder(chain_folder: Path, results_of_chain: Path) -> Path:
    """Return the working directory, a new folder in which the chain was built."""
    for name in (".redoit", "data"):
        shutil.copytree(results_of_chain / name, chain_folder / name, dirs_exist_ok=True)
    return chain_folder


@pytest.fixture(params=["fresh", "forked"])
def executing(request: pytest.FixtureRequest, project: Path) -> Iterator[Execute]:
    """Yield what executes steps of the test's project: in fresh processes, then in forks."""
    (project / "common.py").write_text(COMMON)
    if request.param == "fresh":
        yield execute
        return
    forking = Forking()
    yield forking.execute
    forking.end()


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Return a function that lets a disk fail from now on: a path can't be opened, looked at or listed."""

    def fail(bad: Path) -> None:
        for name in ("open", "lstat", "listdir"):
            monkeypatch.setattr(os, name, _refusing(getattr(os, name), bad))

    return fail


def _write_chain(folder: Path) -> None:
    for name, text in CHAIN.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def _refusing(true: Callable[..., Any], bad: Path) -> Callable[..., Any]:
    def call(path: Any, *given: Any, dir_fd: int | None = None, **named: Any) -> Any:
        folder = "" if dir_fd is None else os.readlink(f"/proc/self/fd/{dir_fd}")
        if os.path.join(folder, path) == os.fspath(bad):
            raise OSError(errno.EIO, os.strerror(errno.EIO), os.fspath(bad))
        return true(path, *given, **named) if dir_fd is None else true(path, *given, dir_fd=dir_fd, **named)

    return call
