"""Small real projects, and real `doit` processes on them. Each step itself witnesses that it was executed."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

CHAIN = {
    "dodo.py": '''
from redoit import DOIT_CONFIG, step


def task_make():
    """Scale the numbers of the source."""
    return step("steps.make", inputs={"source": "source.txt"}, outputs={"made": "data/made.txt"})


def task_sort():
    """Sort them."""
    return step("steps.sort", inputs={"made": "data/made.txt"}, outputs={"ordered": "data/ordered.txt"})


def task_side():
    """Add them up."""
    return step("steps.side", inputs={"made": "data/made.txt"}, outputs={"total": "data/total.txt"})


def task_join():
    """Write the report."""
    return step("steps.join", inputs={"ordered": "data/ordered.txt", "total": "data/total.txt"},
                outputs={"report": "data/report.txt"})
''',
    "steps/__init__.py": "",
    "steps/witness.py": '''
import os

ENVIRON = {os.fsdecode(name): os.fsdecode(value) for name, value in os.environ._data.items()}  # seen by nobody


def executed(name: str) -> None:
    """Witness an execution; then do what the test wants to happen while the step runs."""
    with open(ENVIRON["EXECUTED"], "a") as log:
        log.write(name + "\\n")
    command = ENVIRON.get("DURING_" + name)
    if command:
        os.system(command)
''',
    "steps/constants.py": "FACTOR = 2\nUNUSED = 1\n",
    "steps/deep.py": """
from steps.constants import FACTOR


def weight() -> int:
    return FACTOR * 5


def unused() -> int:
    return 0
""",
    "steps/helper.py": """
from steps import deep


def scale(numbers: list[int], times: int) -> list[int]:
    return [number * times * deep.weight() for number in numbers]
""",
    "steps/make.py": '''
from pathlib import Path

from steps.helper import scale
from steps.witness import executed


def run(source: Path, made: Path, *, times: int = 3) -> dict[str, float]:
    """Scale numbers."""
    executed("make")
    # Any white space separates them.
    scaled = scale([int(word) for word in source.read_text().split()], times)
    made.write_text(" ".join(map(str, scaled)))
    return {"count": len(scaled)}
''',
    "steps/sort.py": """
from pathlib import Path

from steps.witness import executed


def run(made: Path, ordered: Path, *, reverse: bool = False) -> None:
    executed("sort")
    ordered.write_text(" ".join(sorted(made.read_text().split(), key=int, reverse=reverse)))
""",
    "steps/side.py": """
from pathlib import Path

from steps.witness import executed


def run(made: Path, total: Path) -> dict[str, float]:
    executed("side")
    found = sum(map(int, made.read_text().split()))
    print("adding up to", found)
    total.write_text(str(found))
    return {"total": found}
""",
    "steps/join.py": """
from pathlib import Path

from steps.witness import executed


def run(ordered: Path, total: Path, report: Path) -> None:
    executed("join")
    report.write_text(ordered.read_text() + " = " + total.read_text() + "\\n")
""",
    "source.txt": "3 1 2\n",
}
PRELOAD = '[tool.redoit]\npreload = ["steps.witness"]\n'
WAYS = {"fresh": "", "forked": PRELOAD}  # how the chain's steps are executed: what `pyproject.toml` says for it
ALL = ["make", "sort", "side", "join"]
PATIENCE = 300  # seconds after which something hangs, however busy the machine is
FOR_EVER = "sleep 1000"  # longer than that: who waits for it fails
OURS = ("NO_COLOR", "COLUMNS", "LINES")  # of the terminal that the tests run in, if any


class Result(NamedTuple):
    """What one doit process did: the steps it executed, its exit status, and what it printed."""

    executed: list[str]
    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything printed."""
        return self.out + self.err

    def told(self, verdict: str) -> list[str]:
        """Return the steps of which the reporter said that they were kept, restored, finished or failed."""
        return re.findall(rf"^Step (\S+) (?:has )?{verdict}\b", self.out, re.MULTILINE)


class Pipeline:
    """A project in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.witness = root.parent / "executed"
        self.env = {name: value for name, value in os.environ.items() if name not in OURS}
        self.env["EXECUTED"] = str(self.witness)

    def doit(self, *arguments: str, folder: str = ".", **variables: str) -> Result:
        """Run doit to its end."""
        process = self.start(*arguments, folder=folder, **variables)
        return self.finish(process)

    def start(self, *arguments: str, folder: str = ".", **variables: str) -> "subprocess.Popen[str]":
        """Start doit."""
        self.witness.write_text("")
        return subprocess.Popen(
            [sys.executable, "-m", "doit", *arguments],
            cwd=self.root / folder,
            env={**self.env, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, process: "subprocess.Popen[str]") -> Result:
        """Wait for doit's end."""
        try:
            out, err = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return Result(self.executed(), process.returncode, out, err)

    def executed(self) -> list[str]:
        """Return the steps executed since doit was started last."""
        return self.witness.read_text().split()

    def path(self, name: str) -> Path:
        """Return where a file of the project is."""
        return self.root / name

    def read(self, name: str) -> str:
        """Return the text of a file."""
        return self.path(name).read_text()

    def write(self, name: str, text: str) -> None:
        """Write a file, and its folders."""
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_text(text)

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text that must be there."""
        text = self.read(name)
        assert old in text, f"{old!r} is not in {name}"
        self.write(name, text.replace(old, new))

    def outputs(self) -> dict[str, bytes]:
        """Return every file under data/."""
        return {str(path): path.read_bytes() for path in sorted(self.path("data").rglob("*")) if path.is_file()}

    def blobs(self) -> list[Path]:
        """Return every blob of the store."""
        return [path for path in self.path(".redoit/blobs").rglob("*") if path.is_file()]


def until(true: Callable[[], object]) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def alive(number: int) -> bool:
    """Tell whether a process runs; one that has ended, and that nobody has asked about yet, does not."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def waits_for_lock(number: int) -> bool:
    """Tell whether a process waits for a lock that another one holds."""
    return re.search(rf"-> FLOCK +ADVISORY +\w+ +{number} ", Path("/proc/locks").read_text()) is not None
