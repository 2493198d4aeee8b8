"""An undeclared input is named in a warning, and with `strict` in an error."""

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
import sqlite3
import subprocess
import tempfile
from importlib import resources
from pathlib import Path

from steps.witness import executed


def run(source: Path, made: Path) -> None:
    executed("make")
    {body}
    made.write_text(source.read_text())
"""
STRICT = "[tool.redoit]\nstrict = true\n"


@pytest.fixture
def reading(project: Callable[[dict[str, str]], Pipeline]) -> Callable[[str], Pipeline]:
    """Return a maker of projects whose one step has a line of its own."""

    def make(body: str, strict: str = "") -> Pipeline:
        files = {"dodo.py": DODO, "steps/make.py": STEP.format(body=body), "source.txt": "1 2 3"}
        return project({**files, "extra.txt": "4", "steps/table.csv": "5", "pyproject.toml": strict})

    return make


READS = {
    "open": ("open('extra.txt').read()", "extra.txt"),
    "os.open": ("os.read(os.open('extra.txt', os.O_RDONLY), 1)", "extra.txt"),
    "a path from the root": ("Path('extra.txt').resolve().read_bytes()", "extra.txt"),
    "a link to it": ("os.symlink('extra.txt', 'link'); open('link').read()", "extra.txt"),
    "a link from outside": ("os.symlink(os.getcwd(), '../link'); open('../link/extra.txt').read()", "extra.txt"),
    "a file that is gone then": ("open('extra.txt').read(); os.remove('extra.txt')", "extra.txt"),
    "a file that is written then": ("open('extra.txt').read(); open('extra.txt', 'w')", "extra.txt"),
    "importlib.resources": ("resources.files('steps').joinpath('table.csv').read_text()", "steps/table.csv"),
    "pyproject.toml": ("open('pyproject.toml').read()", "pyproject.toml"),
    "numpy": ("import numpy; numpy.loadtxt('extra.txt'); numpy.fromfile('extra.txt')", "extra.txt"),
    "a database": ("sqlite3.connect('extra.txt')", "extra.txt"),
    "an earlier output": ("Path('data/made.txt').read_text()", "data/made.txt"),
}


@pytest.mark.parametrize(("body", "name"), READS.values(), ids=READS)
def test_an_undeclared_file_is_named(reading: Callable[..., Pipeline], body: str, name: str) -> None:
    """A file of the project that a step reads, however it does, is warned of by name if it is no input."""
    pipeline = reading(body)
    pipeline.write("data/made.txt", "earlier")
    result = pipeline.doit()
    assert (result.executed, result.code, result.err) == (["make"], 0, "")
    assert f"WARNING make: undeclared input {name}: changes to it are not tracked; declare it in inputs\n" in result.out
    assert result.out.count("undeclared") == 1


@pytest.mark.parametrize("kind", ["open", "a file that is gone then", "numpy", "an earlier output"])
def test_an_undeclared_file_is_an_error_if_that_is_wanted(reading: Callable[..., Pipeline], kind: str) -> None:
    """With `strict = true` the stage fails in one line, its outputs stay as they were, and nothing is recorded."""
    body, name = READS[kind]
    pipeline = reading(body, STRICT)
    pipeline.write("data/made.txt", "earlier")
    result = pipeline.doit()
    assert (result.executed, result.code) == (["make"], 1)
    line = f"undeclared input {name}: changes to it are not tracked; declare it in inputs"
    assert f"Step make has failed. step steps.make: {line}; its log is .redoit/logs/make\n" in result.out
    assert pipeline.outputs() == {str(pipeline.path("data/made.txt")): b"earlier"}
    assert not pipeline.path(".redoit/traces").exists()


DECLARED = {
    "its own source": "open(__file__).read(); import inspect; inspect.getsource(run)",
    "source that it imports": "open('steps/witness.py').read()",
    "an input by another name": "source.resolve().read_text(); Path(f'{os.getcwd()}/data/../source.txt').read_text()",
    "a list of files": "os.listdir('.'); list(Path().glob('**/*'))",
    "whether a file is there": "Path('extra.txt').exists(); os.stat('extra.txt')",
    "a file that is not there": "Path('no').exists() or open('new', 'a+').read()",
    "what it wrote": "Path('new').write_text('x'); open('new').read(); os.rename('new', 'other'); open('other').read()",
    "its output": "made.write_text('x'); made.read_text()",
    "outside of the project": "tempfile.TemporaryFile('w+').read(); open('../executed').read()",
    "an installed package": "import blake3; open(blake3.__file__, 'rb').read()",
    "what is remembered of compiling": "os.makedirs('__pycache__', exist_ok=True);"
    " os.system('cp extra.txt __pycache__/x.nbi'); open('__pycache__/x.nbi').read()",
}


@pytest.mark.parametrize("body", DECLARED.values(), ids=DECLARED)
def test_what_needs_no_declaration(reading: Callable[..., Pipeline], body: str) -> None:
    """Code that counts, inputs, the step's own files and files outside the project cause no warning."""
    result = reading(body, STRICT).doit()
    assert (result.executed, result.code) == (["make"], 0), result.text
    assert "WARNING" not in result.out


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


