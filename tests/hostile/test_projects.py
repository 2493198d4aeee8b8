"""Real doits in projects where an enemy has changed what redoit or doit reads."""

import json

import pytest
from projects import Pipeline

from redoit.digest import of_bytes


def sealed(value: object) -> bytes:
    """Return a value in JSON, with the right seal."""
    data = json.dumps(value).encode()
    return of_bytes(data).encode() + b"\n" + data


CHANGES = {
    "saved": ("saved", sealed({"seconds": "much", "kept": [], "restored": None})),
    "files": ("files", sealed({"source.txt": ["../../canary"]})),
    "environment": ("environment", sealed({"folders": [], "owners": [1]})),
    "latest": ("latest/make", b'{"key":"../../..","trace":"canary"}'),
    "mark": ("distrust/make", b'{"kind":"upstream","subject":"\\u001b[2J\\nStep make kept","old":"\\r"}'),
}


@pytest.mark.parametrize(("name", "data"), CHANGES.values(), ids=CHANGES)
def test_doit_comes_right_beside_a_hostile_file(built: Pipeline, name: str, data: bytes) -> None:
    """What an enemy wrote is learnt anew, or makes a stage run; nothing of it commands the terminal."""
    clean = built.outputs()
    path = built.path(f".redoit/{name}")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    result = built.doit()
    assert (result.code, built.outputs()) == (0, clean), result.text
    assert "Traceback" not in result.text
    assert all(line.isprintable() for line in result.text.split("\n")), result.text
    assert "\nStep make kept" not in result.text or name != "distrust/make"


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
