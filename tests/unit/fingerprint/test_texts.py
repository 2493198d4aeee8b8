"""The texts of parts: of a name, of a whole module, and of what an import executes."""

from pathlib import Path
from typing import Any

import pytest
from modules import Files, written

from redoit.fingerprint.exposure import Exposed
from redoit.fingerprint.texts import Texts
from redoit.source.project import Module, Project

NONE = Exposed(frozenset(), frozenset())
DOCUMENTED = '"""Why."""  # what\n\n\ndef f(x: int):\n    """Why."""\n    return x  # how\n'


def read(root: Path, text: str, files: Files | None = None) -> tuple[Project, Module]:
    """Return a project with a step of this text, and the step's module."""
    project = Project(written(root, {"steps/train.py": text, **(files or {})}))
    module = project.module("steps.train")
    assert module is not None
    return project, module


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("x = 1  # one", "x", "x = 1"),
        ("x = 1\ny = 2\nx += y", "x", "x = 1\nx += y"),
        ("x, x = 1, 2", "x", "x, x = (1, 2)"),
        ("from a import b, c as d", "b", "from a import b"),
        ("from a import b, c as d", "d", "from a import c as d"),
        ("from . import b", "b", "from steps import b"),
        ("import a.b, a.c, d", "a", "import a.b\nimport a.c"),
        ("import a\na = a.b", "a", "import a\na = a.b"),
        ("try:\n    import a\nexcept E:\n    a = b = 1", "a", "try:\n    import a\nexcept E:\n    a = b = 1"),
        ("def f(x):\n    'why'\n    return x", "f", "def f(x):\n    return x"),
        ("if c:\n    def f(): return 1", "f", "if c:\n\n    def f():\n        return 1"),
    ],
)
def test_the_text_of_a_name(tmp_path: Path, text: str, name: str, expected: str) -> None:
    """All statements that bind a name, each once and in order; of an import only that name, made absolute."""
    project, module = read(tmp_path, text)
    assert Texts(project, NONE).of_binding(module, name) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [({}, '\'Why.\'\ndef f(x: int):\n    """Why."""\n    return x'), ({"raw": True}, DOCUMENTED)],
)
def test_the_text_of_a_whole_module(tmp_path: Path, texts: dict[str, Any], expected: str) -> None:
    """A module's text has its docstrings, for other code may read them, and comments only if each byte counts."""
    project, module = read(tmp_path, DOCUMENTED)
    assert Texts(project, NONE, **texts).of_whole(module) == expected


def test_bytes_that_are_no_text_are_escaped(tmp_path: Path) -> None:
    """The source of a module in another encoding is a text, too, in which other bytes have other signs."""
    project, _ = read(tmp_path, "")
    for name, letter in (("one", b"\xe9"), ("two", b"\xe8")):
        (tmp_path / f"steps/{name}.py").write_bytes(b"# coding: latin-1\n# " + letter)
        module = project.module(f"steps.{name}")
        assert module is not None
        found = Texts(project, NONE, raw=True).of_whole(module)
        assert found == f"# coding: latin-1\n# \\x{letter.hex()}"


def test_texts_of_two_kinds_are_kept_apart(tmp_path: Path) -> None:
    """The text with docstrings and the one without are both right, whichever was asked for first."""
    project, module = read(tmp_path, "def f():\n    'why'\n    return 1")
    statement = module.tree.body[0]
    named = Exposed(frozenset({"f"}), frozenset())
    for _ in range(2):
        assert "why" not in Texts(project, NONE).of_statement(module, statement, "f")
        assert "why" in Texts(project, NONE, docs=True).of_statement(module, statement, "f")
        assert "why" in Texts(project, named).of_statement(module, statement, "f")


def test_names_in_what_is_stripped_are_not_used(tmp_path: Path) -> None:
    """A postponed annotation uses no name, unless annotations count."""
    project, module = read(tmp_path, "from __future__ import annotations\ndef f(x: A) -> None: return b")
    function = module.tree.body[1]
    assert [use.chain for use in Texts(project, NONE).uses(module, function, "f").names] == [("b",)]
    assert ("A",) in {use.chain for use in Texts(project, NONE, docs=True).uses(module, function, "f").names}


def test_settings_of_the_steps_function_are_no_code(tmp_path: Path) -> None:
    """The text of the step's function has the names of its settings, without types and defaults."""
    project, module = read(tmp_path, "def run(path: Path, *, rate: float = 0.1): pass")
    texts = Texts(project, NONE, root=module.tree.body[0])
    assert texts.of_statement(module, module.tree.body[0], "run") == "def run(path: Path, *, rate):\n    pass"


@pytest.mark.parametrize(
    ("text", "reached", "expected"),
    [
        ("x = 1\ndef f(): pass", "x f", ""),
        ("import os\nx = 1", "", ""),
        ("from steps.m import *", "", "from steps.m import *"),
        ("from . import m", "", "from steps import m"),
        ("import numpy as np", "", "import numpy as np"),
        ("print(1)\nprint(2)", "", "print(1)\nprint(2)"),
        ("x = 1\nprint(1)\ny = 2", "x y", "# x\nprint(1)\n# y"),
        ("b = 1\na = 2\nprint(1)", "a b", "# a\n# b\nprint(1)"),
        ("x = 1\nprint(1)", "", "print(1)"),
        ("import os\nprint(1)", "os", "# os\nprint(1)"),
    ],
)
def test_what_an_import_of_a_module_executes(tmp_path: Path, text: str, reached: str, expected: str) -> None:
    """Statements count in order, those that are plain by their name alone, and only if it is reached."""
    project, module = read(tmp_path, text)
    assert Texts(project, NONE).of_import(module, lambda name: name in reached.split()) == expected
