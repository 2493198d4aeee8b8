"""Which definitions code from outside may look into: by decorators, by bases, and by what names are handed on."""

from pathlib import Path

import pytest
from modules import Files, written

from redoit.fingerprint.exposure import Handed, derives_from_outside, handed, is_exposed, is_wrapped_only
from redoit.source.names import Definition
from redoit.source.project import Module, Project

LIB = "import keras\nclass Own: pass\nclass Net(keras.Model): pass\ndef deco(f): return f\n"


def read(root: Path, text: str, files: Files | None = None) -> tuple[Project, Module]:
    """Return a project with a step of this text, and the step's module."""
    project = Project(written(root, {"steps/train.py": text, "steps/m.py": LIB, **(files or {})}))
    module = project.module("steps.train")
    assert module is not None
    return project, module


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
        ("import abc\nclass C(abc.ABC): pass", False),
        ("import magic\nclass C(metaclass=magic.Meta): pass", True),
        ("from steps.m import Own\nclass C(Own): pass", False),
        ("from steps.m import Net\nclass C(Net): pass", True),
        ("from steps.m import deco\n@deco\ndef f(): pass", True),
        ("class C:\n    @property\n    def f(self): pass\n    @f.setter\n    def f(self, x): pass", False),
        ("@absent\ndef f(): pass", True),
        ("@(lambda f: f)\ndef f(): pass", True),
        ("@print\ndef f(): pass", True),
        ("class C(C): pass", False),
    ],
)
def test_decorators_and_bases_that_may_look_into_a_definition(tmp_path: Path, text: str, exposed: bool) -> None:
    """A decorator, base or metaclass other than Python's own receives a definition, also through other classes."""
    project, module = read(tmp_path, text)
    first = next(item for item in module.tree.body if isinstance(item, Definition))
    assert is_exposed(project, module, first, handed(project, module).exposed()) == exposed


@pytest.mark.parametrize(
    ("text", "functions", "classes"),
    [
        ("g()", set(), set()),
        ("lib.show(g)", {"g"}, {"g"}),
        ("lib.show(a.g)", {"g"}, {"g"}),
        ("x = [g]", {"g"}, {"g"}),
        ("isinstance(x(), g)", set(), {"x"}),
        ("from m import f as g\nlib.show(g)", {"f", "g"}, {"f", "g"}),
        ("lib.show(C())", set(), {"C"}),
        ("C().f()", set(), set()),
        ("def f():\n    c = C()\n    c.go()", set(), set()),
        ("def f():\n    c = C()\n    lib.show(c)", {"c"}, {"c", "C"}),
        ("c = C()", set(), {"C"}),
        ("class D(C): pass\nlib.show(D)", {"D"}, {"C", "D"}),
        ("class D(C): pass\nlib.show(C())", set(), {"C", "D"}),
        ("class C:\n    def f(this): lib.show(this)", {"this"}, {"this", "C"}),
        ("class C:\n    def f(self): self.x()", set(), set()),
    ],
)
def test_names_that_are_handed_on(tmp_path: Path, text: str, functions: set[str], classes: set[str]) -> None:
    """A name used otherwise than to call it is handed on; of a class also what it makes, and its whole family."""
    found = handed(*read(tmp_path, text)).exposed()
    assert (set(found.functions), set(found.classes)) == (functions, classes)


def test_names_are_followed_from_module_to_module(tmp_path: Path) -> None:
    """What one module hands on may be renamed, or derived from, in another."""
    files = {"steps/q.py": "from steps.m import f as g", "steps/p.py": "class D(C): pass"}
    project, module = read(tmp_path, "from steps.q import g\nlib.show(g, D)", files)
    others = [each for name in ("steps.q", "steps.p") if (each := project.module(name))]
    found = Handed.union(handed(project, each) for each in (module, *others)).exposed()
    assert found.functions >= {"f", "g", "D"}
    assert found.classes >= {"C", "D"}


def test_a_class_and_its_decorators_alone(tmp_path: Path) -> None:
    """Whether a class is only wrapped, and whether it derives from outside, are told apart."""
    text = "from dataclasses import dataclass\nimport keras\n@dataclass\nclass C(keras.Model): pass"
    project, module = read(tmp_path, text)
    definition = module.tree.body[-1]
    assert isinstance(definition, Definition)
    assert is_wrapped_only(project, module, definition)
    assert derives_from_outside(project, module, definition)  # type: ignore[arg-type]  # a class
