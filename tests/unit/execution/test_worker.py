"""The call of a step: what its `run` receives, and what becomes of what it returns or raises."""

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from examples import write
from isolated_imports import isolated_imports

from redoit.execution.executor import StepCall
from redoit.execution.worker import run_step
from redoit.model import Setting
from redoit.source.import_hook import import_from_source

MODES = "from enum import Enum\n\n\nclass Mode(Enum):\n    FAST = 'f'\n    SLOW = ['s']\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield a project, which is the working directory."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    with isolated_imports("mine"):
        yield tmp_path / "project"


def run_step_from_source(call: StepCall) -> dict[str, Any]:
    """Run a step as a fresh process does."""
    import_from_source()
    return run_step(**json.loads(call.json()))


def called(body: str, *settings: Setting, preload: tuple[str, ...] = (), **paths: str) -> dict[str, Any]:
    """Call a step with this body, which has what it was called with in `given`."""
    write(Path(), mine__one=f"calls = []\n\ndef run(**given):\n    calls.append(given)\n    {body}\n")
    return run_step_from_source(StepCall("mine.one", paths, settings, preload=preload))


def received(*settings: Setting, **paths: str) -> dict[str, Any]:
    """Return what a step is called with."""
    assert called("pass", *settings, **paths) == {"metrics": {}}
    (given,) = sys.modules["mine.one"].calls
    return dict(given)


@pytest.mark.parametrize(
    ("returned", "metrics"),
    [
        ("None", {}),
        ("{}", {}),
        ("{'a': 1, 'b': 0.5, 'c': True}", {"a": 1.0, "b": 0.5, "c": 1.0}),
        (
            "{'inf': math.inf, 'minus': -math.inf, 'nan': math.nan}",
            {"inf": math.inf, "minus": -math.inf, "nan": math.nan},
        ),
        ("{1: 2, 'fraction': fractions.Fraction(1, 2)}", {"1": 2.0, "fraction": 0.5}),
        ("collections.Counter('aab')", {"a": 2.0, "b": 1.0}),
    ],
)
def test_what_run_returns_are_numbers(returned: str, metrics: dict[str, object]) -> None:
    """Whatever converts to a number is a metric, also one that is not finite."""
    found = called(f"import collections, fractions, math; return {returned}")
    assert found in ({"metrics": metrics}, {"metrics": metrics, "left_out": []})


@pytest.mark.parametrize("returned", ["7", "[1]", "'x' * 999"])
def test_what_is_no_dict_is_left_out(returned: str) -> None:
    """What a step returns instead of a dict is quoted, and costs nothing but the metrics."""
    text = f"run returned {repr(eval(returned))[:80]}, expected a dict of numbers or None"
    assert called(f"return {returned}") == {"metrics": {}, "left_out": [text]}


@pytest.mark.parametrize(
    "value", ["None", "'0.5'", "b'1'", "1j", "[1]", "{'nested': 1}", "10**400", "10**9999", "object()"]
)
def test_what_is_no_number_is_left_out(value: str) -> None:
    """A metric that is no number is named and left out; the others stay."""
    found = called(f"return {{'good': 0.5, 'bad': {value}}}")
    assert found["metrics"] == {"good": 0.5}
    (text,) = found["left_out"]
    assert text.startswith("metric bad left out: found ")
    assert text.endswith(", expected a number")
    assert len(text) < 200


def test_an_object_that_raises_is_left_out() -> None:
    """Whatever the value of a metric raises when it is read or shown costs that metric alone."""
    odd = "type('Odd', (), {'__float__': lambda self: 1 / 0, '__repr__': lambda self: 1 / 0})()"
    found = called(f"return {{'good': 1, 'bad': {odd}}}")
    assert found == {"metrics": {"good": 1.0}, "left_out": ["metric bad left out: found Odd, expected a number"]}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("raise ValueError('no such row')", "ValueError: no such row"),
        (r"raise ValueError('\n  \n first\nsecond')", "ValueError: first"),
        ("raise ValueError", "ValueError"),
        (r"raise ValueError('\n')", "ValueError"),
        (r"raise ValueError('odd \udcff')", r"ValueError: odd \udcff"),
        ("raise SystemExit(3)", "the step called exit(3)"),
        ("import sys; sys.exit()", "the step called exit(None)"),
        ("raise SystemExit('text')", "the step called exit('text')"),
        ("raise GeneratorExit", "GeneratorExit"),
    ],
)
def test_what_run_raises_is_one_line_and_a_traceback(body: str, error: str) -> None:
    """Whatever a step raises is returned as its type and its first line, with the traceback that ends in its code."""
    found = called(body)
    assert found["error"] == error
    assert "line 5, in run\n" in found["traceback"]


def test_an_interrupted_step(project: Path) -> None:
    """A step that is interrupted is said to be, and its traceback says where."""
    found = called("raise KeyboardInterrupt")
    assert found["error"] == "interrupted"
    assert found["traceback"].startswith(f'Traceback (most recent call last):\n  File "{project}/mine/one.py", line 5')


def test_an_exception_that_can_not_be_shown() -> None:
    """Where an exception fails whatever is asked of it, its type is the error."""
    bad = "type('Bad', (Exception,), {'__notes__': property(lambda _: {}[0]), '__str__': lambda _: 1 / 0})"
    assert called(f"raise {bad}()")["error"] == "Bad: <exception str() failed>"


FOLDER = "(it had changed its working directory to {}; paths are relative to the project)"


