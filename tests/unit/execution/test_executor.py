"""One step in a process of its own: what goes in, what comes out, and every way it can end."""

import io
import math
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from examples import write
from forked_steps import Execute
from projects import FOR_EVER, PATIENCE, alive, until

from redoit.errors import StepError
from redoit.execution.executor import StepCall
from redoit.execution.executor import execute as fresh
from redoit.model import Setting

execute: Execute = fresh
TRACE = "import json, os, sys, signal\nfrom pathlib import Path\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def ways(executing: Execute, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test be in a fresh process, and in a fork."""
    monkeypatch.setattr(sys.modules[__name__], "execute", executing)


def run(body: str, *settings: Setting, stdout: Any = None, stderr: Any = None, **paths: str) -> dict[str, float]:
    """Execute a step with this body."""
    names = ", ".join([*paths, "*", *(setting.name for setting in settings)]).removesuffix(", *").removesuffix("*")
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    write(Path(), mine__one=f"{TRACE}\ndef run({names}):\n{lines}\n")
    call = StepCall("mine.one", paths, settings, PATIENCE)
    return dict(execute(call, Path("log"), stdout, stderr).metrics)


def failure(body: str) -> str:
    """Return the one line of a failing step's error."""
    with pytest.raises(StepError) as caught:
        run(body)
    line = str(caught.value)
    assert line.startswith("step mine.one: ")
    assert line.endswith("; its log is log")
    assert "\n" not in line
    return line.removeprefix("step mine.one: ").removesuffix("; its log is log")


def test_metrics_come_back() -> None:
    """The numbers that a step returns are its metrics, in order."""
    found = run("return {'b': 1, 'a': 0.5, 'inf': float('inf'), 'nan': float('nan'), 'tiny': 5e-324}")
    assert list(found) == ["b", "a", "inf", "nan", "tiny"]
    assert (found["b"], found["a"], found["inf"], found["tiny"]) == (1.0, 0.5, math.inf, 5e-324)
    assert math.isnan(found["nan"])


def test_none_is_no_metrics() -> None:
    """A step need not return anything."""
    assert run("pass") == {}


def test_a_result_needs_no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a step returns comes back even where nothing can be written: it is not lost for want of room."""
    monkeypatch.setattr(tempfile, "tempdir", "absent")
    assert run("return {'a': 1}") == {"a": 1.0}


def test_a_result_that_can_not_be_sent() -> None:
    """Where what a step returns can't be written at all, it fails in lines, without a traceback of redoit's own."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))"
    assert failure(f"{limit}\nreturn {{'a': 1}}") == "its process exited with status 1 before run returned"
    assert Path("log").read_text() == "the result of the step could not be written (File too large)\n"


def test_what_is_no_metric_comes_back_in_words() -> None:
    """What a step returns that is no metric comes back in words, beside those that are."""
    write(Path(), mine__odd="def run():\n    return {'a': None, 'b': 1}\n")
    found = execute(StepCall("mine.odd", {}, ()), Path("log"), None, None)
    assert (found.metrics, found.warnings) == ({"b": 1.0}, ("metric a left out: found None, expected a number",))


ANSWERS = ["[1]", "7", "{", '{"metrics": 1}', '{"metrics": {"a": "b"}}', '{"metrics": {}, "left_out": 3}']


@pytest.mark.parametrize("answer", [*ANSWERS, pytest.param("[" * 10**5, id="deep")])
def test_an_answer_that_the_step_wrote_itself(answer: str) -> None:
    """A step that writes to where redoit's own process answers has failed as one that did not return."""
    number = "next(int(n) for n in os.listdir('/proc/self/fd') if 'result' in os.path.realpath(f'/proc/self/fd/{n}'))"
    found = failure(f"os.write({number}, {answer!r}.encode())\nos._exit(0)")
    assert found == "its process exited with status 0 before run returned"


def test_raise() -> None:
    """The error of an exception is one line with its type; the traceback is in the log, after the output."""
    assert failure("print('before')\nraise LookupError('no such row')") == "LookupError: no such row"
    log = Path("log").read_text()
    assert log.startswith('before\nTraceback (most recent call last):\n  File "' + os.getcwd())


