"""Which statements of a module are plain: they only bind a name, to what looks at nothing."""

import ast
from pathlib import Path

import pytest
from modules import written

from redoit.fingerprint.plain import has_hooks, hooked, is_plain, other_statements, plain_statements
from redoit.source.project import Module, Project

OTHERS = "import keras\nclass Own: pass\nclass Meta(type): pass\nclass Made(metaclass=Meta): pass\nvalue = f()\n"


def read(root: Path, text: str) -> tuple[Project, Module]:
    """Return a project with a step of this text beside others, and the step's module."""
    project = Project(written(root, {"steps/train.py": text, "steps/m.py": OTHERS}))
    module = project.module("steps.train")
    assert module is not None
    return project, module


@pytest.mark.parametrize(
    ("text", "is_plain"),
    [
        ("def f(a, b=1, *, c=(2, -3)): print(a)", True),
        ("def f(a=g()): pass", False),
        ("x = {'a': [1, 2.5], 'b': (None, b'c')}", True),
        ("x = y = 60 * 60", True),
        ("x = 'a' + 'b'", True),
        ("x = y", False),
        ("x.y = 1", False),
        ("x += 1", False),
        ("x: int = 1", True),
        ("x: f() = 1", False),
        ("class C:\n    'why'\n    x = 1\n    def f(self): pass", True),
        ("class C:\n    x = f()", False),
        ("class C(Exception): pass", True),
        ("class C(metaclass=M): pass", False),
        ("import os, json", True),
        ("from math import pi", True),
        ("import os.path", False),
        ("import numpy", False),
        ("from __future__ import annotations", False),
        ("print(1)", False),
        ("if x: pass", False),
        ("pass", True),
    ],
)
def test_what_is_plain_by_itself(tmp_path: Path, text: str, is_plain: bool) -> None:
    """Definitions, assignments of literals and imports of the standard library are plain, and nothing else is."""
    project, module = read(tmp_path, text)
    assert (module.tree.body[0] in plain_statements(project, module)) == is_plain


@pytest.mark.parametrize(
    ("text", "is_plain"),
    [
        ("from steps.m import Own\nclass C(Own): pass", True),
        ("import keras\nclass C(keras.Model): pass", False),
        ("import enum\nclass C(enum.Enum): pass", False),
        ("from functools import cache\n@cache\ndef f(): pass", True),
        ("from functools import partial\n@partial(g)\ndef f(): pass", False),
        ("from steps.m import Own\n@Own\ndef f(): pass", False),
        ("from steps.m import Own\ndef f(x: Own | None): pass", True),
        ("from steps.m import Made\ndef f(x: Made | None): pass", True),
        ("from steps.m import Own\ndef f(x: Own[int]): pass", False),
        ("from steps.m import value\ndef f(x: value, y: list[value]): pass", True),
        ("from steps.m import value\ndef f(x: value.y): pass", False),
        ("x = 1\nx = 2", False),
        ("from steps.m import *\nx = 1", False),
        ("def f():\n    global x\n    x = 2\nx = 1", False),
    ],
)
def test_what_is_plain_beside_others(tmp_path: Path, text: str, is_plain: bool) -> None:
    """Bases, decorators, annotations and the other statements that bind a name decide whether its own is plain."""
    project, module = read(tmp_path, text)
    assert (module.tree.body[-1] in plain_statements(project, module)) == is_plain


def test_other_statements_are_in_order_and_without_imports(tmp_path: Path) -> None:
    """What an import executes besides imports and plain statements is found in order."""
    project, module = read(tmp_path, "import keras\nprint(1)\nx = 1\nprint(2)\nif __name__ == '__main__': print(3)")
    assert [ast.unparse(item) for item in other_statements(project, module)] == ["print(1)", "print(2)"]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("1", True),
        ("{1, 2}", True),
        ("{**a}", False),
        ("[x]", False),
        ("-1", True),
        ("-x", False),
        ("2 ** 9", True),
        ("9 ** 9 ** 9", False),
    ],
)
def test_a_literal(tmp_path: Path, text: str, is_one: bool) -> None:
    """A literal is made of constants alone, and can neither fail nor be huge."""
    project, module = read(tmp_path, f"X = {text}")
    assert is_plain(project, module, module.tree.body[0]) == is_one


def test_classes_that_others_act_on(tmp_path: Path) -> None:
    """A module says whether it may act on classes derived from its own, and which definitions are acted on."""
    _, module = read(tmp_path, "class A:\n    def __init_subclass__(cls): pass\nclass B(A): pass")
    assert has_hooks(module)
    assert hooked(module) == ["B"]
    assert not has_hooks(read(tmp_path, "class A: pass")[1])
