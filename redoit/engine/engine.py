"""Makes a stage's outputs true: observe, decide, then restore, or run and commit.

The order of a commit is the heart of it. Blobs first, then the outputs in place, then the trace, each on the disk
before the next begins. A crash at any point leaves litter at worst, never a trace of what is not there.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

from redoit import digest
from redoit.engine.decision import Decision, Keep, Restore, Run, decide
from redoit.engine.inspector import ActionWithSource, Inspector
from redoit.engine.outcome import Outcome, StagedOutputs
from redoit.engine.staging import check_output, make_staging, place_outputs, remove_orphaned_staging, remove_staging
from redoit.errors import CorruptError, DiskError, InputError, SourceError, StepError
from redoit.model import Action, Artifact, Setting, Stage, Trace
from redoit.reasons import Reason, differences, sentence
from redoit.state.workspace import Workspace

LaterStages = Callable[[], Iterable[Stage]]
Settings = tuple[Setting, ...]
Streams = tuple[TextIO | None, TextIO | None]
if TYPE_CHECKING:  # a run with nothing to do need not import what runs steps
    from redoit.execution.executor import StepCall, StepResult

    class Execute(Protocol):
        """Runs a step. Raises: StepError, DiskError, OSError."""

        def __call__(
            self, call: StepCall, log: Path, stdout: TextIO | None, stderr: TextIO | None, *, later_stages: LaterStages
        ) -> StepResult:
            """Return its result; `later_stages` returns the stages that will probably run after it."""


class Engine:
    """Decides and builds the stages of the project in one folder, which is the working directory.

    `execute`: how a step is run. `strict`: an undeclared read is an error. `close`: ends what `execute` began.
    """

    def __init__(
        self,
        workspace: Workspace,
        inspector: Inspector,
        execute: "Execute",
        *,
        strict: bool = False,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.workspace = workspace
        self.inspector = inspector
        self.close = close
        self._execute = execute
        self._strict = strict

    def save_caches(self) -> None:
        """Write down what may be lost without harm, for the next process."""
        self.workspace.save_caches()
        self.inspector.save_caches()

    def decide(self, stage: Stage, settings: Settings, invalidated: Reason | None = None) -> Decision:
        """Return what to do about a stage now, and note what it is to rest on if that is to keep what is in place.

        Raises: InputError, SourceError, StoreError, DiskError.
        """
        action, store = self.inspector.action_from_cache(stage, settings), self.workspace.store_of(stage)
        proven = self._proven(stage, action, invalidated)
        if proven:  # which `latest/` names, so nobody collects it
            return Keep(proven)
        with store.shared_lock():
            decision = self._decide(stage, action, invalidated)
            if isinstance(decision, Keep):
                self.keep(stage, decision.trace)
            return decision

    def dry_run(
        self, stage: Stage, settings: Settings, invalidated: Reason | None, expected: Mapping[str, str]
    ) -> tuple[Action, Decision]:
        """Return what will be decided when files have the digests that are expected. Changes nothing.

        Raises: InputError, SourceError, StoreError.
        """
        action = self.inspector.action_from_cache(stage, settings, expected)
        proven = self._proven(stage, action, invalidated)
        if proven:
            return action, Keep(proven)
        return action, self._decide(stage, action, invalidated, self.workspace.store_of(stage).verify)

    def build(
        self,
        stage: Stage,
        settings: Settings,
        *,
        edited: Callable[[], bool] = lambda: False,
        invalidated: Reason | None = None,
        dependents: Callable[[], tuple[str, ...]] = tuple,
        time_limit: float | None = None,
        screens: Streams = (None, None),
        later_stages: LaterStages = tuple,
    ) -> Outcome:
        """Make the outputs of a stage true. `edited` tells after a run whether the user changed the settings meanwhile.

        `later_stages` returns stages that will probably run after it.

        Raises: StepError, InputError, SourceError, StoreError, DiskError, OSError. The outputs in place are then as
        they were.
        """
        began = time.perf_counter()
        self.inspector.refresh()
        if invalidated:
            self.workspace.invalidations.add(stage.name, dependents(), invalidated.kind)
        with self.workspace.store_of(stage).shared_lock():
            decision = self._decide(stage, self.inspector.action_from_cache(stage, settings), invalidated)
            if isinstance(decision, Restore):
                decision = self._restore(stage, decision)
            if not isinstance(decision, Run):
                self.keep(stage, decision.trace)
                verdict, why = ("kept", ()) if isinstance(decision, Keep) else ("restored", decision.reasons)
                return Outcome(verdict, decision.trace, time.perf_counter() - began, why)
        observation = self.inspector.action_with_source(stage, settings)  # with the text of its code, which is kept
        trace, warnings = self._run(stage, observation, edited, time_limit, screens, later_stages=later_stages)
        return Outcome("ran", trace, time.perf_counter() - began, decision.reasons, warnings)

    def keep(self, stage: Stage, trace: Trace) -> None:
        """Note the trace that the outputs in place rest on, and sweep what a crash may have left beside them.

        What the store has lost of them, which `check` has put aside, is put anew while it is still there.
        Raises: DiskError.
        """
        self.workspace.remember(stage, trace)
        remove_orphaned_staging(stage)
        store = self.workspace.store_of(stage)
        for role, artifact in trace.manifest.items():
            if store.constructive and not store.exists(artifact):
                with contextlib.suppress(DiskError, OSError):  # it is needed no sooner than they are lost, too
                    store.put_file(Path(stage.outputs[role]))

    @contextlib.contextmanager
    def made(
        self,
        stage: Stage,
        observation: ActionWithSource,
        log: Path,
        time_limit: float | None,
        screens: Streams,
        *,
        later_stages: LaterStages = tuple,
    ) -> Iterator[StagedOutputs]:
        """Run a step, hold it to its promises, and yield what it made, which is gone afterwards.

        Raises: StepError, DiskError, OSError.
        """
        from redoit.engine.canonicalize import canonicalize
        from redoit.execution.executor import StepCall

        try:
            paths = make_staging(stage, stage.outputs)
            places = {**stage.inputs, **{role: str(path) for role, path in paths.items()}}
            call = StepCall(stage.step, places, observation.action.settings, time_limit, stage.name)
            result = self._execute(call, log, *screens, later_stages=later_stages)
            for role, path in paths.items():
                check_output(stage, role, path, log)
                canonicalize(path)
            yield StagedOutputs(paths, result)
        finally:
            remove_staging(stage)

    def _proven(self, stage: Stage, action: Action, invalidated: Reason | None) -> Trace | None:
        """Return the trace that is known to prove what is in place to be current, if nothing else counts."""
        workspace = self.workspace
        if invalidated or stage.policy.volatile or workspace.invalidations.get(stage.name):
            return None
        return workspace.trace_index.up_to_date(
            stage.name, workspace.store_of(stage), action, self.inspector.output_digests(stage)
        )

    def _decide(
        self,
        stage: Stage,
        action: Action,
        invalidated: Reason | None,
        held: Callable[[Artifact], bool] | None = None,
    ) -> Decision:
        """Return what to do. `held`: a closer look at a blob that would be restored."""
        store = self.workspace.store_of(stage)
        observed = self.inspector.output_digests(stage)

        def restorable(trace: Trace) -> bool:
            differing = (each for role, each in trace.manifest.items() if observed.get(role) != each.digest)
            return all(map(store.exists, trace.manifest.values())) and (held is None or all(map(held, differing)))

        mark = self.workspace.invalidations.get(stage.name)
        return decide(
            action,
            store.traces(action.key),
            observed,
            policy=stage.policy,
            invalidated=mark.reason if mark else invalidated,
            restorable=restorable,
            earlier=lambda: self.workspace.earlier(stage),
        )

    def _restore(self, stage: Stage, decision: Restore) -> Decision:
        """Put the outputs of a trace in place, all or none; a run is what remains if a blob turns out corrupt."""
        manifest = decision.trace.manifest
        observed = self.inspector.output_digests(stage)
        differing = [role for role in stage.outputs if observed[role] != manifest[role].digest]
        try:
            paths = make_staging(stage, differing)
            for role, path in paths.items():
                self.workspace.store.restore(manifest[role], path)
            place_outputs(stage, paths)
            self.workspace.store.touch(decision.trace)
        except CorruptError:
            return Run((Reason("output lost", role),))
        finally:
            remove_staging(stage)
        return decision

    def _run(
        self,
        stage: Stage,
        observation: ActionWithSource,
        edited: Callable[[], bool],
        time_limit: float | None,
        screens: Streams,
        *,
        later_stages: LaterStages,
    ) -> tuple[Trace, tuple[str, ...]]:
        """Run the step, commit what it made, and return the trace and what the user should know."""
        log = self.workspace.log(stage.name)
        started, began = time.time(), time.perf_counter()
        with self.made(stage, observation, log, time_limit, screens, later_stages=later_stages) as made:
            undeclared = self._undeclared(stage, observation, made)
            left = [
                f"a process that its step left behind was ended ({command[:80]})"
                for command in made.result.killed_processes
            ]
            seconds = time.perf_counter() - began
            with self.workspace.store_of(stage).shared_lock():
                manifest, kept = self._put(stage, observation, made.paths, log)
                trace = Trace(
                    action=observation.action,
                    manifest=manifest,
                    started=started,
                    seconds=seconds,
                    stage=stage.name,
                    host=os.uname().nodename,
                    log=kept,
                    metrics=made.result.metrics,
                )
                place_outputs(stage, made.paths)
                changed = self._record(stage, observation, trace, edited=edited())
        return trace, (*undeclared, *left, *changed)

    def _undeclared(self, stage: Stage, observation: ActionWithSource, made: StagedOutputs) -> list[str]:
        """Return what the step read that its stage does not declare, in words.

        Raises: StepError if that is an error here.
        """
        if not stage.policy.restorable:  # that it depends on more than its inputs is declared
            return []
        from redoit.engine.undeclared_inputs import undeclared_inputs

        folders = [str(path.parent) for path in made.paths.values()]
        found = undeclared_inputs(stage, observation.files, folders, made.result.files_read, made.result.variables_read)
        if found and self._strict:
            log = os.path.relpath(self.workspace.log(stage.name))
            raise StepError(f"step {stage.step}", " and ".join(found), f"declare it; its log is {log}")
        return [f"its step {text}: changes there go unseen" for text in found]

    def _put(
        self, stage: Stage, observation: ActionWithSource, paths: Mapping[str, Path], log: Path
    ) -> tuple[dict[str, Artifact], str]:
        """Keep the outputs, the source that made them and the log; return the manifest, and the digest of the log."""
        with self.workspace.store_of(stage).batch() as batch:
            for part in observation.code.parts:
                batch.put(part.source)
            keep = batch.put_file if stage.policy.restorable else _artifact_of  # else its digests are enough
            return {role: keep(path) for role, path in paths.items()}, batch.put_file(log).digest

    def _record(self, stage: Stage, before: ActionWithSource, trace: Trace, *, edited: bool) -> tuple[str, ...]:
        """Record a trace if what the step saw is still what is there; return what the user should know."""
        changed = self._changed(stage, before) or ("its settings changed" if edited else "")
        if changed:
            return (f"{changed} while it ran: its outputs are in place, and it runs again next time",)
        store = self.workspace.store_of(stage)
        earlier = store.traces(trace.action.key)
        store.append(trace)
        self.workspace.remember(stage, trace)
        self.workspace.invalidations.remove(stage.name)
        if earlier and stage.policy.restorable:
            first, made = earlier[0].digests, trace.digests
            differing = ", ".join(stage.outputs[role] for role in sorted(made) if made[role] != first[role])
            if differing:
                return (f"not reproducible: {differing} differs from an earlier run of the same action",)
        return ()

    def _changed(self, stage: Stage, before: ActionWithSource) -> str:
        """Return what is not as it was observed before, in words; an empty text if all is."""
        self.inspector.refresh()
        try:
            now = self.inspector.action_with_source(stage, before.action.settings)
        except (InputError, SourceError) as error:
            return f"{error.subject} changed ({error.found})"
        touched = [path for path, found in now.files.items() if before.files.get(path) != found]
        # Content that changed and changed back leaves no difference but in the identity of its file.
        found = sentence(differences(now.action, before.action), stage.files)
        return found or (f"{', '.join(touched)} changed" if touched else "")


def _artifact_of(path: Path) -> Artifact:
    return Artifact(digest.of_file(path), path.stat().st_size)