def test_the_error_has_the_traceback() -> None:
    """The error of an exception has its traceback, in printable lines; that of another end has none."""
    with pytest.raises(StepError) as caught:
        run(r"raise LookupError('\x1b[2J\nno\tsuch row')")
    first, *_, last, message = caught.value.traceback.splitlines()
    assert (first, last, message) == (
        "Traceback (most recent call last):",
        r"LookupError: \x1b[2J",
        "no      such row",
    )
    with pytest.raises(StepError) as caught:
        run("os._exit(1)")
    assert caught.value.traceback == ""


@pytest.mark.parametrize("message", [r"first\nsecond", r"odd \udcff name", "", r"\n"])
def test_raise_with_an_odd_message(message: str) -> None:
    """The error of an exception is one line for any message; the log has the whole message."""
    assert failure(f"raise ValueError('{message}')").startswith("ValueError")
    assert "Traceback" in Path("log").read_text()


def test_a_step_that_can_not_be_imported() -> None:
    """A step that fails while it is imported fails like any other."""
    write(Path(), mine__one="import absent_module\n")
    with pytest.raises(StepError, match="No module named 'absent_module'"):
        execute(StepCall("mine.one", {}, ()), Path("log"), None, None)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("sys.exit(3)", "the step called exit(3)"),
        ("sys.exit(0)", "the step called exit(0)"),
        ("os._exit(0)", "its process exited with status 0 before run returned"),
        ("os._exit(4)", "its process exited with status 4 before run returned"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "its process was killed by SIGKILL"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "its process was killed by SIGSEGV"),
        ("raise KeyboardInterrupt", "interrupted"),
    ],
)
def test_other_ends(body: str, found: str) -> None:
    """A step that exits or is killed has failed, and how is said."""
    assert failure(body) == found


def test_output_goes_to_streams_and_log() -> None:
    """What a step prints reaches the stream it was printed to, and the log."""
    out, err = io.StringIO(), io.StringIO()
    run("print('grün')\nprint('rot', file=sys.stderr)\nos.system('echo shell')", stdout=out, stderr=err)
    assert out.getvalue() == "grün\nshell\n"
    assert err.getvalue() == "rot\n"
    assert sorted(Path("log").read_text().split()) == ["grün", "rot", "shell"]


def test_output_without_streams() -> None:
    """A step's output is in the log also if it is not shown; an earlier log is replaced."""
    run("print('one')")
    run("print('two')")
    assert Path("log").read_text() == "two\n"


@pytest.mark.parametrize("line", ["'x' * 99 + '\\n'", "'x'", "'é'"])
def test_big_output(line: str) -> None:
    """A megabyte of output, in short lines or in one, comes through whole and does not hang."""
    out = io.StringIO()
    run(f"text = {line}\nsys.stdout.write(text * (1_000_001 // len(text.encode())))", stdout=out)
    text = out.getvalue()
    assert len(text.encode()) >= 999_900
    assert "\ufffd" not in text
    assert Path("log").read_text() == text


def test_a_stream_that_fails_does_not_fail_the_step() -> None:
    """A terminal that can't show a character, or is gone, costs the step nothing, and the log has all."""
    poor = io.TextIOWrapper(io.BytesIO(), "ascii")
    assert run("print('é', flush=True)\nprint('after')\nreturn {'a': 1}", stdout=poor) == {"a": 1.0}
    assert Path("log").read_text() == "é\nafter\n"


def test_progress_bars_are_tidied() -> None:
    """The log keeps the last state of a progress bar, the stream gets each."""
    out = io.StringIO()
    run(r"sys.stdout.write('start\n10%\r50%\r100%\nab\x08\x08cd\nend\r\nlast\r')", stdout=out)
    assert Path("log").read_text().rstrip("\r") == "start\n100%\ncd\nend\nlast"
    assert "50%" in out.getvalue()


def test_what_a_step_leaves_behind_is_killed() -> None:
    """A process that a step started and forgot ends with it, and not when it would have ended itself."""
    body = f"import subprocess\nreturn {{'pid': subprocess.Popen({f'{FOR_EVER}; touch ended'!r}, shell=True).pid}}"
    left = int(run(body)["pid"])
    until(lambda: not alive(left))
    assert not Path("ended").exists()


