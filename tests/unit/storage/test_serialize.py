"""Traces on disk: frozen bytes, round trips, and forged bytes."""

import contextlib
import json
import math
from pathlib import Path
from typing import Any

import pytest
from examples import action, environment, named, trace
from hypothesis import given
from hypothesis import strategies as st

from redoit import digest
from redoit.errors import StoreError
from redoit.model import FORMAT, Action, Artifact, Environment, Input, Observation, Setting, Trace
from redoit.storage.serialize import (
    MALFORMED,
    MAX_SECONDS,
    canonical_json,
    check_format,
    trace_from_bytes,
    trace_from_dict,
    trace_name,
    trace_to_bytes,
    trace_to_dict,
)

GOLDEN = Path(__file__).parent.parent / "golden"

TEXTS = st.text(max_size=12)
DIGESTS = st.binary(max_size=4).map(digest.of_bytes)
NUMBERS = st.floats()
TYPED = (
    st.tuples(st.just("int"), st.integers())
    | st.tuples(st.just("float"), NUMBERS)
    | st.tuples(st.just("bool"), st.booleans())
    | st.tuples(st.just("str"), TEXTS | st.none() | st.sampled_from(["nan", "inf"]))
    | st.tuples(st.just("list[float]"), st.lists(NUMBERS, max_size=3))
)
SETTINGS = st.dictionaries(TEXTS, TYPED, max_size=4).map(
    lambda table: tuple(Setting(name, kind, value) for name, (kind, value) in table.items())
)


TABLES = st.dictionaries(TEXTS, TEXTS, max_size=3)
FILES = st.builds(Input, TEXTS, DIGESTS, st.just(()))
INPUTS = FILES | st.builds(Input, st.just(""), st.just(""), st.lists(FILES, min_size=1, max_size=2).map(tuple))
ARTIFACTS = st.builds(Artifact, DIGESTS, st.integers(0, 1 << 60), st.integers(0, 0o7777))
NAMES = st.lists(TEXTS, max_size=3).map(tuple)
ENVIRONMENTS = st.builds(
    Environment, NAMES, TEXTS, TABLES, st.dictionaries(TEXTS, TEXTS | st.none(), max_size=3), NAMES, TABLES
)


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """Return any trace."""
    manifest = draw(st.dictionaries(TEXTS, ARTIFACTS, max_size=3))
    made = Action(
        step=draw(NAMES),
        inputs=draw(st.dictionaries(TEXTS, INPUTS, max_size=3)),
        uses=draw(st.dictionaries(TEXTS, DIGESTS, max_size=3)),
        settings=draw(SETTINGS),
        outputs={role: draw(TEXTS) for role in manifest},
        code=draw(st.dictionaries(TEXTS, DIGESTS, max_size=3)),
        environment=draw(ENVIRONMENTS),
    )
    times = st.floats(-MAX_SECONDS, MAX_SECONDS, exclude_min=True, exclude_max=True)
    return Trace(
        action=made,
        manifest=manifest,
        started=draw(times),
        seconds=draw(times),
        stage=draw(TEXTS),
        host=draw(TEXTS),
        log=draw(DIGESTS),
        metrics=draw(st.dictionaries(TEXTS, NUMBERS, max_size=3)),
        observations=tuple(draw(st.lists(st.builds(Observation, TEXTS, TEXTS, DIGESTS | st.none()), max_size=2))),
        sequence=draw(st.integers(0, 1 << 60)),
    )


def test_golden_key() -> None:
    """The key of a known action is frozen: if it changes, FORMAT must grow and a new golden file be written."""
    assert action().key == (GOLDEN / f"key-{FORMAT}.txt").read_text().strip()


def test_golden_trace() -> None:
    """The bytes of a known trace are frozen: if one changes, FORMAT must grow and a new golden file be written."""
    assert trace_to_bytes(trace()) == (GOLDEN / f"trace-{FORMAT}.json").read_bytes()


def test_golden_trace_is_read() -> None:
    """A trace as an earlier checkout wrote it is read back, its key included."""
    found = trace_from_bytes("golden", (GOLDEN / f"trace-{FORMAT}.json").read_bytes())
    assert found.action.key == action().key
    assert found.digests == trace().digests
    assert dict(found.metrics) == {"accuracy": 0.99, "loss": math.inf}


