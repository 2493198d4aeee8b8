"""A project made of variations in a folder, and what must come of each doit there.

Two promises are held against each doit: the outputs are those of a clean build; and what was built before, and is asked
for again, is not executed.
"""

import os
import subprocess
import sys
import venv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from broken_engines import Defect, sound
from forked_doit import doit, ended, forked
from projects import PATIENCE
from variations.base import SITE, Command, Step
from varied import CleanBuilds, Variant, compile_modules, enter, environment, write

DRY_RUNS = (("plan",), ("list", "-s"), ("list", "--all"), ("why",), ("lineage",), ("cache",))


@dataclass
class Done:
    """What a doit did: its exit status, the tasks that it executed, and what it printed."""

    code: int
    executed: Counter[str]
    text: str


@dataclass
class VariedCheckout:
    """One project. `real`: doit is a process of its own; `defect`: of the engine, elsewhere; `tally`: what was done.

    `built`: variation -> what its results depended on, each time that it was built. `forgotten`: the stages that the
    next doit must execute.
    """

    root: Path
    variant: Variant
    builds: CleanBuilds
    real: bool = False
    defect: Defect = sound
    tally: Counter[str] = field(default_factory=Counter)
    built: dict[str, list[object]] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    latest: Variant | None = None

    def __post_init__(self) -> None:
        """Write the project."""
        write(self.root, self.variant)
        compile_modules(self.root, self.variant)
        if self.real:
            _make_environment(self.root)

    def take(self, variant: Variant) -> None:
        """Edit files until they are those of another variant."""
        write(self.root, variant, self.variant)
        compile_modules(self.root, variant)
        self.variant = variant

    def build(self, *options: str) -> None:
        """Run doit, and check what it executed and what it left."""
        done = self._doit(*options, *self.variant.arguments())
        if self.variant.errors:
            assert (done.code != 0, [e for e in self.variant.errors if e not in done.text]) == (True, []), done.text
            self.latest = None
            return
        assert done.code == 0, done.text
        clean = self.builds.outputs(self.variant)
        for path in self.variant.outputs:
            found = (self.root / path).read_text() if (self.root / path).is_file() else None
            assert found == clean[path], f"{path} is stale: {found!r}, and not {clean[path]!r}\n{done.text}"
        if self.defect is sound:
            self._check_executed(done)
        for name, part in self.variant.parts.items():
            earlier = [] if part.always else self.built.get(name, [])  # what is forced to run supersedes what was made
            self.built[name] = [*earlier, part.needs]
        self.forgotten, self.latest = set(), self.variant

    def forget(self, name: str) -> None:
        """Forget a stage: no earlier result of it, or of what depends on it, counts again."""
        done = self._doit("forget", name)
        assert (done.code, done.executed) == (0, Counter()), done.text
        self.forgotten.add(name)
        for variation, part in self.variant.parts.items():
            if name in {task.name for task in part.tasks}:
                self.built[variation] = []

    def dry_run(self, *arguments: str) -> None:
        """Call a command that executes nothing."""
        done = self._doit(*arguments)
        assert (done.code in (0, 3), done.executed) == (True, Counter()), done.text

    def _check_executed(self, done: Done) -> None:
        """Check that nothing was executed twice or without need, and that what must be executed was."""
        for name, part in self.variant.parts.items():
            steps = {os.path.basename(task.outputs["made"]): task.name for task in part.tasks if isinstance(task, Step)}
            executed = {stage for made, stage in steps.items() if made in done.executed}
            must = part.always | (self.forgotten & {*steps.values()})
            assert must <= executed, f"not executed: {sorted(must - executed)}\n{done.text}"
            loose = part.loose or (part.counts_all and len(self.variant.parts) > 1)
            known = self.latest == self.variant or (part.needs in self.built.get(name, []) and not loose)
            needless = executed - must if known and not self.forgotten & {*steps.values()} else set()
            assert not needless, f"executed for nothing: {sorted(needless)}\n{done.text}"
        assert set(done.executed.values()) <= {1}, f"executed twice: {done.executed}\n{done.text}"
        commands = {task.name for task in self.variant.tasks if isinstance(task, Command) and task.output}
        again = commands & {*done.executed} if self.latest == self.variant else set()
        assert not again, f"executed for nothing: {sorted(again)}\n{done.text}"

    def _doit(self, *arguments: str) -> Done:
        witness, out = self.root.parent / "executed", self.root.parent / "out"
        witness.write_text("")
        code = self._process(arguments, out) if self.real else ended(forked(lambda: self._fork(arguments), out))
        done = Done(code, Counter(witness.read_text().split()), out.read_text())
        self.tally["doits"] += 1
        self.tally["executed"] += done.executed.total()
        return done

    def _fork(self, arguments: tuple[str, ...]) -> int:
        enter(self.root, self.variant)
        return doit(self.root, arguments, self.defect)

    def _process(self, arguments: tuple[str, ...], out: Path) -> int:
        env = {**os.environ, **environment(self.root, self.variant)}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        python = self.root.parent / "env/bin/python"
        with out.open("wb") as file:
            command = [str(python), "-m", "doit", *arguments]
            given = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": subprocess.STDOUT}
            return subprocess.run(command, cwd=self.root, env=env, timeout=PATIENCE, check=False, **given).returncode


def _make_environment(root: Path) -> None:
    """Make an environment of the project's own: with what this one has, and the distributions beside the project."""
    folder = root.parent / "env"
    venv.create(folder, symlinks=True)
    (own,) = folder.glob("lib/python*/site-packages")
    places = [path for path in sys.path if path.endswith("site-packages")]
    lines = [*(f"import site; site.addsitedir({place!r})" for place in [*places, os.path.abspath(root / SITE)])]
    (own / "beside.pth").write_text("".join(f"{line}\n" for line in lines))
