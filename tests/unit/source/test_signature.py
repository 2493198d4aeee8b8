"""A step's roles and settings, read from the source of its `run`."""

from pathlib import Path
from typing import Any

import pytest
from modules import written

from redoit.errors import DeclarationError
from redoit.source.project import Project
from redoit.source.settings import Signature
from redoit.source.signature import signature

HEAD = "from pathlib import Path\nimport pathlib\nfrom typing import Literal, Optional\nfrom enum import Enum\n"
SUM = " + 1" * 400
MODES = "from enum import Enum\nclass Mode(str, Enum):\n    FAST = 'f'\n    SLOW = 's'\nRATE = 0.5\nNAME = 'x'\n"


def read(root: Path, setting: str, before: str = "", docstring: str = "") -> Signature:
    """Return the signature of a step with one setting."""
    text = f'{HEAD}{before}\ndef run(source: Path, target: Path, *, {setting}):\n    """{docstring}"""\n'
    consts = "from steps.modes import RATE as SPEED\nN = 3\nText = str\n"
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
        ("x: float = 1", "", "float", 1),
        ("x: float = float('inf')", "", "float", float("inf")),
        ("x: str | None = 'none'", "", "str", "none"),
        ("x=1", "", "int", 1),
        ("x=-0.5", "", "float", -0.5),
        ("x=False", "", "bool", False),
        ("x='a'", "", "str", "a"),
        ("x=Path('a')", "", "path", "a"),
        ("x: Annotated[int, 'many'] = 1", "from typing import Annotated", "int", 1),
        ("x: Union[None, int] = None", "from typing import Union", "int", None),
        ("x: int | None | None = 1", "", "int", 1),
        ("x: Seconds = 0.5", "Seconds = float", "float", 0.5),
        ("x: Text = 'a'", "from steps.consts import Text", "str", "a"),
        ("x: '\"int\"' = 1", "", "int", 1),
        ("x: Path = Path('a')", "from typing import *", "path", "a"),
        ("x: Path | None = None", "if Literal:\n    from pathlib import Path", "path", None),
        ("x: bool = True", "", "bool", True),
        ("x: str = 'a b '", "", "str", "a b "),
        ("x: Path = Path('a/b')", "", "path", "a/b"),
        ("x: pathlib.Path = pathlib.Path('a')", "", "path", "a"),
        ("x: Literal['a', 'b'] = 'b'", "", "literal", "b"),
        ("x: Literal[1, 2] = 2", "", "literal", 2),
        ("x: Literal[1, True] = True", "", "literal", True),
        ("x: Literal['A', 'a'] = 'a'", "", "literal", "a"),
        ("x: Literal[None, -1] = None", "", "literal", None),
        ("x: Literal['a'] = 'a'", "", "literal", "a"),
        ("x: Optional[int] = None", "", "int", None),
        ("x: int | None = None", "", "int", None),
        ("x: None | int = 3", "", "int", 3),
        ("x: 'int | None' = None", "", "int", None),
        ("x: 'int' = 3", "", "int", 3),
        ("x: typing.Literal['a'] = 'a'", "import typing", "literal", "a"),
        ("x: list[int] = [1, 2]", "", "list[int]", [1, 2]),
        ("x: List[int] = []", "from typing import List", "list[int]", []),
        ("x: list[float] | None = None", "", "list[float]", None),
        ("x: Mode = Mode.FAST", "from steps.modes import Mode", "enum steps.modes:Mode", "FAST"),
        ("x: Mode = Mode.SLOW", "from .modes import Mode", "enum steps.modes:Mode", "SLOW"),
        ("x: Mode | None = Mode.SLOW", "from .modes import Mode", "enum steps.modes:Mode", "SLOW"),
        ("x: Optional[Mode] = None", "from .modes import Mode", "enum steps.modes:Mode", None),
        ("x: M = M.FAST", "from steps.modes import Mode as M", "enum steps.modes:Mode", "FAST"),
        ("x: Own = Own.A", "class Own(Enum):\n    A = 1\n    B = 2\n", "enum steps.one:Own", "A"),
        ("x: list[Own] = [Own.A]", "class Own(Enum):\n    A = 1\n", "list[enum steps.one:Own]", ["A"]),
        ("x: list[Path] = [Path('a'), Path('b')]", "", "list[path]", ["a", "b"]),
        ("x: list[list[int]] = [[1], []]", "", "list[list[int]]", [[1], []]),
        ("x: Own = MINE", "class Own(Enum):\n    A = 1\nMINE = Own.A", "enum steps.one:Own", "A"),
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
        ("x=None", "", "found no type, expected int, float, "),
        ("x=[1]", "", "found no type, expected int, float, "),
        ("x=f()", "", "found the default f(), expected int, float, "),
        ("x: Literal[b'a'] = b'a'", "", "found the type Literal[b'a'], expected int, "),
        ("x: Literal[Mode.FAST] = 1", "from steps.modes import Mode", "found the type Literal[Mode.FAST]"),
        ("x: Literal = 1", "", "found the type Literal"),
        ("x: Literal[()] = 1", "", "found the type Literal[()]"),
        (f"x: Literal[0x{'f' * 9000}] = 1", "", "found the type an expression that is too long"),
        ("x: list = []", "", "found the type list"),
        ("x: list[int, int] = []", "", "found the type list[int, int]"),
        ("x: Empty = 1", "class Empty(Enum): pass", "found the type Empty"),
        ("x: X = 1", "X = X", "found the type X"),
        ("x: dict = {}", "", "found the type dict"),
        ("x: Absent = 1", "", "found the type Absent"),
        ("x: int | str = 1", "", "found the type"),
        ("x: 'not a type' = 1", "", "found the type"),
        ("x: Literal[N] = 1", "N = 1", "found the type"),
        ("x: list[dict] = []", "", "found the type list[dict]"),
        ("x: Optional[dict] = None", "", "found the type Optional[dict]"),
        (f"x: '{'(' * 1000}' = 1", "", "found the type"),
        ("x: Plain = 1", "class Plain: pass", "found the type Plain"),
        ("x: int = 2.5", "", "found the default 2.5, expected an integer; give one of type int"),
        ("x: int = '5'", "", "expected an integer; give one of type int"),
        ("x: bool = 'yes'", "", "expected true or false; give one of type bool"),
        ("x: float = '1e3'", "", "expected a number; give one of type float"),
        ("x: list[int] = '1,2'", "", "give one of type list[int]"),
        ("x: list[str] = ()", "", "found the default (), expected a text or several, separated by commas; give one"),
        ("x: Path = 'a'", "", "found the default 'a', expected a path; give one of type Path"),
        ("x: str = Path('a')", "", "found the default Path('a'), expected a text; give one of type str"),
        ("x: Literal['Adam'] = 'adam'", "", "found the default 'adam', expected one of Adam"),
        ("x: Mode = 'FAST'", "from steps.modes import Mode", "found the default 'FAST', expected one of FAST, SLOW"),
        ("x: Mode = Own.FAST", "from steps.modes import Mode\nclass Own(Enum):\n    FAST = 1", "default Own.FAST"),
        ("x: Own = Own.f", "class Own(Enum):\n    A = 1\n    f = lambda self: 1", "expected one of A"),
        ("x: int = Own.A", "class Own:\n    A = 1", "found the default Own.A, expected an integer"),
        (f"x: int = 0x{'f' * 9000}", "", "found the default an expression that is too long, expected an integer"),
        (
            "x: int = 9**9**9",
            "",
            "expected an integer; it is too large: write the value",
        ),
        ("x: int = C", f"A = 1{SUM}\nB = A{SUM}\nC = B{SUM}", "default C, expected an integer; write the value itself"),
        (
            "x: int = N",
            "N = 1\nN = 2",
            "N is bound in line 5, 6 of steps/one.py, not once and plainly: write",
        ),
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
    with pytest.raises(
        DeclarationError, match=r"^steps/one\.py:4: setting y: has no default; give it one; if it is no setting, put it"
    ):
        signature_of(tmp_path, "def run(\n    *,\n    x: int = 1,\n    y: int,\n): ...")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def run(*args): ...", "steps/one.py:1: run: takes *args"),
        ("def run(**kwargs): ...", "steps/one.py:1: run: takes *args, **kwargs"),
        ("\ndef run(a, /): ...", "steps/one.py:2: run: takes"),
        ("x = 1", "step steps.one: no function 'run' at the top of steps/one.py; define it there, once: def run(...)"),
        ("async def run(): ...", "no function 'run' at the top of steps/one.py, but 'async def run():' in line 1"),
        ("from .ok import run", "no function 'run' at the top of steps/one.py, but 'from .ok import run' in line 1"),
        ("\nrun = print", "but 'run = print' in line 2"),
        ("class run: ...", "but 'class run:' in line 1"),
        ("class C:\n    def run(self): ...", "no function 'run' at the top of steps/one.py;"),
        ("if x:\n    def run(): ...", "run is bound in line 1 of steps/one.py, not once and plainly; define it there"),
        ("def run(): ...\ndef run(a): ...", "run is bound in line 1, 2 of steps/one.py, not once and plainly"),
        ("def run(): ...\ndel run", "run is bound in line 1, 2 of steps/one.py, not once and plainly"),
        ("", "no function 'run'"),
    ],
)
def test_run_errors(tmp_path: Path, text: str, words: str) -> None:
    """A step has one plain `run` at its top level, and nothing else binds that name."""
    with pytest.raises(DeclarationError) as caught:
        signature_of(tmp_path, text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("parameters", "found", "todo"),
    [
        ("a, b, seed: int", "seed: int", "run(a, b, *, seed: int = ...)"),
        ("a: Path, seed: int = 3", "seed: int", "run(a, *, seed: int = 3)"),
        ("a: Path, rate=0.5, *, n: int = 1", "rate", "run(a, *, rate = 0.5)"),
        ("a: 'Path', names: list[str]", "names: list[str]", "run(a, *, names: list[str] = ...)"),
        ("a: str", "a: str", "run(*, a: str = ...)"),
        ("a: Path = Path('x')", "a: Path", "run(*, a: Path = Path('x'))"),
        ("a, b: int | None = None", "b: int | None", "run(a, *, b: int | None = None)"),
    ],
)
def test_a_setting_among_the_paths_is_refused(tmp_path: Path, parameters: str, found: str, todo: str) -> None:
    """What stands before the `*` is a Path without default; the error of anything else shows where it belongs."""
    with pytest.raises(DeclarationError) as caught:
        signature_of(tmp_path, f"from pathlib import Path\ndef run({parameters}): ...")
    where = "steps/one.py:2: run: "
    expected = f"found '{found}' among the paths, expected a Path without default; settings follow '*': {todo}"
    assert str(caught.value) == where + expected


@pytest.mark.parametrize(
    "role", ["a", "a: Path", "a: 'Path'", "a: Path | None", "a: list[Path]", "a: os.PathLike", "a: Any"]
)
def test_a_path_may_have_any_type_of_paths(tmp_path: Path, role: str) -> None:
    """A parameter before the `*` needs no annotation, or one that is no type of settings."""
    assert signature_of(tmp_path, f"from pathlib import Path\ndef run({role}): ...").roles == ("a",)


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
    with pytest.raises(DeclarationError, match=f"found the default {name}, expected an integer; "):
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
