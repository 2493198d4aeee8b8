"""What a copy of the environment is for, by the source that makes it."""

import textwrap
from pathlib import Path

import pytest

from redoit.source import environ_copies

HANDED_ON = [
    "subprocess.run(['true'], env=dict(os.environ))",
    "subprocess.run(['true'], env={**os.environ, 'A': '1'})",
    "subprocess.run(['true'], env=os.environ | {'A': '1'})",
    "subprocess.run(['true'], env=os.environ.copy())",
    "asyncio.create_subprocess_exec('true', env=os.environ.copy())",
    "asyncio.subprocess.create_subprocess_exec('true', env=os.environ.copy())",
    "Popen(['true'], env={**environ})",
    "env = os.environ.copy(); env['A'] = '1'; subprocess.run(['true'], env=env)",
    "env: dict = {**os.environ}; env.update(A='1'); env.pop('C', None); del env['D']; sp.run(env=env)",
    "env = dict(os.environ); subprocess.run(env=env); subprocess.run(env=env)",
    "os.execve('/bin/true', ['true'], os.environ)",
    "os.posix_spawn('/bin/true', ['true'], {**os.environ}, setsid=True)",
    "env = dict(os.environ); os.execvpe('true', ['true'], env)",
]
FUNCTION = "import asyncio, os, subprocess, subprocess as sp\nfrom subprocess import Popen\ndef run():\n    "


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the path of a file of source."""
    return tmp_path / "source.py"


def is_for_processes(file: Path, source: str, line: int) -> bool:
    """Tell whether the copy in a line of this source is only for processes."""
    file.write_text(textwrap.dedent(source))
    return environ_copies.is_for_processes(str(file), line)


@pytest.mark.parametrize("text", HANDED_ON)
def test_a_copy_for_processes(file: Path, text: str) -> None:
    """A copy that only becomes the environment of processes, changed or not, is for these."""
    assert is_for_processes(file, f"{FUNCTION}{text}\n", 4)


READ = [
    "found = dict(os.environ); print(found)",
    "env = os.environ.copy(); subprocess.run(env=env); print(env['A'])",
    "env = os.environ.copy(); env['A'] = '1'; subprocess.run(env=env); return env",
    "env = dict(os.environ); name = env.pop('A'); subprocess.run(env=env)",
    "env = dict(os.environ); subprocess.run(env=env, check='A' in env)",
    "subprocess.run(env={name: value for name, value in os.environ.items() if name != 'A'})",
    "subprocess.run(env={'A': os.environ['A']})",
    "subprocess.run(variables=dict(os.environ))",
    "for name in os.environ: print(name)",
    "dict(os.environ)",
    "a = b = dict(os.environ); subprocess.run(env=a)",
    "own(env=dict(os.environ))",
    "self.subprocess.run(env=dict(os.environ))",
    "env = dict(os.environ); own(env=env)",
    "os.execve(os.environ, ['true'], {})",
    "os.execv('/bin/true', [*os.environ])",
    "global env; env = dict(os.environ); subprocess.run(env=env)",
]


@pytest.mark.parametrize("text", READ)
def test_a_copy_that_the_step_may_read(file: Path, text: str) -> None:
    """A copy that anything else may look into is not only for processes."""
    assert not is_for_processes(file, f"{FUNCTION}{text}\n", 4)


def test_a_copy_that_others_may_import(file: Path) -> None:
    """A copy that a module binds to a name may be read by whoever imports it."""
    text = "import os, subprocess\nenv = dict(os.environ)\nsubprocess.run(env=env)\n"
    assert not is_for_processes(file, text, 2)


def test_a_name_counts_in_its_own_function(file: Path) -> None:
    """Uses of an equal name in another function do not count, those in nested functions do."""
    text = """
        from subprocess import run
        def one():
            env = dict(os.environ)
            run(env=env)
        def other():
            env = {}
            print(env)
        def nested():
            env = dict(os.environ)
            def inner():
                print(env)
            run(env=env)
    """
    assert is_for_processes(file, text, 4)
    assert not is_for_processes(file, text, 10)


@pytest.mark.parametrize("source", [None, b"", b"\0", b"(", b"pass\n" * 5, b"\xff"])
def test_what_can_not_be_read_tells_nothing(file: Path, source: bytes | None) -> None:
    """Source that is gone, broken or does not name the environment there proves nothing."""
    if source is not None:
        file.write_bytes(source)
    assert not environ_copies.is_for_processes(str(file), 1)
