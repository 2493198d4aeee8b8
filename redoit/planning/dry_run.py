"""A dry run over stages: what a run would do with each of them. Executes and changes nothing; knows nothing of doit.

The outputs of a stage that is kept or restored are known, so stages that use them are decided exactly. The outputs of a
stage that runs are *pending*: a stage that uses them runs as well, unless they are rebuilt with the same content. It is
decided as if they were.
"""

import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from redoit.engine.engine import Engine
from redoit.engine.surroundings import FILES
from redoit.errors import RedoitError
from redoit.model import Keep, PlannedStatus, Reason, Restore, Run, Setting, Stage, Status
from redoit.planning.planned_task import PlannedTask
from redoit.state.invalidations import UPSTREAM, Invalidation
from redoit.storage.store import TRACES

UNKNOWN = "0" * 64  # in place of the digest of a file that was never built
STATUS = {Keep: PlannedStatus.KEEP, Restore: PlannedStatus.RESTORE, Run: PlannedStatus.RUN}
IF_UNCHANGED = {PlannedStatus.KEEP: Status.KEPT, PlannedStatus.RESTORE: Status.RESTORED}


class Expected(NamedTuple):
    """A file that a task changes. `pending`: it is rebuilt with unknown content, and `digest` is the latest one."""

    maker: str
    digest: str
    pending: bool = False


class DryRun:
    """A dry run over the stages of one project, each planned after those that it needs; `expected`: files by path."""

    def __init__(self, engine: Engine) -> None:
        self.expected: dict[str, Expected] = {}
        self._engine = engine
        self._invalidations: dict[str, Invalidation] = {}

    def invalidate(self, stage: str, dependents: Iterable[str], kind: str) -> None:
        """Expect a stage and its dependents to be invalidated."""
        upstream = Invalidation(Reason("upstream", stage, UPSTREAM[kind]))
        for dependent in dependents:
            self._invalidations.setdefault(dependent, upstream)
        self._invalidations[stage] = Invalidation(Reason(kind))

    def plan_stage(self, stage: Stage, settings: tuple[Setting, ...]) -> PlannedTask:
        """Return what a run would do with a stage, and expect its outputs to change accordingly."""
        invalidation = self._engine.workspace.invalidations.get(stage.name) or self._invalidations.get(stage.name)
        try:
            reason = invalidation.reason if invalidation else None
            decision = self._engine.dry_run(stage, settings, reason, self._expected_inputs(stage))
            pending = self._pending_files(stage, settings)
        except (RedoitError, OSError) as error:
            return PlannedTask(stage.name, PlannedStatus.FAIL, stage, error=str(error))
        planned = PlannedTask(
            stage.name,
            STATUS[type(decision)],
            stage,
            () if isinstance(decision, Keep) else decision.reasons,
            settings=settings,
            trace=decision.earlier if isinstance(decision, Run) else decision.trace,
            invalidation=invalidation,
        )
        if pending or isinstance(decision, Run):
            latest_trace = self._engine.workspace.latest(stage) if isinstance(decision, Run) else decision.trace
            latest = latest_trace.digests if latest_trace else self._engine.inspector.output_digests(stage)
            self.rebuild(stage.name, {path: latest.get(role) for role, path in stage.outputs.items()})
            if not pending:
                return planned
            return _with_pending(planned, stage, pending, restorable=stage.policy.restorable and self._has_results())
        if isinstance(decision, Restore):
            for role, digest in decision.trace.digests.items():
                self.expected[stage.outputs[role]] = Expected(stage.name, digest)
        return planned

    def rebuild(self, task: str, latest: Mapping[str, str | None]) -> None:
        """Expect a task to rebuild files, from their latest digests."""
        self.expected |= {path: Expected(task, digest or UNKNOWN, pending=True) for path, digest in latest.items()}

    def _expected_inputs(self, stage: Stage) -> dict[str, str]:
        """Return path -> digest of those inputs that earlier tasks change."""
        expected = {path: self.expected[path].digest for path in _reads(stage) if path in self.expected}
        if UNKNOWN in expected.values():  # rebuilt, it may be as it was when this stage used it last
            latest = self._engine.workspace.latest(stage)
            used = {given.path: given.digest for given in latest.action.inputs.values()} if latest else {}
            used |= latest.action.uses if latest else {}
            expected |= {path: used.get(path, UNKNOWN) for path in expected if expected[path] == UNKNOWN}
        return {path: file.digest for path, file in self.expected.items() if not file.pending} | expected

    def _pending_files(self, stage: Stage, settings: tuple[Setting, ...]) -> dict[str, str]:
        """Return the inputs and source files of a stage that will be rebuilt, each with the task that rebuilds it."""
        if not self.expected:
            return {}
        inputs, sources = _reads(stage), self._engine.inspector.source_files(stage, settings)
        digest = self._engine.workspace.stat_cache.digest
        latest = self._engine.workspace.earlier(stage, 1, from_index=True)
        observed = [row.name for trace in latest for row in trace.observations if row.kind in FILES]
        found = {path: self.expected[path] for path in (*inputs, *sources, *observed) if path in self.expected}
        return {
            path: file.maker
            for path, file in found.items()
            if file.pending or (path not in inputs and file.digest != digest(path))
        }

    def _has_results(self) -> bool:
        """Return whether the store has any result: a stage that never ran here may have one of another checkout."""
        with contextlib.suppress(OSError), os.scandir(self._engine.workspace.store.root / TRACES) as entries:
            return any(entries)
        return False


def _reads(stage: Stage) -> tuple[str, ...]:
    """Return the paths of all files that a stage declares to need."""
    return (*stage.inputs.values(), *stage.uses)


def _with_pending(planned: PlannedTask, stage: Stage, pending: Mapping[str, str], *, restorable: bool) -> PlannedTask:
    """Return the plan of a stage, decided as if pending files stayed the same, that may run because of them.

    `restorable`: if it never ran here, the store may have a result of it nevertheless.
    """
    runs, if_unchanged = planned.status == PlannedStatus.RUN, IF_UNCHANGED.get(planned.status)
    planned = replace(planned, status=PlannedStatus.RUN, pending=pending)
    if runs and (planned.invalidation or stage.policy.volatile):
        return planned  # it runs whatever they hold
    if runs and planned.reasons == (Reason("first"),):
        return replace(planned, uncertain=restorable)
    changed = {Reason("input", role) for role, path in stage.inputs.items() if path in pending}
    changed |= {Reason("uses", path) for path in stage.uses if path in pending}
    own = [reason for reason in planned.reasons if runs and reason._replace(old=None, new=None) not in changed]
    rebuilt = [Reason("input awaited", path, None, maker) for path, maker in sorted(pending.items())]
    return replace(planned, reasons=(*own, *rebuilt), if_unchanged=if_unchanged, uncertain=True)
