"""A pyproject.toml that an enemy made, as redoit reads it; doit has read it before."""

from pathlib import Path

import pytest
from hostile_files import Workers

from redoit.errors import DeclarationError
from redoit.source.settings import Declared, Kind

FILES = {
    "no TOML": (b"[tool.redoit", "found no TOML"),
    "not UTF-8": (b"\xff\xfe[tool.redoit]", "found no TOML"),
    "NUL": (b'[tool.redoit]\nstore = "\0"', "found no TOML"),
    "nested deeply": (b"a = " + b"[" * 5000 + b"]" * 5000, "found no TOML"),
    "a number of 5,000 digits": (b"[tool.redoit]\ncache = " + b"9" * 5000, "found"),
    "a table twice": (b"[tool.redoit]\n[tool.redoit]", "found no TOML"),
    "tool that is a number": (b"tool = 1", "found"),
    "redoit that is a number": (b"[tool]\nredoit = 1", "found 1, expected a table"),
    "redoit that is a list": (b"[[tool.redoit]]\ncache = true", "expected a table"),
    "cache that is a text": (b'[tool.redoit]\ncache = "no"', "found 'no', expected true or false"),
    "cache that is a number": (b"[tool.redoit]\ncache = 1", "found 1, expected true or false"),
    "store that is a list": (b'[tool.redoit]\nstore = ["a"]', "expected a text"),
    "a long text": (b'[tool.redoit]\ncache = "' + b"n" * 10**6 + b'"', "expected true or false"),
    "a long name": (b"[tool.redoit]\n" + b"n" * 10**5 + b" = 1", "no such setting"),
    "a name with a new line": (b'[tool.redoit]\n"a\\nb\\u001b" = 1', "no such setting"),
    "a megabyte of comments": (b"# " + b"n" * 10**6, None),
}


@pytest.mark.parametrize(("data", "fault"), FILES.values(), ids=FILES)
def test_hostile_pyproject_is_a_clear_error(workers: Workers, tmp_path: Path, data: bytes, fault: str | None) -> None:
    """What is no option, or no TOML, is one short line."""
    (tmp_path / "pyproject.toml").write_bytes(data)
    workers.expect("project", tmp_path / "pyproject.toml", fault)


@pytest.mark.parametrize("kind", ["int", "float", "bool", "str", "path"])
@pytest.mark.parametrize(
    "given", [10**400, "9" * 5000, "\ud800" * 999, [1], {"a": 1}, float("nan"), "1e999", "\0", None]
)
def test_hostile_setting_is_a_value_or_a_clear_error(kind: str, given: object) -> None:
    """Whatever a file or a command line gives, it has the declared type, or the error is one short line."""
    try:
        value, fault = Declared("epochs", Kind(kind), None).value(given, "[task:train] epochs"), ""
    except DeclarationError as error:
        value, fault = None, str(error)
    assert fault or type(value).__name__ == {"path": "str"}.get(kind, kind)
    assert len(fault) < 500
    assert "\n" not in fault
