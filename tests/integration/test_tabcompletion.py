"""Completion in real shells."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from projects import PATIENCE, Pipeline
from terminals import Opener

GROUP = '''

def task_many():
    """Sort in two ways."""
    for name, reverse in (("up", False), ("down", True)):
        outputs = {"ordered": f"data/{name}.txt"}
        yield {"name": name, **step("steps.sort", inputs={"made": "data/made.txt"}, outputs=outputs)}


def task_plain():
    """Take a parameter."""
    size = {"name": "size", "long": "size", "default": "big", "choices": [("big", "")]}
    return {"actions": ["true"], "params": [size]}
'''
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
BASH = """
eval "$(doit tabcompletion)"
COMP_LINE=$1 COMP_POINT=${#1}
_doit_complete doit
printf '%s\\n' "${COMPREPLY[@]}"
"""


def needs(shell: str) -> pytest.MarkDecorator:
    """Return a pytest mark that skips a test if the shell is missing."""
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"there is no {shell}")


@pytest.fixture
def grouped(built: Pipeline) -> Pipeline:
    """Return the chain with a group and an ordinary task; the step of the chain's first stage has more settings."""
    built.write("dodo.py", built.read("dodo.py") + GROUP)
    built.edit("steps/make.py", "times: int = 3", "times: int = 3, mode: Literal['fast', 'slow'] = 'fast'")
    built.edit("steps/make.py", "from pathlib", "from typing import Literal\nfrom pathlib")
    return built


def run(pipeline: Pipeline, command: list[str], folder: str = ".") -> list[str]:
    """Return the lines that a command prints; it must not print errors."""
    env = {**pipeline.env, "PATH": PATH, "LC_ALL": "C.UTF-8"}
    found = subprocess.run(
        command, cwd=pipeline.root / folder, env=env, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert found.stderr == ""
    return found.stdout.split("\n")[:-1]


def bash(pipeline: Pipeline, line: str, folder: str = ".") -> list[str]:
    """Return what bash would insert."""
    return [word for word in run(pipeline, ["bash", "--norc", "-c", BASH, "bash", line], folder) if word]


LINES = {
    "doit lis": ["list"],
    "doit ma": ["make", "many"],
    "doit make --ti": ["--times", "--time-limit"],
    "doit make --no-": ["--no-cache"],
    "doit make --mode ": ["fast", "slow"],
    "doit make --mode=s": ["slow"],  # bash takes `=` for the end of a word
    "doit make.mode=": ["fast", "slow"],
    "doit make.ti": ["make.times=", "make.time_limit="],
    "doit many:": ["up", "down"],  # and `:`
    "doit many:up.re": ["up.reverse="],
    "doit many:up --": ["--reverse", "--no-reverse", "--cache", "--no-cache", "--time-limit"],
    "doit plain --size ": ["big"],
    "doit -r js": ["json"],
    "doit cache ": ["gc", "check", "clear"],
    "doit cache gc --": ["--max-size", "--older-than", "--keep-last", "--rescued", "--dry-run"],
    "doit cache clear -": ["--yes", "-y"],
    "doit data/re": ["data/report.txt"],
    "doit nothing": [],
}


@needs("bash")
@pytest.mark.parametrize(("line", "expected"), LINES.items(), ids=LINES)
def test_bash(grouped: Pipeline, line: str, expected: list[str]) -> None:
    """Bash completes commands, tasks, what follows them, values and targets."""
    assert bash(grouped, line) == expected


@needs("bash")
def test_bash_elsewhere(grouped: Pipeline, tmp_path: Path) -> None:
    """Below the project's folder, its targets are named from there; outside of any, there are the commands."""
    assert bash(grouped, "doit ../data/re", "steps") == ["../data/report.txt"]
    assert bash(grouped, "doit sor", "steps") == ["sort"]
    assert bash(grouped, "doit lis", "..") == ["list"]
    assert bash(grouped, "doit sor", "..") == []
    assert bash(grouped, "doit -f project/dodo.py sor", "..") == ["sort"]


@needs("bash")
@pytest.mark.parametrize("bad", ["raise SystemExit(1)\n", "this is no Python\n", "print('x', 1 / 0)\n"])
def test_a_project_that_does_not_load(built: Pipeline, bad: str) -> None:
    """Where tasks can't be loaded, there are the commands, and no word of the error."""
    built.write("dodo.py", bad + built.read("dodo.py"))
    assert bash(built, "doit lis") == ["list"]


def test_completing_changes_nothing(built: Pipeline) -> None:
    """Completion runs nothing, writes nothing, and does not wait for another doit."""
    shutil.rmtree(built.path(".redoit"))
    built.edit("dodo.py", "\n\n\ndef task_make", "\n\nprint('noise')\n\n\ndef task_make")
    for folder in built.root.rglob("__pycache__"):
        shutil.rmtree(folder)
    before = sorted(built.root.rglob("*"))
    result = built.doit("tabcompletion", _REDOIT_COMPLETE="doit make --times")
    assert (result.executed, result.err) == ([], "")
    assert result.out.startswith("--times\t")
    assert "noise" not in result.out
    assert sorted(built.root.rglob("*")) == before


@needs("bash")
def test_typing_in_bash(grouped: Pipeline, open_terminal: Opener) -> None:
    """In a real bash, a name with a colon and a value behind `=` are completed in their places."""
    terminal = open_terminal(grouped, program=["bash", "--norc", "--noprofile", "-i"], PATH=PATH, PS1="$ ")
    terminal.type('eval "$(doit tabcompletion)"; bind "set enable-bracketed-paste off"; clear; echo ready\n')
    terminal.until(lambda text: text.startswith("ready\n$"))
    terminal.type("echo doit; : ; doit many:d\t--rev\tmany:u\tmake.mo\tsl\t")
    terminal.until(lambda text: text.endswith("$ echo doit; : ; doit many:down --reverse many:up make.mode=slow"))
    terminal.type("\x15exit\n")
    terminal.finish()


@needs("zsh")
def test_typing_in_zsh(grouped: Pipeline, tmp_path: Path, open_terminal: Opener) -> None:
    """In a real zsh, the same."""
    terminal = open_terminal(grouped, program=["zsh", "-f", "-i"], PATH=PATH, PS1="$ ", HOME=str(tmp_path))
    terminal.type('autoload -U compinit; compinit -u; eval "$(doit tabcompletion -s zsh)"; clear; echo ready\n')
    terminal.until(lambda text: text.startswith("ready\n$"))
    terminal.type("doit many:d\t--rev\tmany:u\tmake.mo\tsl\t")
    terminal.until(lambda text: text.endswith("$ doit many:down --reverse many:up make.mode=slow"))
    terminal.type("\x15exit\n")
    terminal.finish()


@needs("fish")
def test_fish(grouped: Pipeline) -> None:
    """Fish completes with descriptions."""
    script = "doit tabcompletion -s fish | source; complete -C"
    assert run(grouped, ["fish", "-N", "-c", f"{script} 'doit many:d'"]) == ["many:down"]
    assert run(grouped, ["fish", "-N", "-c", f"{script} 'doit sor'"]) == ["sort\tSort them."]
    assert run(grouped, ["fish", "-N", "-c", f"{script} 'doit make.mode=s'"]) == ["make.mode=slow"]
    assert run(grouped, ["fish", "-N", "-c", f"{script} 'doit make --times '"]) == []
