"""Rows about queries: why, plan and lineage, with thousands of stages and with a thousand logged runs."""

import shutil
import sys
from functools import partial
from pathlib import Path

from bench.bench import Bench
from bench.processes import Ran, Series, WrongError, in_turn
from bench.rows import Goal, Row, compared, shown
from bench.scale_rows import kept, prepared

GROUP = "Queries"
QUERY = Goal(2.0)
MEGA = 1e6
PAGE = "data/lineage.html"
RUNS = 1_000


def rows(bench: Bench) -> list[Row]:
    """Measure queries of a project with many stages, and of one with many runs."""
    many, few = (500, 20) if bench.quick else (10_000, 100)
    return [*queries(bench, many, 0), *queries(bench, few, RUNS)]


def queries(bench: Bench, count: int, runs: int) -> list[Row]:
    """Return how each query of a project compares with a no-op there.

    `runs`: the number of logged runs, 0 for those of the measurement alone.
    """
    bench.say(f"  {count:,} stages" + (f", {runs:,} logged runs" if runs else ""))
    root = prepared(bench, count, "wide")
    of_runs = (f"--runs={runs}",) if runs else ()
    if runs:
        add_runs(bench, root, runs)
    commands = {
        "doit why": ("why", f"stage:{count // 2:05}"),
        "doit plan": ("plan",),
        "doit lineage": ("lineage", *of_runs),
        "doit lineage FILE": ("lineage", f"data/{count // 200}/{count // 2}.json"),
    }
    sides = {name: partial(queried, bench, root, arguments) for name, arguments in commands.items()}
    found = in_turn({"no-op": partial(kept, bench, root, count), **sides}, max(2, bench.runs // 2))
    size = (root / PAGE).stat().st_size
    shutil.rmtree(root)
    where = f"{count:,} stages" + (f" and {runs:,} runs" if runs else "")
    page = f"its page has {shown(size / MEGA, 'MB')}"
    return [
        row(f"{name}, {where}", found[name], found["no-op"], page if name == "doit lineage" else "") for name in sides
    ]


def row(what: str, query: Series, no_op: Series, page: str) -> Row:
    """Return how one query compares, in time and in memory."""
    memory = f"its peak of memory is {shown(query.peak / MEGA, 'MB')}"
    note = f"{page}; {memory}" if page else memory
    return compared(GROUP, what, query, no_op, against="no-op of the same", goal=QUERY, note=note)


def queried(bench: Bench, root: Path, arguments: tuple[str, ...]) -> Ran:
    """Run a query in a project whose stages are all up to date."""
    done = bench.doit(root, *arguments)
    if arguments[0] in ("why", "plan") and "keep" not in done.text:
        raise WrongError(f"{arguments}: found no stage to be kept\n{done.text[-2000:]}")
    return done


def add_runs(bench: Bench, root: Path, runs: int) -> None:
    """Fill the run log to a number of runs with copies of the newest, an hour apart."""
    bench.inside("query_rows", root, str(runs))


def main(root: str, runs: int) -> None:
    """Fill the run log by redoit's own code; in a process of its own, since it takes memory."""
    from redoit.history.run_log import RunLog

    history = RunLog(Path(root) / ".redoit")
    found = list(history.newest())
    newest = found[0].expanded()
    for number in range(len(found), runs):
        history.append(newest._replace(started=newest.started - 3600.0 * number))
    assert len(list(history.newest())) == runs, "not all runs are logged"


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
