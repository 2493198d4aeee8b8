"""Prints how many observations of each kind the latest traces of stages have, as JSON: a list of kind -> number.

python -m bench.observations FOLDER STAGE...
"""

import json
import sys
from collections import Counter
from pathlib import Path

from redoit.model import Stage
from redoit.state.workspace import Workspace


def main(root: str, *stages: str) -> None:
    """Print them."""
    workspace = Workspace(Path(root))
    found = [workspace.latest(Stage(stage, "", {}, {})) for stage in stages]
    kinds = [Counter(each.kind for each in trace.observations) if trace else None for trace in found]
    print(json.dumps(kinds))


if __name__ == "__main__":
    main(*sys.argv[1:])
