"""Damage to redoit's files: it is detected, restored or rebuilt, and never used."""

import json
import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from campaigns import Campaign
from damage import (
    OF_FILES,
    OF_FOLDERS,
    by_dangling_link,
    by_folder,
    by_link,
    by_pipe,
    canary,
    empty,
    erase,
    flip,
    named,
    overwrite,
    truncate,
)
from in_process import STAGES
from projects import ALL, CHAIN, Pipeline, Result

from redoit.engine.staging import staging_folder
from redoit.model import Stage

LOAD = '''

def task_load():
    """Load what is never restored."""
    return step("steps.load", inputs={"source": "source.txt"}, outputs={"loaded": "data/deep/loaded.txt"}, impure=True)


def task_plain():
    """Let doit remember something, too."""
    return {"actions": ["true"]}
'''
STEP = """
from pathlib import Path

import blake3
from steps.witness import executed


def run(source: Path, loaded: Path) -> None:
    executed("load")
    loaded.write_text(blake3.blake3(source.read_bytes()).hexdigest())
"""
FILES = {**CHAIN, "dodo.py": CHAIN["dodo.py"] + LOAD, "steps/load.py": STEP}
MADE = {
    "make": "data/made.txt",
    "sort": "data/ordered.txt",
    "side": "data/total.txt",
    "join": "data/report.txt",
    "load": "data/deep/loaded.txt",
}
LOADED = Stage("load", "steps.load", {}, {"loaded": MADE["load"]})
PLANTED = [  # what is not there, and could be in the way
    *(os.fspath(staging_folder(STAGES[name], role)) for name, role in (("make", "made"), ("join", "report"))),
    os.fspath(staging_folder(LOADED, "loaded")),
    ".redoit/logs/none",
    ".redoit/latest/.tmp-0123456789abcdef",
    ".redoit/blobs/.tmp-0123456789abcdef",
    ".redoit/blobs/zz",
    ".redoit/traces/zz",
    ".redoit/private/blobs",
]
TRIES = 4  # errors, one after another, whose way out is followed


@dataclass(frozen=True)
class Template:
    """A project in which everything is that redoit ever writes: its folder, and stage -> bytes of its clean output."""

    root: Path
    clean: dict[str, bytes]

    def copy(self, folder: Path, *, forgotten: bool) -> Pipeline:
        """Return a copy of it, in which `join` may be forgotten."""
        if folder.exists():
            shutil.rmtree(folder)
        shutil.copytree(self.root, folder / "project", symlinks=True)
        pipeline = Pipeline(folder / "project")
        if not forgotten:
            erase(pipeline.path(".redoit/invalidations/join"))
        return pipeline


def build(folder: Path) -> Template:
    """Build the chain, an impure stage and an ordinary task, quarantine a blob, and forget a stage."""
    pipeline = Pipeline(folder / "project")
    for name, text in FILES.items():
        pipeline.write(name, text)
    assert pipeline.doit().executed == [*ALL, "load"]
    clean = {stage: pipeline.path(path).read_bytes() for stage, path in MADE.items()}
    blob = next(path for path in pipeline.blobs() if path.read_bytes() == clean["join"])
    blob.write_bytes(b"X" + clean["join"][1:])
    pipeline.path(MADE["join"]).unlink()
    assert pipeline.doit().executed == ["join"]
    assert pipeline.doit("forget", "join").code == 0
    names = ("private/traces", "invalidations/join", "quarantine", "installed", "stat-cache", "doit.db", "latest/load")
    for name in names:
        assert pipeline.path(f".redoit/{name}").exists(), name
    return Template(pipeline.root, clean)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Return a project in which everything is that redoit ever writes."""
    return build(tmp_path_factory.mktemp("full"))


def places(pipeline: Pipeline) -> dict[str, list[Path]]:
    """Return kind -> files and folders of that kind, below `.redoit/` and `data/`."""
    found: dict[str, list[Path]] = {"data": [pipeline.path("data"), *sorted(pipeline.path("data").rglob("*"))]}
    for path in sorted(pipeline.path(".redoit").iterdir()):
        found[path.name] = [path, *sorted(path.rglob("*"))]
    return found


def strike(pipeline: Pipeline, rng: random.Random) -> tuple[Path, str]:
    """Damage something; return what, and in which way."""
    kinds = places(pipeline)
    kind = rng.choice([*sorted(kinds), "planted"])
    if kind == "planted":
        path = pipeline.path(rng.choice(PLANTED))
        path.parent.mkdir(exist_ok=True)
        erase(path)
        path.write_bytes(rng.randbytes(99))
    else:
        path = rng.choice(kinds[kind])
    way = rng.choice(OF_FOLDERS if path.is_dir() else OF_FILES)
    way(path, rng)
    return path, way.__name__


def may_execute(pipeline: Pipeline, template: Template, struck: Path, gone: set[str]) -> set[str]:
    """Return the stages that damage gives a reason to execute. `gone`: those whose outputs were removed as well."""
    found = set()
    for stage, output in MADE.items():
        store = ".redoit/private" if stage == "load" else ".redoit"
        hit = {pipeline.path(path) for path in records(template, stage)}
        missing = stage in gone or pipeline.path(output).is_relative_to(struck)
        blobs = {path for path in hit if "blobs" in path.parts}
        if any(path.is_relative_to(struck) for path in hit - blobs):
            found.add(stage)  # its trace
        if missing and (store.endswith("private") or any(path.is_relative_to(struck) for path in blobs)):
            found.add(stage)
    return found


def records(template: Template, stage: str) -> set[Path]:
    """Return where the trace of a stage's output, and its blob, are in the store."""
    root = template.root / ".redoit"
    note = json.loads((root / "latest" / stage).read_text())
    key, trace = note["key"], note["trace"]
    found = {path for path in root.rglob(f"{trace}.json") if path.parent.name == key}
    for path in (root / "blobs").rglob("*"):
        if path.is_file() and path.read_bytes() == template.clean[stage]:
            found.add(path)
    return {path.relative_to(template.root) for path in found}


