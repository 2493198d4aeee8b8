"""Invariants after a fault stopped a doit: its store is sound, no byte is wrong, nothing is lost.

Looks at the store on its own, by what README says of the format, and not through redoit.
"""

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from blake3 import blake3
from in_process import OTHER_TIMES, TIMES, build
from projects import ALL, CHAIN, Pipeline, Result

OTHER = "make.times=9"  # a setting with which all outputs differ
TIMES_OF = {(): TIMES, (OTHER,): OTHER_TIMES}
DAY = 86_400
FRAME = re.compile(r'File "[^"]*/(?:redoit|doit)/')  # of a traceback that no user should see
OF_DOIT = "ERROR: Could not find dodo file '"  # its own line, where it can't look at dodo.py


@dataclass(frozen=True)
class Scenario:
    """A doit that a fault strikes.

    `before`: what was run until then; `arguments`: of the doit in question; `way`: with which, and with which settings,
    all must come right afterwards; `may`: the steps that this may execute at most, finished ones excepted; `must`:
    those that it has to execute if the doit in question succeeded.
    """

    name: str
    before: tuple[tuple[str, ...], ...]
    arguments: tuple[str, ...]
    way: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    must: tuple[str, ...] = ()
    prepare: Callable[[Pipeline], object] = field(default=lambda _: None)


def spoil(pipeline: Pipeline) -> None:
    """Corrupt the blob of the report, and remove the report."""
    report = pipeline.path("data/report.txt")
    blob = next(path for path in pipeline.blobs() if path.read_bytes() == report.read_bytes())
    blob.write_bytes(b"X" + report.read_bytes()[1:])
    report.unlink()


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("build", (), (), may=tuple(ALL)),
        Scenario("change", ((),), (OTHER,), (OTHER,), may=tuple(ALL)),
        Scenario("go back", ((), (OTHER,)), ()),
        Scenario("keep", ((),), ()),
        Scenario("forget", ((),), ("forget", "sort"), may=("sort", "join"), must=("sort", "join")),
        Scenario("rerun", ((), ("forget", "sort")), (), may=("sort", "join")),
        Scenario("uncached", ((),), ("sort", "--no-cache"), may=("sort", "join"), must=("join",)),
        Scenario("heal", ((),), (), may=("join",), prepare=spoil),
        Scenario("gc", ((), (OTHER,)), ("cache", "gc", "--keep-last", "1"), (OTHER,)),
        Scenario("check", ((),), ("cache", "check"), may=("join",), prepare=spoil),
        Scenario("clear", ((),), ("cache", "clear", "--yes"), may=tuple(ALL), must=tuple(ALL)),
    )
}


class Ground:
    """Projects in the states in which scenarios begin, each made once, and the bytes of clean builds."""

    def __init__(self, folder: Path, files: dict[str, str] = CHAIN) -> None:
        self._folder = folder
        self._files = files
        self.clean = {settings: self._built(settings) for settings in ((), (OTHER,))}

    def _built(self, settings: tuple[str, ...]) -> dict[str, bytes]:
        pipeline = self._made(self._folder / f"clean {' '.join(settings)}", (settings,))
        return relative(pipeline)

    def _made(self, folder: Path, commands: tuple[tuple[str, ...], ...]) -> Pipeline:
        pipeline = Pipeline(folder / "project")
        for name, text in self._files.items():
            pipeline.write(name, text)
        for command in commands:
            result = pipeline.doit(*command)
            assert result.code == 0, result.text
        return pipeline

    def begin(self, scenario: Scenario, folder: Path) -> Pipeline:
        """Return a project in which a scenario can begin, in a folder that is emptied."""
        template = self._folder / scenario.name
        if not template.exists():
            pipeline = self._made(template, scenario.before)
            scenario.prepare(pipeline)
        if folder.exists():
            shutil.rmtree(folder)
        shutil.copytree(template, folder)
        return Pipeline(folder / "project")

    def check(
        self, pipeline: Pipeline, scenario: Scenario, struck: Result, before: set[str], *, real: bool = True
    ) -> None:
        """Check the invariants after a fault, and that the next doit succeeds.

        `struck`: what the doit that was struck did; `before`: the traces that were there before it; `real`: whether the
        next doit is a process, or the engine in this one, which is faster.
        """
        assert not FRAME.search(struck.text), struck.text  # a failing step shows its own
        assert struck.code < 0 or struck.code == 0 or has_error(struck), f"no clear line ({struck.code}): {struck.text}"
        self.check_bytes(pipeline)
        made = sound_traces(pipeline)
        if scenario.name not in ("gc", "clear"):
            assert before <= made.keys(), "recorded executions are lost"
        right = self.clean[scenario.way]
        if struck.code == 0 and scenario.arguments == scenario.way:
            assert relative(pipeline) == right, f"exit 0, and wrong: {struck.text}"
        finished = finished_in(struck)
        if scenario.name not in ("rerun", "uncached"):  # a stage is distrusted until all of its commit is done
            finished |= {made[name] for name in made.keys() - before}
        executed = self.check_recovery(pipeline, scenario, finished, real=real)
        assert struck.code != 0 or {*scenario.must} <= {*executed}, f"executed {executed}, expected {scenario.must}"

    def check_bytes(self, pipeline: Pipeline) -> None:
        """See that each output in place is one that a clean build makes."""
        for name, found in relative(pipeline).items():
            assert found in [clean[name] for clean in self.clean.values()], f"{name} has wrong bytes: {found!r}"

    def check_recovery(self, pipeline: Pipeline, scenario: Scenario, finished: set[str], *, real: bool) -> list[str]:
        """Build again: it must succeed, execute nothing that was finished, and leave what a clean build leaves.

        Return what it executed.
        """
        executed = _again(pipeline, scenario) if real else build(pipeline.root, TIMES_OF[scenario.way])
        assert relative(pipeline) == self.clean[scenario.way], "the next doit left something else"
        surplus = [name for name in executed if name not in scenario.may or name in finished]
        assert not surplus, f"executed for nothing: {surplus}, finished were {sorted(finished)}"
        sound_traces(pipeline)
        return executed


