"""Rows about the repository's own pipeline: first and second run, a changed setting, the way back, one stage."""

import json
import shutil
from collections.abc import Iterable
from functools import partial
from typing import Any

from bench import mnist
from bench.bench import Bench
from bench.processes import Ran, Series, WrongError, in_turn, own_peak, ran
from bench.rows import Goal, Row, compared, missing, raw, seconds

GROUP = "The pipeline"
FIRST, NO_OP, FASTER, CHANGED, BACK = Goal(1.15), Goal(1.3), Goal(100, least=True), Goal(1.1), Goal(2.0)
KEPT, MEMORY = Goal(1000, least=True), Goal(60, "MB")
EPOCHS = ("train", "evaluator", "report")  # what `train.epochs=2` runs
MEGA = 1e6


class Pipeline:
    """The pipeline in two folders: with redoit, also bare doit; and as plain scripts."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.root, self.plain = bench.folder / "pipeline", bench.folder / "plain"
        self.stages = mnist.checkout(bench, self.root)
        mnist.checkout(bench, self.plain)
        self.names = [stage["name"] for stage in self.stages]
        self.count = len(self.names)

    def outputs(self, names: Iterable[str]) -> list[str]:
        """Return what stages make."""
        return mnist.outputs(self.stages, names)

    def first(self) -> Ran:
        """Run all of it, in a folder in which it never ran."""
        mnist.clear(self.root)
        return mnist.checked(self.bench.doit(self.root), f"{self.count} ran")

    def plain_first(self) -> Ran:
        """Run the plain script likewise, and compare what both made."""
        mnist.clear(self.plain)
        mnist.make_folders(self.plain, self.stages)
        done = mnist.plain(self.plain, "plain.py", mnist.script(self.stages, {}, self.names))
        mnist.compare(self.root, self.plain, self.outputs(self.names))
        return done

    def changed(self) -> Ran:
        """Run with a changed setting, whose result was never seen: right after `first`."""
        return mnist.checked(self.bench.doit(self.root, "train.epochs=2"), f"{len(EPOCHS)} ran")

    def plain_changed(self) -> Ran:
        """Run a plain script of just what that executes, and compare."""
        text = mnist.script(self.stages, {"train": {"epochs": 2}}, EPOCHS)
        done = mnist.plain(self.plain, "changed.py", text)
        mnist.compare(self.root, self.plain, self.outputs(EPOCHS))
        return done

    def back(self) -> Ran:
        """Run without the setting again: all comes back from the store."""
        return mnist.checked(self.bench.doit(self.root), f"{len(EPOCHS)} restored")

    def no_op(self) -> Ran:
        """Run with nothing to do."""
        return mnist.checked(self.bench.doit(self.root), f"{self.count} steps: {self.count} kept")

    def copied(self, *, forced: bool) -> Ran:
        """Copy what `back` restores with cp, onto files that are there, as one would; `forced` to the disk or not."""
        kept, place, paths = self.bench.folder / "kept", self.bench.folder / "copied", self.outputs(EPOCHS)
        if not kept.exists():
            for path in paths:
                (kept / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(self.root / path, kept / path)
            shutil.copytree(kept, place)
        sync = f" && sync {' '.join(paths)}" if forced else ""
        return ran(["sh", "-c", f"cp -r {kept}/data .{sync}"], place)

    def bare(self) -> Ran:
        """Run bare doit, which executes all of it the first time."""
        return self.bench.bare_doit(self.plain)

    def bare_no_op(self) -> Ran:
        """Run bare doit with nothing to do."""
        done = self.bare()
        if done.text.count("-- ") != self.count:
            raise WrongError(f"bare doit did something:\n{done.text[-2000:]}")
        return done

    def record(self) -> dict[str, Any]:
        """Return the newest run on record: stage -> seconds and verdict."""
        found = json.loads(self.bench.doit(self.root, "lineage", "--json").text)["runs"]
        newest: dict[str, Any] = max(found, key=lambda run: run["started"])["stages"]
        return newest


def rows(bench: Bench) -> list[Row]:
    """Measure all of it."""
    pipeline = Pipeline(bench)
    heavy = max(1, (bench.runs + 1) // 2)
    bench.say(f"  {heavy} first runs on {mnist.data_set(quick=bench.quick)}, and plain scripts")
    sides = {
        "first": pipeline.first,
        "plain first": pipeline.plain_first,
        "changed": pipeline.changed,
        "plain changed": pipeline.plain_changed,
        "back": pipeline.back,
    }
    # The first round warms the page cache, byte code and the caches of TensorFlow.
    found = in_turn(sides, heavy, warm=0 if bench.quick else 1)
    back = restored_seconds(pipeline)
    mnist.clear(pipeline.plain)
    mnist.make_folders(pipeline.plain, pipeline.stages)
    pipeline.bare()
    bench.say("  runs with nothing to do, and copies")
    quiet = {
        "no-op": pipeline.no_op,
        "bare": pipeline.bare_no_op,
        "copy": partial(pipeline.copied, forced=False),
        "forced copy": partial(pipeline.copied, forced=True),
    }
    found |= in_turn(quiet, 2 * bench.runs)
    mnist.compare(pipeline.root, pipeline.plain, pipeline.outputs(pipeline.names))
    return [
        *first_rows(pipeline, found),
        *back_rows(found, back),
        memory_row(found["no-op"]),
        *normalizer_rows(pipeline),
    ]


def first_rows(pipeline: Pipeline, found: dict[str, Series]) -> list[Row]:
    """Return how first and second run compare."""
    data = mnist.data_set(quick=pipeline.bench.quick)
    first, no_op = found["first"], found["no-op"]
    by_ratio = compared(
        GROUP, "second run, nothing changed", no_op, found["bare"], against="bare doit, the same tasks", goal=NO_OP
    )
    # They did not run in turn: the first run is long, and what it is compared with is a hundred times shorter.
    faster = Row(
        GROUP,
        "second run, nothing changed",
        "first run",
        first.wall / no_op.wall,
        FASTER,
        ours=seconds(no_op.wall),
        theirs=seconds(first.wall),
        spread=(min(first.walls) / max(no_op.walls), max(first.walls) / min(no_op.walls)),
    )
    same = "all outputs are the same, byte for byte"
    return [
        compared(
            GROUP, f"first run, {data}", first, found["plain first"], against="plain script", goal=FIRST, note=same
        ),
        by_ratio,
        faster,
        compared(
            GROUP,
            "doit train.epochs=2",
            found["changed"],
            found["plain changed"],
            against="plain script of train, evaluator, report",
            goal=CHANGED,
            note="ours includes deciding about the stages before them; the outputs are the same, byte for byte",
        ),
    ]


def restored_seconds(pipeline: Pipeline) -> float:
    """Return how long the newest run on record took to restore: all its restored stages together."""
    stages = pipeline.record().values()
    return sum(float(stage["seconds"]) for stage in stages if stage["verdict"] == "restored")


def back_rows(found: dict[str, Series], inner: float) -> list[Row]:
    """Return how the way back compares with a copy by hand."""
    extra = found["back"].wall - found["no-op"].wall
    note = (
        f"ours: a whole `doit` ({seconds(found['back'].wall)}) less a no-op; its stages say {seconds(inner)} in all. "
        "Verified, forced to the disk, and all or none take their places"
    )
    return [
        Row(
            GROUP,
            "and back: restore",
            against,
            extra / found[name].wall,
            BACK,
            ours=seconds(extra),
            theirs=seconds(found[name].wall),
            note=note if name == "copy" else "",
            raw={name: raw(found[name]), "back": raw(found["back"])},
        )
        for name, against in (("copy", "cp of the same files"), ("forced copy", "cp and sync of the same files"))
    ]


def memory_row(no_op: Series) -> Row:
    """Return the peak of memory of a run with nothing to do."""
    peaks = [run.peak / MEGA for run in no_op.runs]
    if no_op.peak <= own_peak():
        return missing(GROUP, "memory of a no-op", "-", "the benchmark itself was larger, which hides it", MEMORY)
    return Row(
        GROUP,
        "memory of a no-op",
        "-",
        no_op.peak / MEGA,
        MEMORY,
        "MB",
        spread=(min(peaks), max(peaks)),
        raw={"peaks": peaks},
    )


def normalizer_runs(pipeline: Pipeline) -> tuple[dict[str, Series], dict[str, list[float]]]:
    """Run and keep the normalizer in turn; return the whole processes, and the seconds that the stage itself took."""
    inner: dict[str, list[float]] = {"ran": [], "kept at first": [], "kept": []}

    def noted(name: str) -> None:
        found = pipeline.record()["normalizer"]
        if found["verdict"] != name.split(maxsplit=1)[0]:
            raise WrongError(f"normalizer: found it {found['verdict']}, expected {name}")
        inner[name].append(found["seconds"])

    def executed() -> Ran:
        pipeline.bench.doit(pipeline.root, "forget", "normalizer")
        done = mnist.checked(pipeline.bench.doit(pipeline.root, "normalizer"), "1 ran")
        noted("ran")
        return done

    def kept() -> Ran:
        # What was made a moment ago is digested once more: its times could still hide a change.
        for name in ("kept at first", "kept"):
            done = mnist.checked(pipeline.bench.doit(pipeline.root, "normalizer"), "steps: 3 kept")
            noted(name)
        return done

    return in_turn({"ran": executed, "kept": kept}, pipeline.bench.runs), inner


def normalizer_rows(pipeline: Pipeline) -> list[Row]:
    """Return the time that keeping one stage saves, for whole processes and for the stage alone."""
    found, inner = normalizer_runs(pipeline)
    whole = compared(
        GROUP,
        "`doit normalizer`, kept: whole processes",
        found["kept"],
        found["ran"],
        against="its own run",
        goal=KEPT,
        note="with the interpreter's start and the two stages before it on both sides",
    )
    sides = {name: Series(tuple(Ran(each, each, 0) for each in times[1:])) for name, times in inner.items()}
    at_first = sides["ran"].wall / sides["kept at first"].wall
    note = (
        "as the stages' own times on record say it; ZenML's page speaks of these, too, and claims 70x. "
        f"Right after it has run, its output is digested once more: {at_first:,.0f}x"
    )
    stage = compared(
        GROUP,
        "normalizer, kept: the stage alone",
        sides["kept"],
        sides["ran"],
        against="its own run",
        goal=KEPT,
        note=note,
    )
    return [whole, stage]