@pytest.mark.parametrize("gone", [False, True], ids=["", "gone"])
def test_a_step_that_fails_elsewhere_is_told_so(project: Path, *, gone: bool) -> None:
    """Where a step fails that has left the project's folder, the error says where it was, also if that is gone."""
    (project / "sub").mkdir()
    found = called(f"import os; os.chdir('sub'); {gone} and os.rmdir('../sub'); 1 / 0")
    folder = "one that was removed" if gone else project / "sub"
    assert found["error"] == f"ZeroDivisionError: division by zero {FOLDER.format(folder)}"


def test_a_step_that_writes_elsewhere_is_told_so(project: Path) -> None:
    """A step that has left the project's folder, and did not write where it was to, is told where it was."""
    (project / "sub").mkdir()
    found = called("import os; os.chdir('sub'); open('out.txt', 'w').close()", out="out.txt")
    assert found["error"] == f"FileNotFoundError: the step wrote no out.txt {FOLDER.format(project / 'sub')}"


def test_a_step_may_leave_the_project(project: Path) -> None:
    """A step that wrote all its outputs may end in whatever folder."""
    (project / "sub").mkdir()
    assert called("import os; open('out.txt', 'w').close(); os.chdir('sub')", out="out.txt") == {"metrics": {}}


def test_a_step_without_run_and_one_that_is_missing() -> None:
    """A step that can't be imported, or has no `run`, is an error like any other."""
    write(Path(), mine__empty="")
    for step, error in (("mine.empty", "AttributeError"), ("mine.absent", "ModuleNotFoundError")):
        found = run_step_from_source(StepCall(step, {}, ()))
        assert found["error"].startswith(f"{error}: ")


def test_an_installed_step_is_refused(project: Path) -> None:
    """A step that Python finds outside the project is not run, and the error says where it was found."""
    write(project.parent, installed__mine__one="def run():\n    raise AssertionError\n")
    sys.path.insert(0, str(project.parent / "installed"))
    found = run_step(**json.loads(StepCall("mine.one", {}, ()).json()))
    place = project.parent / "installed/mine/one.py"
    assert found["error"] == (
        f"ImportError: mine.one was found in {place}, not in the project; give its folder an __init__.py"
    )


WRAPPED = """import functools

def with_default(run):
    @functools.wraps(run)
    def wrapped({parameters}): ...
    return wrapped

@with_default
def run(*, n=1): ...
"""


@pytest.mark.parametrize(
    ("text", "default"),
    [
        ("def run(*, n=1): ...", None),
        ("def run(**rest): ...", None),
        (WRAPPED.format(parameters="**rest"), None),
        (WRAPPED.format(parameters="*, n=2, **rest"), "2"),
        ("def run(*, n=1): ...\nrun.__kwdefaults__['n'] = 2", "2"),
        ("def run(*, n=1.0): ...", "1.0"),
        ("def run(*, n=True): ...", "True"),
        ("def run(*, n=[1]): ...", "[1]"),
    ],
)
def test_a_default_that_is_not_as_it_was_read_is_an_error(text: str, default: str | None) -> None:
    """Before a step is called, its defaults are compared by value and type with those that were read from source."""
    write(Path(), mine__one=text)
    defaults = Setting("n", "int", 1), Setting("absent", "int", 1)
    found = run_step_from_source(StepCall("mine.one", {}, (), defaults=defaults))
    words = f"TypeError: setting n: its default is {default}, but reads as 1; write the value itself"
    assert found.get("error") == (words if default else None)


def test_modules_are_preloaded_first() -> None:
    """The modules of a call are imported in their order, before the step; an error of one is the step's."""
    for name in ("b", "a"):
        write(Path(), **{f"mine__{name}": "import mine\nmine.order = [*getattr(mine, 'order', []), __name__]\n"})
    assert called("pass", preload=("mine.b", "mine.a")) == {"metrics": {}}
    assert sys.modules["mine"].order == ["mine.b", "mine.a"]
    assert called("pass", preload=("mine.absent",))["error"].startswith("ModuleNotFoundError: ")


def test_paths_arrive_as_they_are_declared() -> None:
    """Each role is a path, relative to the project."""
    assert received(source="data/in", target="größe/../out") == {
        "source": Path("data/in"),
        "target": Path("größe/../out"),
    }


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("int", 1, 1),
        ("float", -math.inf, -math.inf),
        ("bool", False, False),
        ("str", "größe\n", "größe\n"),
        ("path", "x/../y", Path("x/../y")),
        ("path", None, None),
        ("enum mine.modes:Mode", None, None),
        ("list[path]", ["p", None], [Path("p"), None]),
        ("list[list[path]]", [["p"], []], [[Path("p")], []]),
        ("list[int]", None, None),
        ("list[int]", [], []),
    ],
)
def test_a_setting_arrives_in_its_declared_type(kind: str, value: object, expected: object) -> None:
    """JSON holds a setting, and its declared type says what the step gets."""
    found = received(Setting("value", kind, value))["value"]
    assert (found, type(found)) == (expected, type(expected))


def test_an_enumeration_arrives_as_its_member() -> None:
    """The name of a member becomes the member of the project's class; another name is the step's error."""
    write(Path(), mine__modes=MODES)
    kind = "enum mine.modes:Mode"
    given = received(Setting("one", kind, "SLOW"), Setting("many", f"list[{kind}]", ["FAST", "SLOW"]))
    mode = sys.modules["mine.modes"].Mode
    assert given == {"one": mode.SLOW, "many": [mode.FAST, mode.SLOW]}
    assert called("pass", Setting("one", kind, "ABSENT"))["error"] == "KeyError: 'ABSENT'"
