"""Print the names of the code that reading reaches: `python reading.py STEP ROOTS`, in the folder of a project.

ROOTS is a file of JSON: module and name of what the step executed. Where each byte of a module `m` counts: `m:bytes`.
"""

import json
import os
import sys
from pathlib import Path

sys.path[:1] = [os.getcwd(), str(Path(__file__).parents[1])]

from corpus.units import BODIES  # noqa: E402 - as in the project's folder
from redoit.fingerprint import code_of  # noqa: E402 - likewise
from redoit.source.project import Project  # noqa: E402 - likewise

step, file = sys.argv[1:]
roots = [(module, name) for module, name in json.loads(Path(file).read_text())]
parts = code_of(Project(Path()), step, extra_roots=roots, bodies=BODIES).parts
read = {part.name: Project(Path()).module(part.name[:-2]) for part in parts if part.name.endswith(":*")}
raw = [f"{module}:bytes" for part in parts if (module := read.get(part.name)) and part.text.encode() == module.source]
print(json.dumps([*(part.name for part in parts), *raw]))
