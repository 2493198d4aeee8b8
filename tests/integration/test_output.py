"""Where what a command says can't arrive: no room, a closed output, a reader that has gone."""

import subprocess
import sys
from pathlib import Path

import pytest
from projects import Pipeline

FULL = "standard output: No space left on device; mend that and run again"
CLOSED = "standard output: found closed, expected a shell or a file that takes the script"
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")


def shell(pipeline: Pipeline, command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a line of a shell, in which `doit` is ours and its output is buffered."""
    env = {name: value for name, value in pipeline.env.items() if name != "PYTHONUNBUFFERED"} | variables
    line = command.replace("doit", f"{sys.executable} -m doit", 1)
    pipeline.witness.write_text("")
    return subprocess.run(
        ["/bin/sh", "-c", line], cwd=pipeline.root, env=env, capture_output=True, text=True, check=False
    )


@needs_full
@pytest.mark.parametrize(
    "command", ["", "plan", "list", "info make", "cache", "tabcompletion", "tabcompletion -s fish"]
)
def test_a_full_disk(built: Pipeline, command: str) -> None:
    """An output that does not fit on the disk is one line and an exit status, for each command."""
    done = shell(built, f"doit {command} >/dev/full")
    assert (done.stderr.strip(), done.returncode) == (f"ERROR: {FULL}", 3)


@needs_full
def test_completion_without_a_buffer(built: Pipeline) -> None:
    """A script that can't be written is an error too if Python's output is unbuffered."""
    done = shell(built, "doit tabcompletion >/dev/full", PYTHONUNBUFFERED="1")
    assert (done.stderr.strip(), done.returncode) == (f"ERROR: {FULL}", 3)


def test_completion_with_a_closed_output(built: Pipeline) -> None:
    """A script for which there is no standard output is one line and an exit status."""
    done = shell(built, "doit tabcompletion >&-")
    assert (done.stderr.strip(), done.returncode) == (f"ERROR: {CLOSED}", 3)


@pytest.mark.parametrize("command", ["list", "tabcompletion"])
def test_a_reader_that_has_gone(built: Pipeline, command: str) -> None:
    """`doit list | true` ends without a complaint, however little it says."""
    assert shell(built, f"doit {command} | true").stderr == ""
