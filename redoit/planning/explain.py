"""Explanations of a dry run's stages in full, as JSON.

A changed piece of code comes with the names that lead to it and a diff of its normalised source, which the store keeps;
a changed input with the stage that made it, and why that one made another.
"""

from collections.abc import Callable, Iterable

from redoit.engine.engine import Engine
from redoit.engine.undeclared import lines_of
from redoit.errors import CorruptError, StoreError
from redoit.model import Code, PlannedStatus, Reason, Stage
from redoit.planning.diff import diff
from redoit.planning.planned_task import PlannedTask
from redoit.reasons import differences, sentence
from redoit.storage.serialize import json_value, trace_name
from redoit.storage.store import Store


class Explainer:
    """Explains the stages of a dry run. `origin`: from a stage and a setting to where its value comes from."""

    def __init__(self, engine: Engine, plan: Iterable[PlannedTask], origin: Callable[[str, str], str]) -> None:
        self._engine = engine
        self._origin = origin
        self._makers = {
            path: (role, planned.stage, planned)
            for planned in plan
            if planned.stage
            for role, path in planned.stage.outputs.items()
        }

    def explain(self, stage: Stage, planned: PlannedTask) -> dict[str, object]:
        """Return why a stage is kept, restored or run."""
        trace = planned.trace
        result = trace and {
            "trace": trace_name(trace),
            "key": trace.action.key,
            **{field: getattr(trace, field) for field in ("started", "seconds", "host")},
            "settings": {setting.name: json_value(setting.value) for setting in trace.action.settings},
            "undeclared": lines_of(trace.observations),
        }
        kept = planned.status in (PlannedStatus.KEEP, PlannedStatus.RESTORE)
        is_read = kept or planned.executes
        code = self._engine.inspector.snapshot.code(stage, planned.settings) if is_read else None
        return {
            "stage": planned.name,
            **planned.to_json(),
            "error": planned.error or None,
            "blocked_by": list(planned.blocked_by),
            "reasons": [self._reason(stage, planned, reason) for reason in planned.reasons],
            "result": result if kept else None,
            "compared_with": result if planned.status == PlannedStatus.RUN else None,
            "taken_whole": list(code.unresolved) if code else [],
        }

    def _reason(self, stage: Stage, planned: PlannedTask, reason: Reason) -> dict[str, object]:
        """Return a reason with the details of its kind."""
        fields: dict[str, object] = {name: json_value(value) for name, value in reason._asdict().items()}
        fields["text"] = sentence([reason], stage.files)
        if reason.kind.startswith("setting"):
            removed = reason.kind == "setting removed"
            fields["from"] = None if removed else self._origin(planned.name, reason.subject)
        elif reason.kind.startswith(("code", "executed")):
            observed = [row.name for row in planned.trace.observations if row.kind == "code"] if planned.trace else []
            code = self._engine.inspector.snapshot.code(stage, planned.settings, observed)
            fields |= _changed_code(self._engine.workspace.store_of(stage), code, reason)
        elif reason.kind.startswith("input"):
            fields |= self._changed_input(stage, reason)
        elif reason.kind.startswith("output "):
            fields["file"] = stage.outputs[reason.subject]
        elif planned.invalidation and reason == planned.invalidation.reason:
            fields |= {"since": planned.invalidation.since, "command": planned.invalidation.command}
        return fields

    def _changed_input(self, stage: Stage, reason: Reason) -> dict[str, object]:
        """Return which file changed, which task made it, and why that one made other content."""
        pending = reason.kind == "input awaited"  # its subject is a path: source files can be pending, too
        path = reason.subject if pending else stage.inputs.get(reason.subject, "")
        by_stage = path in self._makers
        made_by = self._makers[path][1].name if by_stage else reason.new if pending else None
        return {"file": path, "made_by": made_by, "because": self._because(path, reason.old) if by_stage else None}

    def _because(self, path: str, used: object) -> str | None:
        """Return why a stage made, or will make, other content than what was used before, None if unknown."""
        role, stage, planned = self._makers[path]
        if planned.executes or planned.trace is None:
            return sentence(planned.reasons, stage.files) or None
        for earlier in self._engine.workspace.earlier(stage):
            if earlier.digests.get(role) == used:
                changes = differences(planned.trace.action, earlier.action)
                return sentence(changes, stage.files) or "the same action gave other bytes"
        return None


def _changed_code(store: Store, code: Code, reason: Reason) -> dict[str, object]:
    """Return how a part of the code is reached, and a diff of it, None if its earlier source is not in the store."""
    part = next((part for part in code.parts if part.name == reason.subject), None)
    module, _, name = reason.subject.partition(":")
    before: str | None = ""
    if isinstance(reason.old, str):
        try:
            before = store.get(reason.old).decode("utf-8", "surrogatepass")
        except (CorruptError, StoreError, ValueError):
            before = None
    return {
        "via": list(part.via) if part else [],
        "diff": None if before is None else diff(before, part.text if part else ""),
        "taken_whole": [line for line in code.unresolved if name == "*" and line.startswith(f"{module}:")],
    }
