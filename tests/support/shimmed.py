"""A doit whose own calls to the operating system are counted, fail at will, or are written down (see `shim/`)."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from projects import Pipeline, Result

SHIM = Path(__file__).with_name("shim")


class Operation(NamedTuple):
    """One call: what, on which path, and what else is to be known of it."""

    verb: str
    path: str
    details: tuple[object, ...] = ()


class Shimmed:
    """A pipeline whose doit runs with the shim. Its temporary files lie beside it, and count."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.log = pipeline.root.parent / "operations"
        self.temporary = pipeline.root.parent / "tmp"
        self.temporary.mkdir(exist_ok=True)

    def doit(self, *arguments: str, number: int = 0, error: str = "", every: bool = False) -> Result:
        """Run doit. The operation of that number fails, or is the one before which doit is killed."""
        self.log.unlink(missing_ok=True)
        roots = [str(self.pipeline.root), str(self.temporary)]
        settings = {"roots": roots, "log": str(self.log), "number": number, "error": error, "all": every}
        modules = os.pathsep.join(filter(None, [str(SHIM), self.pipeline.env.get("PYTHONPATH")]))
        shim = {"SHIM": json.dumps(settings), "PYTHONPATH": modules, "TMPDIR": str(self.temporary)}
        return self.pipeline.doit(*arguments, **shim)

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
        timeout=60,
    )
    return Result(pipeline.executed(), done.returncode, done.stdout, done.stderr)
