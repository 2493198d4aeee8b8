"""What a copy of the environment is for, by the source that makes it."""

import textwrap

import pytest

from redoit.source.environ_copies import is_for_processes

HANDED_ON = [
    "subprocess.run(['true'], env=dict(os.environ))",
    "subprocess.run(['true'], env={**os.environ, 'A': '1'})",
    "subprocess.run(['true'], env=os.environ | {'A': '1'})",
    "subprocess.run(['true'], env=os.environ.copy())",
    "env = os.environ.copy()\nenv['A'] = '1'\nsubprocess.run(['true'], env=env)",
    "env: dict = {**os.environ}\nenv.update(A='1')\nenv.pop('C', None)\ndel env['D']\nrun(env=env)",
    "env = dict(os.environ)\nrun(env=env)\nrun(env=env)",
    "from os import environ\nrun(env={**environ})",
]


@pytest.mark.parametrize("text", HANDED_ON)
def test_a_copy_for_processes(text: str) -> None:
    """A copy that only becomes the environment of processes, changed or not, is for these."""
    line = next(
        number for number, line in enumerate(text.splitlines(), 1) if "environ" in line and "import" not in line
    )
    assert is_for_processes(text.encode(), line)


READ = [
    "found = dict(os.environ)\nprint(found)",
    "env = os.environ.copy()\nrun(env=env)\nprint(env['A'])",
    "env = os.environ.copy()\nenv['A'] = '1'\nrun(env=env)\nreturn_value(env)",
    "env = dict(os.environ)\nname = env.pop('A')\nrun(env=env)",
    "env = dict(os.environ)\nif 'A' in env: run(env=env)",
    "run(env={name: value for name, value in os.environ.items() if name != 'A'})",
    "run(env={'A': os.environ['A']})",
    "run(variables=dict(os.environ))",
    "for name in os.environ: print(name)",
    "dict(os.environ)",
    "a = b = dict(os.environ)\nrun(env=a)",
]


@pytest.mark.parametrize("text", READ)
def test_a_copy_that_the_step_may_read(text: str) -> None:
    """A copy that anything else may look into is not only for processes."""
    assert not is_for_processes(text.encode(), 1)


def test_a_name_counts_in_its_own_function() -> None:
    """Uses of an equal name in another function do not count, those in nested functions do."""
    text = """
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
    source = textwrap.dedent(text).encode()
    assert is_for_processes(source, 3)
    assert not is_for_processes(source, 9)


@pytest.mark.parametrize("source", [b"", b"\0", b"(", b"pass\n" * 5, b"\xff"])
def test_what_can_not_be_read_tells_nothing(source: bytes) -> None:
    """Source that is gone, broken or does not name the environment there proves nothing."""
    assert not is_for_processes(source, 1)
