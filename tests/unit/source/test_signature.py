"""A step's roles and settings, read from the source of its `run`."""

from pathlib import Path
from typing import Any

import pytest
from modules import written

from redoit.errors import DeclarationError
from redoit.source.project import Project
from redoit.source.settings import Declared, Kind, Signature
from redoit.source.signature import signature

HEAD = "from pathlib import Path\nimport pathlib\nfrom typing import Literal, Optional\nfrom enum import Enum\n"
MODES = "from enum import Enum\nclass Mode(str, Enum):\n    FAST = 'f'\n    SLOW = 's'\nRATE = 0.5\nNAME = 'x'\n"


def read(root: Path, setting: str, before: str = "", docstring: str = "") -> Signature:
    """Return the signature of a step with one setting."""
    text = f'{HEAD}{before}\ndef run(source: Path, target: Path, *, {setting}):\n    """{docstring}"""\n'
    consts = "from steps.modes import RATE as SPEED\nN = 3\n"
    written(root, {"steps/modes.py": MODES, "steps/consts.py": consts, "steps/one.py": text})
    return signature(Project(root), "steps.one")


def signature_of(root: Path, text: str, **modules: str) -> Signature:
    """Return the signature of a step of this text, beside other modules of `steps`."""
    written(root, {"steps/one.py": text, **{f"steps/{name}.py": other for name, other in modules.items()}})
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
        ("x: typing.Literal['a'] = 'a'", "import typing", "literal", "a"),
        ("x: list[int] = [1, 2]", "", "list[int]", [1, 2]),
        ("x: List[int] = []", "from typing import List", "list[int]", []),
        ("x: list[str] = ()", "", "list[str]", []),
        ("x: list[float] | None = None", "", "list[float]", None),
        ("x: Mode = Mode.FAST", "from steps.modes import Mode", "enum steps.modes:Mode", "FAST"),
        ("x: Mode = Mode.SLOW", "from .modes import Mode", "enum steps.modes:Mode", "SLOW"),
        ("x: Mode | None = Mode.SLOW", "from .modes import Mode", "enum steps.modes:Mode", "SLOW"),
        ("x: Optional[Mode] = None", "from .modes import Mode", "enum steps.modes:Mode", None),
        ("x: M = M.FAST", "from steps.modes import Mode as M", "enum steps.modes:Mode", "FAST"),
        ("x: Own = Own.A", "class Own(Enum):\n    A = 1\n    B = 2\n", "enum steps.one:Own", "A"),
        ("x: list[Own] = [Own.A]", "class Own(Enum):\n    A = 1\n", "list[enum steps.one:Own]", ["A"]),
        ("x: list[Path] = (Path('a'), 'b')", "", "list[path]", ["a", "b"]),
        ("x: list[int] = [N, 2]", "N = 7", "list[int]", [7, 2]),
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
        ("x: list[dict] = []", "", "found the type list[dict]"),
        ("x: Optional[dict] = None", "", "found the type Optional[dict]"),
        (f"x: '{'(' * 1000}' = 1", "", "found the type"),
        ("x: Plain = 1", "class Plain: pass", "found the type Plain"),
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
        ("x: list[int] = [f()]", "", "found the default [f()], expected an integer or several"),
        ("x: list[int] = [*[1]]", "", "found the default [*[1]], expected an integer or several"),
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


def test_the_error_of_a_setting_names_its_line(tmp_path: Path) -> None:
    """The place of a setting is its own line, not that of `run`."""
    with pytest.raises(DeclarationError, match=r"^steps/one\.py:4: setting y: has no default; give it one$"):
        signature_of(tmp_path, "def run(\n    *,\n    x: int = 1,\n    y: int,\n): ...")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def run(*args): ...", "steps/one.py:1: run: takes *args"),
        ("def run(**kwargs): ...", "steps/one.py:1: run: takes *args, **kwargs"),
        ("\ndef run(a, /): ...", "steps/one.py:2: run: takes"),
        ("def run(a=1): ...", "optional paths; name each path, no defaults"),
        ("x = 1", "step steps.one: no function 'run' in steps/one.py; define it"),
        ("async def run(): ...", "no function 'run'"),
        ("if x:\n    def run(): ...", "no function 'run'"),
        ("", "no function 'run'"),
    ],
)
def test_run_errors(tmp_path: Path, text: str, words: str) -> None:
    """A step has one plain `run` at its top level, whose paths are named and have no defaults."""
    with pytest.raises(DeclarationError) as caught:
        signature_of(tmp_path, text)
    assert words in str(caught.value)


def test_the_last_definition_counts(tmp_path: Path) -> None:
    """Of several functions `run`, and of several values of a constant, the last one is in force."""
    found = signature_of(tmp_path, "N = 1\ndef run(a): ...\ndef run(b, *, x: int = N): ...\nN = 2")
    assert found == Signature(("b",), (Declared("x", Kind("int"), 2),))


def test_a_step_may_be_a_package(tmp_path: Path) -> None:
    """Relative imports in a package start from the package itself."""
    text = "from .modes import Mode\nfrom ..consts import N\ndef run(*, x: Mode = Mode.SLOW, y: int = N): ..."
    written(tmp_path, {"steps/one/__init__.py": text, "steps/one/modes.py": MODES, "steps/consts.py": "N = 3"})
    mode, number = signature(Project(tmp_path), "steps.one").settings
    assert (str(mode.kind), mode.default, number.default) == ("enum steps.one.modes:Mode", "SLOW", 3)


def test_the_members_of_an_enumeration_are_its_choices(tmp_path: Path) -> None:
    """Each public name that an enumeration assigns is a choice; its methods and private names are none."""
    body = "A = B = 1\n    C: int = 2\n    _x = 3\n    y: int\n    def f(self): ..."
    text = f"from enum import IntEnum\nclass E(IntEnum):\n    {body}\n"
    (found,) = signature_of(tmp_path, f"{text}def run(*, x: E = E.C): ...").settings
    assert found.kind.choices == ("A", "B", "C")


@pytest.mark.parametrize("name", ["N", "absent"])
def test_imports_in_a_circle_end(tmp_path: Path, name: str) -> None:
    """A constant that modules import from each other, or from where it is not, has no value."""
    with pytest.raises(DeclarationError, match=f"found the default {name}, expected an integer"):
        signature_of(
            tmp_path, f"from steps.b import {name}\ndef run(*, x: int = {name}): ...", b="from steps.one import N"
        )


def test_help_is_of_settings_and_of_whole_names(tmp_path: Path) -> None:
    """The first line that begins with a setting's name is its help; of a role, or of a longer name, there is none."""
    doc = "a: a path\n    max_x: other\n    x: how many\n    x: again\n    see x: not here"
    (found,) = signature_of(tmp_path, f'def run(a, *, x: int = 1):\n    """Do.\n\n    {doc}\n    """').settings
    assert found.help == "how many"


def test_an_absent_step(tmp_path: Path) -> None:
    """The error of a missing step suggests the nearest name."""
    written(tmp_path, {"steps/train.py": "def run(): ..."})
    with pytest.raises(DeclarationError, match=r"step steps.trian: .*did you mean steps.train\?"):
        signature(Project(tmp_path), "steps.trian")
