"""One run of a command on stages: what holds for all of them, and what became of each, for the record."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from redoit.engine.decision import Keep, Outcome
from redoit.history.run_log import RunLog
from redoit.history.run_record import RunRecord, StageRecord
from redoit.model import Status
from redoit.plugin.graph import Graph
from redoit.state.workspace import Workspace
from redoit.storage.serialize import trace_name
from redoit.text import command_line


class Session:
    """What stages share while a command lasts.

    `always` and `caching` are `doit -a` and `cache` of the project; `executing` tells whether stages are realised or
    only looked at, by `dry_run` (which tells what becomes of a task), `parallel` whether several may be so at once;
    `selected` returns the tasks that were asked for, once that is known.
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
        self.verdicts: dict[str, StageRecord] = {}
        self.started = time.time()
        self.clock = time.perf_counter()

    def keep(self, stage: str, decision: Keep, seconds: float) -> None:
        """Note that a stage was kept."""
        self.end(stage, Outcome(Status.KEPT, decision.trace, seconds))

    def end(self, stage: str, outcome: Outcome) -> None:
        """Note what became of a stage."""
        trace = outcome.trace
        saved = 0.0 if outcome.status == Status.RAN else max(trace.seconds - outcome.seconds, 0.0)
        key, name = trace.action.key, trace_name(trace)
        self.verdicts[stage] = StageRecord(
            outcome.status, key, name, outcome.seconds, saved, outcome.reasons, made=trace.seconds
        )

    def fail(self, stage: str, error: str, seconds: float) -> None:
        """Note that a stage failed."""
        self.verdicts[stage] = StageRecord("failed", seconds=seconds, error=error)

    def record(self, workspace: Workspace) -> None:
        """Put the run on record, and what it saved. What was selected and not reached is in it, too."""
        missed = [name for name in self.graph.needed(self.selected()) if name in self.graph.stages]
        verdicts = self.verdicts | {name: StageRecord("not run") for name in missed if name not in self.verdicts}
        if not verdicts:
            return
        saved = sum(verdict.saved for verdict in verdicts.values())
        words = [verdict.word for verdict in verdicts.values()]
        if "kept" in words or "restored" in words:
            workspace.save(saved, words.count("kept"), words.count("restored"))
        seconds = time.perf_counter() - self.clock
        whole = not self.interrupted
        RunLog(workspace.root, workspace.stat_cache).append(
            RunRecord(command_line(), self.started, seconds, verdicts, saved, whole)
        )
