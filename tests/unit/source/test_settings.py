"""A step's roles and settings, read from its source, and the values that users may give them."""

from pathlib import Path
from typing import Any

import pytest
from examples import write

from redoit.errors import DeclarationError
from redoit.source.project import Project
from redoit.source.settings import Declared, Kind, Signature, nearest
from redoit.source.signature import signature

HEAD = "from pathlib import Path\nimport pathlib\nfrom typing import Literal, Optional\nfrom enum import Enum\n"
MODES = "from enum import Enum\nclass Mode(str, Enum):\n    FAST = 'f'\n    SLOW = 's'\nRATE = 0.5\nNAME = 'x'\n"


def read(root: Path, setting: str, before: str = "", docstring: str = "") -> Signature:
    """Return the signature of a step with one setting."""
    write(root, steps__modes=MODES, steps____init__="", steps__consts="from steps.modes import RATE as SPEED\nN = 3\n")
    text = f'{HEAD}{before}\ndef run(source: Path, target: Path, *, {setting}):\n    """{docstring}"""\n'
    write(root, steps__one=text)
    return signature(Project(root), "steps.one")


@pytest.mark.parametrize(
    ("setting", "before", "kind", "default"),
    [
        ("x: int = 5", "", "int", 5),
        ("x: int = -1", "", "int", -1),
        ("x: float = 1e-3", "", "float", 0.001),
        ("x: float = 1", "", "float", 1.0),
        ("x: bool = True", "", "bool", True),
        ("x: str = 'a b '", "", "str", "a b "),
        ("x: Path = Path('a/b')", "", "path", "a/b"),
        ("x: pathlib.Path = pathlib.Path('a')", "", "path", "a"),
        ("x: Literal['a', 'b'] = 'b'", "", "literal", "b"),
        ("x: Literal[1, 2] = 2", "", "literal", 2),
        ("x: Literal['a'] = 'a'", "", "literal", "a"),
        ("x: Optional[int] = None", "", "int", None),
        ("x: int | None = None", "", "int", None),
        ("x: None | int = 3", "", "int", 3),
        ("x: 'int | None' = None", "", "int", None),
        ("x: 'int' = 3", "", "int", 3),
        ("x: list[int] = [1, 2]", "", "list[int]", [1, 2]),
        ("x: list[str] = ()", "", "list[str]", []),
        ("x: list[float] | None = None", "", "list[float]", None),
        ("x: Mode = Mode.FAST", "from steps.modes import Mode", "enum steps.modes:Mode", "FAST"),
        ("x: Mode = Mode.SLOW", "from .modes import Mode", "enum steps.modes:Mode", "SLOW"),
        ("x: M = M.FAST", "from steps.modes import Mode as M", "enum steps.modes:Mode", "FAST"),
        ("x: Own = Own.A", "class Own(Enum):\n    A = 1\n    B = 2\n", "enum steps.one:Own", "A"),
        ("x: list[Own] = []", "class Own(Enum):\n    A = 1\n", "list[enum steps.one:Own]", []),
        ("x: int = N", "N = 7", "int", 7),
        ("x: int = N", "N: int = 7", "int", 7),
        ("x: int = N", "from steps.consts import N", "int", 3),
        ("x: float = SPEED", "from steps.consts import SPEED", "float", 0.5),
    ],
)
def test_kind_and_default(tmp_path: Path, setting: str, before: str, kind: str, default: Any) -> None:
    """The type comes from the annotation, the default from a literal, a constant or a member, through imports."""
    (found,) = read(tmp_path, setting, before).settings
    assert (found.name, str(found.kind)) == ("x", kind)
    assert (type(found.default), found.default) == (type(default), default)


def test_roles(tmp_path: Path) -> None:
    """What stands before the star are the roles, in order."""
    assert read(tmp_path, "x: int = 1").roles == ("source", "target")


@pytest.mark.parametrize(
    "docstring",
    [
        "Train.\\n\\n    x: how many,\\n        over two lines\\n    y: other\\n    ",
        "Train.\\n\\n    Args:\\n        x (int): how many,\\n            over two lines\\n        y (int): other\\n",
        "Train.\\n\\n    :param x: how many,\\n        over two lines\\n    :param y: other\\n    ",
        "Train.\\n\\n    `x`: how many,\\n        over two lines\\n    ",
    ],
)
def test_help(tmp_path: Path, docstring: str) -> None:
    """A setting's help is read from its line in the docstring, in each usual style."""
    x, y = read(tmp_path, "x: int = 1, y: int = 2", docstring=docstring).settings
    assert x.help == "how many, over two lines"
    assert y.help in ("other", "")


