"""Plug-ins that a step finds by listing a folder, and executes without an import statement."""

from variations.base import DIGITS, Chosen, Part, Step, Variation

STEP = """
{imports}

from steps.witness import executed


def found():
{found}

def run(source, made):
    executed(made.name)
    made.write_text(source.read_text() + " ".join(str(each) for each in found()))
"""
BY_SPEC = """
    for name in sorted(os.listdir("extras")):
        if name.endswith(".py") and not name.startswith("_"):
            spec = importlib.util.spec_from_file_location(name[:-3], f"extras/{name}")
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            yield module.value()
"""
BY_NAME = """
    for name in sorted({names}):
        if not name.startswith("_"):
            yield importlib.import_module("extras." + name).value()
"""
BY_RUNPY = """
    for path in sorted(glob.glob("extras/[a-z]*.py")):
        yield runpy.run_path(path)["value"]()
"""
BY_LOADER = """
    for folder, _, files in os.walk("extras"):
        for name in sorted(files):
            if name.endswith(".py") and not name.startswith("_"):
                module = type(os)(name[:-3])
                SourceFileLoader(name[:-3], os.path.join(folder, name)).exec_module(module)
                yield module.value()
"""
BY_EXEC = """
    for path in sorted(Path("extras").glob("[a-z]*.py")):
        names = {}
        exec(compile(path.read_text(), str(path), "exec"), names)
        yield names["value"]()
"""
BY_PICKLE = """
    for path in sorted(Path("extras").iterdir()):
        if path.suffix == ".py" and not path.stem.startswith("_"):
            yield pickle.loads(f"cextras.{path.stem}\\nvalue\\n.".encode())()
"""
BY_DISCOVERY = """
    for suite in unittest.TestLoader().discover("extras", "[a-z]*.py", "."):
        for cases in suite:
            for case in cases:
                yield case.number()
"""
SCANNED = 'each.name[:-3] for each in os.scandir("extras") if each.name.endswith(".py")'
MODULES = 'each.name for each in pkgutil.iter_modules(["extras"])'
READ = {  # because of what they import, all modules of the project count by reading
    "listdir, spec": ("import importlib.util\nimport os", BY_SPEC),
    "pkgutil, import": ("import importlib\nimport pkgutil", BY_NAME.replace("{names}", MODULES)),
    "glob, runpy": ("import glob\nimport runpy", BY_RUNPY),
    "scandir, import": ("import importlib\nimport os", BY_NAME.replace("{names}", SCANNED)),
    "walk, loader": ("import os\nfrom importlib.machinery import SourceFileLoader", BY_LOADER),
}
OBSERVED = {
    "glob, exec": ("from pathlib import Path", BY_EXEC),
    "iterdir, unpickle": ("import pickle\nfrom pathlib import Path", BY_PICKLE),
    "discover": ("import unittest", BY_DISCOVERY),
}
WAYS = {**READ, **OBSERVED}
PLUGIN = """
import unittest
{comment}


def value():
    return {body}


class Case(unittest.TestCase):
    def number(self):
        return value()

    def test_number(self):
        pass
"""


def _part(chosen: Chosen) -> Part:
    way, comment = chosen["way"], chosen["comment"]
    imports, found = WAYS[way]
    hidden = PLUGIN.format(comment="", body=chosen["hidden body"])
    files = {
        "steps/listing.py": STEP.format(imports=imports, found=found),
        "extras/__init__.py": "",
        "extras/_hidden.py": hidden,
        "extras/one.py": PLUGIN.format(comment=comment, body=chosen["first body"]),
        "beside/three.py": hidden,
        "listing.txt": "listing ",
    }
    if chosen["second"]:
        files["extras/two.py"] = PLUGIN.format(comment=comment, body=chosen["second body"])
    if chosen["notes"]:
        files["extras/notes.txt"] = chosen["notes"]
    if chosen["beside"]:
        files["beside/four.py"] = hidden
    tasks = (Step("listing", "steps.listing", {"source": "listing.txt"}, {"made": "data/listing.txt"}),)
    second = chosen["second"] and chosen["second body"]
    text = comment if way == "glob, exec" else ""
    reading = (chosen["hidden body"], chosen["beside"]) if way in READ else ()
    needs = (way, chosen["first body"], second, bool(chosen["notes"]), text, reading)
    return Part(files, tasks, needs, counts_all=way in READ)


LISTINGS = Variation(
    "listings",
    {
        "way": tuple(WAYS),
        "first body": DIGITS,
        "second": (True, False),
        "second body": DIGITS,
        "hidden body": DIGITS,
        "notes": ("", "a note", "another"),
        "beside": (False, True),
        "comment": ("", "# a comment"),
    },
    _part,
)
