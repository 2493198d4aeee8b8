"""The core types: what an action key is made of, and what the small values say of themselves."""

import math
from dataclasses import FrozenInstanceError, replace
from itertools import combinations
from typing import Any

import pytest
from examples import action, artifact, environment, named, trace

from redoit import digest
from redoit.model import (
    Action,
    Artifact,
    Environment,
    Input,
    Keep,
    Part,
    PlannedStatus,
    Policy,
    Reason,
    Restore,
    Run,
    Setting,
    Stage,
    Status,
)

EPOCHS, RATE, NAME = action().settings
USED = action().inputs["normalized"]


def key_of(*settings: Setting, **changes: Any) -> str:
    """Return the key of the usual action with these settings."""
    return action(settings=settings, **changes).key


@pytest.mark.parametrize(
    "changed",
    [
        {"step": ("function", "steps.train:main")},
        {"step": ("command", "steps.train:run")},
        {"inputs": {"other": USED}},
        {"inputs": {"normalized": USED._replace(digest=named("other"))}},
        {"inputs": {"normalized": USED._replace(path="other/normalized.h5")}},
        {"inputs": {"normalized": Input("", "", (USED,))}},
        {"inputs": {}},
        {"uses": {}},
        {"uses": {"params.yaml": named("other")}},
        {"uses": {"other.yaml": named("params")}},
        {"outputs": {"model": "data/model.keras"}},
        {"outputs": {"model": "data/model.h5", "history": "data/history.h5"}},
        {"outputs": {"model": "data/history.h5", "history": "data/model.keras"}},
        {"code": {}},
        {"environment": environment(platform=("Linux", "x86_64", "musl"))},
        {"environment": environment(platform=("Linux", "x86_64 glibc"))},
        {"environment": environment(python="3.11 -O")},
        {"environment": environment(packages={"numpy": "2.0.2"})},
        {"environment": environment(variables={"numpy": "2.0.1"})},
        {"environment": environment(variables={"SCALE": None})},
        {"environment": environment(variables={"SCALE": "absent"})},
        {"environment": environment(preloaded=("steps.train",))},
        {"environment": environment(tools={"numpy": "2.0.1"})},
        {"settings": ()},
        {"settings": (EPOCHS._replace(kind="float"), RATE, NAME)},
        {"settings": (EPOCHS._replace(value=5.0), RATE, NAME)},
        {"settings": (EPOCHS._replace(name="epoch"), RATE, NAME)},
    ],
)
def test_each_field_is_in_the_key(changed: dict[str, Any]) -> None:
    """Whatever determines the outputs changes the key."""
    assert action(**changed).key != action().key


def test_order_is_not_in_the_key() -> None:
    """The order in which settings, roles, parts and packages are declared does not count."""
    usual = action()
    turned = {field: dict(reversed(getattr(usual, field).items())) for field in ("inputs", "outputs", "code")}
    assert action(settings=usual.settings[::-1], **turned).key == usual.key


def test_the_key_is_a_digest() -> None:
    """A key has the form of a digest, also that of an action without anything, and is the same each time."""
    empty = Action((), {}, {}, (), {}, {}, Environment())
    assert digest.is_digest(empty.key)
    assert empty.key == replace(empty).key != action().key


@pytest.mark.parametrize(
    "values",
    [
        (1, 1.0, True, "1", [1], None),
        (0, False, "", [], None),
        (0.0, -0.0),
        ([], [[]], [None], [""]),
        (["a", "b"], ["ab"], ["b", "a"]),
        (math.nan, math.inf, -math.inf, "nan"),
        ("a", "a\0", "\udcff"),
    ],
)
def test_values_that_look_alike_have_keys_of_their_own(values: tuple[object, ...]) -> None:
    """Two values of a setting have one key only if they are of one type and equal."""
    for one, other in combinations(values, 2):
        assert key_of(Setting("x", "int", one)) != key_of(Setting("x", "int", other)), (one, other)


def test_fields_do_not_merge() -> None:
    """The same name and digest in another field, or divided otherwise, are another action."""
    one, other = Input("a", named("c")), Input("b", named("c"))
    keys = {action(**{field: {"a": named("b")}}).key for field in ("uses", "outputs", "code")}
    keys |= {action(inputs=inputs).key for inputs in ({"a": one}, {"a": other}, {"b": one}, {"a": one, "b": one})}
    keys |= {action(inputs={"a": Input("", "", members)}).key for members in ((one,), (one, other), (other, one))}
    assert len(keys) == 10


def test_an_executable_file_has_other_content() -> None:
    """The content of a file is its bytes and whether it may be executed; no other bit of its mode counts."""
    plain = artifact(b"#!/bin/sh")
    assert plain.content == plain.digest == plain._replace(mode=0o600).content
    assert plain.content != plain._replace(mode=0o755).content == plain._replace(mode=0o700).content
    assert Artifact(named("a"), 1, 0o755).content != Artifact(named("b"), 1, 0o755).content


def test_an_action_does_not_change() -> None:
    """No field of an action can be set, so its key stays true."""
    with pytest.raises(FrozenInstanceError):
        action().inputs = {}  # type: ignore[misc]


@pytest.mark.parametrize("text", ["", "def f(): pass", "x = 'größe'", "x = '\udcff'"])
def test_a_part_is_named_by_its_text(text: str) -> None:
    """A part's digest is that of its bytes, whatever the text, and not of its name or path."""
    part = Part("m:f", text, ("m:run", "m:f"))
    assert part.source.decode("utf-8", "surrogatepass") == text
    assert part.digest == Part("other", text).digest == digest.of_bytes(part.source)


@pytest.mark.parametrize(
    ("policy", "words", "restorable"),
    [
        (Policy(), "", True),
        (Policy(cache=False), "not cached", True),
        (Policy(volatile=True), "volatile", False),
        (Policy(impure=True), "impure", False),
        (Policy(False, True, True), "impure, volatile, not cached", False),
    ],
)
def test_a_policy_in_words(policy: Policy, words: str, restorable: bool) -> None:
    """The words of a policy name what differs from the default; what is impure or volatile is not restored."""
    assert (policy.words, policy.restorable) == (words, restorable)


def test_the_files_of_a_stage() -> None:
    """The files of a stage are its inputs and its outputs, by role."""
    stage = Stage("train", "steps.train", {"raw": "data/raw.h5"}, {"model": "data/model.keras"})
    assert stage.files == {"raw": "data/raw.h5", "model": "data/model.keras"}
    assert Stage("none", "steps.none", {}, {}).files == {}


def test_traces_are_equal_by_what_they_record() -> None:
    """A trace that was read equals the one that was written, which has no name yet; another second differs."""
    assert trace(name=named("t")) == trace()
    assert trace(seconds=13.0) != trace()
    assert trace().digests == {"model": artifact(b"model").digest, "history": artifact(b"").digest}


def test_decisions_are_equal_without_their_reasons_to_restore() -> None:
    """To restore one trace is one decision, whatever the reasons; reasons to run are the decision itself."""
    assert Restore(trace(), (Reason("forgotten"),)) == Restore(trace())
    assert Run((Reason("first"),), trace()) == Run((Reason("first"),))
    assert Run((Reason("first"),)) != Run((Reason("always"),))
    assert Keep(trace()) != Restore(trace())


def test_the_words_that_scripts_read() -> None:
    """Statuses are words that programs read, so they change only on purpose."""
    assert list(Status) == ["kept", "restored", "ran", "failed", "not run"]
    assert list(PlannedStatus) == ["keep", "restore", "run", "fail", "not run", "ignored"]
    assert f"{Status.NOT_RUN}" == "not run"
