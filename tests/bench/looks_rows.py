"""Rows about looks: why, plan and lineage, on thousands of stages and on a thousand runs on record."""

import shutil
import sys
from functools import partial
from pathlib import Path

from tests.bench.bench import Bench
from tests.bench.processes import Ran, Series, WrongError, in_turn
from tests.bench.rows import Goal, Row, compared, shown
from tests.bench.scale_rows import kept, prepared

GROUP = "Looks"
LOOK = Goal(2.0)
MEGA = 1e6
PAGE = "data/lineage.html"
RUNS = 1_000


def rows(bench: Bench) -> list[Row]:
    """Measure all of it."""
    many, few = (500, 20) if bench.quick else (10_000, 100)
    return [*looks(bench, many, 0), *looks(bench, few, RUNS)]


def looks(bench: Bench, count: int, runs: int) -> list[Row]:
    """Return how each look at a project compares with a run that has nothing to do there.

    `runs`: how many are on record, if more than what it took to measure.
    """
    bench.say(f"  {count:,} stages" + (f", {runs:,} runs on record" if runs else ""))
    root = prepared(bench, count, "wide")
    of_runs = (f"--runs={runs}",) if runs else ()
    if runs:
        recorded(bench, root, runs)
    commands = {
        "doit why": ("why", f"stage:{count // 2:05}"),
        "doit plan": ("plan",),
        "doit lineage": ("lineage", *of_runs),
        "doit lineage FILE": ("lineage", f"data/{count // 200}/{count // 2}.json"),
    }
    sides = {name: partial(looked, bench, root, arguments) for name, arguments in commands.items()}
    found = in_turn({"no-op": partial(kept, bench, root, count), **sides}, max(2, bench.runs // 2))
    size = (root / PAGE).stat().st_size
    shutil.rmtree(root)
    where = f"{count:,} stages" + (f" and {runs:,} runs" if runs else "")
    page = f"its page has {shown(size / MEGA, 'MB')}"
    return [
        row(f"{name}, {where}", found[name], found["no-op"], page if name == "doit lineage" else "") for name in sides
    ]


def row(what: str, look: Series, no_op: Series, page: str) -> Row:
    """Return how one look compares, in time and in memory."""
    memory = f"its peak of memory is {shown(look.peak / MEGA, 'MB')}"
    note = f"{page}; {memory}" if page else memory
    return compared(GROUP, what, look, no_op, against="no-op of the same", goal=LOOK, note=note)


def looked(bench: Bench, root: Path, arguments: tuple[str, ...]) -> Ran:
    """Look at a project in which all is kept."""
    done = bench.doit(root, *arguments)
    if arguments[0] in ("why", "plan") and "keep" not in done.text:
        raise WrongError(f"{arguments}: found no stage to be kept\n{done.text[-2000:]}")
    return done


def recorded(bench: Bench, root: Path, runs: int) -> None:
    """Put so many runs on record as there are not yet: copies of the newest, an hour apart."""
    bench.inside("looks_rows", root, str(runs))


def main(root: str, runs: int) -> None:
    """Write the record with redoit's own code. It is in a process of its own since it takes memory."""
    from redoit.history.run_log import RunLog

    history = RunLog(Path(root) / ".redoit")
    found = list(history.newest())
    for number in range(len(found), runs):
        history.append(found[0]._replace(started=found[0].started - 3600.0 * number))
    assert len(list(history.newest())) == runs, "not all of them are on record"


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
