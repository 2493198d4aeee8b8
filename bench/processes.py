"""Whole processes: wall-clock time, CPU time and peak memory of each.

Two sides that are compared run in turn (A B A B ...), so that other load on the machine affects both alike.
"""

import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# Not inherited from the caller. Without byte code each process would compile all that is not in site-packages.
OWN = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")


class WrongError(Exception):
    """What was measured did not do what it was to do: there is no figure for it."""


@dataclass(frozen=True)
class Ran:
    """One process and its children: wall-clock seconds, CPU seconds (user, system), peak memory in bytes."""

    wall: float
    cpu: float
    peak: int
    text: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True)
class Series:
    """Runs of one thing."""

    runs: tuple[Ran, ...]

    @property
    def walls(self) -> list[float]:
        """The wall-clock seconds of each run."""
        return [ran.wall for ran in self.runs]

    @property
    def wall(self) -> float:
        """The median of the wall-clock seconds."""
        return statistics.median(self.walls)

    @property
    def cpu(self) -> float:
        """Seconds of CPU: the median."""
        return statistics.median(ran.cpu for ran in self.runs)

    @property
    def peak(self) -> float:
        """Bytes at the peak: the median."""
        return statistics.median(ran.peak for ran in self.runs)


def ran(command: Sequence[str | Path], folder: Path, *, code: int = 0, **variables: str) -> Ran:
    """Run a process to its end, in a folder.

    Raises: WrongError if it ends with another status.
    """
    env = {name: value for name, value in os.environ.items() if name not in OWN} | variables
    with tempfile.TemporaryFile() as out:
        began = time.perf_counter()
        process = subprocess.Popen(
            [os.fspath(each) for each in command],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)  # it is reaped: nobody is to wait for it again
        out.seek(0)
        text = out.read().decode(errors="replace")
    if process.returncode != code:
        shown = " ".join(map(os.fspath, command))
        raise WrongError(f"{shown}: ended with {process.returncode}, expected {code}\n{text[-2000:]}")
    return Ran(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, text)


def own_peak() -> int:
    """Return our own peak of memory, in bytes: a process that we start is never said to have had less."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def in_turn(sides: Mapping[str, Callable[[], Ran]], runs: int, *, warm: int = 1) -> dict[str, Series]:
    """Return the runs of each side, made in turn. The first rounds, `warm` in number, do not count."""
    found: dict[str, list[Ran]] = {name: [] for name in sides}
    for number in range(warm + runs):
        for name, run in sides.items():
            done = run()
            if number >= warm:
                found[name].append(done)
    return {name: Series(tuple(each)) for name, each in found.items()}


def ratios(ours: Iterable[float], theirs: Iterable[float]) -> list[float]:
    """Return the ratio of each of our figures to the one measured next to it."""
    return [mine / other for mine, other in zip(ours, theirs, strict=True)]
