"""Rows about stages that only compute and know nothing of each other: two at once, and what each costs beyond that."""

import os
import shutil
import sys
import time
from functools import partial
from hashlib import sha256
from pathlib import Path

from bench import mnist
from bench.bench import Bench
from bench.processes import Ran, Series, WrongError, in_turn, ran
from bench.rows import Goal, Row, compared, missing, raw, seconds

GROUP = "In parallel"
COUNT = 8
GOAL, ADDED = Goal(1.8, least=True), Goal(0.2, "s")
SAMPLE = 200_000  # rounds, to find how many take as long as wanted

DODO = f'''"""{COUNT} stages that only compute."""

from redoit import DOIT_CONFIG, step

__all__ = ["DOIT_CONFIG"]


def task_stage():
    """Compute."""
    for number in range({COUNT}):
        stage = step("steps.work", inputs={{"source": f"source/{{number}}"}}, outputs={{"made": f"data/{{number}}"}})
        yield {{**stage, "name": str(number)}}
'''
STEP = '''"""Digests a digest, over and over."""

from hashlib import sha256
from pathlib import Path


def run(source: Path, made: Path, *, rounds: int = {rounds}) -> None:
    """Compute."""
    found = source.read_bytes()
    for _ in range(rounds):
        found = sha256(found).digest()
    made.write_bytes(found)
'''
PLAIN = f'''"""The same as a plain script: `plain.py FIRST STEP` computes each STEP-th stage."""

import sys
from pathlib import Path

from steps import work

for number in range(int(sys.argv[1]), {COUNT}, int(sys.argv[2])):
    work.run(Path(f"source/{{number}}"), Path(f"plain/{{number}}"))
'''


def rows(bench: Bench) -> list[Row]:
    """Measure it."""
    what = f"doit -n 2, {COUNT} stages that compute"
    if len(os.sched_getaffinity(0)) < 2:
        return [missing(GROUP, what, "doit", "there is one core", GOAL)]
    root = bench.folder / "parallel"
    rounds = rounds_of(0.3 if bench.quick else 2.0)
    bench.say(f"  {COUNT} stages of {rounds:,} rounds each")
    write(root, rounds)
    sides = {
        "one": partial(doit, bench, root),
        "two": partial(doit, bench, root, "-n", "2"),
        "plain one": partial(plain, root, "{python} plain.py 0 1"),
        "plain two": partial(plain, root, "{python} plain.py 0 2 & {python} plain.py 1 2; wait"),
    }
    found = in_turn(sides, max(1, bench.runs // 2))
    shutil.rmtree(root)
    limit = compared(GROUP, "two plain scripts at once", found["plain two"], found["plain one"], against="one of both")
    note = f"two plain scripts with a half each are {1 / (limit.value or 1):.2f}x as fast as one with all"
    parallel = compared(GROUP, what, found["two"], found["one"], against="doit", goal=GOAL, note=note)
    return [parallel, overhead(found["one"], found["plain one"])]


def overhead(ours: Series, theirs: Series) -> Row:
    """Return the time that redoit adds to each stage that runs: process, checks before and after, commit."""
    each = [(left - right) / COUNT for left, right in zip(ours.walls, theirs.walls, strict=True)]
    value = (ours.wall - theirs.wall) / COUNT
    return Row(
        GROUP,
        "what a stage that runs costs beyond its step",
        "plain script",
        value,
        ADDED,
        "s",
        ours=seconds(ours.wall),
        theirs=seconds(theirs.wall),
        spread=(min(each), max(each)),
        note=f"a share of {COUNT} stages, doit's own start included",
        raw={"ours": raw(ours), "theirs": raw(theirs)},
    )


def rounds_of(wanted: float) -> int:
    """Return how many rounds take so many seconds here."""
    began, found = time.perf_counter(), b""
    for _ in range(SAMPLE):
        found = sha256(found).digest()
    return int(SAMPLE * wanted / (time.perf_counter() - began))


def write(root: Path, rounds: int) -> None:
    """Write the project."""
    texts = {"dodo.py": DODO, "steps/__init__.py": "", "steps/work.py": STEP.format(rounds=rounds), "plain.py": PLAIN}
    texts |= {f"source/{number}": f"{number}" for number in range(COUNT)}
    (root / "plain").mkdir(parents=True)
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def doit(bench: Bench, root: Path, *arguments: str) -> Ran:
    """Run all stages, also those that are up to date."""
    return mnist.checked(bench.doit(root, "-a", *arguments), f"{COUNT} steps: {COUNT} ran")


def plain(root: Path, command: str) -> Ran:
    """Compute the same without doit, and compare."""
    done = ran(["sh", "-c", command.format(python=sys.executable)], root)
    for number in range(COUNT):
        if (root / f"plain/{number}").read_bytes() != (root / f"data/{number}").read_bytes():
            raise WrongError(f"{number}: redoit and the plain script made different bytes")
    return done
