"""What became of a stage, and what a step made."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from redoit.model import Trace
from redoit.reasons import Reason

if TYPE_CHECKING:  # a run with nothing to do need not import what runs steps
    from redoit.execution.executor import StepResult


class Outcome(NamedTuple):
    """What became of a stage: `kept`, `restored` or `ran`; the trace that its outputs come from; how long it took.

    `reasons`: why it ran, or was not kept.
    """

    verdict: str
    trace: Trace
    seconds: float
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[str, ...] = ()


class StagedOutputs(NamedTuple):
    """What a step made: role -> staged path, and what its execution came to."""

    paths: Mapping[str, Path]
    result: "StepResult"