def test_the_output_of_another_stage(project: Callable[[dict[str, str]], Pipeline]) -> None:
    """What another stage makes is an undeclared file like any other: doit would not know which comes first."""
    pipeline = project(CHAIN)
    pipeline.edit("steps/join.py", 'executed("join")', 'executed("join")\n    open("data/made.txt").read()')
    assert "WARNING join: undeclared input data/made.txt: changes" in pipeline.doit().out


def test_many_files_are_named_in_one_line(reading: Callable[..., Pipeline]) -> None:
    """Of many files the first are named, and the others counted."""
    pipeline = reading("[path.read_text() for path in Path('many').iterdir()]")
    for number in range(5):
        pipeline.write(f"many/{number}", "x")
    line = (
        "undeclared inputs many/0, many/1, many/2 and 2 more: changes to them are not tracked; declare them in inputs"
    )
    assert line in pipeline.doit().out


def test_an_undeclared_variable_is_named(reading: Callable[..., Pipeline]) -> None:
    """Environment variables that the project's code asks for are warned of by name."""
    pipeline = reading("os.environ.get('SCALE'); os.getenv('HUE', '1'); os.path.expandvars('$DEPTH')")
    line = "undeclared variables DEPTH, HUE, SCALE: changes to them are not tracked;"
    assert f'WARNING make: {line} declare them with environ=["DEPTH", "HUE", "SCALE"]\n' in pipeline.doit(DEPTH="3").out


def test_an_undeclared_variable_is_an_error_if_that_is_wanted(reading: Callable[..., Pipeline]) -> None:
    """With `strict = true` the stage fails in one line."""
    result = reading("os.environ.get('SCALE')", STRICT).doit()
    assert result.code == 1
    line = "step steps.make: undeclared variable SCALE: changes to it are not tracked; declare it with environ="
    assert f'{line}["SCALE"]; its log is .redoit/logs/make\n' in result.out


ASKS = {
    "what it set itself": "os.environ['SCALE'] = '1'; os.environ['SCALE']",
    "whose home it is": "os.path.expanduser('~'); Path.home()",
    "the environment for another program": "subprocess.run(['true'], env={**os.environ, 'A': '1'})",
    "a program by its name": "subprocess.run(['true']); os.system('true')",
}


@pytest.mark.parametrize("body", ASKS.values(), ids=ASKS)
def test_a_variable_that_needs_no_declaration(reading: Callable[..., Pipeline], body: str) -> None:
    """A variable that the step set itself, or that only libraries read, causes no warning."""
    result = reading(body, STRICT).doit()
    assert (result.executed, result.code) == (["make"], 0), result.text


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
