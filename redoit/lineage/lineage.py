"""The lineage: which execution made which file from which, in which run; and the provenance of one file. Pure.

Knows neither disks nor pages. A run or trace that was removed is absent, and whoever shows a lineage says so.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from redoit.engine.undeclared import undeclared_inputs
from redoit.history.run_log import RunRecord, StageRecord
from redoit.model import Stage, Trace
from redoit.reasons import sentence
from redoit.text import one_line


@dataclass(frozen=True)
class Lineage:
    """The recorded results of a pipeline. `stages`: as declared now, in an order in which they can run.

    `runs`: the newest first; `older`: how many more are recorded. `traces`: by name, those that a store still has.
    `origins`: name of a trace -> the run that made it, which may be an older one. `latest`: stage -> names of its
    latest results. `texts`: by digest, normalised source of parts and the ends of logs.
    """

    stages: Sequence[Stage]
    runs: Sequence[RunRecord] = ()
    older: int = 0
    traces: Mapping[str, Trace] = field(default_factory=dict)
    origins: Mapping[str, RunRecord] = field(default_factory=dict)
    latest: Mapping[str, Sequence[str]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def makers(self) -> dict[str, Stage]:
        """File -> the stage that makes it."""
        return {path: stage for stage in self.stages for path in stage.outputs.values()}

    @cached_property
    def files(self) -> dict[str, dict[str, str]]:
        """Stage -> role -> file."""
        return {stage.name: stage.files for stage in self.stages}

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The files that stages need and none makes, in the order of their first use."""
        needed = (path for stage in self.stages for path in stage.inputs.values())
        return tuple(dict.fromkeys(path for path in needed if path not in self.makers))

    @cached_property
    def undeclared(self) -> tuple[str, ...]:
        """The stages of these runs that are no longer declared."""
        return tuple(dict.fromkeys(name for run in self.runs for name in run.stages if name not in self.files))

    @cached_property
    def results(self) -> dict[str, list[str]]:
        """Stage -> names of all its traces, the latest first."""
        results: dict[str, dict[str, None]] = {name: dict.fromkeys(names) for name, names in self.latest.items()}
        for run in self.runs:
            for name, record in run.stages.items():
                if record.trace in self.traces:
                    results.setdefault(name, {})[record.trace] = None
        return {name: list(names) for name, names in results.items()}

    def why(self, stage: str, record: StageRecord) -> str:
        """Return in one line why a stage failed, or was not kept; empty if it was kept."""
        return one_line(record.error or sentence(record.reasons, self.files.get(stage)))


class Provenance(NamedTuple):
    """The provenance of one content of a file.

    `digest`: of the content, empty if it is unknown. `stage`: that makes the file, None for a source. `trace`: of the
    execution that made this content, None if none is recorded. `inputs`: file and digest of what that execution read.
    """

    path: str
    digest: str
    stage: Stage | None = None
    trace: Trace | None = None
    inputs: tuple[tuple[str, str], ...] = ()


Origins = dict[tuple[str, str], Provenance]  # by file and digest, the one that was asked for first


def provenance(lineage: Lineage, path: str, digest: str = "") -> Origins:
    """Return the provenance of a file with that content, and of all that it was made from.

    Without a digest, of its latest content. Of the executions that made one, the last one before its use counts.
    """
    wanted: dict[str, dict[str, float]] = {path: {digest: math.inf}}
    origins: Origins = {}
    for stage in reversed(lineage.stages):  # who needs a file comes before who makes it
        for role, file in stage.outputs.items():
            for content, used in wanted.pop(file, {}).items():
                trace = _maker(lineage, stage, role, content, used)
                inputs = _inputs(stage, trace)
                made = trace.digests[role] if trace else content
                origins[file, content] = Provenance(file, made, stage, trace, inputs)
                for source, read in inputs:
                    uses = wanted.setdefault(source, {})
                    uses[read] = max(uses.get(read, -math.inf), trace.started if trace else math.inf)
    sources = {(file, content): Provenance(file, content) for file, contents in wanted.items() for content in contents}
    return origins | sources


def _maker(lineage: Lineage, stage: Stage, role: str, digest: str, used: float) -> Trace | None:
    """Return the last execution of a stage that made a content (any if none is given) before its use, else any."""
    traces = [lineage.traces[name] for name in lineage.results.get(stage.name, ()) if name in lineage.traces]
    makers = [trace for trace in traces if role in trace.manifest and digest in ("", trace.digests[role])]
    return next((trace for trace in makers if trace.started <= used), next(iter(makers), None))


def _inputs(stage: Stage, trace: Trace | None) -> tuple[tuple[str, str], ...]:
    """Return file and digest of what an execution read; of a role that is no longer declared, the role."""
    read = trace.action.inputs if trace else {}
    rows = undeclared_inputs(trace.observations if trace else ())
    undeclared = ((row.name, row.digest or "") for row in rows if row.kind == "file")
    return (*((stage.inputs.get(role, role), given.digest) for role, given in read.items()), *undeclared)
