"""Runs of doit in one folder: as real processes, or in forks, which cost a tenth of the time."""

import contextlib
import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from broken_engines import Defect, sound
from child_processes import ChildProcesses
from forked_doit import doit, ended, forked
from projects import PATIENCE, Pipeline, Result

OUTCOME_OF = {"keep": "kept", "restore": "restored", "run": "finished", "fail": "failed", "not run": None}


@dataclass(frozen=True)
class Doit:
    """doit in the folder of a project. `real`: as a process; else in a fork, with an engine that may have a `defect`.

    `tally`: what was done so far.
    """

    root: Path
    real: bool
    defect: Defect = sound
    tally: Counter[str] = field(default_factory=Counter, compare=False)

    def elsewhere(self, root: Path) -> "Doit":
        """Return the same for another folder."""
        return replace(self, root=root)

    def run(self, arguments: tuple[str, ...]) -> Result:
        """Run doit to its end, and compare it with its `doit plan`."""
        planned = self._plan(arguments) if self.defect is sound and not self.real else []
        self._begin()
        result = self._end(self._start(arguments, 0), 0)
        self._compare(planned, result)
        for verdict in ("kept", "restored", "finished"):
            self.tally[verdict] += len(result.told(verdict))
        return result

    def _plan(self, arguments: tuple[str, ...]) -> list[dict[str, Any]]:
        """Return what a run is said to come to, which changes nothing."""
        given = [each for each in arguments if not each.startswith("-n") and each != "--no-wait"]
        assert ended(self._fork(("plan", "--json", *given), 0)) in (0, 3), self._out(0).read_text()
        text = self._out(0).read_text()
        return json.loads(text) if text.startswith("[") else []  # else an error that the run meets, too

    def _compare(self, planned: list[dict[str, Any]], result: Result) -> None:
        """Compare a run with its plan."""
        words = {name: word for word in ("kept", "restored", "finished", "failed") for name in result.told(word)}
        for each in planned:
            outcome, expected = words.get(each["task"]), OUTCOME_OF[each["verdict"]]
            if result.code:
                continue
            sure = not each["awaits"]  # pending inputs may have content that was used before
            self.tally["planned" if sure else "uncertain"] += 1
            assert outcome == expected or not sure, f"{each}: found {outcome}\n{result.text}"
        assert result.code or not planned or set(words) == {each["task"] for each in planned}, (planned, result.text)

    def run_at_once(self, arguments: tuple[str, ...]) -> list[Result]:
        """Run two doits at once, to their ends; each result has what both executed."""
        self._begin()
        numbers = [self._start(arguments, which) for which in range(2)]
        results = [self._end(number, which) for which, number in enumerate(numbers)]
        return [result._replace(executed=self._executed()) for result in results]

    def kill(self, arguments: tuple[str, ...], seconds: float) -> None:
        """Run doit, kill it after a while, and wait until its steps are gone as well."""
        self._begin()
        if not self.real:
            ended(self._fork(arguments, 0), seconds)
            return
        pipeline = Pipeline(self.root)
        offspring = ChildProcesses(pipeline)
        process = self._process(arguments, 0, pipeline.env)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        process.kill()
        process.wait()
        assert offspring.left() == []

    def _begin(self) -> None:
        self.tally["doits"] += 1
        self._witness.write_text("")

    @property
    def _witness(self) -> Path:
        return self.root.parent / "executed"

    def _executed(self) -> list[str]:
        """Return the names of the stages that were executed."""
        return [name.removesuffix(".txt") for name in self._witness.read_text().split()]

    def _start(self, arguments: tuple[str, ...], which: int) -> "subprocess.Popen[bytes] | int":
        return self._process(arguments, which) if self.real else self._fork(arguments, which)

    def _end(self, process: "subprocess.Popen[bytes] | int", which: int) -> Result:
        code = ended(process) if isinstance(process, int) else process.wait(PATIENCE)
        return Result(self._executed(), code, self._out(which).read_text(), "")

    def _fork(self, arguments: tuple[str, ...], which: int) -> int:
        return forked(lambda: doit(self.root, arguments, self.defect), self._out(which))

    def _process(
        self, arguments: tuple[str, ...], which: int, env: dict[str, str] | None = None
    ) -> "subprocess.Popen[bytes]":
        with self._out(which).open("wb") as out:
            command = [sys.executable, "-m", "doit", *arguments]
            return subprocess.Popen(
                command, cwd=self.root, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
            )

    def _out(self, which: int) -> Path:
        return self.root.parent / f"out{which}"
