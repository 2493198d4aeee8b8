"""Settings: where they come from, in which order, of which types, and what is refused."""

import json
from collections.abc import Callable

import pytest
from projects import Pipeline

TYPED = {
    "dodo.py": '''
from redoit import DOIT_CONFIG, step


def task_a():
    """Write the settings."""
    return step("steps.a", inputs={"source": "source.txt"}, outputs={"a": "data/a.json"})
''',
    "steps/modes.py": "import enum\n\n\nclass Mode(enum.Enum):\n    FAST = 1\n    SLOW = 2\n",
    "steps/a.py": """
import json
from pathlib import Path
from typing import Literal

from steps.modes import Mode
from steps.witness import executed


def run(source: Path, a: Path, *, times: int = 3, rate: float = 0.5, deep_net: bool = False, word: str = "x",
        kind: Literal["adam", "sgd"] = "adam", mode: Mode = Mode.FAST, place: Path = Path("here"),
        limit: int | None = None, sizes: list[int] = [1, 2]) -> None:
    executed("a")
    assert isinstance(mode, Mode) and isinstance(place, Path)
    a.write_text(json.dumps([times, rate, deep_net, word, kind, mode.name, str(place), limit, sizes]))
""",
    "source.txt": "x",
}
NAMES = ["times", "rate", "deep_net", "word", "kind", "mode", "place", "limit", "sizes"]
Maker = Callable[[dict[str, str]], Pipeline]


@pytest.fixture
def typed(project: Maker) -> Pipeline:
    """Return a project of one stage with a setting of each type."""
    return project(TYPED)


def found(pipeline: Pipeline) -> dict[str, object]:
    """Return the settings that the step was called with."""
    return dict(zip(NAMES, json.loads(pipeline.read("data/a.json")), strict=True))


def test_five_sources_in_order(typed: Pipeline) -> None:
    """Option over variable over doit.cfg over pyproject.toml over default; taking them away leads back."""
    seen = []

    def run(*arguments: str) -> list[str]:
        result = typed.doit(*arguments)
        assert result.code == 0, result.text
        seen.append(found(typed)["times"])
        return result.executed

    run()
    typed.write("pyproject.toml", "[tool.doit.tasks.a]\ntimes = 4\n")
    run()
    typed.write("doit.cfg", "[task:a]\ntimes = 5\n")
    run()
    run("a.times=6")
    run("a.times=6", "a", "--times", "7")
    assert seen == [3, 4, 5, 6, 7]
    assert run() == []
    typed.path("doit.cfg").unlink()
    assert run() == []
    typed.path("pyproject.toml").unlink()
    assert run() == []
    assert seen[5:] == [5, 4, 3]


def test_an_option_can_go_back_to_the_default(typed: Pipeline) -> None:
    """An option wins also where it says what the default is, over a file and over a variable."""
    typed.write("pyproject.toml", "[tool.doit.tasks.a]\ntimes = 4\ndeep_net = true\n")
    assert typed.doit("a.times=5", "a", "--times=3", "--no-deep-net").code == 0
    assert (found(typed)["times"], found(typed)["deep_net"]) == (3, False)


GIVEN = {
    "times": (["--times", "4"], "4", "4", 4),
    "rate": (["--rate", "1e-3"], "1e-3", "1e-3", 0.001),
    "rate as an integer": (["--rate", "2"], "2", "2", 2.0),
    "deep_net": (["--deep-net"], "true", "true", True),
    "word": (["--word=é = 1"], "é = 1", '"é = 1"', "é = 1"),
    "kind": (["--kind", "sgd"], "sgd", '"sgd"', "sgd"),
    "mode": (["--mode", "SLOW"], "slow", '"SLOW"', "SLOW"),
    "place": (["--place", "a/b"], "a/b", '"a/b"', "a/b"),
    "limit": (["--limit", "9"], "9", "9", 9),
    "sizes": (["--sizes", "3,4"], "3,4", "[3, 4]", [3, 4]),
}


