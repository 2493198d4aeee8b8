"""DVC: stages in dvc.yaml, with the file of each step among what they depend on."""

import json
from collections.abc import Mapping

from bench.mnist import Stages
from bench.peers.peer import Peer, call, code


def write(stages: Stages) -> Mapping[str, str]:
    """Return dvc.yaml; JSON is YAML."""
    found = {
        stage["name"]: {
            "cmd": call(stage["name"]),
            "deps": [*stage["inputs"].values(), code(stage)],
            "outs": list(stage["outputs"].values()),
        }
        for stage in stages
    }
    return {"dvc.yaml": json.dumps({"stages": found}, indent=1)}


PEERS = [
    Peer(
        "DVC",
        "dvc>=3.50,<4",
        write,
        ("dvc", "repro"),
        "`dvc repro`; contents by MD5, remembered by time, size and inode; of the code, the step's own file",
        setup=(
            ("dvc", "init", "--no-scm", "-q"),
            ("dvc", "config", "core.analytics", "false"),
            ("dvc", "config", "core.check_update", "false"),
        ),
        said="Data and pipelines are up to date.",
        environ={"DVC_NO_ANALYTICS": "1"},
    )
]