@pytest.mark.parametrize(
    ("setting", "before", "words"),
    [
        ("x: int", "", "has no default"),
        ("x=1", "", "found no type"),
        ("x: dict = {}", "", "found the type dict"),
        ("x: Absent = 1", "", "found the type Absent"),
        ("x: int | str = 1", "", "found the type"),
        ("x: 'not a type' = 1", "", "found the type"),
        ("x: Literal[N] = 1", "N = 1", "found the type"),
        ("x: int = 2.5", "", "found the default 2.5, expected an integer"),
        ("x: int = True", "", "found the default True, expected an integer"),
        ("x: bool = 1", "", "expected true or false"),
        ("x: int = None", "", "expected an integer"),
        ("x: str = 5", "", "expected a text"),
        ("x: int = f()", "def f(): return 1", "found the default f()"),
        ("x: int = ABSENT", "", "found the default ABSENT"),
        ("x: str = modes.NAME", "from steps import modes", "found the default modes.NAME"),
        ("x: Path = modes.NAME", "from steps import modes", "found the default modes.NAME"),
        ("x: Literal['a', 'b'] = 'c'", "", "expected one of a, b"),
        ("x: Mode = Mode.MEDIUM", "from steps.modes import Mode", "expected one of FAST, SLOW"),
        ("x: list[int] = ['a']", "", "expected an integer or several"),
        ("x: int = 1, **rest", "", "*args, **kwargs"),
    ],
)
def test_declaration_errors(tmp_path: Path, setting: str, before: str, words: str) -> None:
    """The error of a wrong declaration is one line that begins with its place."""
    with pytest.raises(DeclarationError) as caught:
        read(tmp_path, setting, before)
    line = str(caught.value)
    assert words in line
    assert line.startswith("steps/one.py:")
    assert "\n" not in line


@pytest.mark.parametrize("text", ["def run(*args): ...", "def run(a, /): ...", "def run(a=1): ...", "x = 1"])
def test_run_errors(tmp_path: Path, text: str) -> None:
    """A step has one `run`, whose paths are named and have no defaults."""
    write(tmp_path, steps__one=text)
    with pytest.raises(DeclarationError):
        signature(Project(tmp_path), "steps.one")


def test_an_absent_step(tmp_path: Path) -> None:
    """The error of a missing step suggests the nearest name."""
    write(tmp_path, steps__train="def run(): ...")
    with pytest.raises(DeclarationError, match=r"step steps.trian: .*did you mean steps.train\?"):
        signature(Project(tmp_path), "steps.trian")


INT, FLOAT, BOOL, STR, PATH = (Kind(name) for name in ("int", "float", "bool", "str", "path"))
CHOICE, MODE = Kind("literal", ("adam", "sgd", 1)), Kind("enum m:Mode", ("FAST", "SLOW"))
NO_INTS: tuple[Any, ...] = (True, 2.5, "x", "", "2.5", None, [1], {}, "1e3")
LIST, MAYBE = Kind("list", item=INT), Kind("int", optional=True)


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        (INT, "7", 7),
        (INT, " -7 ", -7),
        (INT, 7, 7),
        (FLOAT, "1e-3", 0.001),
        (FLOAT, "1", 1.0),
        (FLOAT, 1, 1.0),
        (FLOAT, 0.5, 0.5),
        (BOOL, "yes", True),
        (BOOL, "OFF", False),
        (BOOL, "0", False),
        (BOOL, True, True),
        (STR, " 1 ", " 1 "),
        (STR, "", ""),
        (PATH, "a/b", "a/b"),
        (CHOICE, "SGD", "sgd"),
        (CHOICE, "1", 1),
        (CHOICE, 1, 1),
        (MODE, "fast", "FAST"),
        (LIST, "1, 2,", [1, 2]),
        (LIST, "", []),
        (LIST, [1, 2], [1, 2]),
        (MAYBE, "none", None),
        (MAYBE, None, None),
        (MAYBE, "3", 3),
    ],
)
def test_values(kind: Kind, given: Any, value: Any) -> None:
    """A text from a shell and a value from TOML become a value of the declared type."""
    found = kind.value(given)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        *((INT, given) for given in NO_INTS),
        *((FLOAT, given) for given in (True, "x", "", None, [1.0])),
        *((BOOL, given) for given in (1, 0, "x", "", 1.0, None, "2")),
        *((STR, given) for given in (1, True, None, ["a"])),
        *((PATH, given) for given in (1, None)),
        *((CHOICE, given) for given in ("x", True, 1.0, None, "")),
        *((MODE, given) for given in ("x", 0, None)),
        *((LIST, given) for given in (1, "a", [True], [1.5], {"a": 1}, None)),
        *((MAYBE, given) for given in ("nothing", True)),
    ],
)
def test_refusals(kind: Kind, given: Any) -> None:
    """What is not of the declared type is refused, in one line with what was expected."""
    with pytest.raises(DeclarationError, match=r"found .*expected ") as caught:
        Declared("x", kind, None).value(given, "train --x")
    assert str(caught.value).startswith("train --x: found ")


@pytest.mark.parametrize(
    ("name", "known", "words"),
    [
        ("trian", ["train", "test"], "did you mean train?"),
        ("zzz", ["b", "a"], "known: a, b"),
        ("zzz", [f"name{index}" for index in range(20)], ""),
        ("zzz", [], ""),
    ],
)
def test_nearest(name: str, known: list[str], words: str) -> None:
    """The error of a wrong name suggests the nearest name, or lists all if they are few."""
    assert nearest(name, known) == words
