"""The texts of parts: of a name, of a whole module, and of what an import executes."""

from pathlib import Path

import pytest
from modules import Files, written

from redoit.fingerprint.names import bindings
from redoit.fingerprint.normalise import Definition
from redoit.fingerprint.parts import Texts, is_exposed
from redoit.source.project import Module, Project

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
    assert Texts(project).of_binding(module, bindings(module).names[name]) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({}, "def f(x: int):\n    return x"),
        ({"docs": True}, '\'Why.\'\ndef f(x: int):\n    """Why."""\n    return x'),
        ({"docs": True, "raw": True}, DOCUMENTED),
    ],
)
def test_the_text_of_a_whole_module(tmp_path: Path, texts: dict[str, bool], expected: str) -> None:
    """A module's text has its docstrings only if they count, and its comments only if each byte does."""
    project, module = read(tmp_path, DOCUMENTED)
    assert Texts(project, **texts).of_whole(module) == expected


def test_bytes_that_are_no_text_are_escaped(tmp_path: Path) -> None:
    """The source of a module in another encoding is a text, too, in which other bytes have other signs."""
    project, _ = read(tmp_path, "")
    for name, letter in (("one", b"\xe9"), ("two", b"\xe8")):
        (tmp_path / f"steps/{name}.py").write_bytes(b"# coding: latin-1\n# " + letter)
    one, two = (project.module(f"steps.{name}") for name in ("one", "two"))
    assert one is not None
    assert two is not None
    texts = Texts(project, raw=True)
    assert texts.of_whole(one) == "# coding: latin-1\n# \\xe9"
    assert texts.of_whole(two) == "# coding: latin-1\n# \\xe8"


def test_texts_of_two_kinds_are_kept_apart(tmp_path: Path) -> None:
    """The text with docstrings and the one without are both right, whichever was asked for first."""
    project, module = read(tmp_path, "def f():\n    'why'\n    return 1")
    statement = module.tree.body[0]
    plain, documented = Texts(project), Texts(project, docs=True)
    for _ in range(2):
        assert "why" not in plain.of_statement(module, statement)
        assert "why" in documented.of_statement(module, statement)


def test_names_in_what_is_stripped_are_not_used(tmp_path: Path) -> None:
    """A postponed annotation uses no name, unless annotations count."""
    project, module = read(tmp_path, "from __future__ import annotations\ndef f(x: A) -> None: return b")
    function = module.tree.body[1]
    assert [use.chain for use in Texts(project).uses(module, function).names] == [("b",)]
    assert ("A",) in {use.chain for use in Texts(project, docs=True).uses(module, function).names}


@pytest.mark.parametrize(
    ("text", "effectful", "expected"),
    [
        ("from __future__ import annotations", set(), "from __future__ import annotations"),
        ("from steps.m import *", set(), "from steps.m import *"),
        ("from steps import m", set(), ""),
        ("import steps.m", {"steps.m"}, "import steps.m"),
        ("from steps import m", {"steps.m"}, "import steps.m"),
        ("from lib import m", {"lib.m"}, "from lib import m"),
        ("import steps.gone", set(), "import steps.gone"),
        ("import numpy as np", set(), ""),
        ("import numpy as np", {"steps.train"}, "import numpy"),
        ("import os", {"steps.train"}, ""),
    ],
)
def test_the_imports_that_an_import_of_a_module_executes(
    tmp_path: Path, text: str, effectful: set[str], expected: str
) -> None:
    """An import counts by its place if it executes effects, may fail, or binds names that only a run shows."""
    project, module = read(tmp_path, text, {"steps/m.py": "", "lib/__init__.py": "m = 1", "lib/m.py": ""})
    assert Texts(project).of_effects(module, effectful) == expected


@pytest.mark.parametrize(
    ("text", "exposed"),
    [
        ("def f(): pass", False),
        ("class C: pass", False),
        ("class C(Exception): pass", False),
        ("import functools\n@functools.lru_cache(maxsize=1)\ndef f(): pass", False),
        ("import keras\n@keras.saving.register()\ndef f(): pass", True),
        ("import keras\nclass C(keras.Model): pass", True),
        ("from typing import Generic, TypeVar\nT = TypeVar('T')\nclass C(Generic[T]): pass", False),
        ("import abc\nclass C(metaclass=abc.ABCMeta): pass", False),
        ("import magic\nclass C(metaclass=magic.Meta): pass", True),
        ("class C(B, key=other.value): pass\nclass B: pass", False),
        ("from steps.m import Own\nclass C(Own): pass", False),
        ("from steps.m import Net\nclass C(Net): pass", True),
        ("from steps.m import deco\n@deco\ndef f(): pass", False),
        ("@absent\ndef f(): pass", True),
        ("@(lambda f: f)\ndef f(): pass", True),
        ("class C(C): pass", True),
    ],
)
def test_definitions_that_code_from_outside_receives(tmp_path: Path, text: str, exposed: bool) -> None:
    """A decorator, base or metaclass from outside receives a definition, also through the project's own classes."""
    outside = "import keras\nclass Own: pass\nclass Net(keras.Model): pass\ndef deco(f): return f"
    project, module = read(tmp_path, text, {"steps/m.py": outside})
    definitions: list[Definition] = [item for item in module.tree.body if isinstance(item, Definition)]
    assert is_exposed(project, module, definitions[0]) == exposed