def test_who_is_killed_is_named() -> None:
    """The command line of a process that a step left running makes a warning, cut short."""
    write(Path(), mine__left=f"import os\n\ndef run():\n    os.system('{FOR_EVER} 0{'0' * 99} &')\n")
    warnings = execute(StepCall("mine.left", {}, (), PATIENCE), Path("log"), None, None).warnings
    assert warnings[0].startswith("a process that its step left running was killed (")
    assert len(warnings[0]) < 140


def test_a_command_that_runs_the_process() -> None:
    """A call may have a command before that of the process, which is then a fresh one."""
    write(Path(), mine__one="import os\n\ndef run():\n    return {'given': os.environ['GIVEN']  == 'yes'}\n")
    call = StepCall("mine.one", {}, (), PATIENCE, prefix=("env", "GIVEN=yes"))
    assert execute(call, Path("log"), None, None).metrics == {"given": 1.0}


def test_a_step_sees_no_arguments() -> None:
    """A step has its own name as the program's, and no arguments, whoever asks."""
    write(Path(), mine__parse="import argparse\n\nPARSED = argparse.ArgumentParser().parse_args()\n")
    run(
        "assert sys.argv == ['mine.one'], sys.argv\n"
        "assert sys.orig_argv == [sys.executable, '-m', 'mine.one'], sys.orig_argv\n"
        "import __main__\nassert (__main__.__name__, __main__.__spec__) == ('__main__', None)\n"
        "import argparse\nassert argparse.ArgumentParser().prog == 'mine.one'\n"
        "from mine.parse import PARSED\n"
        "import multiprocessing\nwith multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "    assert pool.apply(eval, ['__import__(\"sys\").argv']) == ['mine.one']"
    )


NAMES = (
    "abc argparse logging os pickle queue random re redoit select signal socket struct threading traceback types typing"
)


@pytest.mark.parametrize("folder", ["", "src__"], ids=["root", "src"])
def test_modules_named_as_others_that_no_step_imports(folder: str) -> None:
    """Modules of the project that have names of the standard library's or of redoit's, and are not used, do nothing."""
    write(Path(), **{f"{folder}{name}": "raise AssertionError(__name__)\n" for name in NAMES.split()})
    write(Path(), mine__typing="ANY = 1\n", mine__helper="from .typing import ANY\nfrom mine import typing\n")
    body = (
        "from mine.helper import ANY\n"
        "import concurrent.futures, dataclasses, multiprocessing, tempfile, urllib.request\n"
        "print('printed')\nassert ANY == 1"
    )
    write(Path(), mine__one="def run():\n" + "".join(f"    {line}\n" for line in body.splitlines()))
    assert execute(StepCall("mine.one", {}, (), PATIENCE), Path("log"), None, None).metrics == {}
    assert Path("log").read_text() == "printed\n"


def test_modules_named_as_others_that_a_step_imports() -> None:
    """The step gets the project's modules; its error is reported by redoit's own all the same."""
    names = ["json", "linecache", "threading", "traceback", "types"]
    write(Path(), **{name: f"PLACE = {name!r}\n" for name in names})
    body = f"import importlib, {', '.join(names)}\nfound = [each.PLACE for each in ({', '.join(names)})]\n"
    assert failure(f"{body}raise ValueError(' '.join(found))") == f"ValueError: {' '.join(names)}"
    assert "line 7, in run\n    raise ValueError" in Path("log").read_text()


def test_a_step_named_as_a_module_of_the_standard_library() -> None:
    """A step in a package `code`, which the standard library has as well, is the project's."""
    write(Path(), code__one="def run():\n    return {'a': 3}\n")
    Path("code/__init__.py").touch()
    assert execute(StepCall("code.one", {}, ()), Path("log"), None, None).metrics == {"a": 3.0}


HELPERS = {
    "shared memory": (
        "from multiprocessing import shared_memory\nfound = shared_memory.SharedMemory(create=True, size=99)"
    ),
    "a semaphore": "import multiprocessing\nmultiprocessing.get_context('spawn').Lock()",
    "a fork server": (
        "import multiprocessing\nwith multiprocessing.get_context('forkserver').Pool(1) as pool:\n"
        "    assert pool.map(abs, [-1]) == [1]"
    ),
    "spawned processes": (
        "import multiprocessing\nwith multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "    assert pool.map(abs, [-1]) == [1]"
    ),
}


