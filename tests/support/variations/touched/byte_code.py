"""Stale byte code: modules are edited and keep their time and their size, so that Python takes the old."""

from variations.base import DIGITS, Chosen, Part, Step, Variation

STEP = """
import importlib
import importlib.util
import multiprocessing
import runpy
import subprocess
import sys

from steps.witness import executed


def printed(*line):
    return subprocess.run([sys.executable, *line], capture_output=True, text=True, check=True).stdout.strip()


def by_spec():
    spec = importlib.util.spec_from_file_location("other_name", "cached/main.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.value()


def in_worker(context):
    from cached.main import value

    with multiprocessing.get_context(context).Pool(1) as pool:
        return pool.apply(value)


def imported():
    from cached import main

    return main.value()


def run(source, made):
    executed(made.name)
    made.write_text(source.read_text() + str({found}))
"""
MAIN = "from cached.deep import deep\n\n\ndef value():\n    return deep(), {main}\n\n\nVALUE = value()\n"
PRINTS = '\nif __name__ == "__main__":\n    print(VALUE)\n'
DEEP = "def deep():\n    return {deep}\n\n\ndef unused():\n    return {unused}\n"
CODE = "from cached.main import value; print(value())"
WAYS = {
    "import": "imported()",
    "computed": 'importlib.import_module("cached." + "main").value()',
    "spec": "by_spec()",
    "runpy": 'runpy.run_module("cached.main")["VALUE"]',
    "-m": 'printed("-m", "cached.main")',
    "-c": f'printed("-c", "{CODE}")',
    "script": 'printed("uses_cached.py")',
    "spawn": 'in_worker("spawn")',
    "forkserver": 'in_worker("forkserver")',
    "fork": 'in_worker("fork")',
}
COMPILED = ("cached/__init__.py", "cached/main.py", "cached/deep.py")


def _part(chosen: Chosen) -> Part:
    files = {
        "steps/caching.py": STEP.format(found=WAYS[chosen["way"]]),
        "cached/__init__.py": "",
        "cached/main.py": MAIN.format(**chosen) + PRINTS,
        "cached/deep.py": DEEP.format(**chosen),
        "uses_cached.py": "from cached.main import value\n\nprint(value())\n",
        "caching.txt": "caching ",
    }
    tasks = (Step("caching", "steps.caching", {"source": "caching.txt"}, {"made": "data/caching.txt"}),)
    return Part(files, tasks, tuple(chosen.values()), compiled=COMPILED)


BYTE_CODE = Variation("byte code", {"way": tuple(WAYS), "main": DIGITS, "deep": DIGITS, "unused": DIGITS}, _part)
