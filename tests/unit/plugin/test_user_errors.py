"""Errors of the user's own files, without the frames of doit and redoit."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import doit.loader
import doit.task
import pytest
from doit.exceptions import InvalidDodoFile, InvalidTask

from redoit.errors import DeclarationError
from redoit.plugin.user_errors import clear_errors, in_words, is_foreign


def error_of(call: Callable[..., Any], *given: Any) -> Exception:
    """Return the error of a call, whose traceback begins behind this file."""
    try:
        call(*given)
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)
    raise AssertionError("no error")


def test_an_error_of_own_code_has_its_own_traceback(tmp_path: Path) -> None:
    """The traceback begins in the user's file, ends with the error, and has no frame of doit or redoit."""
    dodo = tmp_path / "dodo.py"
    dodo.write_text("import json\n\n\ndef task_a():\n    yield json.loads('{')\n")
    namespace: dict[str, Any] = {}
    exec(compile(dodo.read_text(), str(dodo), "exec"), namespace)
    error = error_of(doit.loader.generate_tasks, "a", namespace["task_a"]())
    assert is_foreign(error)
    lines = in_words("dodo.py", error).splitlines()
    assert lines[:3] == [
        "dodo.py can't be loaded",
        "Traceback (most recent call last):",
        f'  File "{dodo}", line 5, in task_a',
    ]
    assert "json.decoder.JSONDecodeError" in lines[-1]
    assert not any("doit/loader.py" in line for line in lines)


def test_an_error_without_own_code_is_one_line() -> None:
    """Where doit fails at what a declaration says, the error's type and text are all; a cause is shown likewise."""
    error = error_of(doit.task.dict_to_task, {"name": "a", "actions": [], "task_dep": [3]})
    assert is_foreign(error)
    assert in_words("dodo.py", error) == "dodo.py: TypeError: argument of type 'int' is not iterable"


def test_a_fault_of_redoit_is_none_of_the_user() -> None:
    """An error that redoit's own code makes, called by nobody else, keeps its whole traceback."""
    assert not is_foreign(error_of(in_words, "dodo.py", None))


def test_expected_errors_pass() -> None:
    """What doit shows in one line stays; any other error of the user's code, such as this, becomes one."""
    for error in (DeclarationError("a", "b"), InvalidTask("a")):
        with pytest.raises(type(error)), clear_errors("dodo.py"):
            raise error
    with pytest.raises(InvalidDodoFile, match="ZeroDivisionError"), clear_errors("dodo.py", own_only=True):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("name", "text", "arguments", "fault"),
    [
        ("pyproject.toml", "[tool", ["list"], "ERROR: pyproject.toml: Expected ']' at the end of a table declaration"),
        ("doit.cfg", "[a]\n[a]\n", ["list"], "ERROR: doit.cfg: While reading from 'doit.cfg'"),
        ("other.txt", "", ["make", "--name", ""], "ERROR: doit: found an empty argument, which doit can't take"),
    ],
)
def test_doit_itself_fails_in_one_line(tmp_path: Path, name: str, text: str, arguments: list[str], fault: str) -> None:
    """A broken configuration file and an empty argument end doit before it has a command; the line names the file."""
    (tmp_path / name).write_text(text)
    code = "from redoit.plugin.user_errors import install; install(); from doit.__main__ import main; main()"
    process = [sys.executable, "-c", code, *arguments]
    result = subprocess.run(process, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(fault)
    assert result.stderr.count("\n") == 1