def follow(pipeline: Pipeline, result: Result) -> None:
    """Do what a failed doit says: something in the way, or damaged, is moved away."""
    lines = [line for line in result.text.splitlines() if "has failed" in line or line.startswith("ERROR")]
    assert lines, result.text
    for line in lines:
        assert "; " in line, f"no way out: {line}"
        found = named(pipeline.root, line.replace("its log is", ""))
        assert found, f"it names nothing that is there: {line}"
        erase(found[0])


def check_recovery(pipeline: Pipeline, template: Template, note: str) -> list[str]:
    """Run doit, follow its errors, and compare the outputs with a clean build; return the executed steps."""
    executed = []
    for _ in range(TRIES):
        result = pipeline.doit()
        executed += result.executed
        assert "Traceback" not in result.text, f"{note}\n{result.text}"
        if result.code == 0:
            break
        try:
            follow(pipeline, result)
        except AssertionError as error:
            error.add_note(note)
            raise
    assert result.code == 0, f"{note}\n{result.text}"
    for stage, path in MADE.items():
        assert pipeline.path(path).read_bytes() == template.clean[stage], f"{note}: {path}\n{result.text}"
    return executed


def damaged(template: Template, folder: Path, rng: random.Random) -> None:
    """Damage something in a copy of the template, perhaps remove outputs as well, and see doit come right."""
    forgotten = rng.random() < 0.3
    pipeline = template.copy(folder, forgotten=forgotten)
    struck, way = strike(pipeline, rng)
    gone = {stage for stage in MADE if rng.random() < 0.5} if rng.random() < 0.5 else set()
    for stage in gone:
        lose(pipeline, stage)
    note = f"{way} {struck.relative_to(pipeline.root)}, removed {sorted(gone)}"
    executed = check_recovery(pipeline, template, note)
    allowed = may_execute(pipeline, template, struck, gone) | ({"join"} if forgotten else set())
    assert set(executed) <= allowed, f"{note}: executed {executed}"
    assert canary(pipeline.root / "x").read_text() == "canary", note
    if rng.random() < 0.3:
        for stage in MADE:
            lose(pipeline, stage)
        check_recovery(pipeline, template, f"{note}, then removed all")
    quiet = pipeline.doit()
    assert (quiet.executed, quiet.code) == ([], 0), f"{note}\n{quiet.text}"


def lose(pipeline: Pipeline, stage: str) -> None:
    """Remove the output of a stage, if it can be reached."""
    path = pipeline.path(MADE[stage])
    if path.parent.is_dir():
        erase(path)


def test_damage_is_never_served(campaign: Campaign, full: Template, tmp_path: Path) -> None:
    """After damage to anything redoit wrote, doit's outputs are those of a clean build, and little is executed."""
    campaign.run(lambda rng: damaged(full, tmp_path / "round", rng), few=5, full=1000)


def checked(template: Template, folder: Path, rng: random.Random) -> None:
    """Damage some blobs and traces, let `doit cache check` find each of them, and see doit come right without them."""
    pipeline = template.copy(folder, forgotten=False)
    roots = [pipeline.path(f".redoit/{name}") for name in ("blobs", "traces", "private/traces")]
    files = sorted(path for root in roots for path in root.glob("*/*") if path.stat().st_size)  # to empty is damage
    struck = rng.sample(files, rng.randrange(1, 4))
    for path in struck:
        way = rng.choice([flip, truncate, empty, overwrite, by_folder, by_link, by_dangling_link, by_pipe])
        way(path, rng)
    names = [path.relative_to(pipeline.path(".redoit")) for path in struck]
    result = pipeline.doit("cache", "check")
    assert result.code == 1, f"{names}\n{result.text}"
    assert "Traceback" not in result.text
    for path, name in zip(struck, names, strict=True):
        assert str(name).removeprefix("private/") in result.out, result.out
        assert not os.path.lexists(path)
    if rng.random() < 0.5:
        for stage in MADE:
            lose(pipeline, stage)
    check_recovery(pipeline, template, f"{names}")
    again = pipeline.doit("cache", "check")
    assert (again.code, pipeline.doit().executed) == (0, []), again.text


def test_check_finds_all_damage(campaign: Campaign, full: Template, tmp_path: Path) -> None:
    """`doit cache check` names, and moves to quarantine, each blob and trace that does not match its name."""
    campaign.run(lambda rng: checked(full, tmp_path / "round", rng), few=2, full=100)
