"""Prints the stages that a project's dodo.py declares, as JSON, in an order in which they can run.

    python -m bench.declared FOLDER

The projects of other tools are generated from this, so that they follow each change of the pipeline.
"""

import importlib
import json
import os
import sys


def main(root: str) -> None:
    """Print name, step, inputs, outputs and settings (none but those of doit.cfg) of each stage."""
    os.chdir(root)
    sys.path.insert(0, root)
    dodo = importlib.import_module("dodo")
    from redoit.plugin.configuration import sections
    from redoit.plugin.graph import Graph

    tasks = {name.removeprefix("task_"): make() for name, make in vars(dodo).items() if name.startswith("task_")}
    stages = {name: task["uptodate"][0].stage for name, task in tasks.items()}
    makers = {path: name for name, stage in stages.items() for path in stage.outputs.values()}
    needs = {name: {makers[path] for path in stage.inputs.values() if path in makers} for name, stage in stages.items()}
    given = sections()
    found = [
        {
            "name": name,
            "step": stages[name].step,
            "inputs": dict(stages[name].inputs),
            "outputs": dict(stages[name].outputs),
            "settings": given.get(f"task:{name}", {}),
        }
        for name in Graph(needs, needs).needed(stages)
    ]
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
