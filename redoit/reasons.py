"""Why a stage runs: what differs between an action and an earlier one, as values and in words. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from redoit.model import Action
from redoit.text import one_line

Value = TypeVar("Value")
SHOWN = 3  # reasons in one line


class Reason(NamedTuple):
    """One reason to run.

    `kind` is one of KINDS; `subject` is the setting, part, role or package it is about; `old` and `new` are its
    values, None where there is none.
    """

    kind: str
    subject: str = ""
    old: object = None
    new: object = None


KINDS = {
    "first": "never run before",
    "setting": "{subject} {old} -> {new}",
    "setting added": "{subject} {new} is new",
    "setting removed": "{subject} {old} is gone",
    "input": "input {subject} changed",
    "input awaited": "input {subject} is rebuilt",
    "same action": "{subject} runs first, with the same action",
    "code": "code of {subject} changed",
    "code added": "code of {subject} is new",
    "code removed": "code of {subject} is gone",
    "package": "{subject} {old} -> {new}",
    "outputs": "outputs are declared differently",
    "output missing": "output {subject} is missing",
    "output changed": "output {subject} changed",
    "output lost": "output {subject} is gone, here and in the store",
    "forgotten": "forgotten",
    "uncached": "caching is off",
    "always": "always executed",
    "volatile": "volatile",
    "upstream": "{subject} {old}",
}
UPSTREAM = {"forgotten": "was forgotten", "uncached": "is not cached", "always": "was executed anew"}
RAN_AGAIN = "ran again"  # for whatever other reason


def differences(action: Action, earlier: Action) -> list[Reason]:
    """Return how an action differs from an earlier one: settings first, then inputs, code and environment."""
    old_settings = {setting.name: setting for setting in earlier.settings}
    new_settings = {setting.name: setting for setting in action.settings}
    found = []
    for name, old, new in _changed(old_settings, new_settings):
        kind = "setting" if old and new else "setting added" if new else "setting removed"
        found.append(Reason(kind, name, old and old.value, new and new.value))
    for role, old_digest, new_digest in _changed(earlier.inputs, action.inputs):
        found.append(Reason("input", role, old_digest, new_digest))
    for part, old_digest, new_digest in _changed(earlier.code, action.code):
        kind = "code" if old_digest and new_digest else "code added" if new_digest else "code removed"
        found.append(Reason(kind, part, old_digest, new_digest))
    # First what somebody edited: a name rather than its module, and what changed rather than what is new or gone.
    found.sort(key=lambda reason: (reason.kind.startswith("code "), reason.subject.endswith((">", ":*"))))
    for package, old_version, new_version in _changed(earlier.environment, action.environment):
        found.append(Reason("package", package, old_version or "absent", new_version or "absent"))
    if sorted(action.outputs) != sorted(earlier.outputs):
        found.append(Reason("outputs"))
    return found


def sentence(reasons: Iterable[Reason], files: Mapping[str, str] | None = None) -> str:
    """Return reasons in one line; `files` gives the file to name for a role."""
    known = files or {}
    words = [
        KINDS[reason.kind].format(
            subject=one_line(known.get(reason.subject, reason.subject) if "put" in reason.kind else reason.subject),
            old=one_line(reason.old),
            new=one_line(reason.new),
        )
        for reason in reasons
    ]
    more = len(words) - SHOWN
    return ", ".join(words[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _changed(old: Mapping[str, Value], new: Mapping[str, Value]) -> Iterator[tuple[str, Value | None, Value | None]]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield name, old.get(name), new.get(name)
