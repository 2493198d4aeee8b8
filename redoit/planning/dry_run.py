"""What a run would do now, stage by stage, before anything is done. Executes nothing and changes nothing.

What is kept stays, and what is restored yields known bytes, so the stages behind are decided as they will be. What is
made anew has bytes that nobody knows: a stage behind runs, unless they stay the same.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from redoit.engine.decision import Decision, Keep, Restore, Run
from redoit.engine.engine import Engine
from redoit.engine.staging import check_targets
from redoit.errors import RedoitError
from redoit.model import Action, Setting, Stage, Trace
from redoit.reasons import RAN_AGAIN, UPSTREAM, Reason, sentence
from redoit.state.invalidations import Invalidation
from redoit.text import join_names, one_line

UNKNOWN = "0" * 64  # stands for the digest of what was never made
FEW = 3  # files that are named in one line
COPIED = 1e9  # bytes a second


@dataclass(frozen=True)
class PlannedStage:
    """What would become of a stage.

    `decision`: what will be done; where files are awaited, what would be done if they stayed the same; None on an
    error. `awaited`: file of its inputs or its code -> the task that makes it anew. `mark`: why it is distrusted.
    `same_action`: an earlier stage with the same action. `blocked`: tasks that it needs, and that will not succeed.
    """

    stage: Stage
    settings: tuple[Setting, ...] = ()
    decision: Decision | None = None
    action: Action | None = None
    awaited: Mapping[str, str] = field(default_factory=dict)
    mark: Invalidation | None = None
    same_action: str = ""
    error: str = ""
    blocked: tuple[str, ...] = ()
    ignored: bool = False

    @property
    def word(self) -> str:
        """`keep`, `restore`, `run`, `fail`, `not run` or `ignored`."""
        if self.ignored:
            return "ignored"
        if self.blocked:
            return "not run"
        if self.decision is None:
            return "fail"
        if isinstance(self.decision, Run) or self.awaited:
            return "restore" if self.same_action and self.stage.policy.restorable else "run"
        return "keep" if isinstance(self.decision, Keep) else "restore"

    @property
    def is_open(self) -> bool:
        """Whether that can't be known: bytes that another task is still to make may be ones that were seen before."""
        forced = self.mark or self.stage.policy.volatile or self.reasons[:1] == (Reason("first"),)
        return bool(self.same_action or (self.awaited and not forced))

    @property
    def unless(self) -> str:
        """What becomes of it instead, `kept` or `restored`, if what it awaits, or what is in place, stays the same."""
        if self.same_action:
            return "kept"
        if not self.awaited or self.decision is None or isinstance(self.decision, Run):
            return ""
        return "kept" if isinstance(self.decision, Keep) else "restored"

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why it is not kept."""
        if self.same_action:
            own = self.decision.reasons if isinstance(self.decision, Run) and self.word == "run" else ()
            return (*own, Reason("same action", self.same_action))
        known = () if self.decision is None or isinstance(self.decision, Keep) else self.decision.reasons
        certain = isinstance(self.decision, Run) and (self.mark or known == (Reason("first"),))
        if certain or not self.awaited:
            return known
        waits = tuple(Reason("input awaited", path, None, maker) for path, maker in sorted(self.awaited.items()))
        own = known if isinstance(self.decision, Run) else ()
        files = self.stage.inputs
        return (*(one for one in own if not (one.kind == "input" and files.get(one.subject) in self.awaited)), *waits)

    @property
    def trace(self) -> Trace | None:
        """The result that is kept or restored; of a stage that runs, the closest earlier one."""
        match self.decision:
            case Keep(trace) | Restore(trace):
                return trace
            case Run(_, earlier):
                return earlier
        return None

    @property
    def seconds(self) -> float | None:
        """How long that will take, None where nobody knows."""
        match self.word:
            case "run":
                return self.trace.seconds if self.trace else None
            case "restore" if self.trace:
                return sum(artifact.size for artifact in self.trace.manifest.values()) / COPIED
        return 0.0


def describe(found: PlannedStage) -> str:
    """Return what would become of a stage, and why, in one line."""
    match found.word:
        case "ignored":
            return "is ignored"
        case "not run":
            return f"does not run: it needs {join_names(found.blocked)}"
        case "fail":
            return f"fails: {found.error}"
        case "keep":
            return "is kept"
        case "restore":
            return f"is restored from the store: {why(found)}"
    return f"runs {why(found)}" if found.unless else f"runs: {why(found)}"


def why(found: PlannedStage) -> str:
    """Return in one line why a stage is not kept, or what could still keep it from running."""
    if not found.unless or found.same_action:
        return sentence(found.reasons, found.stage.files)
    files = [one_line(path) for path in sorted(found.awaited)]
    makers = sorted(set(found.awaited.values()))
    few = join_names(files) if len(files) <= FEW else f"its {len(files)} inputs"
    stay = f"{few} {'stay' if len(files) > 1 else 'stays'} the same"
    anew = f"{join_names(makers)} {'make' if len(makers) > 1 else 'makes'} {'them' if len(files) > 1 else 'it'} anew"
    return f"unless {stay}: {anew}"


class DryRun:
    """Looks ahead through the stages of one project, each after those that it needs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._expected: dict[str, str] = {}  # path -> digest of what will be there, or was made there last
        self._awaited: dict[str, str] = {}  # path -> the task that makes it anew
        self._restored: dict[str, str] = {}  # path -> the stage that puts it there
        self._marks: dict[str, Invalidation] = {}
        self._running: dict[tuple[str, bool], str] = {}  # action key, in which store -> the stage that runs it first

    def invalidate(self, stage: str, dependents: Iterable[str], kind: str) -> None:
        """Foresee the invalidations that are made when a stage is realised that is not to be trusted."""
        for dependent in dependents:
            self._marks.setdefault(dependent, Invalidation(Reason("upstream", stage, UPSTREAM.get(kind, RAN_AGAIN))))
        self._marks[stage] = Invalidation(Reason(kind))

    def look(
        self,
        stage: Stage,
        settings: tuple[Setting, ...],
        invalidated: Reason | None,
        dependents: Callable[[], Iterable[str]],
    ) -> PlannedStage:
        """Return what would become of a stage, and dry_run what that does to the stages behind it."""
        mark = self._engine.workspace.invalidations.get(stage.name) or self._marks.get(stage.name)
        mark = mark or (Invalidation(invalidated) if invalidated else None)
        if invalidated:
            self.invalidate(stage.name, dependents(), invalidated.kind)
        try:
            reason = mark.reason if mark else None
            action, decision = self._engine.dry_run(stage, settings, reason, self._inputs(stage))
            found = PlannedStage(stage, settings, decision, action, self._waits(stage, settings), mark)
            if found.word in ("restore", "run"):
                check_targets(stage)
        except (RedoitError, OSError) as error:
            return PlannedStage(stage, settings, error=str(error))
        if found.word == "restore":
            assert found.trace is not None
            for role, each in found.trace.digests.items():
                self._expected[stage.outputs[role]] = each
                self._restored[stage.outputs[role]] = stage.name
        elif found.word == "run":
            self._await(stage, decision)
            found = replace(found, same_action=self._same_action(found))
        return found

    def make(self, task: str, paths: Iterable[str]) -> None:
        """Foresee that an ordinary task makes files anew."""
        for path in paths:
            self._awaited[path] = task
            self._expected[path] = self._engine.workspace.stat_cache.digest(path) or UNKNOWN

    def expected(self, path: str) -> str | None:
        """Return the digest of what will be at a path, or was there last, if a task before does something to it."""
        return self._expected.get(path)

    def is_awaited(self, path: str) -> bool:
        """Tell whether what will be at a path can't be known."""
        return path in self._awaited

    def _inputs(self, stage: Stage) -> dict[str, str]:
        """Return path -> digest of the inputs that tasks before do something to."""
        found = {path: self._expected[path] for path in stage.inputs.values() if path in self._expected}
        if UNKNOWN in found.values():  # made again it may be as it was when this stage used it last
            latest = self._engine.workspace.latest(stage)
            used = latest.action.inputs if latest else {}
            known = {path: used.get(role, UNKNOWN) for role, path in stage.inputs.items() if found.get(path) == UNKNOWN}
            found |= known
        return found

    def _waits(self, stage: Stage, settings: tuple[Setting, ...]) -> dict[str, str]:
        """Return the files of a stage's inputs and code that can't be known, and the tasks that make them."""
        if not (self._awaited or self._restored):
            return {}
        inputs, sources = set(stage.inputs.values()), set(self._engine.inspector.source_files(stage, settings))
        awaited = {path: self._awaited[path] for path in inputs | sources if path in self._awaited}
        for path in self._restored.keys() & sources - inputs:
            if self._expected.get(path) != self._engine.workspace.stat_cache.digest(path):  # it will be other code
                awaited[path] = self._restored[path]
        return awaited

    def _same_action(self, found: PlannedStage) -> str:
        """Return the stage that makes what this one is to make before it; nothing if it runs anyway."""
        assert found.action is not None
        if found.awaited:
            return ""
        shared = (found.action.key, found.stage.policy.restorable)
        same_action = self._running.setdefault(shared, found.stage.name)
        return "" if same_action == found.stage.name or found.mark or found.stage.policy.volatile else same_action

    def _await(self, stage: Stage, decision: Decision) -> None:
        trace = self._engine.workspace.latest(stage) if isinstance(decision, Run) else decision.trace
        last = trace.digests if trace else self._engine.inspector.output_digests(stage)
        for role, path in stage.outputs.items():
            self._awaited[path] = stage.name
            self._expected[path] = last.get(role) or UNKNOWN
