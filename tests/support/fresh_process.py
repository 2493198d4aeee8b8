"""Code in a process of its own, as steps are run: for modules that are too large to be imported here."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]


class Finished(NamedTuple):
    """What a process left. `facts`: of the last line that it printed, as JSON. `stderr`: all of it."""

    facts: Any
    stderr: str


def finished(code: str, *arguments: object) -> Finished:
    """Run code in a fresh process at the top of the repository. The last line that it prints is JSON."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, check=True, cwd=ROOT, text=True, capture_output=True)
    return Finished(json.loads(done.stdout.splitlines()[-1]), done.stderr)
