"""Reasons to run: how an action differs from an earlier one, as values and in words. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from redoit.model import Action, Reason
from redoit.text import one_line

Value = TypeVar("Value")
MAX_REASONS = 3  # in one line


KINDS = {
    "first": "never run before",
    "setting": "{subject} {old} -> {new}",
    "setting added": "{subject} {new} added",
    "setting removed": "{subject} {old} removed",
    "input": "input {subject} changed",
    "input awaited": "input {subject} is rebuilt",
    "same action": "{subject} runs first, with the same action",
    "code": "code of {subject} changed",
    "code added": "code of {subject} added",
    "code removed": "code of {subject} removed",
    "package": "{subject} {old} -> {new}",
    "outputs": "declared outputs changed",
    "output missing": "output {subject} is missing",
    "output changed": "output {subject} changed",
    "output lost": "output {subject} is missing, here and in the store",
    "forgotten": "forgotten",
    "uncached": "caching is off",
    "always": "forced by doit -a",
    "volatile": "volatile",
    "upstream": "{subject} {old}",
}


def differences(action: Action, earlier: Action) -> list[Reason]:
    """Return how an action differs from an earlier one: settings, inputs, code, environment, outputs."""
    old_settings = {setting.name: setting for setting in earlier.settings}
    new_settings = {setting.name: setting for setting in action.settings}
    reasons = []
    for name, old, new in _changed(old_settings, new_settings):
        kind = "setting" if old and new else "setting added" if new else "setting removed"
        reasons.append(Reason(kind, name, old and old.value, new and new.value))
    for role, old_digest, new_digest in _changed(earlier.inputs, action.inputs):
        reasons.append(Reason("input", role, old_digest, new_digest))
    for part, old_digest, new_digest in _changed(earlier.code, action.code):
        kind = "code" if old_digest and new_digest else "code added" if new_digest else "code removed"
        reasons.append(Reason(kind, part, old_digest, new_digest))
    # First what was probably edited: a name rather than its module, code that changed rather than added or removed.
    reasons.sort(key=lambda reason: (reason.kind.startswith("code "), reason.subject.endswith((">", ":*"))))
    for package, old_version, new_version in _changed(earlier.environment, action.environment):
        reasons.append(Reason("package", package, old_version or "absent", new_version or "absent"))
    if sorted(action.outputs) != sorted(earlier.outputs):
        reasons.append(Reason("outputs"))
    return reasons


def sentence(reasons: Iterable[Reason], files: Mapping[str, str] | None = None) -> str:
    """Return reasons in one line. `files`: role -> file, which is named instead."""
    names = files or {}
    texts = [
        KINDS[reason.kind].format(
            subject=one_line(names.get(reason.subject, reason.subject) if "put" in reason.kind else reason.subject),
            old=one_line(reason.old),
            new=one_line(reason.new),
        )
        for reason in reasons
    ]
    more = len(texts) - MAX_REASONS
    return ", ".join(texts[:MAX_REASONS]) + (f" and {more} more" if more > 0 else "")


def _changed(old: Mapping[str, Value], new: Mapping[str, Value]) -> Iterator[tuple[str, Value | None, Value | None]]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield name, old.get(name), new.get(name)