@pytest.mark.parametrize("case", GIVEN)
def test_each_type_from_each_source(typed: Pipeline, case: str) -> None:
    """A setting of each type means the same from an option, a variable and a file: the later two restore or keep."""
    name = case.split(maxsplit=1)[0]
    option, text, toml, expected = GIVEN[case]
    assert typed.doit("a", *option).executed == ["a"]
    assert found(typed)[name] == expected
    typed.path("data/a.json").unlink()
    result = typed.doit(f"a.{name}={text}")
    assert (result.executed, result.code) == ([], 0), result.text
    assert found(typed)[name] == expected
    typed.path("data/a.json").unlink()
    typed.write("pyproject.toml", f"[tool.doit.tasks.a]\n{name} = {toml}\n")
    result = typed.doit()
    assert (result.executed, result.code) == ([], 0), result.text
    assert found(typed)[name] == expected


def test_an_optional_setting_takes_none(typed: Pipeline) -> None:
    """`none` takes a value away that a file gave."""
    typed.write("pyproject.toml", "[tool.doit.tasks.a]\nlimit = 9\n")
    typed.doit()
    assert found(typed)["limit"] == 9
    assert typed.doit("a.limit=none").code == 0
    assert found(typed)["limit"] is None


BAD = {
    "times": "x",
    "rate": "fast",
    "deep_net": "maybe",
    "kind": "rmsprop",
    "mode": "QUICK",
    "limit": "some",
    "sizes": "1,b",
}
SOURCES: dict[str, Callable[[Pipeline, str, str], list[str]]] = {
    "option": lambda _, name, value: ["a", f"--{name}", value],
    "variable": lambda _, name, value: [f"a.{name}={value}"],
    "doit.cfg": lambda pipeline, name, value: pipeline.write("doit.cfg", f"[task:a]\n{name} = {value}\n") or [],
    "pyproject.toml": lambda pipeline, name, value: (
        pipeline.write("pyproject.toml", f'[tool.doit.tasks.a]\n{name} = "{value}"\n') or []
    ),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", BAD)
def test_a_bad_value_is_an_error_of_one_line(typed: Pipeline, name: str, source: str) -> None:
    """A value that does not fit its type is an error of one line that names setting, value and what was expected."""
    if source == "option" and name == "deep_net":
        pytest.skip("a switch takes no value")
    result = typed.doit(*SOURCES[source](typed, name, BAD[name]))
    assert (result.executed, result.code) == ([], 3)
    assert name in result.text
    assert f"found '{BAD[name]}', expected " in result.text
    assert len(result.text.strip().splitlines()) == 1
    assert "Traceback" not in result.text


UNKNOWN = {
    "setting in a variable": (["a.tims=2"], {}, "did you mean times?"),
    "stage in a variable": (["b.times=2"], {}, "known: a"),
    "setting in doit.cfg": ([], {"doit.cfg": "[task:a]\ntims = 2\n"}, "did you mean times?"),
    "stage in doit.cfg": ([], {"doit.cfg": "[task:b]\ntimes = 2\n"}, "known: a"),
    "setting in pyproject.toml": ([], {"pyproject.toml": "[tool.doit.tasks.a]\ntims = 2\n"}, "did you mean times?"),
    "stage in pyproject.toml": ([], {"pyproject.toml": "[tool.doit.tasks.b]\ntimes = 2\n"}, "known: a"),
    "key of redoit": ([], {"pyproject.toml": "[tool.redoit]\ncahce = false\n"}, "did you mean cache?"),
    "type of redoit's key": ([], {"pyproject.toml": "[tool.redoit]\ncache = 'no'\n"}, "expected true or false"),
    "option": (["a", "--tims", "2"], {}, "did you mean --times?"),
}


@pytest.mark.parametrize(("arguments", "files", "message"), UNKNOWN.values(), ids=UNKNOWN)
def test_a_misspelled_name_is_an_error(
    typed: Pipeline, arguments: list[str], files: dict[str, str], message: str
) -> None:
    """A name that no stage or setting has is refused, with the nearest that exists, and nothing runs."""
    for name, text in files.items():
        typed.write(name, text)
    result = typed.doit(*arguments)
    assert (result.executed, result.code) == ([], 3)
    assert message in result.text
    assert "Traceback" not in result.text
    assert len(result.text.strip().splitlines()) == 1


COMPUTED = """
from pathlib import Path

from steps.witness import executed
{before}


def run(source: Path, a: Path, *, times: {type} = {default}) -> None:
    executed("a")
    a.write_text(repr(times))
"""


def computed(default: str, before: str = "", kind: str = "int") -> str:
    """Return a step whose one setting has this default and type, below these lines."""
    return COMPUTED.format(before=before, default=default, type=kind)


@pytest.mark.parametrize(
    ("before", "default", "value"),
    [
        ("", "2 ** 5", "32"),
        ("HOUR = 60 * 60", "2 * HOUR", "7200"),
        ("from steps.modes import TIMES", "TIMES", "4"),
    ],
)
def test_a_default_is_what_python_makes_of_it(typed: Pipeline, before: str, default: str, value: str) -> None:
    """A default may be computed from numbers, and from constants of any module of the project."""
    typed.write("steps/modes.py", "TIMES = 4\n")
    typed.write("steps/a.py", computed(default, before))
    assert typed.doit().code == 0
    assert typed.read("data/a.json") == value


@pytest.mark.parametrize(
    "before",
    [
        "from steps import modes\nmodes.TIMES = 5\nfrom steps.modes import TIMES",
        "TIMES = 4\nglobals()['TIMES'] = 5",
        "TIMES = 4\nexec('TIMES = 5')",
    ],
)
def test_a_default_that_others_change_is_an_error(typed: Pipeline, before: str) -> None:
    """A constant that code changes otherwise than by an assignment never reaches a step with its earlier value."""
    typed.write("steps/modes.py", "TIMES = 4\n")
    typed.write("steps/a.py", computed("TIMES", before))
    result = typed.doit()
    assert result.code == 1
    assert "setting times: its default is 5, but reads as 4; write the value itself" in result.text
    assert not typed.path("data/a.json").exists()


OWN, OTHER = "TIMES = {}", "from steps.modes import TIMES"


@pytest.mark.parametrize(
    "steps",
    [
        [computed(text) for text in ("3", "5", "8")],
        [computed(text) for text in ("1 + 2", "2 + 3", "8")],
        [computed("3"), computed("5", kind="'int'"), computed("8", kind="int | None")],
        [computed("TIMES", OWN.format(value)) for value in (3, 5, 8)],
        [computed("TIMES", OTHER)] * 3,
        [computed("3"), computed("TIMES", "TIMES = 2 + 3"), computed("2 ** 3")],
    ],
    ids=["a literal", "a sum", "another type", "a constant", "a constant of another module", "another form"],
)
def test_a_default_that_is_adopted_or_overridden_is_no_change(typed: Pipeline, steps: list[str]) -> None:
    """A result is kept when the value that the command line gave becomes the default, and whatever it becomes then."""

    def edit(index: int) -> None:
        typed.write("steps/modes.py", f"TIMES = {(3, 5, 8)[index]}\n")
        typed.write("steps/a.py", steps[index])

    edit(0)
    assert typed.doit("a.times=5").executed == ["a"]
    edit(1)
    assert typed.doit().executed == []
    edit(2)
    assert typed.doit("a.times=5").executed == []
    assert typed.doit().executed == ["a"]
    assert typed.read("data/a.json") == "8"


@pytest.mark.parametrize(("kind", "default"), [("Mode | None", "None"), ("list[Mode]", "[]")])
def test_an_enumeration_that_only_a_type_names_counts(typed: Pipeline, kind: str, default: str) -> None:
    """What a member of an enumeration stands for is what a step gets, whether its code names it or not."""
    typed.write(
        "steps/a.py",
        f"""
from __future__ import annotations

from pathlib import Path

from steps.modes import Mode
from steps.witness import executed


def run(source: Path, a: Path, *, mode: {kind} = {default}) -> None:
    executed("a")
    a.write_text(str([each.value for each in (mode if isinstance(mode, list) else [mode])]))
""",
    )
    assert typed.doit("a.mode=FAST").executed == ["a"]
    typed.write("steps/modes.py", TYPED["steps/modes.py"].replace("FAST = 1", "FAST = 9"))
    assert typed.doit("a.mode=FAST").executed == ["a"]
    assert typed.read("data/a.json") == "[9]"
