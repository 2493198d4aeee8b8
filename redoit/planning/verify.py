"""Runs a kept stage once more, beside its outputs, and compares: whether the same action makes the same bytes.

What is in place stays, and nothing is recorded.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from redoit.engine.decision import Keep
from redoit.engine.engine import Engine, RunOptions
from redoit.engine.inspector import Settings
from redoit.errors import InputError
from redoit.model import Stage
from redoit.planning.compare import Difference, difference


@dataclass(frozen=True)
class Verification:
    """What came of it: output role -> first difference, for those that differ; how long the step ran, in seconds."""

    differences: Mapping[str, Difference]
    seconds: float

    @property
    def reproducible(self) -> bool:
        """Whether all outputs have the same bytes."""
        return not self.differences


def verify(
    engine: Engine,
    stage: Stage,
    settings: Settings,
    *,
    time_limit: float | None = None,
) -> Verification:
    """Run a stage again and compare.

    Raises: InputError if its outputs are not what a trace says; StepError, SourceError, StoreError, DiskError.
    """
    engine.inspector.refresh()
    # What runs each time has outputs in place, too, and they can be compared.
    steady = stage._replace(policy=stage.policy._replace(volatile=False, impure=not stage.policy.restorable))
    if not isinstance(engine.decide(steady, settings), Keep):
        outputs = ", ".join(stage.outputs.values())
        raise InputError(outputs, "not up to date", f"run it first, with: doit {stage.name}")
    began = time.perf_counter()
    log = engine.workspace.log(f"{stage.name} verified")
    with engine.run_in_staging(stage, settings, log, RunOptions(time_limit)) as (paths, _):
        seconds = time.perf_counter() - began
        found = {role: difference(Path(stage.outputs[role]), path) for role, path in paths.items()}
    return Verification({role: each for role, each in found.items() if each}, seconds)