PLAIN, SCRIPT = named("plain"), digest.of_content(named("script"), executable=True)
TREE = digest.of_tree({"a/b.txt": ["file", PLAIN], "run.sh": ["file", SCRIPT], "to": ["link", "a"], "c": ["folder"]})
RECORD = {"record": ["steps.train:Adam", [["lr", 0.1], ["betas", {"tuple": [0.9, 0.99]}], ["on", {"dict": [[1, []]]}]]]}
FORMS = {
    "file": action(inputs={"a": Input("a.txt", PLAIN)}),
    "executable file": action(inputs={"a": Input("run.sh", SCRIPT)}),
    "tree": action(inputs={"a": Input("folder", TREE)}),
    "list": action(inputs={"a": Input("", "", (Input("a.txt", PLAIN), Input("folder", TREE)))}),
    "empty list": action(inputs={"a": Input("", "")}),
    "uses": action(uses={"params.yaml": PLAIN, "sql": TREE}),
    "no outputs": action(outputs={}),
    "nested setting": action(settings=(Setting("optimizer", "steps.train:Adam", RECORD),)),
    "member": action(settings=(Setting("mode", "enum steps.train:Mode", {"member": ["steps.train:Mode", "FAST"]}),)),
    "command": action(step=("command", "papermill", "{notebook}", "{out}")),
    "shell command": action(step=("shell", "sort {a} > {b}")),
    "tool": action(environment=environment(tools={"papermill": "2.6.0"})),
    "variables": action(environment=environment(variables={"SET": "1", "UNSET": None})),
    "preloaded": action(environment=environment(preloaded=("steps.network",))),
}


def test_golden_forms() -> None:
    """The key of each form that an action may take is frozen, and all of them differ."""
    lines = [f"{made.key} {name}" for name, made in FORMS.items()]
    assert lines == (GOLDEN / f"forms-{FORMAT}.txt").read_text().splitlines()
    assert len({made.key for made in FORMS.values()}) == len(FORMS)


def test_golden_observations() -> None:
    """The bytes of a trace with something in each of its fields are frozen, and read back."""
    seen = (Observation("file", "params.yaml", named("params")), Observation("variable", "SCALE", None))
    made = trace(action=FORMS["nested setting"], observations=seen, sequence=7)
    data = (GOLDEN / f"observations-{FORMAT}.json").read_bytes()
    assert trace_to_bytes(made) == data
    assert trace_from_bytes("golden", data).observations == seen


@pytest.mark.parametrize("name", [name for name in FORMS if name != "no outputs"])
def test_each_form_is_read_back(name: str) -> None:
    """A trace of each form has its key again."""
    made = trace(action=FORMS[name])
    assert trace_from_bytes("trace", trace_to_bytes(made)).action.key == made.action.key


@given(traces())
def test_round_trip(made: Trace) -> None:
    """A trace read back is the trace that was written, to the byte, and has its key."""
    data = trace_to_bytes(made)
    found = trace_from_bytes("trace", data)
    assert trace_to_bytes(found) == data
    assert found.action.key == made.action.key
    assert trace_name(found) == digest.of_bytes(data)
    assert trace_to_bytes(trace_from_dict(trace_to_dict(made))) == data


@pytest.mark.parametrize(
    "setting",
    [
        Setting("limit", "float", math.inf),
        Setting("limit", "float", math.nan),
        Setting("limits", "list[float]", [1.0, -math.inf]),
        Setting("name", "str", "inf"),
        Setting("name", "path", "odd\udcffname"),
        Setting("names", "list[str]", []),
        Setting("limit", "float", None),
        Setting("count", "int", 10**30),
        Setting("betas", "tuple[float]", {"tuple": [0.9, math.inf, {"dict": [["a", math.nan]]}]}),
        Setting("optimizer", "steps.train:Adam", {"record": ["steps.train:Adam", [["lr", 0.1], ["betas", [0.9]]]]}),
    ],
)
def test_odd_settings_survive(setting: Setting) -> None:
    """A setting that JSON has no type for keeps its value, its type and so its key."""
    made = trace(action=action(settings=(setting,)))
    found = trace_from_bytes("trace", trace_to_bytes(made))
    assert repr(found.action.settings) == repr(made.action.settings)
    assert found.action.key == made.action.key


def test_json_is_canonical() -> None:
    """JSON has sorted keys, no spaces and no escapes, and no NaN."""
    assert canonical_json({"b": [1, "é"], "a": None}) == '{"a":null,"b":[1,"é"]}'.encode()
    with pytest.raises(ValueError, match="float"):
        canonical_json([math.nan])


def edited(path: str, value: Any) -> bytes:
    """Return the usual trace with one field replaced, or removed where the value is `...`."""
    fields = json.loads(trace_to_bytes(trace()))
    *parents, last = path.split(".")
    here = fields
    for parent in parents:
        here = here[parent]
    if value is ...:
        del here[last]
    else:
        here[last] = value
    return json.dumps(fields).encode()


FIELDS = [
    "observations",
    "sequence",
    "action",
    "manifest",
    "started",
    "seconds",
    "stage",
    "host",
    "log",
    "metrics",
    "format",
]
ROWS = [
    "action.step",
    "action.uses",
    "action.inputs",
    "action.settings",
    "action.outputs",
    "action.code",
    "action.environment",
]


