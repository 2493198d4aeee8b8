"""Loads the lineage of a checkout from its run log and its stores: runs, traces, source and logs.

Nothing here fails because something is gone: a trace that was collected, or a blob that is corrupt, is left out.
"""

import contextlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from redoit.errors import DiskError, StoreError
from redoit.history.run_log import RunLog
from redoit.history.run_record import RunRecord
from redoit.lineage.lineage import Lineage
from redoit.model import Stage, Status, Trace
from redoit.planning.diff import wrapped_lines
from redoit.state.workspace import MAX_EARLIER, Workspace
from redoit.text import printable

DEFAULT_RUNS = 50
MAX_STAGE_RECORDS, MAX_TRACES = 20_000, 3_000  # of the default runs; at least two runs are loaded
MAX_PART_CHARACTERS, MAX_SOURCE_CHARACTERS = 16_000, 100_000  # of one part's source, of all
LOG_TAIL_LINES, LOG_TAIL_CHARACTERS, MAX_LOG_CHARACTERS = 40, 3_000, 40_000  # of one log, of all
TERMINAL_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


def load_lineage(
    workspace: Workspace,
    run_log: RunLog,
    stages: Sequence[Stage],
    number: int | None = None,
    *,
    texts: bool = False,
    only: bool = False,
) -> Lineage:
    """Return the lineage of stages, which are in an order in which they can run.

    `number`: of runs, by default as many as a page can show. `texts`: with source and logs. `only`: of other stages
    only the sums of each run. Raises: DiskError, StoreError.
    """
    recorded = list(run_log.newest())
    reader = _TraceReader(workspace, stages)
    each = max(1, min(MAX_EARLIER, MAX_TRACES // max(len(stages), 1)))
    latest = {stage.name: reader.latest(stage, each) for stage in stages}
    names = [stage.name for stage in stages] if only else None
    runs = list(_loaded((run.expanded(names) for run in recorded), reader, number))
    origins = {
        record.trace: run
        for run in recorded
        for record in run.stages.values()
        if record.status is Status.RAN and record.trace
    }
    lineage = Lineage(stages, runs, len(recorded) - len(runs), reader.traces, origins, latest)
    return replace(lineage, texts=_texts(workspace, lineage)) if texts else lineage


def most_active(run_log: RunLog, stages: Sequence[Stage], number: int) -> list[Stage]:
    """Return that many stages: first those that the newest runs did not keep, then the makers of their inputs.

    They stay in their order. Raises: DiskError.
    """
    if len(stages) <= number:
        return list(stages)
    declared = {stage.name: stage for stage in stages}
    makers = {path: stage for stage in stages for path in stage.outputs.values()}
    active = [
        declared[name]
        for run in run_log.newest(DEFAULT_RUNS)
        for name, record in run.stages.items()
        if record.status is not Status.KEPT and name in declared
    ]
    needed = [makers[path] for stage in active[:number] for path in stage.inputs.values() if path in makers]
    chosen = set(islice(dict.fromkeys(stage.name for stage in (*active, *needed, *stages)), number))
    return [stage for stage in stages if stage.name in chosen]


class _TraceReader:
    """Reads traces, each once. `traces`: by name, those that the stores have."""

    def __init__(self, workspace: Workspace, stages: Iterable[Stage]) -> None:
        self.traces: dict[str, Trace] = {}
        self._missing = set[str]()
        self._workspace = workspace
        self._stores = {stage.name: [workspace.store_of(stage)] for stage in stages}

    def latest(self, stage: Stage, number: int) -> list[str]:
        """Return the names of a stage's latest results."""
        latest = {trace.name: trace for trace in self._workspace.earlier(stage, number, from_index=True)}
        self.traces |= latest
        return list(latest)

    def read(self, run: RunRecord) -> None:
        """Read the traces that a run names."""
        for stage, record in run.stages.items():
            if not record.trace or record.trace in self.traces or record.trace in self._missing:
                continue
            stores = self._stores.get(stage, [self._workspace.store, self._workspace.private])
            trace = next(filter(None, (store.trace_or_none(record.key, record.trace) for store in stores)), None)
            if trace:
                self.traces[record.trace] = trace
            else:
                self._missing.add(record.trace)


def _loaded(runs: Iterable[RunRecord], reader: _TraceReader, number: int | None) -> Iterator[RunRecord]:
    """Yield the newest runs, with their traces read."""
    records = 0
    for count, run in enumerate(islice(runs, DEFAULT_RUNS if number is None else number)):
        records += len(run.stages)
        if number is None and count > 1 and (records > MAX_STAGE_RECORDS or len(reader.traces) > MAX_TRACES):
            return
        reader.read(run)
        yield run


def _texts(workspace: Workspace, lineage: Lineage) -> dict[str, str]:
    """Return by digest the source of parts that differ among a stage's results, and the ends of logs, newest first."""
    digests: Mapping[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for stage, names in lineage.results.items():
        for name in names:
            for part, digest in lineage.traces[name].action.code.items():
                digests[stage, part][digest] = None
    parts = dict.fromkeys(digest for each in digests.values() if len(each) > 1 for digest in each)
    logs = dict.fromkeys(trace.log for trace in sorted(lineage.traces.values(), key=lambda trace: -trace.started))
    sources = ((digest, "\n".join(wrapped_lines(text))) for digest, text in _blobs(workspace, parts))
    tails = ((digest, _log_tail(text)) for digest, text in _blobs(workspace, logs))
    return {
        **dict(_fitting(sources, MAX_PART_CHARACTERS, MAX_SOURCE_CHARACTERS)),
        **dict(_fitting(tails, LOG_TAIL_CHARACTERS, MAX_LOG_CHARACTERS)),
    }


def _fitting(texts: Iterable[tuple[str, str]], each: int, total: int) -> Iterator[tuple[str, str]]:
    """Yield the texts that have few enough characters, each by itself and all together."""
    for digest, text in texts:
        if len(text) <= min(each, total):
            total -= len(text)
            yield digest, text


def _blobs(workspace: Workspace, digests: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield digest and text of the blobs that a store has."""
    for digest in digests:
        for store in (workspace.store, workspace.private):
            with contextlib.suppress(StoreError, DiskError, OSError):
                yield digest, store.get(digest).decode("utf-8", "replace")
                break


def _log_tail(log: str) -> str:
    """Return the last lines of a log, as any page can show them."""
    lines = TERMINAL_CONTROL.sub("", log[-20 * LOG_TAIL_CHARACTERS :]).expandtabs().splitlines()[-LOG_TAIL_LINES:]
    return "\n".join(map(printable, lines))[-LOG_TAIL_CHARACTERS:]
