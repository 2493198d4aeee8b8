"""Files that appear where a step looks for them, and that disappear again."""

from variations.base import Chosen, Part, Step, Variation

PLACES = ("settings/one.conf", "settings/two.conf", "three.conf")
STEP = """
import glob
import importlib.util
import os
from pathlib import Path

from steps.witness import executed

PLACES = {places}


def tried():
    for path in PLACES:
        try:
            with open(path) as file:
                return file.read()
        except FileNotFoundError:
            continue
    return "none"


def first(exists):
    return next((Path(path).read_text() for path in PLACES if exists(path)), "none")


def optional():
    try:
        import optional_part
    except ImportError:
        return "none"
    return optional_part.VALUE


def opens(path):
    try:
        os.close(os.open(path, os.O_RDONLY))
    except FileNotFoundError:
        return False
    return True


def stats(path):
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def run(source, made):
    executed(made.name)
    made.write_text(source.read_text() + str({found}))
"""
READS = {  # the first that is there is read, and no other is looked for
    "tried": "tried()",
    "exists": "first(os.path.exists)",
    "is_file": "first(lambda path: Path(path).is_file())",
    "isfile": "first(os.path.isfile)",
    "access": "first(lambda path: os.access(path, os.R_OK))",
    "opens": "first(opens)",
    "stats": "first(stats)",
    "lexists": "first(os.path.lexists)",
}
LOOKS = {  # all are looked for, and none is read
    "all exist": "[os.path.exists(path) for path in PLACES]",
    "all are files": "[Path(path).is_file() for path in PLACES]",
    "all are listed": "[bool(glob.glob(path)) for path in PLACES]",
}
MODULES = {  # a module that may be there
    "import": "optional()",
    "find_spec": 'importlib.util.find_spec("optional_part") is not None',
}
WAYS = {**READS, **LOOKS, **MODULES}
TEXTS = ("", "1", "2", "long")


def _part(chosen: Chosen) -> Part:
    way = chosen["way"]
    files = {"steps/looking.py": STEP.replace("{places}", repr(PLACES)).replace("{found}", WAYS[way])}
    files |= {path: chosen[path] for path in PLACES if chosen[path]}
    files |= {"looking.txt": "looking ", "settings/kept.txt": chosen["kept"]}
    if chosen["module"]:
        files["optional_part.py"] = f"VALUE = {chosen['module']!r}\n"
    tasks = (Step("looking", "steps.looking", {"source": "looking.txt"}, {"made": "data/looking.txt"}),)
    there = [path for path in PLACES if chosen[path]]
    if way in READS:
        counts: object = [(path, chosen[path]) for path in there[:1]]
    elif way in LOOKS:
        counts = [(path, len(chosen[path])) for path in there]  # what tells that it is there tells its size
    else:
        counts = chosen["module"]
    return Part(files, tasks, (way, counts))


ABSENCES = Variation(
    "absences",
    {"way": tuple(WAYS), **dict.fromkeys(PLACES, TEXTS), "module": TEXTS, "kept": ("kept", "other")},
    _part,
)
