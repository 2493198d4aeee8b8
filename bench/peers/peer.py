"""What one peer is: how to install it, what to write for it, how to run it. Its steps are those of the pipeline.

Each step is called in a process of this interpreter (`call.py STAGE`), as redoit calls them, so that a peer's
environment needs no TensorFlow; and so that it is `call.py` itself that witnesses each execution.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.mnist import Stages

CALL = '''"""Calls the step of a stage, as calls.json has it, and witnesses that."""

import importlib
import json
import sys
from pathlib import Path

name = sys.argv[1]
with open("executed", "a") as witness:
    witness.write(name + "\\n")
call = json.loads(Path("calls.json").read_text())[name]
paths = {role: Path(path) for role, path in {**call["inputs"], **call["outputs"]}.items()}
sys.path.insert(0, ".")
importlib.import_module(call["step"]).run(**paths, **call["settings"])
'''


class NotInstalledError(Exception):
    """A peer can't be had here."""


@dataclass(frozen=True)
class Peer:
    """A tool to be compared with.

    `write` returns path -> text of what it needs to know the job; `command` is run in its folder, first of all each of
    `setup`; the first word is a program of its environment. `said`: its output of a no-op. `note`:
    what it checks, and what it does not.
    """

    name: str
    requirement: str
    write: Callable[[Stages], Mapping[str, str]]
    command: tuple[str, ...]
    note: str
    setup: tuple[tuple[str, ...], ...] = ()
    said: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def package(self) -> str:
        """The name of its environment: peers of one package share it."""
        return self.requirement.partition(">")[0].partition("[")[0]


def calls(stages: Stages) -> str:
    """Return what `call.py` reads."""
    return json.dumps({stage["name"]: stage for stage in stages}, indent=1)


def call(stage: str) -> str:
    """Return the command line that executes a stage."""
    return f"{sys.executable} call.py {stage}"


def needs(stages: Stages) -> dict[str, list[str]]:
    """Return stage -> the stages that make its inputs."""
    makers = {path: stage["name"] for stage in stages for path in stage["outputs"].values()}
    return {
        stage["name"]: sorted({makers[path] for path in stage["inputs"].values() if path in makers}) for stage in stages
    }


def code(stage: Mapping[str, str]) -> str:
    """Return the file of a stage's step: the code that a peer tracks, where it can be told to."""
    return f"{stage['step'].replace('.', '/')}.py"


def installed(peer: Peer, environments: Path) -> Path:
    """Return the folder of the peer's programs; it is installed if it is not there.

    Raises: NotInstalledError.
    """
    folder = environments / "peers" / peer.package
    mark, programs = folder / "installed", folder / "bin"
    if not mark.exists() or mark.read_text() != peer.requirement:
        shutil.rmtree(folder, ignore_errors=True)
        if shutil.which("uv"):
            _done("uv", "venv", "-q", "-p", sys.executable, folder)
            _done("uv", "pip", "install", "-q", "--python", programs / "python", peer.requirement)
        else:
            _done(sys.executable, "-m", "venv", folder)
            _done(programs / "python", "-m", "pip", "install", "-q", peer.requirement)
        mark.write_text(peer.requirement)
    return programs


def _done(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or "it failed").splitlines()[-1]
        raise NotInstalledError(last)
