"""What a workspace still holds of a pipeline's runs, as a lineage: runs, traces, and the texts that explain them.

Nothing here fails because something is gone: a trace that was collected, a blob that is corrupt. It is left out.
"""

import contextlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from redoit.errors import DiskError, StoreError
from redoit.history.run_log import RunLog
from redoit.history.run_record import RunRecord
from redoit.lineage.lineage import Lineage
from redoit.model import Stage, Trace
from redoit.planning.diff import laid_out
from redoit.state.workspace import EARLIER, Workspace
from redoit.text import printable

RUNS = 50  # runs that are recalled, unless told otherwise
VERDICTS = 20_000  # in all of these runs
TRACES = 3_000  # of these runs
SOURCE, SOURCES = 16_000, 100_000  # characters of one part's source, of all of them
LINES, LOG, LOGS = 40, 3_000, 40_000  # the last lines of a log, their characters, and those of all logs
CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")  # a terminal's colours


def load_lineage(
    workspace: Workspace,
    run_log: RunLog,
    stages: Sequence[Stage],
    number: int | None = None,
    *,
    texts: bool = False,
    alone: bool = False,
) -> Lineage:
    """Return the lineage of stages, which are in an order in which they can run.

    `number`: of runs, else as many as a page can show. `texts`: with source and logs. `alone`: of other stages only how
    many there were in each run. Raises: DiskError, StoreError.
    """
    runs = list(run_log.newest())
    names = [stage.name for stage in stages]
    traces = _Traces(workspace, stages)
    each = max(1, min(EARLIER, TRACES // max(len(stages), 1)))
    latest = {stage.name: traces.latest(stage, each) for stage in stages}
    shown = list(_some((run.alone(names) if alone else run for run in runs), traces, number))
    origins = {
        verdict.trace: run
        for run in runs
        for verdict in run.executed.values()
        if verdict.word == "ran" and verdict.trace
    }
    lineage = Lineage(stages, shown, len(runs) - len(shown), traces.found, origins, latest)
    if not texts:
        return lineage
    return Lineage(stages, shown, lineage.older, traces.found, origins, latest, _texts(workspace, lineage))


def most_active(run_log: RunLog, stages: Sequence[Stage], number: int) -> list[Stage]:
    """Return so many stages in their order: first those that the newest runs did not just keep, and what these need.

    Raises: DiskError.
    """
    if len(stages) <= number:
        return list(stages)
    named = {stage.name: stage for stage in stages}
    makers = {path: stage for stage in stages for path in stage.outputs.values()}
    changed = [
        named[name]
        for run in run_log.newest(RUNS)
        for name, verdict in run.executed.items()
        if verdict.word != "kept" and name in named
    ]
    needed = [makers[path] for stage in changed[:number] for path in stage.inputs.values() if path in makers]
    first = islice(dict.fromkeys(stage.name for stage in (*changed, *needed, *stages)), number)
    chosen = set(first)
    return [stage for stage in stages if stage.name in chosen]


class _Traces:
    """Traces as they are found, each looked for once."""

    def __init__(self, workspace: Workspace, stages: Iterable[Stage]) -> None:
        self.found: dict[str, Trace] = {}
        self._workspace = workspace
        self._stores = {stage.name: workspace.store_of(stage) for stage in stages}
        self._missing = set[str]()

    def latest(self, stage: Stage, number: int) -> list[str]:
        """Return the names of a stage's latest results."""
        traces = {trace.name: trace for trace in self._workspace.shown(stage, number)}
        self.found |= traces
        return list(traces)

    def seek(self, run: RunRecord) -> None:
        """Look for all traces that a run names."""
        for stage, verdict in run.verdicts.items():
            if not verdict.trace or verdict.trace in self.found or verdict.trace in self._missing:
                continue
            own = self._stores.get(stage)
            stores = [own] if own else [self._workspace.store, self._workspace.private]
            trace = next(filter(None, (store.trace_or_none(verdict.key, verdict.trace) for store in stores)), None)
            if trace:
                self.found[verdict.trace] = trace
            else:
                self._missing.add(verdict.trace)


def _some(runs: Iterable[RunRecord], traces: _Traces, number: int | None) -> Iterable[RunRecord]:
    """Yield the newest runs, the traces of which are then found: so many, or what a page can show, but at least two."""
    verdicts = 0
    for count, run in enumerate(islice(runs, RUNS if number is None else number)):
        verdicts += len(run.verdicts)
        if number is None and count > 1 and (verdicts > VERDICTS or len(traces.found) > TRACES):
            return
        traces.seek(run)
        yield run


def _texts(workspace: Workspace, lineage: Lineage) -> dict[str, str]:
    """Return by digest the source of parts that differ among a stage's results, and the ends of logs; newest first."""
    found: dict[str, str] = {}
    room = SOURCES
    for digest in _changed_parts(lineage):
        text = _text(workspace, digest)
        text = None if text is None else "\n".join(laid_out(text))
        if text is not None and len(text) <= min(SOURCE, room):
            found[digest] = text
            room -= len(text)
    room = LOGS
    for digest in dict.fromkeys(trace.log for trace in _newest_first(lineage)):
        end = _end(_text(workspace, digest) or "")
        if end and len(end) <= room:
            found[digest] = end
            room -= len(end)
    return found


def _changed_parts(lineage: Lineage) -> Iterable[str]:
    """Yield digests of parts that are not the same in all results of a stage."""
    digests: Mapping[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for stage, names in lineage.results.items():
        for name in names:
            for part, digest in lineage.traces[name].action.code.items():
                digests[stage, part][digest] = None
    varied = (each for each in digests.values() if len(each) > 1)
    return dict.fromkeys(digest for each in varied for digest in each)


def _newest_first(lineage: Lineage) -> list[Trace]:
    return sorted(lineage.traces.values(), key=lambda trace: -trace.started)


def _text(workspace: Workspace, digest: str) -> str | None:
    for store in (workspace.store, workspace.private):
        with contextlib.suppress(StoreError, DiskError, OSError):
            return store.get(digest).decode("utf-8", "replace")
    return None


def _end(log: str) -> str:
    """Return the last lines of a log, as any page can show them."""
    lines = CONTROL.sub("", log[-20 * LOG :]).expandtabs().splitlines()[-LINES:]
    return "\n".join(map(printable, lines))[-LOG:]
