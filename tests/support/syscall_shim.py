"""A doit whose own calls to the operating system are counted, fail at will, or are written down (see `shim/`)."""

import json
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from broken_engines import sound
from forked_doit import doit, ended, forked
from in_process import called
from projects import PATIENCE, Pipeline, Result

SHIM = Path(__file__).with_name("shim")


class Operation(NamedTuple):
    """One call: its name, its path and its details."""

    verb: str
    path: str
    details: tuple[object, ...] = ()


class Shimmed:
    """A pipeline whose doit runs with the shim. Its temporary files are next to it, and count."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.log = pipeline.root.parent / "operations"
        self.temporary = pipeline.root.parent / "tmp"
        self.temporary.mkdir(exist_ok=True)

    def doit(self, *arguments: str, number: int = 0, error: str = "", every: bool = False) -> Result:
        """Run doit. The operation of that number fails, or is the one before which doit is killed."""
        modules = os.pathsep.join(filter(None, [str(SHIM), self.pipeline.env.get("PYTHONPATH")]))
        shim = {"SHIM": self._settings(number=number, error=error, all=every), "PYTHONPATH": modules}
        return self.pipeline.doit(*arguments, **shim, TMPDIR=str(self.temporary))

    def fork(self, *arguments: str, number: int = 0, error: str = "") -> Result:
        """Run doit likewise, in a fork of this process, whose steps are called: at a tenth of the price."""
        settings = self._settings(number=number, error=error, here=True)
        out = self.pipeline.root.parent / "out"

        def work() -> int:
            os.environ["SHIM"] = settings
            tempfile.tempdir = str(self.temporary)
            runpy.run_path(str(SHIM / "sitecustomize.py"))
            return doit(self.pipeline.root, arguments, sound, called)

        code = ended(forked(work, out))
        return Result([], code, out.read_text(), "")

    def _settings(self, **settings: object) -> str:
        self.log.unlink(missing_ok=True)
        roots = [str(self.pipeline.root), str(self.temporary)]
        return json.dumps({"roots": roots, "log": str(self.log), **settings})

    def operations(self) -> list[Operation]:
        """Return what was done, in order."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        found = [json.loads(line) for line in lines]
        return [Operation(verb, path, tuple(details)) for verb, path, *details in found]


def limited(pipeline: Pipeline, limit: str, value: int, *arguments: str) -> Result:
    """Run doit with a resource limit, as `RLIMIT_NOFILE`, which its steps inherit."""
    code = f"import os, resource, sys; resource.setrlimit(resource.{limit}, ({value}, {value})); "
    code += "os.execv(sys.executable, [sys.executable, '-m', 'doit', *sys.argv[1:]])"
    pipeline.witness.write_text("")
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=pipeline.root,
        env=pipeline.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    return Result(pipeline.executed(), done.returncode, done.stdout, done.stderr)
