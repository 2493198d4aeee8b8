"""A wide project: many stages that know nothing of each other, a second layer, and one that joins them all."""

import json
from pathlib import Path

from projects import Pipeline

PARTS = [f"part{number}" for number in range(8)]
PAIRS = [f"pair{number}" for number in range(4)]
WIDE = [*PARTS, *PAIRS, "join"]

DODO = """
from redoit import DOIT_CONFIG, step


def task_join():
    parts = {f"part{n}": f"data/part{n}.txt" for n in range(8)}
    pairs = {f"pair{n}": f"data/pair{n}.txt" for n in range(4)}
    return step("steps.join", inputs={**parts, **pairs}, outputs={"joined": "data/join.txt"})


def task_pair():
    for n in range(4):
        inputs = {"left": f"data/part{n}.txt", "right": f"data/part{n + 4}.txt"}
        yield {**step("steps.pair", inputs=inputs, outputs={"made": f"data/pair{n}.txt"}), "name": f"{n}"}


def task_part():
    for n in range(8):
        yield {**step("steps.part", inputs={"source": f"source{n}.txt"}, outputs={"made": f"data/part{n}.txt"}),
               "name": f"{n}"}
"""
STEPS = {
    "steps/__init__.py": "",
    "steps/fate.py": '''
import os
import time


def begin(name: str) -> None:
    """Witness an execution; be as slow, or fail, as the test wants it."""
    with open("../executed", "a") as witness:
        witness.write(name + "\\n")
    if os.path.exists(f"../slow-{name}"):
        time.sleep(0.15)
    if os.path.exists(f"../fail-{name}"):
        raise RuntimeError("as the test wants it")
    if os.path.exists(f"../kill-{name}"):
        os.kill(os.getpid(), 9)
''',
    "steps/part.py": """
from pathlib import Path

from steps.fate import begin


def run(source: Path, made: Path) -> dict[str, float]:
    begin(made.stem)
    print("part of", source)
    number = int(source.read_text())
    made.write_text(str(number * number))
    return {"number": number}
""",
    "steps/pair.py": """
from pathlib import Path

from steps.fate import begin


def run(left: Path, right: Path, made: Path) -> None:
    begin(made.stem)
    made.write_text(left.read_text() + "+" + right.read_text())
""",
    "steps/join.py": """
from pathlib import Path

from steps.fate import begin


def run({roles}, joined: Path) -> None:
    begin(joined.stem)
    joined.write_text(" ".join(path.read_text() for path in ({names},)))
""".format(
        roles=", ".join(f"{name}: Path" for name in [*PARTS, *PAIRS]),
        names=", ".join([*PARTS, *PAIRS]),
    ),
}


def wide(folder: Path) -> Pipeline:
    """Write the project."""
    pipeline = Pipeline(folder / "project")
    sources = {f"source{n}.txt": f"{n + 1}" for n in range(8)}
    for name, text in {**STEPS, **sources, "dodo.py": DODO}.items():
        pipeline.write(name, text)
    return pipeline


def right() -> dict[str, str]:
    """Return path -> text of what a serial run makes."""
    made = {f"part{n}": str((n + 1) ** 2) for n in range(8)}
    made |= {f"pair{n}": f"{made[f'part{n}']}+{made[f'part{n + 4}']}" for n in range(4)}
    made["join"] = " ".join(made.values())
    return {f"data/{name}.txt": text for name, text in made.items()}


def wrong(pipeline: Pipeline) -> list[str]:
    """Return the outputs that are not those of a serial run."""
    found = {path: pipeline.read(path) if pipeline.path(path).exists() else None for path in right()}
    return [path for path, text in right().items() if found[path] != text]


def finished(pipeline: Pipeline) -> set[str]:
    """Return the stages that have a record of success: a trace."""
    traces = pipeline.path(".redoit/traces").glob("*/*.json")
    return {json.loads(path.read_bytes())["stage"].replace(":", "") for path in traces}


def fate(pipeline: Pipeline, what: str, names: list[str]) -> None:
    """Let steps be `slow`, `fail` or be killed (`kill`); other ones are not from now on."""
    for path in pipeline.root.parent.glob(f"{what}-*"):
        path.unlink()
    for name in names:
        pipeline.root.parent.joinpath(f"{what}-{name}").touch()
