"""joblib.Memory: a function that is given the stage and what its input files hold, and returns what its outputs hold.

joblib caches by arguments, not by files, so the script checks files itself, in two ways.
"""

import sys
from collections.abc import Mapping
from functools import partial

from bench.mnist import Stages
from bench.peers.peer import Peer

SCRIPT = '''"""The pipeline, with joblib.Memory."""

import hashlib
import json
import os
import subprocess

from joblib import Memory

memory = Memory(".joblib", verbose=0)
with open("calls.json") as file:
    CALLS = json.load(file)


def look(path):
    """Return what a file holds: {how}."""
    {look}


@memory.cache
def stage(name, inputs):
    """Execute a stage."""
    subprocess.run([{python!r}, "call.py", name], check=True)
    return [look(path) for path in CALLS[name]["outputs"].values()]


for name, call in CALLS.items():
    stage(name, [look(path) for path in call["inputs"].values()])
'''
CONTENT = """with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()"""
LOOKS = {
    "its contents by MD5": CONTENT,
    "its time and size only": "found = os.stat(path)\n    return found.st_mtime_ns, found.st_size",
}


def write(stages: Stages, how: str) -> Mapping[str, str]:
    """Return the script."""
    return {"memory.py": SCRIPT.format(how=how, look=LOOKS[how], python=sys.executable)}


PEERS = [
    Peer(
        f"joblib.Memory, {how}",
        "joblib>=1.4,<2",
        partial(write, how=how),
        ("python", "memory.py"),
        f"a script; of each input file, {how}; no check of outputs or of the code of steps",
    )
    for how in LOOKS
]
