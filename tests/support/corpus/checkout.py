"""A project with a package as its own code: built by doit, and built cleanly beside it."""

import json
import os
import pickle
import re
import resource
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from projects import PATIENCE

from corpus.packages import Package
from corpus.units import Executed, Truth, Unit, module_of, units_of

HERE = Path(__file__).parent
SECONDS = 20  # of the processor, after which an edited step hangs
BYTES = 2 * 1024**3  # of memory, which no step needs
HANGS, ENDED = "hangs", (-signal.SIGXCPU, -signal.SIGKILL)
DODO = '''"""Three stages that use a package."""

from redoit import DOIT_CONFIG, step
'''
TASK = """

def task_{stage}():
    return step("steps.{step}", inputs={{"source": "{source}"}}, outputs={{"made": "data/{stage}.txt"}}, {more})
"""
STEPS = {
    "steps/__init__.py": "",
    "steps/witness.py": '''
def executed(name):
    """Witness that the stage was executed which makes a file of this name."""
    with open("../executed", "a") as log:
        log.write(name + "\\n")
''',
    "steps/deeds.py": '''
import operator
import re


def text_of(value):
    """Return a value as text, without addresses."""
    return re.sub("(at 0x)?[0-9a-fA-F]{8,}", "", repr(list(value) if hasattr(value, "__next__") else value))


def done(thing, deeds):
    """Call methods of a thing by name; return what they return."""
    return "\\n".join(text_of(operator.attrgetter(name)(thing)(*given)) for name, given in deeds)
''',
    "steps/unpickle.py": """
import pickle

from steps.deeds import done
from steps.witness import executed


def run(source, made):
    executed(made.name)
    thing, deeds = pickle.loads(source.read_bytes())
    made.write_text(done(thing, deeds))
""",
    "steps/configured.py": """
import importlib
import json

from steps.deeds import done
from steps.witness import executed


def run(source, made):
    executed(made.name)
    given = json.loads(source.read_text())
    module, _, name = given["class"].partition(":")
    thing = getattr(importlib.import_module(module), name)(**given["arguments"])
    made.write_text(done(thing, given["deeds"]))
""",
}
STAGES = {"use": "source.txt", "unpickle": "object.pickle", "configure": "configured.json"}


@dataclass
class Done:
    """What a doit did. `outcomes`: stage -> kept, restored, finished or failed; `results`: stage -> its output."""

    code: int
    outcomes: dict[str, str]
    executed: list[str]
    results: dict[str, str | None]
    text: str


