"""ZenML: one step for each stage, on its local stack, with its cache on; each returns the MD5 of what it made."""

import sys
from collections.abc import Mapping

from bench.mnist import Stages
from bench.peers.peer import Peer, needs

HEAD = '''"""The pipeline for ZenML."""

import hashlib
import json
import subprocess

from zenml import pipeline, step

with open("calls.json") as file:
    CALLS = json.load(file)


def made(name: str) -> dict:
    subprocess.run([{python!r}, "call.py", name], check=True)
    found = {{}}
    for path in CALLS[name]["outputs"].values():
        with open(path, "rb") as file:
            found[path] = hashlib.file_digest(file, "md5").hexdigest()
    return found
'''
STEP = """

@step(enable_cache=True)
def {name}({arguments}) -> dict:
    return made({name!r})
"""
TAIL = """

@pipeline(enable_cache=True)
def mnist():
{lines}


if __name__ == "__main__":
    mnist()
"""


def write(stages: Stages) -> Mapping[str, str]:
    """Return the script."""
    found = needs(stages)
    steps = [
        STEP.format(name=name, arguments=", ".join(f"{other}_made: dict" for other in others))
        for name, others in found.items()
    ]
    lines = [
        f"    {name}_made = {name}({', '.join(f'{other}_made' for other in others)})" for name, others in found.items()
    ]
    return {"flow.py": HEAD.format(python=sys.executable) + "".join(steps) + TAIL.format(lines="\n".join(lines))}


PEERS = [
    Peer(
        "ZenML",
        "zenml[local]>=0.80,<1",
        write,
        ("python", "flow.py"),
        "a script on the local stack; what steps returned, here MD5 of their files; no check of any file in place",
        setup=(("zenml", "init"),),
        said="cached",
        environ={
            "ZENML_ANALYTICS_OPT_IN": "false",
            "ZENML_CONFIG_PATH": ".zenml-config",
            "ZENML_LOCAL_STORES_PATH": ".zenml-stores",
            "AUTO_OPEN_DASHBOARD": "false",
            "ZENML_LOGGING_VERBOSITY": "INFO",
        },
    )
]
