"""What is said of the exception that a step raises."""

import contextlib
import re
import runpy
import sys
from pathlib import Path

import pytest
from examples import write
from isolated_imports import isolated_imports

from redoit.execution.failure import MAX_CHARACTERS, first_line, own_traceback
from redoit.source.import_hook import import_from_source


def failed(root: Path, source: str, **modules: str) -> BaseException:
    """Return the exception of a module of the project, or of its function `run`."""
    write(root, mine=source, **modules)
    with isolated_imports("mine", "other"), contextlib.chdir(root):
        import_from_source()
        try:
            run = __import__("mine").run
            run()
        except BaseException as error:  # noqa: BLE001 - whatever it is
            return error
    raise AssertionError


def shown(root: Path, source: str, **modules: str) -> str:
    """Return the traceback of that exception, with the files' names instead of their paths."""
    text = own_traceback(failed(root, source, **modules), [str(root)]).replace(f"{root}/", "")
    return re.sub(r"^ *[~^]+\n", "", text, flags=re.MULTILINE)  # which each version of Python sets elsewhere


def test_it_begins_in_the_step(tmp_path: Path) -> None:
    """The first frame is the step's own; none of redoit and of Python's import system is there."""
    text = shown(
        tmp_path, "import other\n\ndef run():\n    other.fail()\n", other="def fail():\n    raise KeyError('k')\n"
    )
    assert text == (
        "Traceback (most recent call last):\n"
        '  File "mine.py", line 4, in run\n    other.fail()\n'
        "  File \"other.py\", line 2, in fail\n    raise KeyError('k')\n"
        "KeyError: 'k'\n"
    )


IN_IMPORTS = {
    "of a module": ("import other\n", "1 / 0\n", ["mine.py", "other.py"], "ZeroDivisionError"),
    "by importlib": (
        "import importlib\nimportlib.import_module('other')\n",
        "x\n",
        ["mine.py", "other.py"],
        "NameError",
    ),
    "by runpy": ("import runpy\nrunpy.run_module('other')\n", "x\n", ["mine.py", "other.py"], "NameError"),
    "of what can't be parsed": ("import other\n", "def f(:\n", ["mine.py", "other.py"], "SyntaxError"),
    "of what is missing": ("import absent_module\n", "", ["mine.py"], "ModuleNotFoundError"),
}


@pytest.mark.parametrize(("source", "other", "files", "name"), IN_IMPORTS.values(), ids=IN_IMPORTS)
def test_an_import_that_fails(tmp_path: Path, source: str, other: str, files: list[str], name: str) -> None:
    """Where an import fails, the frames are those of the project's modules."""
    lines = shown(tmp_path, source, other=other).splitlines()
    assert [line.split('"')[1] for line in lines if line.startswith('  File "')] == files
    assert lines[-1].startswith(name)


def test_causes_notes_and_groups_are_kept(tmp_path: Path) -> None:
    """What the exception is a consequence of, its notes and the members of a group are shown, from own frames."""
    text = shown(
        tmp_path,
        "import other\n\ndef run():\n    try:\n        other.one()\n    except ValueError as error:\n"
        "        error.add_note('a note')\n        raise ExceptionGroup('several', [error, TypeError()]) from error\n",
        other="def one():\n    try:\n        {}['key']\n    except KeyError:\n        raise ValueError('one')\n",
    )
    for part in ("KeyError: 'key'", "ValueError: one\na note\n", "ExceptionGroup: several", "| TypeError"):
        assert part in text
    assert "The above exception was the direct cause" in text
    assert "During handling of the above exception" in text
    assert "test_failure" not in text.replace(str(tmp_path), "")


def test_libraries_are_shown_behind_the_step(tmp_path: Path) -> None:
    """Frames of others before the first own one are left out, those behind it stay; without an own one all stay."""
    decorated = "import contextlib\n\n@contextlib.contextmanager\ndef calm():\n    yield\n\n@calm()\n"
    text = shown(tmp_path, f"{decorated}def run():\n    import json\n    json.loads('x')\n")
    assert text.index('"mine.py", line 10, in run') < text.index("json/decoder.py")
    assert "contextlib.py" not in text
    error = failed(tmp_path, f"{decorated}def run(missing):\n    pass\n")
    assert "contextlib.py" in own_traceback(error, [str(tmp_path)])


def test_without_frames_there_is_the_exception() -> None:
    """An exception that nobody raised has one line, without a heading."""
    assert own_traceback(ValueError("none"), ["/project"]) == "ValueError: none\n"
    with pytest.raises(ImportError) as caught:
        runpy.run_module("absent_module")
    assert own_traceback(caught.value, ["/project"]).count("File") == 1  # this test's


def test_its_length_is_limited(tmp_path: Path) -> None:
    """Endless recursion, a chain of many and a text of many megabytes make a limited text with both its ends."""
    two = "def one(n):\n    return two(n)\n\ndef two(n):\n    return one(n + 1)\n\ndef run():\n    one(0)\n"
    text = shown(tmp_path, two)
    assert text.endswith("RecursionError: maximum recursion depth exceeded\n")
    long = shown(tmp_path, f"def run():\n    raise ValueError('x' * {3 * MAX_CHARACTERS})\n")
    assert max(len(text), len(long)) <= MAX_CHARACTERS + 100
    assert long.startswith("Traceback")
    assert long.endswith("xxx\n")


BAD = "class Bad(Exception):\n    def __str__(self):\n        raise SystemExit\n    __repr__ = __str__\n"
ENDS = {
    "raise ValueError('no such row')": "ValueError: no such row",
    r"raise ValueError('\n  \n first\nsecond')": "ValueError: first",
    "raise ValueError": "ValueError",
    r"raise ValueError('\n')": "ValueError",
    "raise SystemExit(3)": "the step called exit(3)",
    "import sys; sys.exit()": "the step called exit(None)",
    "raise SystemExit('text')": "the step called exit('text')",
    "raise Bad": "Bad: <exception str() failed>",
    "raise SystemExit(Bad())": "the step called exit(<exception str() failed>)",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
}


@pytest.mark.parametrize(("body", "line"), ENDS.items())
def test_the_first_line(tmp_path: Path, body: str, line: str) -> None:
    """An exception is said in one line, by its type and the first line of its text, however odd it is."""
    error = failed(tmp_path, f"{BAD}\ndef run():\n    {body}\n")
    assert first_line(error) == line
    assert '"mine.py", line 7, in run' in own_traceback(error, [str(tmp_path)]).replace(f"{tmp_path}/", "")
    assert "mine" not in sys.modules
