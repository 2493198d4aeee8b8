"""doit's own fields on the dict of a stage: files, conditions and tasks that a user adds, and what only shows."""

from variations.base import DIGITS, Chosen, Command, Part, Step, Task, Variation

STEP = """
from pathlib import Path

from steps.witness import executed


def run(source, made):
    executed(made.name)
    {ready}
    made.write_text(source.read_text() + Path("params.txt").read_text())
"""
AFTER = """
from steps.witness import executed


def run(source, made):
    executed(made.name)
    made.write_text(source.read_text() * 2)
"""
READY = 'Path("../ready").unlink()'  # an error unless the task came before that this stage asked for
DECLARES = (  # params.txt
    'task["file_dep"].append("params.txt")',
    'task["file_dep"] += ["params.txt"]',
    'task["file_dep"] = [*task["file_dep"], "params.txt"]',
    'task.update(file_dep=["params.txt", *task["file_dep"]])',
)
CONDITIONS = {
    "none": "pass",
    "true": 'task["uptodate"].append(True)',
    "none of doit": 'task["uptodate"].append(None)',
    "call true": 'task["uptodate"].append(lambda: True)',
    "false": 'task["uptodate"].append(False)',
    "first false": 'task["uptodate"].insert(0, False)',
    "call false": 'task["uptodate"].append(lambda task, values: False)',
    "shell false": 'task["uptodate"].append("false")',
}
BEFORE = {"none": "pass", "task_dep": 'task["task_dep"] = ["prepares"]', "setup": 'task["setup"] = ["prepares"]'}


def _part(chosen: Chosen) -> Part:
    before = chosen["before"]
    shown = f"task.update(doc={chosen['doc']!r}, verbosity={chosen['verbosity']})"
    edits = (chosen["declares"], CONDITIONS[chosen["condition"]], BEFORE[before], shown)
    files = {
        "steps/fielded.py": STEP.format(ready="pass" if before == "none" else READY),
        "steps/after.py": AFTER,
        "fielded.txt": "fielded",
        "params.txt": f"{chosen['params']}",
    }
    tasks: list[Task] = [] if before == "none" else [Command("prepares", "touch ../ready")]
    tasks += [
        Step("fielded", "steps.fielded", {"source": "fielded.txt"}, {"made": "data/fielded.txt"}, edits=edits),
        Step("after", "steps.after", {"source": "data/fielded.txt"}, {"made": "data/after.txt"}),
    ]
    always = frozenset({"fielded"} if "false" in chosen["condition"] else ())
    return Part(files, tuple(tasks), (chosen["params"], before == "none"), always=always)


FIELDS = Variation(
    "fields",
    {
        "params": DIGITS,
        "declares": DECLARES,
        "condition": tuple(CONDITIONS),
        "before": tuple(BEFORE),
        "doc": ("One.", "Another."),
        "verbosity": (2, 0),
    },
    _part,
)
