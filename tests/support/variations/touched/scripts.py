"""Scripts of the project that a step runs in processes of their own, or by `runpy`; data says which."""

from variations.base import DIGITS, Chosen, Part, Step, Variation

STEP = """
import os
import subprocess
import sys
{imports}
from steps.witness import executed


def printed(*line, **how):
    return subprocess.run(*line, **how, capture_output=True, text=True, check=True).stdout.strip()


def spawned(name):
    reading, writing = os.pipe()
    line = [sys.executable, f"tools/{name}.py"]
    number = os.posix_spawn(line[0], line, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1)])
    os.close(writing)
    with open(reading) as file:
        text = file.read().strip()
    os.waitpid(number, 0)
    return text


def by_system(name):
    assert os.system(f"{sys.executable} -m tools.{name} > ../printed") == 0
    with open("../printed") as file:
        return file.read().strip()


def run(source, made):
    executed(made.name)
    name = source.read_text()
    made.write_text(str({found}))
"""
SCRIPT = """
{comment}
import os

{imports}


def value():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "number.txt")) as file:
        return file.read().strip(), taken(), {script}


VALUE = value()
print(VALUE)
"""
PART = "def taken():\n    return {part}\n\n\nUNUSED = {unused}\n"
OTHER = "print({unused})\n"
BESIDE = "from part import taken"  # of a script in its folder
BELOW = "from tools.part import taken"
NONE = "taken = tuple"
WAYS = {  # what the step imports, how the script imports, what the script prints
    "script": ("", BESIDE, 'printed([sys.executable, f"tools/{name}.py"])'),
    "named": ("", BESIDE, 'printed([sys.executable, "tools/script.py"])'),
    "in folder": ("", BESIDE, 'printed([sys.executable, f"{name}.py"], cwd="tools")'),
    "module": ("", BELOW, 'printed([sys.executable, "-m", f"tools.{name}"])'),
    "code": ("", BELOW, 'printed([sys.executable, "-c", f"from tools import {name}"])'),
    "shell": ("", BESIDE, 'printed(f"{sys.executable} tools/{name}.py", shell=True)'),
    "shell, module": ("", BESIDE, 'printed(["sh", "-c", f"cd tools && {sys.executable} -m {name}"])'),
    "no environment": ("", BESIDE, 'printed([sys.executable, f"tools/{name}.py"], env={})'),
    "isolated": ("", NONE, 'printed([sys.executable, "-I", f"tools/{name}.py"])'),
    "given": ("", BELOW, 'printed([sys.executable, "-"], input=f"from tools import {name}")'),
    "posix_spawn": ("", BESIDE, "spawned(name)"),
    "system": ("", BELOW, "by_system(name)"),
    "run_path": ("import runpy", BELOW, 'runpy.run_path(f"tools/{name}.py")["VALUE"]'),
    "run_module": ("import runpy", BELOW, 'runpy.run_module(f"tools.{name}")["VALUE"]'),
}


def _part(chosen: Chosen) -> Part:
    way = chosen["way"]
    imports, imports_part, found = WAYS[way]
    files = {
        "steps/calling.py": STEP.replace("{imports}", imports).replace("{found}", found),
        "tools/__init__.py": "",
        "tools/script.py": SCRIPT.format(imports=imports_part, **chosen),
        "tools/part.py": PART.format(**chosen),
        "tools/other.py": OTHER.format(**chosen),
        "tools/number.txt": f"{chosen['number']}\n",
        "tools/unread.txt": f"{chosen['unused']}\n",
        "calling.txt": "script",
    }
    tasks = (Step("calling", "steps.calling", {"source": "calling.txt"}, {"made": "data/calling.txt"}),)
    needs = way, *(chosen[name] for name in ("script", "part", "number"))
    whole = "runpy" in imports or imports_part == BESIDE  # all modules of the project count, or this one does
    return Part(files, tasks, (*needs, whole and chosen["unused"]))


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
