"""Rows about thousands of stages: with nothing to do, with one leaf edited, and what a stage costs."""

import json
import re
import secrets
import shutil
import sys
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path

from bench import wide
from bench.bench import Bench
from bench.processes import Ran, Series, WrongError, in_turn, ran
from bench.rows import Goal, Row, compared, raw, seconds

GROUP = "Thousands of stages"
MICRO = 1e-6
NO_OP, LINEAR, EDITED, DECIDING = Goal(1.5), Goal(10.0), Goal(1.2), Goal(100.0, "us")
# Without implicit rules: searching them for each source takes make longer than all the rest.
LIMITS = {"make": ["make", "--no-builtin-rules", "--no-print-directory"], "ninja": ["ninja"]}


class Project:
    """One project in three folders: for redoit, for bare doit, for make and ninja. All are built."""

    def __init__(self, bench: Bench, count: int, shape: str) -> None:
        bench.say(f"  preparing {count:,} stages, {shape}")
        self.bench, self.count, self.shape = bench, count, shape
        self.root = prepared(bench, count, shape)
        self.bare = bench.made(f"{shape}{count}-bare", self._bare)

    @cached_property
    def plain(self) -> Path:
        """The folder for make and ninja, made when it is needed."""
        return self.bench.made(f"{self.shape}{self.count}-plain", self._plain)

    def remove(self) -> None:
        """Remove all of it."""
        for folder in (self.root, self.bare, *self.bench.folder.glob(f"{self.shape}{self.count}-plain")):
            shutil.rmtree(folder)

    def no_op(self) -> Ran:
        """Run doit; nothing may execute."""
        return kept(self.bench, self.root, self.count)

    def bare_no_op(self) -> Ran:
        """Run bare doit likewise."""
        done = self.bench.bare_doit(self.bare)
        skipped = len(re.findall(r"^-- stage:", done.text, re.MULTILINE))
        if skipped != self.count:
            raise WrongError(f"bare doit skipped {skipped} of {self.count} tasks\n{done.text[-2000:]}")
        return done

    def limits(self) -> dict[str, Callable[[], Ran]]:
        """Return make and ninja with nothing to do, where they are installed."""
        return {name: partial(self._limit, name, LIMITS[name]) for name in LIMITS if shutil.which(name)}

    def _limit(self, name: str, command: list[str]) -> Ran:
        done = ran(command, self.plain)
        if not re.search(r"nothing to be done|no work to do", done.text, re.IGNORECASE):
            raise WrongError(f"{name} did something:\n{done.text[-2000:]}")
        return done

    def _bare(self, root: Path) -> None:
        wide.write(root, self.count, self.shape)
        done = self.bench.bare_doit(root)
        executed = len(re.findall(r"^\.  stage:", done.text, re.MULTILINE))
        if executed != self.count:
            raise WrongError(f"bare doit executed {executed} of {self.count} tasks\n{done.text[-2000:]}")
        for number in range(self.count):
            if (root / wide.made(number)).read_bytes() != (self.root / wide.made(number)).read_bytes():
                raise WrongError(f"{wide.made(number)}: bare doit and redoit made different bytes")

    def _plain(self, root: Path) -> None:
        wide.write(root, self.count, self.shape)
        if shutil.which("ninja"):
            ran(["ninja"], root)  # in an order in which no file is older than what it is made from
        else:
            for number in range(self.count):
                (root / wide.made(number)).touch()


def prepared(bench: Bench, count: int, shape: str) -> Path:
    """Make a project for redoit, and build it."""

    def make(root: Path) -> None:
        wide.write(root, count, shape)
        done = bench.inside("prepare", root)
        if f"{steps(count)}: {count} ran" not in done.text:
            raise WrongError(f"not all of {count} stages ran\n{done.text[-2000:]}")

    root = bench.made(f"{shape}{count}", make)
    kept(bench, root, count)
    return root


def kept(bench: Bench, root: Path, count: int, *arguments: str) -> Ran:
    """Run doit in a project; all its stages must be kept."""
    done = bench.doit(root, *arguments)
    if f"{steps(count)}: {count} kept" not in done.text or " has started" in done.text:
        raise WrongError(f"doit did something:\n{done.text[-2000:]}")
    return done


def edited(bench: Bench, root: Path, count: int, path: str = "") -> Ran:
    """Change what the last stage reads, as never before, and run doit; that stage alone must run.

    `path`: of what it reads, if not of its source.
    """
    (root / (path or wide.read(count - 1, count, "wide"))).write_text(json.dumps([secrets.randbelow(10**9), 3, 1, 2]))
    done = bench.doit(root)
    others = f", {count - 1} kept" if count > 1 else ""
    if f"{steps(count)}: 1 ran{others} in" not in done.text:
        raise WrongError(f"doit did not run just one stage:\n{done.text[-2000:]}")
    return done