def _again(pipeline: Pipeline, scenario: Scenario) -> list[str]:
    pipeline.witness = pipeline.root.parent / "executed again"  # a step that is killed late writes to the other
    pipeline.env["EXECUTED"] = str(pipeline.witness)
    again = pipeline.doit(*scenario.way)
    assert (again.code, "Traceback" in again.text) == (0, False), f"the next doit failed: {again.text}"
    return again.executed


def relative(pipeline: Pipeline) -> dict[str, bytes]:
    """Return path, from the project's root, -> bytes of every file under `data/`, save those that are being made."""
    found = pipeline.outputs() if pipeline.path("data").is_dir() else {}
    return {os.path.relpath(path, pipeline.root): data for path, data in found.items() if "/data/.redoit-" not in path}


def sound_traces(pipeline: Pipeline) -> dict[str, str]:
    """Return name -> stage of all traces; see that each is what its name promises, as are the blobs that it names."""
    store, found = pipeline.path(".redoit"), {}
    for path in sorted((store / "traces").glob("*/*.json")):
        data = path.read_bytes()
        assert blake3(data).hexdigest() == path.stem, f"a false trace: {path.name}, {data!r}"
        fields = json.loads(data)
        outputs = {row[0] for row in fields["manifest"].values()}
        for digest in {*outputs, *fields["action"]["code"].values(), fields["log"]}:
            blob = store / "blobs" / digest[:2] / digest[2:]
            if blob.exists() or digest not in quarantined(store):
                assert blob.exists(), f"a trace of {fields['stage']} without its blob {digest}"
        found[path.stem] = fields["stage"]
    return found


def quarantined(store: Path) -> set[str]:
    """Return the names of blobs in quarantine."""
    folder = store / "quarantine"
    names = os.listdir(folder) if folder.is_dir() else []
    return {"".join(name.split("-")[1:3]) for name in names}


def finished_in(result: Result) -> set[str]:
    """Return the stages that a doit said had finished, save those of which it said that they run again."""
    again = re.findall(r"^WARNING (\S+): .* runs again next time$", result.out, re.MULTILINE)
    return {*result.told("finished")} - {*again}


def has_error(result: Result) -> bool:
    """Tell whether a failed doit says, in a line, what went wrong."""
    lines = [line for line in result.text.splitlines() if re.match(r"Step \S+ has failed\. |ERROR: |corrupt: ", line)]
    return bool(lines) and all(
        line.count(": ") > line.startswith("ERROR: ") or line.startswith(OF_DOIT) for line in lines
    )


def orphans(pipeline: Pipeline) -> list[str]:
    """Return the temporary files and staging folders that are left."""
    found = [*pipeline.path(".redoit").rglob(".tmp-*"), *pipeline.path("data").rglob(".redoit-*")]
    return [os.path.relpath(path, pipeline.root) for path in found]


def staging(pipeline: Pipeline) -> list[str]:
    """Return the staging folders that are left."""
    return [name for name in orphans(pipeline) if "/.redoit-" in name]


def left_after_gc(pipeline: Pipeline) -> list[str]:
    """Return the orphaned files that are left after a day and `doit cache gc`."""
    for path in pipeline.path(".redoit").rglob(".tmp-*"):
        found = path.stat()
        os.utime(path, (found.st_atime - 2 * DAY, found.st_mtime - 2 * DAY))
    result = pipeline.doit("cache", "gc")
    assert result.code == 0, result.text
    return orphans(pipeline)