@dataclass
class Checkout:
    """A project in a folder, and the same beside it for clean builds. `observes`: what its steps touch is observed."""

    base: Path
    package: Package
    installed: Path
    observes: bool = True
    contents: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Write both, and pickle the object."""
        for root in (self.root, self.clean_root):
            shutil.copytree(self.installed, root)
            for name, text in self._files().items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
        self._pickle()
        own = [name for name in self.package.own if name.endswith(".py")]
        installed = [str(path.relative_to(self.installed)) for path in sorted(self.installed.rglob("*.py"))]
        self.contents = {name: (self.root / name).read_bytes() for name in [*installed, *own]}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        self._environment = {**environment, "PYTHONHASHSEED": "0"}
        self._call(self.clean_root, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", ".")

    @property
    def root(self) -> Path:
        """Where doit is called."""
        return self.base / "doit/project"

    @property
    def clean_root(self) -> Path:
        """Where clean builds are made."""
        return self.base / "clean/project"

    def _files(self) -> dict[str, str]:
        more = "" if self.observes else "observe=False"
        fields = [{"stage": stage, "step": self._step_of(stage), "source": source} for stage, source in STAGES.items()]
        tasks = [TASK.format(**each, more=more) for each in fields]
        name, arguments = self.package.configured
        configured = {"class": name, "arguments": arguments, "deeds": self.package.more_deeds}
        return {
            **STEPS,
            **self.package.own,
            "dodo.py": DODO + "".join(tasks),
            f"steps/use_{self.package.name}.py": (HERE / f"uses/{self.package.name}.py").read_text(),
            "source.txt": self.package.text,
            "configured.json": json.dumps(configured),
            "data/README": "What is made.",
        }

    def _step_of(self, stage: str) -> str:
        return {"use": f"use_{self.package.name}", "unpickle": "unpickle", "configure": "configured"}[stage]

    def _pickle(self) -> None:
        """Pickle the object, in a process that imports the package."""
        imports, expression = self.package.pickled
        thing = f"{expression}, pickle.loads({pickle.dumps(self.package.deeds)!r})"
        code = f"import pickle, sys, {imports}\nsys.stdout.buffer.write(pickle.dumps(({thing})))"
        command = [sys.executable, "-B", "-c", code]
        made = subprocess.run(command, cwd=self.root, check=True, capture_output=True, timeout=PATIENCE).stdout
        for root in (self.root, self.clean_root):
            (root / "object.pickle").write_bytes(made)

    def write(self, name: str, content: bytes, *, keeps_time: bool = False) -> None:
        """Write a file of the package, if so wished with the time that it had."""
        for root in (self.root, self.clean_root):
            before = (root / name).stat()
            (root / name).write_bytes(content)
            if keeps_time:
                os.utime(root / name, ns=(before.st_atime_ns, before.st_mtime_ns))

    def reset(self) -> None:
        """Forget all that was built."""
        shutil.rmtree(self.root / ".redoit", ignore_errors=True)
        for stage in STAGES:
            (self.root / f"data/{stage}.txt").unlink(missing_ok=True)

    def doit(self) -> Done:
        """Run doit."""
        witness = self.root.parent / "executed"
        witness.write_text("")
        ran = self._call(self.root, "-m", "doit", "--continue")
        words = re.findall(r"^Step (\S+) (?:has )?(kept|restored|finished|failed)\b", ran.stdout, re.MULTILINE)
        results = {stage: _text(self.root / f"data/{stage}.txt") for stage in STAGES}
        executed = [name.removesuffix(".txt") for name in witness.read_text().split()]
        return Done(ran.returncode, dict(words), executed, results, ran.stdout + ran.stderr)

    def clean(self, stage: str) -> str | None:
        """Return what a stage makes of the files as they are; None if it fails, HANGS if it does not end."""
        made = self.clean_root / f"data/{stage}.txt"
        made.unlink(missing_ok=True)
        ran = self._step(stage, str(made.relative_to(self.clean_root)))
        return HANGS if ran.returncode in ENDED else _text(made) if ran.returncode == 0 else None

    def truth(self, stage: str, units: dict[str, list[Unit]]) -> Truth:
        """Return what a stage executes and names."""
        trace = self.clean_root.parent / "trace"
        ran = self._step(stage, f"data/{stage}.txt", str(trace))
        assert ran.returncode == 0, f"{self.package.name}: {ran.stderr}"
        executed: Executed = frozenset((file, line, name) for file, line, name in json.loads(trace.read_text()))
        return Truth(units, executed)

    def read(self, stage: str, truth: Truth) -> frozenset[str]:
        """Return module and name of the parts that reading reaches from a stage's step and from what it executed."""
        units = {(module_of(unit.file), unit.name) for unit in truth.executed}
        found = units | {(module, name.partition(".")[0]) for module, name in units}
        roots = self.base / "roots"
        roots.write_text(json.dumps(sorted(found)))
        ran = self._call(self.root, str(HERE / "reading.py"), f"steps.{self._step_of(stage)}", str(roots))
        assert ran.returncode == 0, ran.stderr
        return frozenset(json.loads(ran.stdout))

    def units(self) -> dict[str, list[Unit]]:
        """Return file -> units of the package and of the steps."""
        return units_of(self.root, [*self.contents, *(name for name in self._files() if name.startswith("steps/"))])

    def _step(self, stage: str, made: str, *more: str) -> "subprocess.CompletedProcess[str]":
        step = f"steps.{self._step_of(stage)}"
        return self._call(
            self.clean_root, str(HERE / "traced.py"), step, STAGES[stage], made, *more, preexec_fn=_limited
        )

    def _call(self, folder: Path, *arguments: str, **named: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=folder,
            env=self._environment,
            timeout=PATIENCE,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            **named,
        )


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))


def _text(path: Path) -> str | None:
    return path.read_text() if path.is_file() else None
