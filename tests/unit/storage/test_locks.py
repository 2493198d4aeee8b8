"""One process at a time, with real processes."""

import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from projects import PATIENCE

from redoit.errors import DiskError
from redoit.storage.locks import owned_lock

HOLD = """
import sys; from pathlib import Path; from redoit.storage.locks import owned_lock
with owned_lock(Path(sys.argv[1]), print): {}
"""
WAIT = HOLD.format("print('held', flush=True); sys.stdin.read()")
PASS = HOLD.format("print('held', flush=True)")


def started(body: str, lock: Path, *more: str | bytes) -> "subprocess.Popen[str]":
    """Start a process that takes the lock."""
    command = [sys.executable, "-u", "-c", body, str(lock), *more]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("killed", [True, False])
def test_the_other_waits_and_says_for_whom(tmp_path: Path, killed: bool) -> None:
    """A second process waits for the first, names it, and goes on when that ends, even by SIGKILL."""
    with started(WAIT, tmp_path / "lock") as first:
        assert first.stdout
        assert first.stdin
        assert first.stdout.readline() == "held\n"
        with started(PASS, tmp_path / "lock") as second:
            assert second.stdout
            line = second.stdout.readline()
            assert line.startswith("Waiting for '")
            assert f"(process {first.pid})" in line
            assert second.poll() is None
            if killed:
                first.kill()
            else:
                first.stdin.close()
            assert second.stdout.readline() == "held\n"
            assert second.wait(PATIENCE) == 0


def test_a_free_lock_is_taken_at_once(tmp_path: Path) -> None:
    """A free lock is taken without a message, also after it was held before."""
    said: list[str] = []
    for _ in range(2):
        with owned_lock(tmp_path / "lock", said.append):
            pass
    assert said == []


def test_an_error_frees_the_lock(tmp_path: Path) -> None:
    """A holder that fails frees the lock."""
    with pytest.raises(KeyError), owned_lock(tmp_path / "lock", print):
        raise KeyError
    with started(PASS, tmp_path / "lock") as other:
        assert other.communicate(timeout=PATIENCE)[0] == "held\n"


def test_an_odd_command_line(tmp_path: Path) -> None:
    """A command line that is not UTF-8 does not matter to the lock."""
    with started(PASS, tmp_path / "lock", b"\xff" * 300) as other:
        assert other.communicate(timeout=PATIENCE)[0] == "held\n"
        assert other.returncode == 0


def refusing(code: int, true: Callable[[int], object] = lambda _: None) -> Callable[..., None]:
    """Return a call to the system that it refuses."""

    def call(handle: int, *_: object) -> None:
        true(handle)
        raise OSError(code, os.strerror(code))

    return call


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system without locks, the error names the lock file."""
    monkeypatch.setattr(fcntl, "flock", refusing(errno.ENOLCK))
    with pytest.raises(DiskError, match="lock: No locks available; "), owned_lock(tmp_path / "lock", print):
        pass


def test_how_a_lock_is_closed_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that turns out to be full when the lock is closed is no error: all is done by then."""
    monkeypatch.setattr(os, "close", refusing(errno.ENOSPC, os.close))
    with owned_lock(tmp_path / "lock", print):
        pass
