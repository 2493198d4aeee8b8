"""Rows of the table: what was measured, against what, and whether the goal is met. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.processes import Series, ratios

FOLD = 2
LARGE = 100  # from here on, figures are shown without a fraction


@dataclass(frozen=True)
class Goal:
    """What a figure should be: at most a limit, or at `least` that."""

    limit: float
    unit: str = "x"
    least: bool = False

    def __str__(self) -> str:
        return f"{'>=' if self.least else '<='} {shown(self.limit, self.unit)}"

    def is_met(self, value: float) -> bool:
        """Tell whether a figure meets the goal."""
        return value >= self.limit if self.least else value <= self.limit

    def verdict(self, value: float) -> str:
        """Return `met`, or by how much of the limit the goal is missed; or how many times, if that is twice or more."""
        if self.is_met(value):
            return "met"
        above, below = (self.limit, value) if self.least else (value, self.limit)
        if below <= 0 or above / below < FOLD:
            return f"missed by {abs(value - self.limit) / self.limit:.0%}"
        return f"missed {above / below:.1f}-fold"


@dataclass(frozen=True)
class Row:
    """One row. `value` is what the goal speaks of, and None where it could not be measured: `note` says why.

    `spread`: the least and the greatest value of single runs. `raw`: what was measured, for the JSON.
    """

    group: str
    what: str
    against: str
    value: float | None
    goal: Goal | None = None
    unit: str = "x"
    ours: str = ""
    theirs: str = ""
    spread: tuple[float, float] | None = None
    note: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def verdict(self) -> str:
        """What to say of the goal."""
        if self.value is None:
            return "not measured"
        return self.goal.verdict(self.value) if self.goal else ""

    def fields(self) -> dict[str, Any]:
        """Return the row for the JSON."""
        goal = vars(self.goal) if self.goal else None
        return {**vars(self), "goal": goal, "verdict": self.verdict, "raw": dict(self.raw)}


def row_of(fields: Mapping[str, Any]) -> Row:
    """Return a row from its JSON."""
    given = {name: value for name, value in fields.items() if name != "verdict"}
    given["goal"] = Goal(**given["goal"]) if given["goal"] else None
    given["spread"] = tuple(given["spread"]) if given["spread"] else None
    return Row(**given)


def compared(
    group: str, what: str, ours: Series, theirs: Series, *, against: str, goal: Goal | None = None, note: str = ""
) -> Row:
    """Return the row of two sides that ran in turn.

    The value is the ratio of medians: ours to theirs, or theirs to ours where the goal is to be so many times faster.
    """
    faster = goal is not None and goal.least
    above, below = (theirs, ours) if faster else (ours, theirs)
    each = ratios(above.walls, below.walls)
    return Row(
        group,
        what,
        against,
        above.wall / below.wall,
        goal,
        ours=seconds(ours.wall),
        theirs=seconds(theirs.wall),
        spread=(min(each), max(each)),
        note=note,
        raw={"ours": raw(ours), "theirs": raw(theirs), "ratio of CPU seconds": above.cpu / below.cpu},
    )


def missing(group: str, what: str, against: str, why: str, goal: Goal | None = None) -> Row:
    """Return the row of what could not be measured."""
    return Row(group, what, against, None, goal, note=why)


def raw(series: Series) -> dict[str, list[float]]:
    """Return all that was measured of a series."""
    return {
        "wall": [round(ran.wall, 6) for ran in series.runs],
        "cpu": [round(ran.cpu, 6) for ran in series.runs],
        "peak": [ran.peak for ran in series.runs],
    }


def seconds(time: float) -> str:
    """Return a time as people read it."""
    if time < 0.001:
        return f"{time * 1e6:.0f} us"
    return f"{time * 1e3:.1f} ms" if time < 0.1 else f"{time:.2f} s" if time < LARGE else f"{time:,.0f} s"


def shown(value: float, unit: str) -> str:
    """Return a figure with its unit."""
    number = f"{value:,.0f}" if abs(value) >= LARGE else f"{value:.2f}".rstrip("0").rstrip(".")
    return f"{number}{unit}" if unit == "x" else f"{number} {unit}"
