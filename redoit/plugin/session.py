"""One command on stages: what holds for all of them, and the outcome of each, for the run log."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from redoit.engine.decision import Keep, Outcome
from redoit.errors import DiskError
from redoit.history.run_log import RunLog
from redoit.history.run_record import RunRecord, StageRecord
from redoit.history.savings import add_savings
from redoit.model import Status
from redoit.plugin.graph import Graph
from redoit.state.workspace import Workspace
from redoit.storage.serialize import trace_name
from redoit.text import command_line


class Session:
    """What the stages of one command share.

    `always`, `caching`: `doit -a`, and `cache` of the project. `executing`: stages are built, not only inspected;
    `parallel`: several at once. `dry_run`: returns what would be decided about a task. `selected`: returns the tasks
    that the user asked for, once they are known. `records`: the outcomes so far, for the run log.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.dry_run: Callable[[str, Any], Any] = lambda _task, _database: None
        self.always = False
        self.caching = True
        self.executing = False
        self.parallel = False
        self.interrupted = False
        self.selected: Callable[[], Iterable[str]] = tuple
        self.begun = False
        self.records: dict[str, StageRecord] = {}
        self.started = time.time()
        self.clock = time.perf_counter()

    def keep(self, stage: str, decision: Keep, seconds: float) -> None:
        """Note that a stage was kept."""
        self.end(stage, Outcome(Status.KEPT, decision.trace, seconds))

    def end(self, stage: str, outcome: Outcome) -> None:
        """Note the outcome of a stage."""
        trace = outcome.trace
        self.records[stage] = StageRecord(
            outcome.status, trace.action.key, trace_name(trace), outcome.seconds, trace.seconds, outcome.reasons
        )

    def fail(self, stage: str, error: str, seconds: float) -> None:
        """Note that a stage failed."""
        self.records[stage] = StageRecord(Status.FAILED, seconds=seconds, error=error)

    def record(self, workspace: Workspace) -> None:
        """Append the run to the run log, with the selected stages that it did not reach; add up what it saved."""
        selected = [name for name in self.graph.needed(self.selected()) if name in self.graph.stages]
        missed = {name: StageRecord(Status.NOT_RUN) for name in selected if name not in self.records}
        stages = self.records | missed
        if not stages:
            return
        saved = sum(record.saved for record in stages.values())
        statuses = [record.status for record in stages.values()]
        if Status.KEPT in statuses or Status.RESTORED in statuses:
            add_savings(workspace.root, saved, statuses.count(Status.KEPT), statuses.count(Status.RESTORED))
        seconds = time.perf_counter() - self.clock
        log = RunLog(workspace.root)
        with contextlib.suppress(DiskError):
            if log.remove_earlier_version():
                sys.stderr.write(f"{log.folder}: written by an earlier version; the run log begins again\n")
        log.append(RunRecord(command_line(), self.started, seconds, stages, saved, not self.interrupted))
