"""A small project with known outputs for each state of its files, whose steps can be paused.

Each file is of the same size in every state, so that only its content tells them apart.
"""

import os
import random
from dataclasses import dataclass
from pathlib import Path

from projects import Pipeline, until

YEAR = 365 * 86_400
HELD = ("before", "after")  # a step has not read its inputs; has read them, and not written its outputs

FIXED = {
    "steps/__init__.py": "",
    "steps/pause.py": '''
import os
import time


def pause(name: str) -> None:
    """Wait as long as the test asks for it; witness that the step is here."""
    if os.path.exists(f"../hold-{name}"):
        os.mkdir(f"../at-{name}")
        while os.path.exists(f"../hold-{name}"):
            time.sleep(0.005)


def executed(name: str) -> None:
    with open("../executed", "a") as witness:
        witness.write(name + "\\n")
''',
    "steps/scale.py": """
from pathlib import Path

from steps.constants import FACTOR
from steps.pause import executed, pause


def run(source: Path, made: Path, *, times: int = 3) -> None:
    executed("scale")
    pause("scale-before")
    scaled = [int(word) * times * FACTOR for word in source.read_text().split()]
    pause("scale-after")
    made.write_text(" ".join(map(str, scaled)))
""",
    "steps/report.py": """
from pathlib import Path

from steps.pause import executed, pause


def run(made: Path, report: Path) -> None:
    executed("report")
    pause("report-before")
    text = made.read_text()
    pause("report-after")
    report.write_text(f"{text} = {sum(map(int, text.split()))}\\n")
""",
}
DODO = """
from redoit import DOIT_CONFIG, step


def task_scale():
    return step("steps.scale", inputs={{"source": "{source}.txt"}}, outputs={{"made": "data/made.txt"}})


def task_report():
    return step("steps.report", inputs={{"made": "data/made.txt"}}, outputs={{"report": "data/report.txt"}})
"""
CLOCK = """
import os
import time

ahead, true, true_ns = int(os.environ["CLOCK"]), time.time, time.time_ns
time.time = lambda: true() + ahead
time.time_ns = lambda: true_ns() + ahead * 10**9
"""


@dataclass(frozen=True)
class State:
    """What the files say: the numbers of the source, a constant in code, a setting, and which file is the source."""

    numbers: int
    factor: int
    times: int
    source: str

    def files(self) -> dict[str, str]:
        """Return path -> text."""
        return {
            "apples.txt": f"{self.numbers} 7\n",
            "orange.txt": f"{self.numbers} 8\n",
            "steps/constants.py": f"FACTOR = {self.factor}\n",
            "pyproject.toml": f"[tool.doit.tasks.scale]\ntimes = {self.times}\n",
            "dodo.py": DODO.format(source=self.source),
        }

    def outputs(self) -> dict[str, str]:
        """Return path -> text of what a clean build makes."""
        read = [int(word) for word in self.files()[f"{self.source}.txt"].split()]
        scaled = [number * self.times * self.factor for number in read]
        made = " ".join(map(str, scaled))
        return {"data/made.txt": made, "data/report.txt": f"{made} = {sum(scaled)}\n"}


def any_state(rng: random.Random) -> State:
    """Return one of a few thousand states."""
    return State(rng.randrange(10, 99), rng.randrange(1, 9), rng.randrange(1, 9), rng.choice(["apples", "orange"]))


def write(path: Path, text: str, way: str, rng: random.Random) -> None:
    """Write a file: `in place` or by `rename`; it keeps its earlier time, or has one that is a year off."""
    found = path.stat() if path.exists() else None
    target = path.with_name(f"{path.name}.new") if way == "rename" else path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    now = os.stat(target).st_mtime_ns
    before = found.st_mtime_ns if found else now
    time = rng.choice([now, before, before, now + YEAR * 10**9, now - YEAR * 10**9])
    os.utime(target, ns=(time, time))
    target.replace(path)


class Changing:
    """The project in one folder."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self.pipeline = Pipeline(folder / "project")
        self._rng = rng
        for name, text in FIXED.items():
            self.pipeline.write(name, text)
        (folder / "clock").mkdir()
        (folder / "clock/sitecustomize.py").write_text(CLOCK)

    def set_clock(self, ahead: int) -> None:
        """Let doit, and its steps, believe that it is so many seconds later; the file system knows better."""
        self.pipeline.env |= {"PYTHONPATH": str(self.pipeline.root.parent / "clock"), "CLOCK": str(ahead)}

    def take(self, state: State, way: str = "in place") -> None:
        """Write each file that differs from a state."""
        for name, text in state.files().items():
            path = self.pipeline.path(name)
            if not path.exists() or path.read_text() != text:
                write(path, text, way, self._rng)

    def hold(self, stage: str, where: str) -> None:
        """Let the step of a stage wait, when it comes to a place."""
        self._held(stage, where).touch()

    def arrive(self, stage: str, where: str) -> None:
        """Wait until it is there."""
        until(self.pipeline.root.parent.joinpath(f"at-{stage}-{where}").exists)

    def release(self, stage: str, where: str) -> None:
        """Let it go on."""
        self._held(stage, where).unlink()

    def _held(self, stage: str, where: str) -> Path:
        return self.pipeline.root.parent / f"hold-{stage}-{where}"