@pytest.mark.parametrize("body", HELPERS.values(), ids=HELPERS)
def test_helpers_of_python_end_by_themselves(body: str) -> None:
    """What `multiprocessing` starts beside the step's own processes is neither killed nor reported."""
    write(Path(), mine__one="def run():\n" + "".join(f"    {line}\n" for line in body.splitlines()))
    assert execute(StepCall("mine.one", {}, (), PATIENCE), Path("log"), None, None).warnings == ()


@pytest.mark.parametrize("end", ["raise ValueError", "os.kill(os.getpid(), signal.SIGKILL)", "os._exit(3)"])
def test_no_shared_memory_is_left(end: str) -> None:
    """However a step ends, with a child that has not ended as well, its shared memory is removed."""
    failure(
        "from multiprocessing import shared_memory\nimport subprocess\n"
        f"subprocess.Popen({FOR_EVER!r}, shell=True, close_fds=False)\n"
        f"Path('name').write_text(shared_memory.SharedMemory(create=True, size=99).name)\n{end}"
    )
    assert not Path("/dev/shm", Path("name").read_text().lstrip("/")).exists()


def test_stale_bytecode_is_not_used() -> None:
    """A helper edited within the second, at the same size, is what the step runs."""
    helper = Path("mine/helper.py")
    write(Path(), mine__helper="VALUE = 1\n")
    os.utime(helper, (1_700_000_000, 1_700_000_000))
    assert os.system(f"PYTHONDONTWRITEBYTECODE= '{sys.executable}' -c 'import mine.helper'") == 0
    assert list(Path("mine/__pycache__").glob("helper*.pyc"))
    helper.write_text("VALUE = 2\n")
    os.utime(helper, (1_700_000_000, 1_700_000_000))
    assert run("from mine import helper\nreturn {'value': helper.VALUE}") == {"value": 2.0}


def test_no_bytecode_is_written() -> None:
    """Running a step leaves no files next to its source."""
    run("pass")
    assert sorted(path.name for path in Path("mine").iterdir()) == ["one.py"]


def test_the_process_is_fresh_and_fixed() -> None:
    """Hashes are fixed, standard input is empty, and the working directory is the project."""
    body = f"return {{'hash': hash('a'), 'read': len(sys.stdin.read()), 'here': os.getcwd() == {os.getcwd()!r}}}"
    first, second = run(body), run(body)
    assert first == second
    assert (first["read"], first["here"]) == (0.0, 1.0)


def test_settings_arrive_typed() -> None:
    """Each setting arrives with its declared type, an enumeration as its member."""
    write(Path(), mine__modes="from enum import Enum\nclass Mode(Enum):\n    FAST = 'f'\n    SLOW = 's'\n")
    body = """
from mine.modes import Mode
assert (type(a), a) == (int, 1)
assert (type(b), b) == (float, 1.0)
assert c is False
assert d == 'größe'
assert e == Path('x/y') and isinstance(e, Path)
assert f is Mode.SLOW
assert g == [Mode.FAST, Mode.SLOW]
assert h == [Path('p')]
assert i is None
assert j == float('inf')
assert k == []
"""
    settings = [
        Setting("a", "int", 1),
        Setting("b", "float", 1.0),
        Setting("c", "bool", False),
        Setting("d", "str", "größe"),
        Setting("e", "path", "x/y"),
        Setting("f", "enum mine.modes:Mode", "SLOW"),
        Setting("g", "list[enum mine.modes:Mode]", ["FAST", "SLOW"]),
        Setting("h", "list[path]", ["p"]),
        Setting("i", "path", None),
        Setting("j", "float", math.inf),
        Setting("k", "list[int]", []),
    ]
    run(body, *settings)


def test_paths_arrive_relative() -> None:
    """Paths arrive as the declaration has them, relative to the project."""
    body = "assert str(source) == 'data/in.txt'\ntarget.write_text(source.read_text().upper())"
    Path("data").mkdir()
    Path("data/in.txt").write_text("text")
    run(body, source="data/in.txt", target="data/out.txt")
    assert Path("data/out.txt").read_text() == "TEXT"


def test_a_step_below_src() -> None:
    """A step below `src/` is found there."""
    write(Path("src"), pkg__one="def run():\n    return {'a': 2}\n")
    assert execute(StepCall("pkg.one", {}, ()), Path("log"), None, None).metrics == {"a": 2.0}
