"""Fuzzes the trace reader: a trace is written as the bytes that were read and has a key; all else is malformed.

Each input is tried as it is, and once more as the canonical JSON of what it says, which gets further.
"""

import contextlib
import json
import sys
from pathlib import Path

import atheris
from fuzzing import fuzz, told

sys.path.insert(0, str(Path(__file__).parents[3]))

with atheris.instrument_imports(include=["redoit.storage.serialize", "redoit.model", "redoit.digest", "json"]):
    from redoit.digest import is_digest, of_bytes
    from redoit.errors import StoreError
    from redoit.model import Action, Artifact, Environment, Input, Setting, Trace
    from redoit.storage.serialize import MALFORMED, canonical_json, trace_from_bytes, trace_name, trace_to_bytes, unseal

DIGEST = of_bytes(b"")
SETTINGS = [
    ("epochs", "int", 5),
    ("rate", "float", 1e-3),
    ("sizes", "list[int]", [1, 2]),
    ("limit", "float", float("inf")),
    ("optimizer", "Adam", {"record": ["m:Adam", [["lr", 0.1], ["betas", {"tuple": [float("inf")]}]]]}),
]
ACTIONS = [
    Action((), {}, {}, (), {}, {}, Environment()),
    Action(
        ("function", "steps.train:run"),
        {"normalized": Input("in.h5", DIGEST), "parts": Input("", "", (Input("a", DIGEST),))},
        {"params.yaml": DIGEST},
        tuple(Setting(*setting) for setting in SETTINGS),
        {"model": "model.keras"},
        {"steps.train:run": DIGEST},
        Environment(("Linux",), "3.11", {"numpy": "2.0"}, {"SCALE": None}, ("a",), {"sh": "5"}),
    ),
]
TRACES = [
    Trace(ACTIONS[0], {}, 0.0, 0.0, "", "", DIGEST),
    Trace(ACTIONS[1], {"model": Artifact(DIGEST, 0)}, 1.5, 2.5, "größe", "host", DIGEST, {"loss": float("nan")}),
]


@atheris.instrument_func
def attack(data: bytes) -> None:
    """Read one trace, and the same as what was remembered."""
    read(data)
    try:
        again = canonical_json(json.loads(data))
    except (ValueError, RecursionError):
        pass
    else:
        read(again)
    with contextlib.suppress(*MALFORMED):
        unseal(of_bytes(data).encode() + b"\n" + data)


@atheris.instrument_func
def read(data: bytes) -> None:
    """Read one trace."""
    try:
        trace = trace_from_bytes("some.json", data)
    except MALFORMED:
        return
    except StoreError as error:
        told(error)
        return
    assert trace_to_bytes(trace) == data
    assert is_digest(trace.action.key)
    assert trace_name(trace) == of_bytes(data)


if __name__ == "__main__":
    fuzz(attack, [trace_to_bytes(trace) for trace in TRACES])
