"""What is plainly constant in source has the value that Python gives it; all else is refused."""

import ast
import importlib
import sys
from pathlib import Path, PurePosixPath

import pytest
from isolated_imports import isolated_imports
from modules import parsed, written

from redoit.source.constants import NotConstantError, binding, constant, is_constant, origin
from redoit.source.names import Binder
from redoit.source.project import Project
from redoit.source.settings import Member

HEAD = "import os, pathlib\nimport pathlib as p\nfrom pathlib import Path as P, Path\nfrom mine.consts import *\n"
MODULES = {
    "mine/__init__.py": "",
    "mine/consts.py": "N = 1\nTWICE = 1\nTWICE = 2\n_PRIVATE = 3\nSUM = N + N\nROOT = 'data'\n",
    "mine/lazy.py": "def __getattr__(name):\n    return 9\n",
    "mine/again.py": "from .consts import N as M\nfrom . import consts\n",
}
ALIKE = {  # what is evaluated, and after it what stands above
    "-3": "",
    "+2.5": "",
    "not True": "",
    "60 * 60": "",
    "2 ** 5": "",
    "2**-3": "",
    "1 / 255": "",
    "7 // 2 % 3": "",
    "1 << 20": "",
    "1e-3 * 2": "",
    "True + 1": "",
    "1e999": "",
    "float('inf')": "",
    "-float('inf')": "",
    "float('nan')": "",
    "float(1)": "",
    "'a' + 'b' 'c'": "",
    "[1, 2.0] + [None]": "",
    "(1, ('a',))": "",
    "f'a{X}b{True}{0.5}'": "X = 3",
    "f'{Path(ROOT)}.txt'": "from mine.consts import ROOT",
    "Path()": "",
    "Path('a//b/./c')": "",
    "Path('a', 'b')": "",
    "P('a') / 'b' / Path('c')": "",
    "'a' / p.Path('b')": "",
    "pathlib.Path('/a') / '/b'": "",
    "X": "X: int = 3",
    "Y": "X = Y = 3",
    "X + 1": "X = 3; Y = 4",
    "A * B": "A = 2\nB = A + 1",
    "N": "from mine.consts import N",
    "M": "from mine.again import M",
    "SUM": "from mine.consts import SUM",
    "_PRIVATE": "from mine.consts import _PRIVATE",
    "X ": "def f(X):\n    X = 5\n    return [X for X in ()]\nX = 3",
    "X  ": "class C:\n    X = 5\n    def X(self): ...\nX = 3",
}
REFUSED = {
    "X": "X = 1\nX = 2",
    "N": "from mine.consts import N\nfor N in (7,): pass",
    "N ": "from mine.consts import N\nwith open(os.devnull) as N: pass",
    "N  ": "from mine.consts import N\nN += 1",
    "TWICE": "from mine.consts import TWICE",
    "A": "from mine.lazy import A",
    "ROOT": "",
    "X ": "X = 1\ndel X",
    "X  ": "X = 1\ndef f():\n    global X\n    X = 2",
    "X   ": "X = 1\nclass C:\n    def f(self):\n        def g():\n            global X\n            X = 2",
    "X    ": "if os.name == 'posix':\n    X = 1\nelse:\n    X = 2",
    "X     ": "if os.name == 'posix':\n    X = 1",
    "X      ": "try:\n    X = 1\nexcept ImportError:\n    pass",
    "X       ": "try:\n    import json\nexcept ImportError as X:\n    pass",
    "X        ": "print(X := 3)",
    "X         ": "for X in (1,): pass",
    "X          ": "X, Y = 1, 2",
    "X           ": "match 1:\n    case X: pass",
    "X            ": "match [1]:\n    case [*X]: pass",
    "X             ": "match {}:\n    case {**X}: pass",
    "X              ": "def X(): ...",
    "X               ": "while True:\n    X = 1\n    break",
    "X                ": "X = 1\nimport os as X",
    "X                 ": "X = 1\nasync def X(): ...",
    "X                  ": "X = 1\nclass X: ...",
    "X                   ": "X = X",
    "X + Y": "X = 1\nY = f()",
    "os": "",
    "os.name": "",
    "max": "",
    "consts.N": "from mine import consts",
    "mine.consts.N": "import mine.consts",
    "Z": "",
    "C.X.Y": "class C: ...",
    "f()": "def f(): return 1",
    "float('inf') ": "float = str",
    "Path('a')": "class Path(str): ...",
    "Path.cwd()": "",
    "Path(__file__)": "",
    "Path(path='a')": "",
    "Path(*['a'])": "",
    "P(3)": "",
    "int('5')": "",
    "1 if True else 2": "",
    "(lambda: 1)()": "",
    "[*[1]]": "",
    "{}": "",
    "f'{1:03}'": "",
    "f'{1!r}'": "",
    "f'{[1]}'": "",
    "'a' * 3": "",
    "'%d' % 3": "",
    "1 + 'a'": "",
    "[1] + (1,)": "",
    "C.A + 1": "class C: A = 1",
    "[C.A] + [1] < [2]": "class C: A = 1",
    "1 / 0": "",
    "1 << -1": "",
    "10.0 ** 400": "",
    "float('x')": "",
    "~1": "",
    "9**9**9": "",
    "-(9**9**9)": "",
    "1 << 9**9": "",
    "1.0 * 10**400": "",
}


