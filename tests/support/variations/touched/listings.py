"""Plug-ins that a step finds by listing a folder, and executes without an import statement."""

from variations.base import DIGITS, Chosen, Part, Step, Variation

STEP = """
import glob
import importlib.util
import os
import pkgutil
import runpy
from importlib.machinery import SourceFileLoader
from pathlib import Path

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
BY_EXEC = """
    for path in sorted(Path("extras").glob("[a-z]*.py")):
        names = {}
        exec(compile(path.read_text(), str(path), "exec"), names)
        yield names["value"]()
"""
BY_LOADER = """
    for folder, _, files in os.walk("extras"):
        for name in sorted(files):
            if name.endswith(".py") and not name.startswith("_"):
                module = type(os)(name[:-3])
                SourceFileLoader(name[:-3], os.path.join(folder, name)).exec_module(module)
                yield module.value()
"""
SCANNED = 'each.name[:-3] for each in os.scandir("extras") if each.name.endswith(".py")'
MODULES = 'each.name for each in pkgutil.iter_modules(["extras"])'
WAYS = {
    "listdir, spec": BY_SPEC,
    "pkgutil, import": BY_NAME.replace("{names}", MODULES),
    "glob, runpy": BY_RUNPY,
    "pathlib, exec": BY_EXEC,
    "scandir, import": BY_NAME.replace("{names}", SCANNED),
    "walk, loader": BY_LOADER,
}
BY_IMPORT = ("pkgutil, import", "scandir, import")  # reading may take the whole package into account
PLUGIN = "{comment}\n\n\ndef value():\n    return {body}\n"


def _part(chosen: Chosen) -> Part:
    way, comment = chosen["way"], chosen["comment"]
    hidden = PLUGIN.format(comment="", body=chosen["hidden body"])
    files = {
        "steps/listing.py": STEP.format(found=WAYS[way]),
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
    read = comment if way == "pathlib, exec" else ""
    by_import = chosen["hidden body"] if way in BY_IMPORT else 0
    return Part(files, tasks, (way, chosen["first body"], second, bool(chosen["notes"]), read, by_import))


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
