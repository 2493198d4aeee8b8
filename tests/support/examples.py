"""Small records that the tests share: an action, a trace, and a project's files."""

import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

from redoit import digest
from redoit.model import Action, Artifact, Environment, Input, Setting, Trace
from redoit.storage.store import Store


def named(text: str) -> str:
    """Return the digest of a text."""
    return digest.of_bytes(text.encode())


def artifact(content: bytes) -> Artifact:
    """Return the artifact that bytes are."""
    return Artifact(digest.of_bytes(content), len(content))


def put(store: Store, content: bytes | Path) -> Artifact:
    """Put bytes, or a copy of a file, into a store."""
    return store.put([content])[content]


def action(**changes: Any) -> Action:
    """Return an action, with some fields changed."""
    usual = Action(
        step=("function", "steps.train:run"),
        inputs={"normalized": Input("data/normalized.h5", named("input"))},
        uses={"params.yaml": named("params")},
        settings=(Setting("epochs", "int", 5), Setting("rate", "float", 0.001), Setting("name", "str", "größe")),
        outputs={"model": "data/model.keras", "history": "data/history.h5"},
        code={"steps.train:run": named("code"), "steps.nets:build": named("helper")},
        environment=environment(),
    )
    return replace(usual, **changes)


def environment(**changes: Any) -> Environment:
    """Return what the step of that action runs on, with some fields changed."""
    return Environment(("Linux", "x86_64", "glibc"), "3.11", {"numpy": "2.0.1"})._replace(**changes)


def read(**contents: str) -> dict[str, Input]:
    """Return inputs by role, each of the file with that name and the digest of a text."""
    return {role: Input(role, named(text)) for role, text in contents.items()}


def trace(**changes: Any) -> Trace:
    """Return a trace of that action, with some fields changed."""
    usual = Trace(
        action=action(),
        manifest={"model": artifact(b"model"), "history": artifact(b"")},
        started=1700000000.25,
        seconds=12.5,
        stage="train",
        host="host",
        log=named("log"),
        metrics={"accuracy": 0.99, "loss": float("inf")},
    )
    return replace(usual, **changes)


def write(root: Path, **files: str) -> None:
    """Write modules: `steps__train="..."` becomes `steps/train.py`."""
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