def steps(count: int) -> str:
    """Return how doit's last line begins."""
    return "1 step" if count == 1 else f"{count} steps"


def rows(bench: Bench) -> list[Row]:
    """Measure all of it."""
    sizes = (100, 1_000) if bench.quick else (1_000, 10_000)
    shapes = wide.SHAPES[:1] if bench.quick else wide.SHAPES
    found: list[Row] = []
    for shape in shapes:
        measured: dict[int, dict[str, Series]] = {}
        decided = 0.0
        for count in sizes:
            project = Project(bench, count, shape)
            sides = {"redoit": project.no_op, "bare doit": project.bare_no_op, **project.limits()}
            measured[count] = in_turn(sides, bench.runs)
            found += no_op_rows(count, shape, measured[count])
            decided = float(bench.inside("recorded", project.root).text)
            if (count, shape) == (sizes[-1], "wide"):
                found.append(edited_row(bench, project))
                if bench.profile:
                    bench.say(bench.inside("profiled", project.root).text)
            project.remove()
        found += per_stage_rows(shape, sizes, measured, decided)
    return found


def no_op_rows(count: int, shape: str, measured: dict[str, Series]) -> list[Row]:
    """Return how a run with nothing to do compares."""
    what, ours = f"{count:,} stages, {shape}, no-op", measured["redoit"]
    each = {name: f"{series.wall / count / MICRO:.0f} us" for name, series in measured.items()}
    note = "by stage, start included: " + ", ".join(f"{name} {text}" for name, text in each.items())
    found = [compared(GROUP, what, ours, measured["bare doit"], against="bare doit", goal=NO_OP, note=note)]
    others = (name for name in measured if name in LIMITS)
    return [*found, *(compared(GROUP, what, ours, measured[name], against=name) for name in others)]


def per_stage_rows(
    shape: str, sizes: tuple[int, int], measured: dict[int, dict[str, Series]], decided: float
) -> list[Row]:
    """Return what a stage costs beyond the start of the process, and whether that grows with their number.

    `decided`: seconds that a stage itself says it took, of the larger number.
    """
    small, large = (measured[size] for size in sizes)
    number = sizes[1] - sizes[0]

    def cost(name: str, *, cpu: bool = False) -> float:
        kind = "cpu" if cpu else "wall"
        return (getattr(large[name], kind) - getattr(small[name], kind)) / number / MICRO

    what, against = f"{sizes[1]:,} stages, {shape}", f"{sizes[0]:,} stages"
    growth = compared(GROUP, what, large["redoit"], small["redoit"], against=against, goal=LINEAR)
    deciding = Row(
        GROUP,
        f"deciding, per stage, {shape}",
        "the same for bare doit",
        cost("redoit") - cost("bare doit"),
        DECIDING,
        "us",
        ours=seconds(cost("redoit") * MICRO),
        theirs=seconds(cost("bare doit") * MICRO),
        note=f"in CPU time {cost('redoit', cpu=True):.0f} us and {cost('bare doit', cpu=True):.0f} us; "
        f"by the stages' own clock {seconds(decided)} each",
        raw={"sizes": sizes, "redoit": [raw(small["redoit"]), raw(large["redoit"])]},
    )
    return [growth, deciding]


def edited_row(bench: Bench, project: Project) -> Row:
    """Return what one edited leaf costs beyond nothing to do, and beyond its own work.

    The work is what the same edit costs in a project of that stage alone.
    """
    single = prepared(bench, 1, "wide")
    sides = {
        "edited": partial(edited, bench, project.root, project.count),
        "no-op": project.no_op,
        "edited alone": partial(edited, bench, single, 1),
        "no-op alone": partial(kept, bench, single, 1),
    }
    found = in_turn(sides, bench.runs)
    shutil.rmtree(single)
    work = found["edited alone"].wall - found["no-op alone"].wall
    values = [(left - work) / right for left, right in zip(found["edited"].walls, found["no-op"].walls, strict=True)]
    return Row(
        GROUP,
        f"{project.count:,} stages, one leaf input edited",
        "no-op of the same",
        (found["edited"].wall - work) / found["no-op"].wall,
        EDITED,
        ours=seconds(found["edited"].wall),
        theirs=seconds(found["no-op"].wall),
        spread=(min(values), max(values)),
        note=f"less its own work, {seconds(work)}: what it costs in a project of that stage alone",
        raw={name: raw(series) for name, series in found.items()},
    )


if __name__ == "__main__":  # a project to look into: python -m bench.scale_rows FOLDER COUNT [wide | layered]
    prepared(Bench(Path(sys.argv[1])), int(sys.argv[2]), (*sys.argv[3:], "wide")[0])
