"""A library that no distribution provides, beside the project or in it; PYTHONPATH or a step names its folder."""

from variations.base import BASE, DIGITS, Chosen, Part, Step, Variation

FOLDERS = {"outside": "../shared", "other": "../other", "inside": "lib", "appended": "lib", "inserted": "lib"}
PYTHON_PATH = {"outside": (f"{BASE}/shared",), "other": (f"{BASE}/other",), "inside": ("lib",)}
EXTENDS = {"appended": 'import sys\n\nsys.path.append("lib")', "inserted": 'import sys\n\nsys.path.insert(0, "lib")'}
DEEP = "FACTOR = {factor}\n\n\ndef weight(number):\n    return number * FACTOR + {added}\n\n\nUNUSED = {unused}\n"
STEP = """
{extends}
from steps.witness import executed
{imports}


def run(source, made):
    executed(made.name)
    made.write_text(str({call}(int(source.read_text()))))
"""
IMPORTS = {
    "from package": ("from toolbox import weight", "weight"),
    "from module": ("from toolbox.deep import weight", "weight"),
    "module": ("import toolbox.deep", "toolbox.deep.weight"),
    "alone": ("import toolfile", "toolfile.weight"),
    "late": ("def late(number):\n    from toolbox import deep\n\n    return deep.weight(number)", "late"),
}


def _part(chosen: Chosen) -> Part:
    place = chosen["place"]
    imports, call = IMPORTS[chosen["imports"]]
    step = STEP.format(extends=EXTENDS.get(place, ""), imports=imports, call=call)
    files = {"steps/library.py": step, "library.txt": "10"}
    for folder in dict.fromkeys(FOLDERS.values()):
        files[f"{folder}/toolbox/__init__.py"] = "from toolbox.deep import weight\n"
        files[f"{folder}/toolbox/spare.py"] = f"SPARE = {chosen['spare']}\n"
        deep = DEEP.format(factor=chosen[f"factor of {folder}"], added=chosen["added"], unused=chosen["spare"])
        files[f"{folder}/toolbox/deep.py"] = files[f"{folder}/toolfile.py"] = deep
    tasks = (Step("library", "steps.library", {"source": "library.txt"}, {"made": "data/library.txt"}),)
    needs = place, chosen["imports"], chosen["added"], chosen[f"factor of {FOLDERS[place]}"]
    return Part(files, tasks, needs, python_path=PYTHON_PATH.get(place, ()))


LIBRARIES = Variation(
    "libraries",
    {
        "place": tuple(FOLDERS),
        "imports": tuple(IMPORTS),
        **{f"factor of {folder}": DIGITS for folder in dict.fromkeys(FOLDERS.values())},
        "added": DIGITS,
        "spare": DIGITS,
    },
    _part,
)
