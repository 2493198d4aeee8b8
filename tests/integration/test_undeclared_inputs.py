"""An undeclared input is named once, and with `strict` in an error; what a task makes is an error anyway."""

from collections.abc import Callable

import pytest
from projects import CHAIN, Pipeline

DODO = """
from redoit import DOIT_CONFIG, step


def task_make():
    return step("steps.make", inputs={"source": "source.txt"}, outputs={"made": "data/made.txt"})
"""
STEP = """
import os
import subprocess
import sys
from pathlib import Path

from steps.witness import executed


def run(source: Path, made: Path) -> None:
    executed("make")
    {body}
    made.write_text(source.read_text())
"""
STRICT = "[tool.redoit]\nstrict = true\n"
NAMED = 'undeclared input extra.txt: tracked; declare it with uses=["extra.txt"]'
ASKED = 'undeclared variables HUE, SCALE: tracked; declare them with environ=["HUE", "SCALE"]'
SET = {"HUE": "1", "SCALE": "2"}
ASKS = "os.environ.get('SCALE'); os.getenv('HUE', '1')"


@pytest.fixture
def reading(project: Callable[[dict[str, str]], Pipeline]) -> Callable[..., Pipeline]:
    """Return a maker of projects whose one step has a line of its own."""

    def make(body: str, strict: str = "") -> Pipeline:
        files = {"dodo.py": DODO, "steps/make.py": STEP.format(body=body), "source.txt": "1 2 3"}
        return project({**files, "extra.txt": "4", "pyproject.toml": strict})

    return make


def test_what_is_undeclared_is_said_once(reading: Callable[..., Pipeline]) -> None:
    """An undeclared file and variables are said when they are new, with the remedy, and never again."""
    pipeline = reading(f"open('extra.txt').read(); {ASKS}")
    result = pipeline.doit(**SET)
    assert (result.executed, result.code, result.err) == (["make"], 0, "")
    assert f"WARNING make: {NAMED}\n" in result.out
    assert f"WARNING make: {ASKED}\n" in result.out
    assert "WARNING" not in pipeline.doit(**SET).text
    pipeline.write("extra.txt", "5")
    result = pipeline.doit(**SET)
    assert "Step make has started. (extra.txt changed (undeclared, read by make))" in result.out
    assert "WARNING" not in result.text
    pipeline.write("extra.txt", "4")
    assert pipeline.doit(**SET).executed == []  # restored


@pytest.mark.parametrize(("body", "line"), [("open('extra.txt').read()", NAMED), (ASKS, ASKED)], ids=["file", "names"])
def test_what_is_undeclared_is_an_error_if_that_is_wanted(
    reading: Callable[..., Pipeline], body: str, line: str
) -> None:
    """With `strict = true` the stage fails in one line, its outputs stay as they were, and nothing is recorded."""
    pipeline = reading(body, STRICT)
    pipeline.write("data/made.txt", "earlier")
    result = pipeline.doit(**SET)
    assert (result.executed, result.code) == (["make"], 1)
    line = line.replace("tracked", "refused with strict = true")
    assert f"Step make has failed. step steps.make: {line}; its log is .redoit/logs/make\n" in result.out
    assert pipeline.outputs() == {str(pipeline.path("data/made.txt")): b"earlier"}
    assert not pipeline.path(".redoit/traces").exists()


def test_what_was_made_before_strict_does_not_count(reading: Callable[..., Pipeline]) -> None:
    """A trace that rests on an undeclared input does not count once the project is strict; without, it does again."""
    pipeline = reading("open('extra.txt').read()")
    pipeline.doit()
    pipeline.write("pyproject.toml", STRICT)
    assert "its result rests on the undeclared extra.txt, which strict refuses" in pipeline.doit().out
    pipeline.write("pyproject.toml", "")
    assert pipeline.doit().executed == []


DECLARED = {
    "its own source": "open(__file__).read(); import inspect; inspect.getsource(run)",
    "source that it imports": "open('steps/witness.py').read()",
    "what is remembered of compiling": "os.makedirs('__pycache__'); os.system('cp extra.txt __pycache__/x.nbi');"
    " open('__pycache__/x.nbi').read()",
}


@pytest.mark.parametrize("body", DECLARED.values(), ids=DECLARED)
def test_what_needs_no_declaration(reading: Callable[..., Pipeline], body: str) -> None:
    """A strict stage may read code that counts, and byte code; it is kept."""
    pipeline = reading(body, STRICT)
    result = pipeline.doit()
    assert (result.executed, result.code, "WARNING" in result.out) == (["make"], 0, False), result.text
    assert pipeline.doit().executed == []


def test_its_own_earlier_output(reading: Callable[..., Pipeline]) -> None:
    """A step that looks for what it made before fails each time: a clean build has not that."""
    result = reading("Path('data/made.txt').exists() and Path('data/made.txt').read_text()").doit()
    assert result.code == 1
    assert (
        "undeclared input data/made.txt: its own earlier output, which a clean build has not; keep what" in result.out
    )


