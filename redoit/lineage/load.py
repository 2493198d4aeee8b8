"""Loads the lineage of a checkout from its run log and its stores: runs, traces, source and logs.

Nothing here fails because something is gone: a trace that was collected, or a blob that is corrupt, is left out.
"""

import contextlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from redoit.errors import DiskError, StoreError
from redoit.history.run_log import RunLog, RunRecord
from redoit.lineage.lineage import Lineage
from redoit.model import Stage, Status, Trace
from redoit.planning.diff import wrapped_lines
from redoit.state.workspace import MAX_EARLIER, Workspace
from redoit.text import printable

DEFAULT_RUNS = 50
MAX_STAGE_RECORDS, MAX_TRACES = 20_000, 3_000  # of the default runs; at least two runs are loaded
LOG_TAIL_LINES, LOG_TAIL_CHARACTERS = 40, 3_000  # of one log
MAX_LOG_CHARACTERS, MAX_SOURCE_CHARACTERS = 40_000, 100_000  # of all
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
    each = max(1, min(MAX_EARLIER, MAX_TRACES // max(len(stages), 1)))
    earlier = {stage.name: workspace.earlier(stage, each, from_index=True) for stage in stages}
    latest = {name: [trace.name for trace in results] for name, results in earlier.items()}
    traces = {trace.name: trace for results in earlier.values() for trace in results}
    names = [stage.name for stage in stages] if only else None
    runs = list(_loaded((run.expanded(names) for run in recorded), number, workspace, traces))
    origins = {
        record.trace: run
        for run in recorded
        for record in run.stages.values()
        if record.status is Status.RAN and record.trace
    }
    lineage = Lineage(stages, runs, len(recorded) - len(runs), traces, origins, latest)
    return replace(lineage, texts=_texts(workspace, lineage)) if texts else lineage


def most_active(run_log: RunLog, stages: Sequence[Stage], number: int) -> list[Stage]:
    """Return that many stages in their order: those that the newest runs did not keep, then makers of their inputs."""
    whole = Lineage(stages)
    files, makers = whole.files, whole.makers
    active = [
        name
        for run in islice(run_log.newest(), DEFAULT_RUNS)
        for name, record in run.stages.items()
        if record.status is not Status.KEPT and name in files
    ]
    needed = [makers[path].name for name in active[:number] for path in files[name].values() if path in makers]
    chosen = set(islice(dict.fromkeys((*active, *needed, *files)), number))
    return [stage for stage in stages if stage.name in chosen]


def _loaded(
    runs: Iterable[RunRecord], number: int | None, workspace: Workspace, traces: dict[str, Trace]
) -> Iterator[RunRecord]:
    """Yield the newest runs; add to `traces` those that they name and that a store has."""
    tried, records = set(traces), 0
    for count, run in enumerate(islice(runs, DEFAULT_RUNS if number is None else number)):
        records += len(run.stages)
        if number is None and count > 1 and (records > MAX_STAGE_RECORDS or len(traces) > MAX_TRACES):
            return
        for record in run.stages.values():
            if record.trace and record.trace not in tried:
                tried.add(record.trace)
                stores = workspace.store, workspace.private
                found = (store.trace_or_none(record.key, record.trace) for store in stores)
                traces |= {trace.name: trace for trace in found if trace}
        yield run


def _texts(workspace: Workspace, lineage: Lineage) -> dict[str, str]:
    """Return by digest the source of parts that differ among a stage's results, and the ends of logs, newest first."""
    digests: Mapping[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for stage, names in lineage.results.items():
        for name in names:
            for part, digest in lineage.traces[name].code.items():
                digests[stage, part][digest] = None
    parts = dict.fromkeys(digest for each in digests.values() if len(each) > 1 for digest in each)
    logs = dict.fromkeys(trace.log for trace in sorted(lineage.traces.values(), key=lambda trace: -trace.started))
    texts = dict(_fitting(workspace, parts, lambda text: "\n".join(wrapped_lines(text)), MAX_SOURCE_CHARACTERS))
    return texts | dict(_fitting(workspace, logs, _log_tail, MAX_LOG_CHARACTERS))


def _fitting(
    workspace: Workspace, digests: Iterable[str], shown: Callable[[str], str], room: int
) -> Iterator[tuple[str, str]]:
    """Yield digest and text of blobs that a store has, as far as there is room for their characters."""
    for digest in digests:
        for store in (workspace.store, workspace.private):
            with contextlib.suppress(StoreError, DiskError, OSError):
                text = shown(store.get(digest).decode("utf-8", "replace"))
                if len(text) <= room:
                    room -= len(text)
                    yield digest, text
                break


def _log_tail(log: str) -> str:
    """Return the last lines of a log, as any page can show them."""
    lines = TERMINAL_CONTROL.sub("", log[-20 * LOG_TAIL_CHARACTERS :]).expandtabs().splitlines()[-LOG_TAIL_LINES:]
    return "\n".join(map(printable, lines))[-LOG_TAIL_CHARACTERS:]
