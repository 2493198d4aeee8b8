"""Real doits in projects where an enemy has changed what redoit or doit reads."""

import json
import os
import shutil
from dataclasses import replace

import pytest
from projects import ALL, Pipeline, Result

from redoit.digest import of_bytes
from redoit.model import Environment, Setting, Stage
from redoit.state.workspace import Workspace


def sealed(value: object) -> bytes:
    """Return a value in JSON, with the right seal."""
    data = json.dumps(value).encode()
    return of_bytes(data).encode() + b"\n" + data


CHANGES = {
    "files": ("stat-cache", sealed({"source.txt": ["../../canary"]})),
    "environment": ("installed", sealed({"folder": ["", 0, [1]]})),
    "latest": ("latest/make", b'{"key":"../../..","trace":"canary"}'),
    "mark": ("invalidations/make", b'{"kind":"upstream","subject":"\\u001b[2J\\nStep make kept","old":"\\r"}'),
}


@pytest.mark.parametrize(("name", "data"), CHANGES.values(), ids=CHANGES)
def test_doit_recovers_from_a_hostile_file(built: Pipeline, name: str, data: bytes) -> None:
    """Forged caches are made again, or make a stage run; they send nothing to the terminal."""
    clean = built.outputs()
    path = built.path(f".redoit/{name}")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    result = built.doit()
    assert (result.code, built.outputs()) == (0, clean), result.text
    assert "Traceback" not in result.text
    assert all(line.isprintable() for line in result.text.split("\n")), result.text
    assert "\nStep make kept" not in result.text or name != "invalidations/make"


CONFIGURATIONS = {
    "a value of another type": ("pyproject.toml", b'[tool.redoit]\ncache = "no"\n'),
    "a table of another type": ("pyproject.toml", b"[tool]\nredoit = 1\n"),
    "an unknown option": ("pyproject.toml", b"[tool.redoit]\ncash = true\n"),
    "a setting of another type": ("pyproject.toml", b"[tool.doit.tasks.make]\ntimes = [1]\n"),
    "a setting that is huge": ("pyproject.toml", b"[tool.doit.tasks.make]\ntimes = 1e999\n"),
    "a setting in doit.cfg": ("doit.cfg", b"[task:make]\ntimes = \x1b[2J\n"),
    "an unknown stage": ("doit.cfg", b"[task:mak]\ntimes = 1\n"),
}


@pytest.mark.parametrize(("name", "data"), CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_doit_says_in_a_line_what_a_configuration_file_has_wrong(fresh: Pipeline, name: str, data: bytes) -> None:
    """A wrong value or name is one line that names it, nothing is executed, and the exit status is not 0."""
    fresh.path(name).write_bytes(data)
    result = fresh.doit()
    assert (result.code != 0, result.executed) == (True, []), result.text
    assert "Traceback" not in result.text
    assert len(result.err.splitlines()) == 1, result.text
    assert result.err.rstrip("\n").isprintable(), result.text


HOSTILE = "\x1b[2J\nStep make kept\r\ud800../../" + "n" * 10_000


def held(result: Result) -> None:
    """Hold that nothing escaped, and that nothing commands the terminal."""
    assert "Traceback" not in result.text
    assert all(line.isprintable() and len(line) < 5000 for line in result.text.split("\n")), result.text


def test_names_in_a_forged_trace_are_shown_and_no_more(built: Pipeline) -> None:
    """A trace under its right name, whose texts are hostile, explains in one line, and is listed and collected."""
    workspace = Workspace(built.root)
    stage = Stage("make", "steps.make", {}, {})
    true = workspace.latest(stage)
    assert true is not None
    action = replace(
        true.action,
        settings=(Setting(HOSTILE, "str", HOSTILE),),
        code={HOSTILE: of_bytes(b"")},
        environment=Environment(python=HOSTILE, packages={HOSTILE: HOSTILE}),
    )
    metrics = {HOSTILE: float("nan")}
    forged = replace(true, action=action, stage=HOSTILE, host=HOSTILE, started=-1e11, seconds=1e11, metrics=metrics)
    workspace.store.append(forged)
    workspace.remember(stage, forged)
    built.path("data/made.txt").unlink()
    for command in (
        ["cache"],
        ["info", "make"],
        ["make.times=9"],
        ["cache", "check"],
        ["cache", "gc", "--keep-last=1"],
    ):
        result = built.doit(*command)
        assert result.code == (1 if command[0] == "info" else 0), result.text
        held(result)
    assert built.doit().code == 0


DATABASES = {
    "numbers": '{"deps:": 5, "_values_:": 7, "checker:": 9, "result:": 1, "source.txt": 3, "ignore:": 0}',
    "lists": '{"deps:": [[1]], "_values_:": [1], "checker:": [], "result:": [], "source.txt": [], "ignore:": []}',
    "texts": '{"deps:": "source.txt", "_values_:": "x", "checker:": "x", "result:": "x", "source.txt": "x"}',
    "lists in lists": "[" * 100_000,
    "no JSON": "{",
    "a number": 7,
}


@pytest.mark.parametrize("data", DATABASES.values(), ids=DATABASES)
def test_doit_recovers_from_a_hostile_database(built: Pipeline, data: object) -> None:
    """Whatever doit's own database says of all stages, results are right: it is never the truth."""
    clean = built.outputs()
    built.path(".redoit/doit.db").write_bytes(sealed(dict.fromkeys(ALL, data)))
    for _ in range(2):
        built.path("data/total.txt").unlink()
        result = built.doit()
        assert (result.code, built.outputs(), result.executed) == (0, clean, []), result.text
        held(result)


LINKS = ["logs", "blobs", "quarantine"]  # the others, and who else writes there: tests/unit


@pytest.mark.parametrize("name", LINKS)
def test_doit_writes_and_removes_nothing_behind_a_link(built: Pipeline, name: str) -> None:
    """A folder of `.redoit/` that is a link is an error or ignored; its target stays unchanged."""
    outside = built.root.parent / "outside"
    for file in ("make", ".tmp-old", of_bytes(b"")[2:], f"{of_bytes(b'')[:2]}/{of_bytes(b'')[2:]}"):
        (outside / file).parent.mkdir(parents=True, exist_ok=True)
        (outside / file).write_bytes(b"theirs")
        os.utime(outside / file, (0, 0))
    before = {path: path.read_bytes() for path in outside.rglob("*") if path.is_file()}
    shutil.rmtree(built.path(f".redoit/{name}"), ignore_errors=True)
    built.path(f".redoit/{name}").symlink_to(outside)
    for command in (["make.times=9"], ["forget", "make"], [], ["cache", "check"], ["cache", "gc", "--keep-last=1"]):
        held(built.doit(*command))
    assert {path: path.read_bytes() for path in outside.rglob("*") if path.is_file()} == before
    assert built.doit("cache", "clear", "--yes").code == 0
    assert {path: path.read_bytes() for path in outside.rglob("*") if path.is_file()} == before