@pytest.mark.parametrize("path", FIELDS + ROWS)
def test_absent_field_is_malformed(path: str) -> None:
    """What lacks one of the fields of a trace is none."""
    with pytest.raises(MALFORMED):
        trace_from_bytes("some.json", edited(path, ...))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("action.step", "steps.train:run"),
        ("action.step", [7]),
        ("action.inputs", {"normalized": ["data/x", "../../etc/passwd", []]}),
        ("action.inputs", {"normalized": ["data/x", "", []]}),
        ("action.inputs", {"normalized": [7, "a" * 64, []]}),
        ("action.inputs", {"normalized": ["data/x", "a" * 64, [["data/y", "a" * 64, []]]]}),
        ("action.inputs", {"normalized": ["", "", [["data/y", "b", []]]]}),
        ("action.inputs", {"normalized": ["data/x", "a" * 64, [["data/y", "b"]]]}),
        ("action.inputs", {"normalized": 7}),
        ("action.uses", {"params.yaml": "x"}),
        ("action.settings", [["epochs", "int", {"set": [1]}]]),
        ("action.settings", [["epochs", "int", {"tuple": [1], "dict": []}]]),
        ("action.settings", [["epochs", "int", {"tuple": 1}]]),
        ("action.settings", [["epochs", "int", {"float": "great"}]]),
        ("action.inputs", ["normalized"]),
        ("action.settings", [["epochs"]]),
        ("action.settings", [["epochs", "int"]]),
        ("action.settings", [[1, "int", 5]]),
        ("action.settings", [5]),
        ("action.settings", [{"name": 1}]),
        ("action.outputs", [1]),
        ("action.outputs", ["model"]),
        ("action.outputs", {"model": 1, "history": "b"}),
        ("action.outputs", {"model": "a"}),
        ("action.environment", {"python": "3.11"}),
        ("action.environment.python", 3.11),
        ("action.environment.platform", "Linux"),
        ("action.environment.variables", {"SCALE": 2}),
        ("observations", [["file", "params.yaml"]]),
        ("observations", [["file", "params.yaml", "x"]]),
        ("sequence", -1),
        ("sequence", 1.0),
        ("action.environment", []),
        ("manifest", {"model": ["a" * 64, -1, 420], "history": ["a" * 64, 0, 420]}),
        ("manifest", {"model": ["a" * 64, True, 420], "history": ["a" * 64, 0, 420]}),
        ("manifest", {"model": ["a" * 64, 1.5, 420], "history": ["a" * 64, 0, 420]}),
        ("manifest", {"model": ["a" * 64, 1], "history": ["a" * 64, 0, 420]}),
        ("manifest", {"model": ["a" * 64, 1, -2], "history": ["a" * 64, 0, 420]}),
        ("manifest", []),
        ("started", "yesterday"),
        ("started", None),
        ("seconds", 10**400),
        ("started", 1e18),
        ("seconds", -1.0),
        ("log", "A" * 64),
        ("log", None),
        ("metrics", {"loss": None}),
        ("metrics", {"loss": "great"}),
        ("metrics", [1]),
    ],
)
def test_hostile_field_is_malformed(path: str, value: Any) -> None:
    """What has a field that is not as it should be is no trace, and never another kind of error."""
    with pytest.raises(MALFORMED):
        trace_from_bytes("some.json", edited(path, value))


@pytest.mark.parametrize(
    "data", [b"", b"{", b"null", b"[]", b"7", b'"x"', b"\xff\xfe\x00", b"\0" * 64, b"[" * 100_000, b'{"a":' * 50_000]
)
def test_garbage_is_malformed(data: bytes) -> None:
    """Bytes that are no trace at all are not read as one."""
    with pytest.raises(MALFORMED):
        trace_from_bytes("some.json", data)


@given(st.binary(max_size=200), st.integers(0, 2000))
def test_damage_is_never_another_error(data: bytes, where: int) -> None:
    """Whatever is written over a trace, it is read or it is an error of the store."""
    whole = trace_to_bytes(trace())
    with contextlib.suppress(StoreError, *MALFORMED):
        trace_from_bytes("some.json", whole[:where] + data + whole[where + len(data) :])


@pytest.mark.parametrize("found", [FORMAT + 1, "1", None, [1], 1.0])
def test_newer_format_is_refused(found: Any) -> None:
    """What a newer redoit wrote is not guessed at, and the message says what to do."""
    with pytest.raises(StoreError, match="upgrade redoit"):
        trace_from_bytes("some.json", edited("format", found))
    with pytest.raises(StoreError, match="upgrade redoit"):
        check_format("format", {"format": found})
