"""Brings a stage up to date: decides, then keeps, restores, or runs it and commits its outputs.

The order of a commit matters: first the blobs, then the outputs in place, then the trace, each on the disk before the
next begins. A crash leaves orphaned files at worst, never a trace of outputs that are not there.
"""

import contextlib
import os
import time
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

from redoit.engine import undeclared
from redoit.engine.inspector import ActionWithSource, Inspector
from redoit.engine.snapshot import Settings
from redoit.engine.surroundings import Surroundings, named_paths
from redoit.errors import CorruptError, DiskError, StepError
from redoit.model import NOTHING, Action, Artifact, Decision, Keep, Outcome, Reason, Restore, Run, Stage, Status, Trace
from redoit.state.stat_cache import identity
from redoit.state.workspace import OBSERVED, Workspace

if TYPE_CHECKING:  # a run with nothing to do need not import what runs steps
    from redoit.execution.executor import LaterStages, StepCall, StepResult

    # Runs a step: call, log, where its output and its errors appear. Raises: StepError, DiskError, OSError.
    Execute = Callable[[StepCall, Path, TextIO | None, TextIO | None, LaterStages], StepResult]


class RunOptions(NamedTuple):
    """How a step is run.

    `time_limit`: in seconds. `streams`: where its output and its errors appear. `later_stages`: returns the stages that
    will probably run after it. `settings_edited`: tells after the run whether the user changed its settings meanwhile.
    `prefix`: a command that runs its process.
    """

    time_limit: float | None = None
    streams: tuple[TextIO | None, TextIO | None] = (None, None)
    later_stages: "LaterStages" = tuple
    settings_edited: Callable[[], bool] = lambda: False
    prefix: tuple[str, ...] = ()


DEFAULT_OPTIONS = RunOptions()
STATUS = {Keep: Status.KEPT, Restore: Status.RESTORED, Run: Status.RAN}


