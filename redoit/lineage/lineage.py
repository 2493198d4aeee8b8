"""The lineage: which trace made which artifact from which, in which run, and where one file came from. Pure.

Knows neither disks nor pages. What is not on record any more is absent, and whoever shows a lineage says so.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from redoit.history.run_record import RunRecord
from redoit.model import Stage, Trace


@dataclass(frozen=True)
class Lineage:
    """What is known of a pipeline's results.

    `stages`: as declared now, in an order in which they can run. `runs`: some of those on record, the newest first;
    `older`: how many more are. `traces`: by name, those of these runs that the store still has. `origins`: name of a
    trace -> the run that made it, also if that is an older one. `latest`: stage -> names of its latest results.
    `texts`: by digest, normalised source of parts and the ends of logs.
    """

    stages: Sequence[Stage]
    runs: Sequence[RunRecord] = ()
    older: int = 0
    traces: Mapping[str, Trace] = field(default_factory=dict)
    origins: Mapping[str, RunRecord] = field(default_factory=dict)
    latest: Mapping[str, Sequence[str]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def makers(self) -> dict[str, tuple[Stage, str]]:
        """File -> the stage that makes it, and its role there."""
        return {path: (stage, role) for stage in self.stages for role, path in stage.outputs.items()}

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The files that stages need and none makes, in the order of their first use."""
        needed = (path for stage in self.stages for path in stage.inputs.values())
        return tuple(dict.fromkeys(path for path in needed if path not in self.makers))

    @cached_property
    def undeclared(self) -> tuple[str, ...]:
        """Stages of these runs that are declared no longer."""
        declared = {stage.name for stage in self.stages}
        return tuple(dict.fromkeys(name for run in self.runs for name in run.verdicts if name not in declared))

    @cached_property
    def results(self) -> dict[str, list[str]]:
        """Stage -> names of all its traces that are known, the latest first."""
        found: dict[str, dict[str, None]] = {name: dict.fromkeys(names) for name, names in self.latest.items()}
        for run in self.runs:
            for name, verdict in run.verdicts.items():
                if verdict.trace in self.traces:
                    found.setdefault(name, {})[verdict.trace] = None
        return {name: list(names) for name, names in found.items()}


def in_order(stages: Iterable[Stage], runnable: Iterable[str]) -> list[Stage]:
    """Return stages in an order in which they can run, and always the same: by depth, and then as they are declared.

    `runnable`: their names, in any order in which they can run.
    """
    declared = {stage.name: stage for stage in stages}
    makers = {path: stage.name for stage in declared.values() for path in stage.outputs.values()}
    depth: dict[str, int] = {}
    for name in runnable:
        needed = (depth[makers[path]] for path in declared[name].inputs.values() if path in makers)
        depth[name] = 1 + max(needed, default=0)
    return sorted(declared.values(), key=lambda stage: depth[stage.name])


@dataclass(frozen=True)
class Provenance:
    """One content of a file, and what it came from.

    `digest`: of the content, empty if it is unknown. `stage`: what makes the file, None for a source. `trace`: the
    execution that made this content, None if none is on record. `inputs`: what that execution read.
    """

    path: str
    digest: str
    stage: Stage | None = None
    trace: Trace | None = None
    inputs: tuple["Provenance", ...] = ()

    def all(self) -> list["Provenance"]:
        """Return this and all that it came from, each once, in the order in which a reader meets them."""
        found: dict[int, Provenance] = {}
        ahead = [self]
        while ahead:
            origin = ahead.pop()
            if id(origin) not in found:
                found[id(origin)] = origin
                ahead += reversed(origin.inputs)
        return list(found.values())


def provenance(lineage: Lineage, path: str, digest: str = "") -> Provenance:
    """Return where a file with that content came from, up to its sources; without one, the content made last.

    A content that was used twice is there once. Of executions that made it, the last one before its use is named.
    """
    wanted: dict[str, dict[str, float]] = {path: {digest: math.inf}}
    made: dict[tuple[str, str], Trace | None] = {}
    for stage in reversed(lineage.stages):  # who needs a file comes before who makes it
        for role, file in stage.outputs.items():
            for content, used in wanted.get(file, {}).items():
                trace = made[file, content] = _maker(lineage, stage, role, content, used)
                for each, one in _inputs(stage, trace):
                    uses = wanted.setdefault(each, {})
                    uses[one] = max(uses.get(one, -math.inf), trace.started if trace else math.inf)
    origins = {
        (file, one): Provenance(file, one) for file in wanted if file not in lineage.makers for one in wanted[file]
    }
    for stage in lineage.stages:
        for role, file in stage.outputs.items():
            for content in wanted.get(file, ()):
                trace = made[file, content]
                inputs = tuple(origins[each] for each in _inputs(stage, trace))
                found = trace.digests[role] if trace else content
                origins[file, content] = Provenance(file, found, stage, trace, inputs)
    return origins[path, digest]


def _maker(lineage: Lineage, stage: Stage, role: str, digest: str, used: float) -> Trace | None:
    """Return the last execution of a stage that made a content (any if none is given) before it was used, else any."""
    traces = [lineage.traces[name] for name in lineage.results.get(stage.name, ()) if name in lineage.traces]
    found = [trace for trace in traces if role in trace.manifest and digest in ("", trace.digests[role])]
    return next((trace for trace in found if trace.started <= used), next(iter(found), None))


def _inputs(stage: Stage, trace: Trace | None) -> list[tuple[str, str]]:
    """Return file and digest of what an execution read; a role that is declared no longer stands for its file."""
    return [(stage.inputs.get(role, role), digest) for role, digest in trace.action.inputs.items()] if trace else []
