"""What a step finds around it, and what is shown when it fails: in real doit processes."""

import json
import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from projects import PATIENCE, Pipeline

Make = Callable[[dict[str, str]], Pipeline]
DODO = """
from redoit import DOIT_CONFIG, step


def task_make():
    return step("steps.make", inputs={}, outputs={"made": "made.txt"})
"""
FAILS = """
from steps.helper import divide


def run(made):
    print("begun")
    divide(1)
"""
HELPER = "def divide(number):\n    return number / 0\n"


@pytest.fixture
def failing(project: Make) -> Pipeline:
    """Return a project whose only step fails in another module."""
    return project({"dodo.py": DODO, "steps/__init__.py": "", "steps/make.py": FAILS, "steps/helper.py": HELPER})


def traceback_of(pipeline: Pipeline) -> str:
    """Return the traceback that is expected."""
    return (
        "Traceback (most recent call last):\n"
        f'  File "{pipeline.path("steps/make.py")}", line 7, in run\n    divide(1)\n'
        f'  File "{pipeline.path("steps/helper.py")}", line 2, in divide\n    return number / 0\n'
    )


WAYS = {
    "redoit": (),
    "two at once": ("-n", "2"),
    "quiet": ("-v", "0"),
    **{name: ("-r", name) for name in ("console", "executed-only", "error-only", "zero", "json")},
}


@pytest.mark.parametrize("arguments", WAYS.values(), ids=WAYS)
def test_a_failing_step_shows_its_traceback_once(failing: Pipeline, arguments: tuple[str, ...]) -> None:
    """Under every reporter the traceback of the step's own frames is shown once, with the place of its log."""
    result = failing.doit(*arguments)
    text = json.loads(result.out)["err"] if "json" in arguments else result.err
    shown = re.sub(r"^ *[~^]+\n", "", text, flags=re.MULTILINE)
    assert shown.startswith(traceback_of(failing) + "ZeroDivisionError: division by zero\n")
    assert result.text.count("Traceback") == failing.read(".redoit/logs/make").count("Traceback") == 1
    assert "its log is .redoit/logs/make" in result.text
    assert (result.code, "redoit/execution" in result.text) == (1, False)


def test_verify_shows_the_traceback(failing: Pipeline) -> None:
    """A step that fails when it is verified shows its traceback as well."""
    failing.write("steps/helper.py", "def divide(number):\n    open('made.txt', 'w').close()\n")
    failing.edit(
        "steps/make.py",
        "    divide(1)",
        "    made.write_text('')\n    import os\n    os.path.exists('../fail') and 1 / 0",
    )
    assert failing.doit().code == 0
    failing.write("../fail", "")  # outside of the project: seen by nothing
    result = failing.doit("verify")
    assert "line 9, in run" in result.out
    assert "Step make can't be verified. step steps.make: ZeroDivisionError" in result.out


def test_a_step_that_calls_doit_on_its_project_fails_at_once(failing: Pipeline) -> None:
    """A doit that a step starts in its own project does not wait for the one that waits for it; reading is allowed."""
    call = f"import subprocess\n    subprocess.run([{sys.executable!r}, '-m', 'doit', *ARGUMENTS], check=True)"
    failing.edit("steps/make.py", "divide(1)", f"{call}\n    made.write_text('')".replace("ARGUMENTS", "['make']"))
    result = failing.doit()
    assert "ERROR: doit: called by a step of this project; declare in dodo.py what" in result.text
    assert "Step make has failed. step steps.make: CalledProcessError" in result.out
    failing.edit("steps/make.py", "['make']", "['list']")
    assert failing.doit().told("finished") == ["make"]


def test_modules_named_as_others_beside_dodo(failing: Pipeline) -> None:
    """Modules of the project with names of the standard library's change nothing for doit; dodo.py may import one."""
    for name in ("abc", "json", "random", "select", "struct", "subprocess", "tempfile", "rich", "jinja2", "redoit"):
        failing.write(f"{name}.py", "raise AssertionError(__name__)\n")
        failing.write(f"src/{name}.py", "raise AssertionError(__name__)\n")
    failing.write("sched.py", "NAME = 'made.txt'\n")
    failing.edit("dodo.py", "from redoit", "import sched\nfrom redoit")
    failing.edit("dodo.py", '"made.txt"', "sched.NAME")
    failing.edit("steps/make.py", "divide(1)", "made.write_text('')")
    for arguments in (["-n", "2"], ["lineage", "--json"], ["plan"]):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "doit", *arguments],
            cwd=failing.root,
            env=failing.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert (done.returncode, "AssertionError" in done.stdout + done.stderr) == (0, False), done.stderr


NAMES = ["x" * 300, "学习率" * 12, "a/b", "Case", "case", "CASE", "..", ".", " ", "-v", "'", '"', "100%", "a~b", "é"]


def test_any_name_is_that_of_a_stage(project: Make) -> None:
    """Stages of any names run, are kept and forgotten, each with a log of its own."""
    stages = "\n".join(
        f'    yield step("steps.one", name={name!r}, inputs={{}}, outputs={{"made": "out/{number}"}})'
        for number, name in enumerate(NAMES)
    )
    dodo = f"from redoit import DOIT_CONFIG, step\n\n\ndef task_each():\n{stages}\n"
    step = "def run(made):\n    print(made.name)\n    made.write_text(made.name)\n"
    pipeline = project({"dodo.py": dodo, "steps/__init__.py": "", "steps/one.py": step})
    result = pipeline.doit()
    assert (result.code, result.out.count("has finished")) == (0, len(NAMES)), result.text
    logs = sorted(path.read_text() for path in pipeline.path(".redoit/logs").iterdir())
    assert logs == sorted(f"{number}\n" for number in range(len(NAMES)))
    assert pipeline.doit("forget", f"each:{NAMES[0]}", "each:Case").code == 0
    result = pipeline.doit()
    assert f"{len(NAMES)} steps: 2 ran, {len(NAMES) - 2} kept in " in result.out