@dataclass(frozen=True)
class Engine:
    """Decides and builds the stages of the project in one folder, which is the working directory.

    `around`: what its stages may touch besides what they are given. `execute`: runs a step, `close` ends what that has
    started. `canonicalize`: rewrites an output without clocks and addresses. `strict`: an undeclared input is an error.
    """

    workspace: Workspace
    inspector: Inspector
    around: Surroundings
    execute: "Execute"
    canonicalize: Callable[[Path], None]
    strict: bool = False
    close: Callable[[], None] = lambda: None

    def decide(self, stage: Stage, settings: Settings, invalidated: Reason | None = None) -> Decision:
        """Return what to do about a stage now; keep what is in place if that is the decision.

        Raises: InputError, SourceError, StoreError, DiskError.
        """
        action = self.inspector.action_from_cache(stage, settings)
        if trace := self._up_to_date_trace(stage, action, invalidated):  # which `latest/` names, so nobody collects it
            return Keep(trace)
        return self._decide_and_keep(stage, action, invalidated)

    def dry_run(
        self, stage: Stage, settings: Settings, invalidated: Reason | None, expected: Mapping[str, str]
    ) -> Decision:
        """Return what will be decided if files have the expected digests. Changes nothing.

        Raises: InputError, SourceError, StoreError.
        """
        action = self.inspector.action_from_cache(stage, settings, expected)
        if trace := self._up_to_date_trace(stage, action, invalidated, expected):
            return Keep(trace)
        return self._decide(stage, action, invalidated, self.workspace.store_of(stage).verify, expected)

    def build(
        self,
        stage: Stage,
        settings: Settings,
        options: RunOptions = DEFAULT_OPTIONS,
        *,
        invalidated: Reason | None = None,
        dependents: Callable[[], tuple[str, ...]] = tuple,
    ) -> Outcome:
        """Bring the outputs of a stage up to date. `dependents`: returns the stages to invalidate with it.

        Raises: StepError, InputError, SourceError, StoreError, DiskError, OSError. The outputs in place are then as
        they were.
        """
        began = time.perf_counter()
        self.inspector.refresh()
        if invalidated:
            self.workspace.invalidations.add(stage.name, dependents(), invalidated.kind)
        warnings: tuple[str, ...] = ()
        # Without the trace index: a crash may have left orphans beside the outputs.
        decision = self._decide_and_keep(stage, self.inspector.action_from_cache(stage, settings), invalidated)
        if isinstance(decision, Restore):
            decision, warnings = self._restore(stage, decision)
        if isinstance(decision, Run):
            trace, warnings = self._run(stage, settings, options)
        else:
            trace = decision.trace
        reasons = () if isinstance(decision, Keep) else decision.reasons
        return Outcome(STATUS[type(decision)], trace, time.perf_counter() - began, reasons, warnings)

    @contextlib.contextmanager
    def run_in_staging(
        self, stage: Stage, settings: Settings, log: Path, options: RunOptions
    ) -> Iterator[tuple[dict[str, Path], "StepResult", set[tuple[int, int]]]]:
        """Run a step and check its outputs, which are removed afterwards.

        Yield role -> staged path, the step's result, and device and inode of the files that it linked.
        Raises: StepError, DiskError, OSError.
        """
        from redoit.engine.staging import check_outputs, staging
        from redoit.execution.executor import StepCall

        with staging(stage, stage.outputs) as paths:
            call = StepCall(
                stage.step,
                {**stage.inputs, **{role: str(path) for role, path in paths.items()}},
                settings,
                options.time_limit,
                stage.name,
                self.inspector.preloaded(stage),
                self.inspector.defaults(stage.step),
                os.path.abspath(self.workspace.root / OBSERVED / log.name),
                (os.path.realpath(os.getcwd()), *named_paths(settings)) if stage.policy.observe else (),
                (*stage.inputs.values(), *stage.uses, *stage.outputs.values()),
                options.prefix,
            )
            result = self.execute(call, log, *options.streams, options.later_stages)
            linked = check_outputs(stage, paths, self.workspace.root, log)
            for path in paths.values():
                self.canonicalize(path)
            yield paths, result, linked

    def _up_to_date_trace(
        self, stage: Stage, action: Action, invalidated: Reason | None, expected: Mapping[str, str] = NOTHING
    ) -> Trace | None:
        """Return the trace of which the trace index knows that it is up to date, unless the stage must run anyway."""
        workspace = self.workspace
        if invalidated or stage.policy.volatile or workspace.invalidations.get(stage.name):
            return None
        in_place, index = self.inspector.output_digests(stage), workspace.trace_index
        trace = index.up_to_date(stage.name, workspace.store_of(stage), action, in_place)
        return trace if trace and not any(self._changes(stage, trace, expected)) else None

    def _decide_and_keep(self, stage: Stage, action: Action, invalidated: Reason | None) -> Decision:
        """Return what to do; keep what is in place if that is the decision."""
        with self.workspace.store_of(stage).shared_lock():
            decision = self._decide(stage, action, invalidated)
            if isinstance(decision, Keep):
                self._keep(stage, decision.trace)
            return decision

    def _decide(
        self,
        stage: Stage,
        action: Action,
        invalidated: Reason | None,
        verify: Callable[[Artifact], bool] = lambda _artifact: True,
        expected: Mapping[str, str] = NOTHING,
    ) -> Decision:
        """Return what to do. `verify`: checks the bytes of a blob that would be restored; `expected`: as `dry_run`."""
        from redoit.engine.decision import decide

        store = self.workspace.store_of(stage)
        in_place = self.inspector.output_digests(stage)

        def restorable(trace: Trace) -> bool:
            differing = (each for role, each in trace.manifest.items() if in_place.get(role) != each.content)
            return all(map(store.exists, trace.manifest.values())) and all(map(verify, differing))

        invalidation = self.workspace.invalidations.get(stage.name)
        below = self.workspace.invalidations.superseded_below(stage.name)
        found = self.workspace.traces(stage, action.key)
        return decide(
            action,
            [trace for trace in found if trace.sequence >= below],
            in_place,
            policy=stage.policy,
            superseded=any(trace.sequence < below for trace in found),
            invalidated=invalidation.reason if invalidation else invalidated,
            restorable=restorable,
            changes=lambda trace: tuple(self._changes(stage, trace, expected)),
            earlier=lambda: self.workspace.earlier(stage),
        )

    def _changes(self, stage: Stage, trace: Trace, expected: Mapping[str, str]) -> Iterator[Reason]:
        """Yield why a trace of the present action does not count. Raises: SourceError."""
        if self.strict and stage.policy.restorable and (rows := undeclared.undeclared_inputs(trace.observations)):
            yield Reason("strict", rows[0].name)
        yield from self.around.changes(stage, trace.action, trace.observations, expected)

    def _keep(self, stage: Stage, trace: Trace) -> None:
        """Record the trace of the outputs in place, and remove what a crash left beside them.

        Blobs and the trace that the store has lost are put back while the outputs are there. Raises: DiskError.
        """
        from redoit.engine.staging import remove_orphaned_staging

        self.workspace.remember(stage, trace)
        remove_orphaned_staging(stage)
        store = self.workspace.store_of(stage)
        with contextlib.suppress(DiskError, OSError):  # they are not needed before the outputs are lost, too
            stored = trace.manifest.items() if store.constructive else ()
            if lost := [Path(stage.outputs[role]) for role, artifact in stored if not store.exists(artifact)]:
                store.put(lost)
            if store.trace_or_none(trace.action.key, trace.name) is None:
                store.append(trace)

    def _restore(self, stage: Stage, decision: Restore) -> tuple[Decision, tuple[str, ...]]:
        """Put the outputs of a trace in place, all or none; return warnings. Return Run if a blob is lost."""
        from redoit.engine.commit import place_outputs
        from redoit.engine.staging import staging

        trace, store = decision.trace, self.workspace.store
        in_place = self.inspector.output_digests(stage)
        differing = [role for role in stage.outputs if in_place[role] != trace.manifest[role].content]
        with store.shared_lock():
            with staging(stage, differing) as paths:
                for role, path in paths.items():
                    try:
                        store.restore(trace.manifest[role], path)
                    except CorruptError:
                        return Run((Reason("output lost", role),)), ()
                warnings = undeclared.new_lines(stage, trace, self.workspace.earlier(stage))
                warnings += place_outputs(self.workspace, stage, paths, trace)
            store.touch(trace)
            self._keep(stage, trace)
        return decision, warnings

    def _run(self, stage: Stage, settings: Settings, options: RunOptions) -> tuple[Trace, tuple[str, ...]]:
        """Run the step and commit its outputs; return the trace, and warnings."""
        from redoit.engine.commit import place_outputs, put_outputs
        from redoit.engine.observations import observed

        before, log = self.inspector.action_with_source(stage, settings), self.workspace.log(stage.name)
        started, began = time.time(), time.perf_counter()
        with self.run_in_staging(stage, settings, log, options) as (paths, result, linked):
            touched = observed(stage, before, result.touched, self.around, paths.values())
            if wrong := undeclared.faults(stage, touched.rows, self.around.makers, strict=self.strict):
                raise StepError.with_log(stage.step, "; ".join(wrong), log)
            seconds = time.perf_counter() - began
            with self.workspace.store_of(stage).shared_lock():
                executed = self.inspector.snapshot.code(stage, settings, touched.code).parts if touched.code else ()
                parts = {*before.code.parts, *executed}  # what is executed may make more of a text count
                manifest, log_digest = put_outputs(self.workspace.store_of(stage), stage, parts, paths, log)
                trace = Trace(
                    action=before.action,
                    manifest=manifest,
                    started=started,
                    seconds=seconds,
                    stage=stage.name,
                    host=os.uname().nodename,
                    log=log_digest,
                    metrics=result.metrics,
                    observations=touched.rows,
                    sequence=self.workspace.store.next_sequence(),
                )
                linked |= {found[:2] for path in stage.outputs.values() if (found := identity(path))}  # now replaced
                rescued = place_outputs(self.workspace, stage, paths, trace)
                news = undeclared.new_lines(stage, trace, self.workspace.earlier(stage))
                changed = touched.changed or ("its settings changed" if options.settings_edited() else "")
                trace, warnings = self._record(stage, before.with_linked(linked), trace, changed, touched.written)
        return trace, (*news, *result.warnings, *rescued, *warnings)

    def _record(
        self, stage: Stage, before: ActionWithSource, trace: Trace, changed: str, written: Container[str]
    ) -> tuple[Trace, tuple[str, ...]]:
        """Record a trace, unless something changed while the step ran; return it, with a name if so, and warnings."""
        from redoit.engine.commit import not_reproducible

        changed = self.inspector.changes_since(stage, before, written) or changed
        if changed:
            lost = f"{changed} while it ran: its outputs are in place but not recorded, so it runs again next time"
            return trace, (lost,)
        store = self.workspace.store_of(stage)
        earlier = store.traces(trace.action.key)
        invalidations = self.workspace.invalidations
        if invalidations.get(stage.name) or invalidations.superseded_below(stage.name) > trace.sequence:
            invalidations.supersede(stage.name, trace.sequence)  # first: no crash may let an earlier trace count again
        recorded = replace(trace, name=store.append(trace))
        self.workspace.remember(stage, recorded)
        invalidations.remove(stage.name)
        return recorded, not_reproducible(stage, recorded, earlier)