def evaluated(root: Path, text: str, before: str) -> object:
    """Return the value of an expression at the end of the module `mine.one`."""
    written(root, {**MODULES, "mine/one.py": f"{HEAD}{before}\nVALUE = {text.strip()}\n"})
    project = Project(root)
    module = project.module("mine.one")
    assert module
    binder = binding(module, "VALUE")
    assert binder
    statement = binder.statement
    assert isinstance(statement, ast.Assign)
    return constant(project, module, statement.value)


@pytest.mark.parametrize("text", ALIKE)
def test_a_constant_has_the_value_that_python_gives_it(tmp_path: Path, text: str) -> None:
    """Literals, operators over them and names bound once have the value and the type that they have in Python."""
    found = evaluated(tmp_path, text, ALIKE[text])
    sys.path.insert(0, str(tmp_path))
    with isolated_imports("mine"):
        sys.dont_write_bytecode = True
        expected = importlib.import_module("mine.one").VALUE
    sys.path.remove(str(tmp_path))
    if isinstance(expected, Path):
        assert (type(found), str(found)) == (PurePosixPath, str(expected))
    else:
        assert repr(found) == repr(expected)


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_plainly_constant_is_refused(tmp_path: Path, text: str) -> None:
    """A name that is bound twice, under a condition or by others has no value, and neither has what code computes."""
    with pytest.raises((NotConstantError, ArithmeticError, ValueError, TypeError, RecursionError)):
        evaluated(tmp_path, text, REFUSED[text])


@pytest.mark.parametrize(
    ("first", "following"),
    [("'a'", "{0} + {0}"), ("3", "{0} * {0}"), ("Path('a')", "{0} / {0}"), ("'a'", "f'{{{0}}}{{{0}}}'")],
)
def test_what_grows_without_end_is_refused(tmp_path: Path, first: str, following: str) -> None:
    """Each of a hundred constants doubles the one before it: the value would fill the memory, and is not computed."""
    lines = [f"X0 = {first}", *(f"X{index + 1} = {following.format(f'X{index}')}" for index in range(100))]
    with pytest.raises(NotConstantError, match=r"too large|^$"):
        evaluated(tmp_path, "X100", "\n".join(lines))


def test_each_constant_is_evaluated_once(tmp_path: Path) -> None:
    """A chain of sums of two takes as many steps as it has names, not two to the power of that."""
    lines = ["X0 = 0", *(f"X{index + 1} = X{index} + X{index}" for index in range(100))]
    assert evaluated(tmp_path, "X100", "\n".join(lines)) == 0


@pytest.mark.parametrize(
    ("text", "constant"),
    [
        ("60 * 60", True),
        ("N", True),
        ("Path('a')", True),
        ("C.A", False),
        ("f()", False),
        ("ABSENT", False),
        ("B", False),
    ],
)
def test_what_executes_no_code(tmp_path: Path, text: str, constant: bool) -> None:
    """A constant executes no code of the project; an attribute of a class may, and so is none, as what has no value."""
    before = "from mine.consts import N\nfrom mine.broken import B\nclass C: A = 1"
    written(tmp_path, {**MODULES, "mine/broken.py": "def", "mine/one.py": f"{HEAD}{before}\n"})
    project = Project(tmp_path)
    module = project.module("mine.one")
    assert module
    assert is_constant(project, module, ast.parse(text, mode="eval").body) is constant


def test_a_member_of_a_class(tmp_path: Path) -> None:
    """An attribute of a class is that member, by the module and the name of the class."""
    assert evaluated(tmp_path, "C.A", "class C:\n    A = 1") == Member("enum mine.one:C", "A")
    assert evaluated(tmp_path, "DEFAULT", "class C:\n    A = 1\nDEFAULT = C.A") == Member("enum mine.one:C", "A")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("int", "builtins.int"),
        ("Path", "pathlib.Path"),
        ("P", "pathlib.Path"),
        ("p.Path", "pathlib.Path"),
        ("os.path.join", "os.path.join"),
    ],
)
def test_the_origin_of_a_name_from_outside(tmp_path: Path, text: str, found: str) -> None:
    """What is bound by an import of a module outside the project is its dotted name there."""
    module = parsed(HEAD, "mine.one")
    assert origin(Project(tmp_path), module, ast.parse(text, mode="eval").body) == found


def test_the_binding_of_a_name() -> None:
    """A name is bound by one statement, or by none; the error of a name that is bound twice names the lines."""
    module = parsed("import a.b\n\ndef f(): ...\nX = 1\nX = 2\n")
    assert binding(module, "f") == Binder(module.tree.body[1])
    assert binding(module, "b") is None
    with pytest.raises(NotConstantError, match=r"^X is bound in line 4, 5 of steps/train\.py, not once and plainly$"):
        binding(module, "X")
