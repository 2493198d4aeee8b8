"""Installed distributions: editable ones of several build backends, one from a local path, and one by its version."""

import base64
import hashlib
import json

from variations.base import BASE, DIGITS, SITE, Chosen, Part, Step, Variation

CODE = "../code"
FINDER = """
import importlib.util
import sys

FOUND = {{"gadget": "{base}/code/gadget"}}


class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name in FOUND:
            return importlib.util.spec_from_file_location(name, f"{{FOUND[name]}}/__init__.py")


def install():
    sys.meta_path.append(Finder)
"""
INSTALL = "import __editable___gadget_finder; __editable___gadget_finder.install()\n"
INIT = "from gadget.inner import FACTOR\n\n\ndef turn(number):\n    return number * FACTOR + {body}\n"
STEP = """
import gadget
from steps.witness import executed


def run(source, made):
    executed(made.name)
    made.write_text(str(gadget.turn(int(source.read_text()))))
"""
PTH = {"pth": f"{BASE}/code\n", "bare pth": f"{BASE}/code\n", "finder": INSTALL}  # of those that are editable
LOCAL = "local"  # a copy, installed from a folder: the version stays, RECORD's rows change
RELEASED = "released"  # its version says what it is


def _row(name: str, text: str) -> str:
    code = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
    return f"{name},sha256={code},{len(text)}\n"


def _metadata(way: str, version: str, code: dict[str, str]) -> dict[str, str]:
    """Return the files of a distribution's metadata."""
    folder = f"gadget-{version}.dist-info"
    files = {f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: gadget\nVersion: {version}\n"}
    files[f"{folder}/INSTALLER"] = "pip\n"
    if way != RELEASED:
        origin = {"url": f"file://{BASE}/origin", "dir_info": {"editable": True} if way in PTH else {}}
        files[f"{folder}/direct_url.json"] = json.dumps(origin)
    files[f"{folder}/RECORD"] = "".join(_row(name, text) for name, text in {**code, **files}.items())
    return files


def _part(chosen: Chosen) -> Part:
    way, version = chosen["way"], f"{chosen['version']}.0"
    body = chosen["version"] if way == RELEASED else chosen["body"]
    inner = chosen["version"] if way == RELEASED else chosen["inner"]
    code = {"gadget/__init__.py": INIT.format(body=body), "gadget/inner.py": f"FACTOR = {inner}\n"}
    if way in PTH:
        files = {f"{CODE}/{name}": text for name, text in code.items()}
        installed = {"__editable__.gadget.pth": PTH[way]}
        if way == "finder":
            installed["__editable___gadget_finder.py"] = FINDER.format(base=BASE)
    else:
        files, installed = {}, code
    if way != "bare pth":
        installed = {**installed, **_metadata(way, version, installed)}
    files |= {f"{SITE}/{name}": text for name, text in installed.items()}
    files |= {"steps/gadgets.py": STEP, "gadgets.txt": "10"}
    tasks = (Step("gadgets", "steps.gadgets", {"source": "gadgets.txt"}, {"made": "data/gadgets.txt"}),)
    return Part(files, tasks, (way, version, body, inner))


DISTRIBUTIONS = Variation(
    "distributions",
    {"way": (*PTH, LOCAL, RELEASED), "version": DIGITS, "body": DIGITS, "inner": DIGITS},
    _part,
)
