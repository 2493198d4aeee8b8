"""Reasons to run: how an action differs from an earlier one, as values and in words. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from redoit.model import Action, Reason
from redoit.text import first_few, one_line

Value = TypeVar("Value")


KINDS = {
    "first": "never run before",
    "step": "step {old} -> {new}",
    "setting": "{subject} {old} -> {new}",
    "setting added": "{subject} {new} added",
    "setting removed": "{subject} {old} removed",
    "input": "input {subject} changed",
    "input added": "input {subject} added",
    "input removed": "input {subject} removed",
    "input path": "input {subject} now at {new}",
    "input awaited": "input {subject} is rebuilt",
    "uses": "uses {subject} changed",
    "uses added": "uses {subject} added",
    "uses removed": "uses {subject} removed",
    "code": "code of {subject} changed",
    "code added": "code of {subject} added",
    "code removed": "code of {subject} removed",
    "platform": "platform {old} -> {new}",
    "package": "{subject} {old} -> {new}",
    "outputs": "declared outputs changed",
    "output path": "output {subject} now at {new}",
    "output missing": "output {subject} is missing",
    "output changed": "output {subject} changed",
    "output lost": "output {subject} is missing, here and in the store",
    "read": "{subject} changed (undeclared, read by {new})",
    "content": "{subject} changed (read by {new})",
    "opened": "{subject} changed (undeclared, opened while {new} ran)",
    "gone": "{subject} is gone (read by {new})",
    "appeared": "{subject} appeared ({new} looked for it)",
    "looked at": "{subject} changed (looked at by {new})",
    "listed": "names in {subject} changed (listed by {new})",
    "asked": "variable {subject} changed (undeclared, asked for by {new})",
    "copied": "names of variables changed (copied by {new})",
    "executed": "{subject} changed (executed by {new})",
    "unobserved": "what {new} touches was not observed",
    "strict": "its result rests on the undeclared {subject}, which strict refuses",
    "forgotten": "forgotten",
    "superseded": "what it made before it was last forced to run does not count",
    "uncached": "caching is off",
    "always": "forced by doit -a",
    "volatile": "volatile",
    "uptodate": "its uptodate is false",
    "upstream": "{subject} {old}",
}


OF_FILES = {kind for kind in KINDS if "put" in kind and not kind.endswith("path")}  # their subject is a role


def differences(action: Action, earlier: Action) -> list[Reason]:
    """Return how an action differs from an earlier one: step, settings, inputs, code, environment, outputs."""
    reasons = []
    if action.step != earlier.step:
        reasons.append(Reason("step", "", " ".join(earlier.step[1:]), " ".join(action.step[1:])))
    old_settings = {setting.name: setting for setting in earlier.settings}
    new_settings = {setting.name: setting for setting in action.settings}
    for name, old, new in _changed(old_settings, new_settings):
        reasons.append(Reason(_kind("setting", old, new), name, old and old.value, new and new.value))
    for role, before, now in _changed(earlier.inputs, action.inputs):
        if before is None or now is None or before[1:] != now[1:]:
            reasons.append(Reason(_kind("input", before, now), role, before and before.digest, now and now.digest))
        if before and now and before.path != now.path:
            reasons.append(Reason("input path", role, before.path, now.path))
    for path, old_digest, new_digest in _changed(earlier.uses, action.uses):
        reasons.append(Reason(_kind("uses", old_digest, new_digest), path, old_digest, new_digest))
    code = [Reason(_kind("code", old, new), part, old, new) for part, old, new in _changed(earlier.code, action.code)]
    # First what was probably edited: a name rather than its module, code that changed rather than added or removed.
    reasons += sorted(code, key=lambda reason: (reason.kind != "code", reason.subject.endswith((">", ":*"))))
    return [*reasons, *_environment_changes(action, earlier), *_output_changes(action, earlier)]


def _kind(kind: str, old: object, new: object) -> str:
    return kind if old and new else f"{kind} added" if new else f"{kind} removed"


def _environment_changes(action: Action, earlier: Action) -> Iterator[Reason]:
    old_rows, new_rows = earlier.environment.rows, action.environment.rows
    for name, old, new in _changed(old_rows, new_rows):
        absent = "not declared" if name.startswith("$") else "not imported" if "absent" in (old, new) else "absent"
        texts = (absent if text is None else text for text in (old, new))
        yield Reason("platform", "", *texts) if name == "platform" else Reason("package", name, *texts)


def _output_changes(action: Action, earlier: Action) -> Iterator[Reason]:
    if action.outputs.keys() != earlier.outputs.keys():
        yield Reason("outputs")
    for role, old, new in _changed(earlier.outputs, action.outputs):
        if old and new:
            yield Reason("output path", role, old, new)


def sentence(reasons: Iterable[Reason], files: Mapping[str, str] | None = None) -> str:
    """Return reasons in one line. `files`: role -> file, which is named instead."""
    names = files or {}
    texts = [
        KINDS[reason.kind].format(
            subject=one_line(names.get(reason.subject, reason.subject) if reason.kind in OF_FILES else reason.subject),
            old=one_line(reason.old),
            new=one_line(reason.new),
        )
        for reason in reasons
    ]
    return first_few(texts)


def _changed(old: Mapping[str, Value], new: Mapping[str, Value]) -> Iterator[tuple[str, Value | None, Value | None]]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield name, old.get(name), new.get(name)
