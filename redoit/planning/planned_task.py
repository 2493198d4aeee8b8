"""What a dry run decides about one task, as a value and in one line. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from redoit.model import PlannedStatus, Reason, Setting, Stage, Status, Trace
from redoit.reasons import sentence
from redoit.state.invalidations import Invalidation
from redoit.text import join_names, one_line

MAX_NAMES = 3  # in one line
RESTORED_BYTES_PER_SECOND = 1e9


@dataclass(frozen=True)
class PlannedTask:
    """What a run would do with a task. `stage` is None for an ordinary task of doit, as is all that only stages have.

    `reasons`: why a stage is not kept. `pending`: file that an earlier task will rebuild -> that task; of an ordinary
    task also a task whose result it uses -> itself, and a command that decides -> an empty text. `if_unchanged`: KEPT
    or RESTORED, the outcome if all that is rebuilt has the same content. `uncertain`: the outcome may be another than
    `status`. `blocked_by`: tasks that it needs and that will not succeed. `trace`: the result to keep or restore; of a
    stage that runs, its closest earlier one.
    """

    name: str
    status: PlannedStatus
    stage: Stage | None = None
    reasons: tuple[Reason, ...] = ()
    pending: Mapping[str, str] = field(default_factory=dict)
    if_unchanged: Status | None = None
    uncertain: bool = False
    blocked_by: tuple[str, ...] = ()
    error: str = ""
    settings: tuple[Setting, ...] = ()
    trace: Trace | None = None
    invalidation: Invalidation | None = None

    @property
    def executes(self) -> bool:
        """Whether a run would run or restore it."""
        return self.status in (PlannedStatus.RUN, PlannedStatus.RESTORE)

    @property
    def label(self) -> str:
        """The status, with a question mark if it is uncertain."""
        return f"{self.status}?" if self.uncertain and self.executes else self.status

    @property
    def seconds(self) -> float | None:
        """The estimated duration, None if unknown."""
        if self.status == PlannedStatus.RUN:
            return self.trace.seconds if self.trace else None
        if self.status == PlannedStatus.RESTORE and self.trace:
            return sum(artifact.size for artifact in self.trace.manifest.values()) / RESTORED_BYTES_PER_SECOND
        return None if self.stage is None else 0.0

    def to_json(self) -> dict[str, object]:
        """Return what `plan --json` and `why --json` both say of a task."""
        return {
            "verdict": self.status,
            "certain": not self.uncertain,
            "unless_same": self.if_unchanged,
            "awaits": sorted(self.pending),
            "estimated_seconds": self.seconds,
        }


def explanation(planned: PlannedTask) -> str:
    """Return in one line why a task is not kept, or under which condition it still is."""
    if planned.blocked_by:
        return f"it needs {join_names(planned.blocked_by)}"
    if planned.error:
        return planned.error
    unless = condition(planned)
    if planned.stage is None:
        return f"an ordinary task of doit{', ' if unless else ''}{unless}"
    return unless or sentence(planned.reasons, planned.stage.files)


def condition(planned: PlannedTask) -> str:
    """Return what keeps a task that would run from running: `unless ...`; empty if nothing does."""
    if not (planned.if_unchanged and planned.pending):
        return ""
    pending = sorted(planned.pending.items())
    files = [one_line(name) for name, maker in pending if maker not in ("", name)]
    makers = sorted({maker for name, maker in pending if maker not in ("", name)})
    results = [one_line(name) for name, maker in pending if maker == name]
    commands = [one_line(name) for name, maker in pending if not maker]
    clauses = (
        (makers, "tasks", "rebuild", f" {_names(files, 'files')} with the same content"),
        (results, "tasks", "give", " the same result"),
        (commands, "commands", "succeed", ""),
    )
    parts = [
        f"{_names(names, kind)} {verb}{'s' * (len(names) == 1)}{rest}" for names, kind, verb, rest in clauses if names
    ]
    return f"unless {join_names(parts)}"


def _names(names: Collection[str], plural: str) -> str:
    return join_names(list(names)) if len(names) <= MAX_NAMES else f"{len(names)} {plural}"
