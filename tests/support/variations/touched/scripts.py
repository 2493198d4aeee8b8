"""Scripts of the project that a step runs in processes of their own, or by `runpy`."""

from variations.base import DIGITS, Chosen, Part, Step, Variation

STEP = """
import os
import runpy
import subprocess
import sys

from steps.witness import executed


def printed(*line, **how):
    return subprocess.run(*line, **how, capture_output=True, text=True, check=True).stdout.strip()


def spawned():
    reading, writing = os.pipe()
    line = [sys.executable, "tools/script.py"]
    number = os.posix_spawn(line[0], line, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1)])
    os.close(writing)
    with open(reading) as file:
        text = file.read().strip()
    os.waitpid(number, 0)
    return text


def by_system():
    assert os.system(f"{sys.executable} -m tools.script > ../printed") == 0
    with open("../printed") as file:
        return file.read().strip()


def run(source, made):
    executed(made.name)
    made.write_text(source.read_text() + str({found}))
"""
SCRIPT = """
{comment}
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import part

VALUE = 0


def value():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "number.txt")) as file:
        return file.read().strip(), part.taken(), {script}


VALUE = value()
print(VALUE)
"""
PART = "def taken():\n    return {part}\n\n\nUNUSED = {unused}\n"
OTHER = "print({unused})\n"
CODE = "import sys; sys.path.insert(0, 'tools'); import script"
CHILDREN = {
    "script": 'printed([sys.executable, "tools/script.py"])',
    "in folder": 'printed([sys.executable, "script.py"], cwd="tools")',
    "module": 'printed([sys.executable, "-m", "tools.script"])',
    "code": f'printed([sys.executable, "-c", "{CODE}"])',
    "shell": 'printed(f"{sys.executable} tools/script.py", shell=True)',
    "shell, module": 'printed(["sh", "-c", f"cd tools && {sys.executable} -m script"])',
    "no environment": 'printed([sys.executable, "tools/script.py"], env={})',
    "isolated": 'printed([sys.executable, "-I", "tools/script.py"])',
    "given": 'printed([sys.executable, "-"], input="import runpy; runpy.run_path(\'tools/script.py\')")',
    "posix_spawn": "spawned()",
    "system": "by_system()",
}
HERE = {
    "run_path": 'runpy.run_path("tools/script.py")["VALUE"]',
    "run_module": 'runpy.run_module("tools.script")["VALUE"]',
}
WAYS = {**CHILDREN, **HERE}


def _part(chosen: Chosen) -> Part:
    files = {
        "steps/calling.py": STEP.replace("{found}", WAYS[chosen["way"]]),
        "tools/__init__.py": "",
        "tools/script.py": SCRIPT.format(**chosen),
        "tools/part.py": PART.format(**chosen),
        "tools/other.py": OTHER.format(**chosen),
        "tools/number.txt": f"{chosen['number']}\n",
        "tools/unread.txt": f"{chosen['unused']}\n",
        "calling.txt": "calling ",
    }
    tasks = (Step("calling", "steps.calling", {"source": "calling.txt"}, {"made": "data/calling.txt"}),)
    return Part(files, tasks, tuple(chosen[name] for name in ("way", "script", "part", "number", "comment")))


SCRIPTS = Variation(
    "scripts",
    {
        "way": tuple(WAYS),
        "script": DIGITS,
        "part": DIGITS,
        "number": DIGITS,
        "unused": DIGITS,
        "comment": ("", "# a comment"),
    },
    _part,
)
