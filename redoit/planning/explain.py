"""Why a stage would be kept, restored or run, in full: values for programs, and for whoever puts them into words.

A changed piece of code comes with the path of names that leads to it, and a diff of its normalised source, which the
store keeps; a changed input with the stage that made it, and why that one made another.
"""

from collections.abc import Mapping
from typing import Any

from redoit.engine.inspector import Inspector
from redoit.errors import CorruptError, StoreError
from redoit.model import Code, Part, Trace
from redoit.planning.diff import diff
from redoit.planning.dry_run import PlannedStage
from redoit.reasons import Reason, differences, sentence
from redoit.state.workspace import Workspace
from redoit.storage.serialize import json_value, trace_name
from redoit.storage.store import Store

DISTRUST = ("forgotten", "uncached", "always", "upstream")


class Explainer:
    """Explains forecasts of the stages of one checkout. `forecasts`: of all stages that were looked at, by name.

    `origins`: setting -> where its value comes from, of each stage.
    """

    def __init__(
        self,
        workspace: Workspace,
        inspector: Inspector,
        forecasts: Mapping[str, PlannedStage],
        origins: Mapping[str, Mapping[str, str]],
    ) -> None:
        self._workspace = workspace
        self._inspector = inspector
        self._forecasts = forecasts
        self._origins = origins
        self._makers = {path: one for one in forecasts.values() for path in one.stage.outputs.values()}

    def explanation(self, name: str) -> dict[str, Any]:
        """Return all that can be said of a stage, as JSON."""
        one = self._forecasts[name]
        result = described(one.trace) if one.trace else None
        return {
            "stage": name,
            "verdict": one.word,
            "certain": not one.is_open,
            "unless_same": one.unless or None,
            "awaits": sorted(one.awaited),
            "estimated_seconds": one.seconds,
            "error": one.error or None,
            "blocked_by": list(one.blocked),
            "reasons": [self._reason(one, reason) for reason in one.reasons],
            "result": result if one.word in ("keep", "restore") else None,
            "compared_with": result if one.word == "run" else None,
            "taken_whole": list(self._code_of(one).unresolved) if one.action else [],
        }

    def _reason(self, one: PlannedStage, reason: Reason) -> dict[str, Any]:
        """Return a reason with what belongs to its kind."""
        found: dict[str, Any] = {
            "kind": reason.kind,
            "subject": reason.subject,
            "old": json_value(reason.old),
            "new": json_value(reason.new),
            "text": sentence([reason], one.stage.files),
        }
        if reason.kind.startswith("setting"):
            found["from"] = self._origins.get(one.stage.name, {}).get(reason.subject)
        elif reason.kind.startswith("code"):
            found |= self._code(one, reason)
        elif reason.kind.startswith("input"):
            found |= self._input(one, reason)
        elif reason.kind.startswith("output "):
            found["file"] = one.stage.outputs[reason.subject]
        elif reason.kind in DISTRUST and one.mark:
            found |= {"since": one.mark.since, "command": one.mark.command}
        return found

    def _code(self, one: PlannedStage, reason: Reason) -> dict[str, Any]:
        """Return how the code is reached, and what of it changed."""
        code = self._code_of(one)
        parts = {part.name: part for part in code.parts}
        part = parts.get(reason.subject)
        module = reason.subject.split(":")[0]
        lines = [line for line in code.unresolved if line.startswith(f"{module}:")]
        whole = reason.subject.endswith(":*")
        return {
            "via": list(part.via) if part else [],
            "diff": _diff(self._workspace.store_of(one.stage), reason, part),
            "taken_whole": lines if whole else [],
        }

    def _code_of(self, one: PlannedStage) -> Code:
        """Return the code of a stage with its text, which is read no sooner."""
        return self._inspector.code(one.stage, one.settings)

    def _input(self, one: PlannedStage, reason: Reason) -> dict[str, Any]:
        """Return which file changed, who made it, and why that one made another."""
        # There is none of an input that is gone; code can be awaited, too.
        path = reason.subject if reason.kind == "input awaited" else one.stage.inputs.get(reason.subject, "")
        maker = self._makers.get(path)
        by = maker.stage.name if maker else reason.new if reason.kind == "input awaited" else None
        return {"file": path, "made_by": by, "because": self._because(maker, path, reason) if maker else None}

    def _because(self, maker: PlannedStage, path: str, reason: Reason) -> str | None:
        """Return why a stage made, or will make, another file than the one that was used before, if that is known."""
        if maker.word in ("run", "restore") or maker.trace is None:
            return sentence(maker.reasons, maker.stage.files) or None
        role = next(role for role, each in maker.stage.outputs.items() if each == path)
        for earlier in self._workspace.earlier(maker.stage):
            if earlier.digests.get(role) == reason.old:
                found = differences(maker.trace.action, earlier.action)
                return sentence(found, maker.stage.files) or "it gave other bytes for the same action"
        return None


def described(trace: Trace) -> dict[str, Any]:
    """Return what a trace tells of a result: when, where and from what it was made, and how long that took."""
    return {
        "trace": trace_name(trace),
        "key": trace.action.key,
        "started": trace.started,
        "seconds": trace.seconds,
        "host": trace.host,
        "settings": {setting.name: json_value(setting.value) for setting in trace.action.settings},
    }


def _diff(store: Store, reason: Reason, part: Part | None) -> list[str] | None:
    """Return the lines of a unified diff, None if the earlier source is lost."""
    before = ""
    if isinstance(reason.old, str):
        try:
            before = store.get(reason.old).decode("utf-8", "surrogatepass")
        except (CorruptError, StoreError, ValueError):
            return None
    return diff(before, part.text if part else "")
