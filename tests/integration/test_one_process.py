"""Several projects, and several commands, in one process: nothing of one is left for the next."""

import subprocess
import sys

from projects import Pipeline

DODO = """
import helper

from redoit import step


def task_make():
    return step("steps.own", inputs={"source": "source.txt"}, outputs={"made": f"{helper.NAME}.txt"})
"""
CALLS = """
import os, sys
from doit.doit_cmd import DoitMain

for folder in sys.argv[1:]:
    os.chdir(folder)
    print("status", DoitMain().run(["run", "-v", "0"]))
"""
API = """
from doit.api import run_tasks
from doit.cmd_base import ModuleTaskLoader
from redoit import step

def task_make():
    return step("steps.own", inputs={"source": "source.txt"}, outputs={"made": "out.txt"})

if __name__ == "__main__":
    for _ in range(2):
        print("status", run_tasks(ModuleTaskLoader(globals()), {"make": {"times": 4}}))
    __import__("doit").run(globals())
"""


def pipelines(fresh: Pipeline) -> tuple[Pipeline, Pipeline]:
    """Return two projects with modules of the same names, the second with options of its own."""
    first, second = fresh, Pipeline(fresh.root.parent / "second")
    for project, name in ((first, "one"), (second, "two")):
        project.write("dodo.py", DODO)
        project.write("steps/__init__.py", "")
        project.write("helper.py", f"NAME = '{name}'\n")
        project.write(
            "steps/own.py", f"def run(source, made, *, times: int = 1):\n    made.write_text('{name}' * times)\n"
        )
        project.write("source.txt", "")
    second.write("pyproject.toml", '[tool.redoit]\nstore = "shared"\n[tool.doit.tasks.make]\ntimes = 2\n')
    return first, second


def called(project: Pipeline, code: str, *arguments: str) -> str:
    """Return what a script in a project printed."""
    project.write("script.py", code)
    process = [sys.executable, "script.py", *arguments]
    return subprocess.run(process, cwd=project.root, env=project.env, check=True, capture_output=True, text=True).stdout


def test_two_projects_do_not_mix(fresh: Pipeline) -> None:
    """Each has its own modules, options, settings and store, also when one comes again."""
    first, second = pipelines(fresh)
    out = called(first, CALLS, *(str(project.root) for project in (first, second, first)))
    assert [line for line in out.splitlines() if line.startswith("status")] == ["status 0"] * 3, out
    assert (first.read("one.txt"), second.read("two.txt")) == ("one", "twotwo")
    assert second.path("shared/blobs").is_dir()
    assert not first.path("two.txt").exists()
    assert "Step make kept" in out


def test_doit_called_by_a_script(fresh: Pipeline) -> None:
    """`run_tasks` gives a stage its settings, and what it made is kept; `doit.run(globals())` works as well."""
    first, _ = pipelines(fresh)
    out = called(first, API)
    assert (first.read("out.txt"), "WARNING" in out) == ("one", False)
    assert ("Step make kept" in out, "(times 4 -> 1)" in out) == (True, True)