@pytest.mark.parametrize("body", ["open('data/made.txt').read()", "Path('data/made.txt').exists()"])
def test_the_output_of_another_stage(project: Callable[[dict[str, str]], Pipeline], body: str) -> None:
    """What another stage makes is an error that names it: doit would not know which comes first."""
    pipeline = project(CHAIN)
    pipeline.edit("steps/join.py", 'executed("join")', f'executed("join")\n    {body}')
    result = pipeline.doit()
    assert result.code == 1
    assert "step steps.join: undeclared input data/made.txt: made by make; declare it in inputs; its log" in result.out


def test_a_copy_of_the_environment(reading: Callable[..., Pipeline]) -> None:
    """A copy is said once; terminals and credentials that differ do not run the step, any other variable does."""
    pipeline = reading("str(dict(os.environ))")
    line = "WARNING make: undeclared variables, by a copy of the environment: each is tracked; ask by name for those"
    assert line in pipeline.doit().out
    assert pipeline.doit(TERM="other", SSH_TTY="1", XDG_SEAT="1", MY_TOKEN="1").executed == []
    assert pipeline.doit(MY_MODE="1").executed == ["make"]


def test_a_python_that_is_not_observed(reading: Callable[..., Pipeline]) -> None:
    """A Python child without site-packages is said; the files that its arguments name are tracked."""
    pipeline = reading("subprocess.run([sys.executable, '-S', 'tool.py', 'extra.txt'], check=True)")
    pipeline.write("tool.py", "")
    assert "a Python program that can't be observed, python" in pipeline.doit().out
    assert pipeline.doit().executed == []
    pipeline.write("extra.txt", "5")
    assert "Step make has started. (extra.txt changed (undeclared, opened while make ran))" in pipeline.doit().out


def test_who_is_not_to_be_observed(reading: Callable[..., Pipeline]) -> None:
    """With `observe=False` what is declared is all; without it, that result does not count."""
    pipeline = reading("open('extra.txt').read()", STRICT)
    pipeline.edit("dodo.py", 'made.txt"})', 'made.txt"}, observe=False)')
    result = pipeline.doit()
    assert (result.executed, result.code, "WARNING" in result.text) == (["make"], 0, False)
    pipeline.write("extra.txt", "5")
    assert pipeline.doit().executed == []
    pipeline.edit("dodo.py", ", observe=False", "")
    pipeline.write("pyproject.toml", "")
    assert "Step make has started. (what make touches was not observed)" in pipeline.doit().out


def test_a_file_that_changes_while_it_is_used(reading: Callable[..., Pipeline]) -> None:
    """An undeclared file that changes after it was read makes no trace, and a warning says so."""
    pipeline = reading("open('extra.txt').read(); os.system('sleep 0.01; echo 6 > extra.txt')")
    result = pipeline.doit()
    assert "extra.txt changed while it ran: its outputs are in place but not recorded" in result.out


def test_an_input_that_is_a_link_is_declared(reading: Callable[..., Pipeline]) -> None:
    """An input that is a link to another file of the project may be read under either name."""
    pipeline = reading("source.resolve().read_text()", STRICT)
    pipeline.path("source.txt").rename(pipeline.path("real.txt"))
    pipeline.path("source.txt").symlink_to("real.txt")
    assert pipeline.doit().code == 0


def test_outputs_below_a_linked_folder(reading: Callable[..., Pipeline]) -> None:
    """What a step wrote through a link to another folder is its own, also if another program wrote it."""
    pipeline = reading("os.system(f'echo 1 > {made}'); made.read_text()", STRICT)
    pipeline.path("elsewhere").mkdir()
    pipeline.path("data").symlink_to("elsewhere")
    result = pipeline.doit()
    assert (result.executed, result.code) == (["make"], 0), result.text


def test_many_files_are_named_in_one_line(reading: Callable[..., Pipeline]) -> None:
    """Of many files the first are named, and the others counted."""
    pipeline = reading("[path.read_text() for path in Path('many').iterdir()]")
    for number in range(5):
        pipeline.write(f"many/{number}", "x")
    names = '"many/0", "many/1", "many/2", ...'
    line = f"undeclared inputs many/0, many/1, many/2 and 2 more: tracked; declare them with uses=[{names}]"
    assert line in pipeline.doit().out


def test_a_declared_variable_counts(reading: Callable[..., Pipeline]) -> None:
    """A variable in `environ` is part of the action: another value runs the step, the earlier one restores."""
    pipeline = reading("made = Path(made)")
    pipeline.edit("steps/make.py", "made.write_text(", "made.write_text(os.environ['SCALE'] + ")
    pipeline.edit("dodo.py", 'made.txt"})', "made.txt\"}, environ=['SCALE'])")
    pipeline.write("pyproject.toml", STRICT)
    assert pipeline.doit(SCALE="1").executed == ["make"]
    assert pipeline.doit(SCALE="1").executed == []
    assert "Step make has started. ($SCALE 1 -> 2)" in pipeline.doit(SCALE="2").out
    assert pipeline.doit(SCALE="1").executed == []
    assert pipeline.read("data/made.txt") == "11 2 3"


def test_strict_is_spelled_out(reading: Callable[..., Pipeline]) -> None:
    """A misspelled or ill-typed option of the project is one line."""
    assert (
        "[tool.redoit] strcit: no such setting; did you mean strict?"
        in reading("", "[tool.redoit]\nstrcit=1\n").doit().err
    )
    assert "found 'yes', expected true or false" in reading("", '[tool.redoit]\nstrict="yes"\n').doit().err
