"""Links that a step follows, and that nobody declared: they name another file, or what they name changes."""

from variations.base import DIGITS, Chosen, Part, Step, Variation

STEP = """
import os
import subprocess
from pathlib import Path

from steps.witness import executed


def run(source, made):
    executed(made.name)
    made.write_text(source.read_text() + {found})
"""
FOLLOWS = {
    "open": 'Path("chosen.txt").read_text()',
    "folder": 'Path("chosen/held.txt").read_text()',
    "two links": 'Path("chosen-again.txt").read_text()',
    "resolve": 'Path("chosen.txt").resolve().read_text()',
    "realpath": 'Path(os.path.realpath("chosen/held.txt")).read_text()',
    "cat": 'subprocess.run(["cat", "chosen.txt"], capture_output=True, text=True, check=True).stdout',
}
TELLS = {  # the text of what a link names does not count
    "readlink": 'os.readlink("chosen.txt")',
    "Path.readlink": 'str(Path("chosen").readlink())',
    "name": 'Path("chosen.txt").resolve().name',
}
WAYS = {**FOLLOWS, **TELLS}


def _part(chosen: Chosen) -> Part:
    way, target = chosen["way"], chosen["target"]
    files = {"steps/following.py": STEP.format(found=WAYS[way]), "following.txt": "following "}
    for name in ("a", "b"):
        files[f"versions/{name}/held.txt"] = files[f"version-{name}.txt"] = f"{chosen[name]}"
    links = {"chosen.txt": f"version-{target}.txt", "chosen": f"versions/{target}", "chosen-again.txt": "chosen.txt"}
    tasks = (Step("following", "steps.following", {"source": "following.txt"}, {"made": "data/following.txt"}),)
    return Part(files, tasks, (way, target, chosen[target] if way in FOLLOWS else 0), links=links)


RETARGETED = Variation("retargeted", {"way": tuple(WAYS), "target": ("a", "b"), "a": DIGITS, "b": DIGITS}, _part)
