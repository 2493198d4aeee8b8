"""Tags of the processes that a step starts, and who is killed by them."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from projects import FOR_EVER, PATIENCE, alive, until

from redoit.execution import orphans

WAITS = "import sys; print('begun', flush=True); sys.stdin.read()"
STARTS = f"setsid {FOR_EVER} >&- & echo $!; wait"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project, which is the working directory."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


@contextlib.contextmanager
def started(tag: str, *command: str) -> Iterator["subprocess.Popen[str]"]:
    """Yield a process that carries a tag, leads a session and has printed its first line; it ends with the test."""
    with subprocess.Popen(
        command or [sys.executable, "-S", "-c", WAITS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, orphans.TAG_VARIABLE: tag},
        start_new_session=True,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def prefix(stage: str) -> str:
    """Return what a stage's tags have in common."""
    return f"{orphans.new_tag(stage).rpartition(':')[0]}:"


def killed(tag: str, group: int = 2**22 + 1) -> list[str]:
    """Kill what carries a tag or is in a group, by default one of nobody; return the command lines."""
    return orphans.kill_left(tag, group)


def test_each_execution_has_its_own_tag() -> None:
    """Two tags of a stage differ, and are texts that an environment can hold."""
    tags = [orphans.new_tag("größe\n=\0/..") for _ in range(2)]
    assert tags[0] != tags[1]
    assert all(tag.isascii() and tag.isprintable() for tag in tags)


@pytest.mark.parametrize(("one", "other"), [("train", "train:big"), ("train", "train%3Abig"), ("a", "A"), ("", "a")])
def test_no_stage_has_the_tags_of_another(one: str, other: str) -> None:
    """The tags of a stage whose name begins with that of another do not begin as the other's tags."""
    assert not orphans.new_tag(other).startswith(prefix(one))
    assert not orphans.new_tag(one).startswith(prefix(other))


def test_tags_belong_to_the_folder_of_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that was moved has the tags that it had, another folder has others."""
    before = prefix("train")
    project.rename(project.with_name("moved"))
    monkeypatch.chdir(project.with_name("moved"))
    assert prefix("train") == before
    project.mkdir()
    monkeypatch.chdir(project)
    assert prefix("train") != before


def test_who_carries_the_tag_is_killed_and_named() -> None:
    """A process with the tag is killed, and its command line returned; a second search finds nobody."""
    tag = orphans.new_tag("train")
    with started(tag) as process:
        assert process.stdout
        process.stdout.readline()
        assert killed(tag) == [f"{sys.executable} -S -c {WAITS}"]
        assert process.wait(PATIENCE) == -signal.SIGKILL
        assert killed(tag) == []


def test_what_it_started_is_killed_as_well() -> None:
    """A process that left the session of the one that started it inherits the tag, and is killed, too."""
    tag = orphans.new_tag("train")
    with started(tag, "sh", "-c", STARTS) as process:
        assert process.stdout
        child = int(process.stdout.readline())
        assert len(killed(tag)) == 2
        until(lambda: not alive(child))


def test_orphans_of_a_stage_are_killed_whatever_their_execution() -> None:
    """A process of any execution of the stage is killed; those of other stages and other executions are not."""
    tag = orphans.new_tag("train")
    with started(tag) as process:
        assert process.stdout
        process.stdout.readline()
        assert killed(tag[:-1]) == killed(f"{tag}0") == []
        assert orphans.kill_orphans("trai") == orphans.kill_orphans("train:big") == []
        assert process.poll() is None
        assert len(orphans.kill_orphans("train")) == 1
        assert process.wait(PATIENCE) == -signal.SIGKILL


def test_the_group_is_killed_with_or_without_the_tag() -> None:
    """A process that does not carry the tag is killed if it is in the process group."""
    tag = orphans.new_tag("train")  # of nobody, also in tests that run at the same time
    with started("other") as process:
        assert process.stdout
        process.stdout.readline()
        assert len(killed(tag, process.pid)) == 1
        assert process.wait(PATIENCE) == -signal.SIGKILL
        assert killed(tag, process.pid) == []


TRACKER = f"{WAITS}  # multiprocessing.resource_tracker import main"


def test_a_tracker_ends_by_itself_once_nobody_uses_it() -> None:
    """A tracker is waited for until those that hold its pipe were killed, and is not named."""
    tag = orphans.new_tag("train")
    with started(tag, sys.executable, "-S", "-c", TRACKER) as tracker:
        assert tracker.stdout
        assert tracker.stdin
        tracker.stdout.readline()
        with started(tag, "sh", "-c", f"echo; {FOR_EVER}") as user:
            assert user.stdout
            user.stdout.readline()
            watching = threading.Thread(target=lambda: (user.wait(), tracker.stdin and tracker.stdin.close()))
            watching.start()
            assert all(FOR_EVER in command for command in killed(tag))
            watching.join()
        assert tracker.wait(PATIENCE) == 0


@pytest.mark.parametrize("wait", [False, True])
def test_a_tracker_that_does_not_end(monkeypatch: pytest.MonkeyPatch, *, wait: bool) -> None:
    """What calls itself a tracker and goes on is killed in the end, and named; who can't wait leaves it."""
    monkeypatch.setattr(orphans, "HELPER_SECONDS", 0.01)
    tag = orphans.new_tag("train")
    with started(tag, sys.executable, "-S", "-c", TRACKER) as tracker:
        assert tracker.stdout
        tracker.stdout.readline()
        assert len(orphans.kill_left(tag, 2**22 + 1, wait=wait)) == wait
        assert (tracker.poll() is None) == (not wait) or tracker.wait(PATIENCE) == -signal.SIGKILL


def test_a_file_below_proc_that_can_not_be_read_is_empty() -> None:
    """A file of this process is read whole; one of nobody, or that does not exist, is empty."""
    assert orphans.read_proc("self", "stat").startswith(b"%d (" % os.getpid())
    assert orphans.read_proc(os.getpid(), "absent") == b""
    assert orphans.read_proc(2**22 + 1, "environ") == b""


@pytest.mark.parametrize(("tag", "found"), [(lambda: orphans.new_tag("train"), True), (lambda: "1:2:train:3", False)])
def test_a_process_knows_whether_a_step_of_the_project_started_it(
    monkeypatch: pytest.MonkeyPatch, tag: Callable[[], str], *, found: bool
) -> None:
    """The tag of any stage of the project in this folder tells; that of another does not, and neither does none."""
    monkeypatch.delenv(orphans.TAG_VARIABLE, raising=False)
    assert not orphans.is_step_of_project()
    monkeypatch.setenv(orphans.TAG_VARIABLE, tag())
    assert orphans.is_step_of_project() == found


def test_without_proc_nobody_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the processes can't be listed, none is found, and that is no error."""

    def refuse(_path: str) -> list[str]:
        raise FileNotFoundError

    monkeypatch.setattr(os, "listdir", refuse)
    assert killed(orphans.new_tag("train")) == []
