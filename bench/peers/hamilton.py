"""Hamilton: one function for each stage, with its cache on; each returns the MD5 of what it made."""

import sys
from collections.abc import Mapping

from bench.mnist import Stages
from bench.peers.peer import Peer, needs

HEAD = '''"""The stages, as functions of the stages that they need."""

import hashlib
import json
import subprocess

with open("calls.json") as file:
    CALLS = json.load(file)


def _made(name: str) -> dict:
    subprocess.run([{python!r}, "call.py", name], check=True)
    found = {{}}
    for path in CALLS[name]["outputs"].values():
        with open(path, "rb") as file:
            found[path] = hashlib.file_digest(file, "md5").hexdigest()
    return found
'''
FUNCTION = '''

def {name}({arguments}) -> dict:
    """Execute the stage."""
    return _made({name!r})
'''
SCRIPT = '''"""Runs them."""

from hamilton import driver, telemetry

import stages

telemetry.disable_telemetry()
driver.Builder().with_modules(stages).with_cache(path=".hamilton").build().execute({last!r})
'''


def write(stages: Stages) -> Mapping[str, str]:
    """Return the module and the script."""
    functions = [
        FUNCTION.format(name=name, arguments=", ".join(f"{other}: dict" for other in others))
        for name, others in needs(stages).items()
    ]
    return {
        "stages.py": HEAD.format(python=sys.executable) + "".join(functions),
        "flow.py": SCRIPT.format(last=[stages[-1]["name"]]),
    }


PEERS = [
    Peer(
        "Hamilton",
        "sf-hamilton>=1.80,<2",
        write,
        ("python", "flow.py"),
        "a script; what functions returned before, here MD5 of their files; no check of any file in place",
        environ={"HAMILTON_TELEMETRY_ENABLED": "false"},
    )
]
