"""Each step as two stages: one is observed, the other is not."""

from pathlib import Path

from redoit import DOIT_CONFIG, step

__all__ = ["DOIT_CONFIG"]

STEPS = sorted(path.stem for path in Path("steps").glob("[a-z]*.py") if path.stem != "shared")


def stage(name, folder, **fields):
    """Return a step as a stage."""
    outputs = {"made": f"{folder}/{name}.txt"}
    return {**step(f"steps.{name}", inputs={"sizes": "sizes.json"}, outputs=outputs, **fields), "name": name}


def task_observed():
    """Take a step as it is."""
    for name in STEPS:
        yield stage(name, "observed")


def task_unobserved():
    """Take a step without observing it."""
    for name in STEPS:
        yield stage(name, "unobserved", observe=False)
