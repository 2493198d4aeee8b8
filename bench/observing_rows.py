"""Rows about observing: what it costs steps of several kinds, and what thousands of stages cost that have observations.

The steps are those of `bench/observed`, each as a stage that is observed and as one that is not.
"""

import json
import shutil
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from bench import mnist, wide
from bench.bench import Bench
from bench.processes import Ran, Series, WrongError, in_turn, ran
from bench.rows import Goal, Row, compared, missing, raw, seconds
from bench.scale_rows import NO_OP, Project, edited

GROUP = "Observing"
SOURCE = Path(__file__).parent / "observed"
AGAINST = "the same without observing"
SHARE, ADDED = Goal(1.02), Goal(0.3, "s")
FILES, FOLDER, WORKERS = 2_000, 100, 4  # as the steps have them
SAMPLE = 200_000  # rounds of calls, to find how many take as long as wanted
ROUNDS = "import time; from steps import shared; began = time.perf_counter(); shared.total({rounds}); "
ROUNDS += "print(time.perf_counter() - began)"

COMPUTING = {
    "calls": "a step that calls Python functions",
    "fit": "a step that fits a small Keras network",
    "forked": f"a step with {WORKERS} forked worker processes",
    "spawned": f"a step with {WORKERS} spawned worker processes",
}
SHORT = {
    "imports": "a step that imports Keras and TensorFlow",
    "project_files": f"a step that opens {FILES:,} files of the project",
    "other_files": f"a step that opens {FILES:,} files elsewhere",
}
MARKS = ("unobserved", "unwatched")  # of a trace: that nothing was observed, or not what C code opened
FILES_READ = dict.fromkeys((*COMPUTING, *SHORT), 0)  # of the project, undeclared
FILES_READ |= {"forked": WORKERS, "spawned": WORKERS, "project_files": FILES}


def rows(bench: Bench) -> list[Row]:
    """Measure all of it. A quick trial leaves the network out."""
    root = bench.folder / "observing"
    write(bench, root)
    names = [name for name in (*COMPUTING, *SHORT) if not bench.quick or name != "fit"]
    found = {name: measured(bench, root, name) for name in names}
    check(bench, root, {name: FILES_READ[name] for name in names})
    shutil.rmtree(root)
    return [
        *(share_row(what, found.get(name)) for name, what in COMPUTING.items()),
        *(added_row(what, found[name]) for name, what in SHORT.items()),
        *(stages_row(bench, count) for count in ((500,) if bench.quick else (1_000, 10_000))),
    ]


def write(bench: Bench, root: Path) -> None:
    """Write the project, with as much work as takes the steps a few seconds, and files to open."""
    shutil.copytree(SOURCE, root, ignore=shutil.ignore_patterns("__pycache__"))
    elsewhere = bench.folder / "elsewhere"
    for number in range(FILES):
        for folder in (root / "files", elsewhere):
            path = folder / f"{number // FOLDER}/{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(number))
    took = float(ran([sys.executable, "-c", ROUNDS.format(rounds=SAMPLE)], root).text)
    images, epochs, wanted = (500, 1, 0.3) if bench.quick else (6_000, 8, 5.0)
    sizes = {"rounds": int(SAMPLE * wanted / took), "images": images, "epochs": epochs}
    (root / "sizes.json").write_text(json.dumps({**sizes, "files": FILES, "elsewhere": str(elsewhere)}))


def measured(bench: Bench, root: Path, name: str) -> tuple[Series, Series]:
    """Return runs of a step, observed and not."""
    bench.say(f"  {name}")
    sides = {kind: partial(execute, bench, root, f"{kind}:{name}") for kind in ("observed", "unobserved")}
    found = in_turn(sides, 1 if bench.quick else bench.runs, warm=0 if bench.quick else 1)
    if (root / f"observed/{name}.txt").read_bytes() != (root / f"unobserved/{name}.txt").read_bytes():
        raise WrongError(f"{name}: with and without observing it made different bytes")
    return found["observed"], found["unobserved"]


def execute(bench: Bench, root: Path, stage: str) -> Ran:
    """Run a stage, though it is up to date."""
    return mnist.checked(bench.doit(root, "-a", stage), "1 step: 1 ran")


def check(bench: Bench, root: Path, expected: Mapping[str, int]) -> None:
    """Check that what was to be observed was, in worker processes too, and nothing where it was switched off.

    `expected`: step -> number of files. Raises: WrongError.
    """
    for kind, numbers in (("observed", expected), ("unobserved", dict.fromkeys(expected, 0))):
        stages = [f"{kind}:{name}" for name in numbers]
        for stage, number, found in zip(stages, numbers.values(), observations(bench, root, *stages), strict=True):
            marks = [mark for mark in MARKS if mark in found]
            if found.get("file", 0) != number or marks != ([kind] if kind in MARKS else []):
                raise WrongError(f"{stage}: observed {found}, expected {number} files")


def observations(bench: Bench, root: Path, *stages: str) -> list[dict[str, int]]:
    """Return how many observations of each kind the latest traces of stages have."""
    found: list[dict[str, int]] = json.loads(bench.inside("observations", root, *stages).text)
    return found


def share_row(what: str, measured: tuple[Series, Series] | None) -> Row:
    """Return what observing costs a step that computes, as a ratio."""
    if measured is None:
        return missing(GROUP, what, AGAINST, "a quick trial leaves it out", SHARE)
    ours, theirs = measured
    least = f"by the least of each {min(ours.walls) / min(theirs.walls):.3f}x"
    note = f"{least}, in CPU time {ours.cpu / theirs.cpu:.3f}x; doit's own start included"
    return compared(GROUP, what, ours, theirs, against=AGAINST, goal=SHARE, note=note)


def added_row(what: str, measured: tuple[Series, Series]) -> Row:
    """Return what observing costs a step that hardly computes, in seconds."""
    ours, theirs = measured
    each = [left - right for left, right in zip(ours.walls, theirs.walls, strict=True)]
    return Row(
        GROUP,
        what,
        AGAINST,
        ours.wall - theirs.wall,
        ADDED,
        "s",
        ours=seconds(ours.wall),
        theirs=seconds(theirs.wall),
        spread=(min(each), max(each)),
        note=f"{ours.wall / theirs.wall:.2f}x; in CPU time {seconds(ours.cpu)} and {seconds(theirs.cpu)}",
        raw={"ours": raw(ours), "theirs": raw(theirs)},
    )


def stages_row(bench: Bench, count: int) -> Row:
    """Return how a no-op of stages with observations compares with bare doit, to which the files are declared."""
    project = Project(bench, count, wide.OBSERVED)
    last = f"stage:{count - 1:05}"
    found = in_turn({"redoit": project.no_op, "bare doit": project.bare_no_op}, bench.runs)
    before = observations(bench, project.root, last)
    edited(bench, project.root, count, wide.beside(count - 1, wide.OBSERVED)[0])
    after = observations(bench, project.root, last)
    if before != after or before[0].get("file") != wide.BESIDE:
        raise WrongError(f"{last}: found {before} and {after}, expected {wide.BESIDE} files each time")
    project.remove()
    ours, theirs = found["redoit"], found["bare doit"]
    each = [f"{name} {series.wall / count * 1e6:.0f} us" for name, series in found.items()]
    what = f"{count:,} stages, {wide.BESIDE} observations each, no-op"
    against = f"bare doit, {wide.BESIDE} file_deps more"
    note = f"by stage, start included: {', '.join(each)}"
    return compared(GROUP, what, ours, theirs, against=against, goal=NO_OP, note=note)
