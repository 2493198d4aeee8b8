"""A `.redoit/` in which an enemy changed a file: it counts as absent, or it is one clear error."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hostile_files import Workers
from workspaces import some_trace, whole_workspace

from redoit.digest import of_bytes
from redoit.state.source_cache import reader
from redoit.storage.serialize import canonical_json, trace_name, trace_to_bytes

DEEP = b"[" * 900 + b"]" * 900
DEEP_LIST = json.loads(DEEP)
DEEPER = b"[" * 100_000 + b"]" * 100_000
LONG = b"9" * 5000
KEY, NAME = some_trace().action.key, trace_name(some_trace())


def sealed(text: bytes | object) -> bytes:
    """Return bytes, or a value in JSON, with the right seal."""
    data = text if isinstance(text, bytes) else json.dumps(text).encode()
    return of_bytes(data).encode() + b"\n" + data


def owners(value: object) -> Callable[[Path], bytes]:
    """Return what seals other owners of modules, for the folders that are really there."""

    def forged(path: Path) -> bytes:
        folders = json.loads(path.read_bytes().partition(b"\n")[2])
        return sealed({folder: [stamp, value] for folder, (stamp, _) in folders.items()})

    return forged


def entries(value: object) -> Callable[[Path], bytes]:
    """Return what seals another entry for the project's input."""
    return lambda path: sealed({str(path.parent.parent / "input"): value})


def steps(entry: object) -> bytes:
    """Return a sealed source cache with other content, or with one entry that has some other fields."""
    whole = {"signature": None, "code": {}, "located": {}, "read": {}, "listed": ""}
    row = [*{**whole, **entry}.values()] if isinstance(entry, dict) and entry else entry
    return sealed({"reader": reader(), "steps": {"steps.train": row}})


def proof(**other: object) -> Callable[[Path], bytes]:
    """Return a sealed trace index whose entry has some fields replaced."""

    def fill(path: Path) -> bytes:
        fields = json.loads(path.read_bytes().partition(b"\n")[2])
        entry = fields["stages"]["train"]
        entry["action"] |= {name: other.pop(name) for name in entry["action"].keys() & other}
        return sealed({**fields, "stages": {"train": {**entry, **other}}})

    return fill


def run(**other: object) -> Callable[[Path], bytes]:
    """Return what seals the record of the large run that refers to another one, with some fields of it replaced."""
    return lambda path: sealed(json.loads(max(path.parent.iterdir()).read_bytes().partition(b"\n")[2]) | other)


def row(*, key: object = KEY, reasons: object = ()) -> Callable[[Path], bytes]:
    """Return what seals the record of a run of one stage."""
    return run(base="", stages=[["a", "ran", key, NAME, 0, 0, reasons, ""]])


RUN = "runs"
CONTENTS: dict[str, tuple[str, bytes | Callable[[Path], bytes]]] = {
    "newer format": ("format", b'{"format":3}'),
    "format that is true": ("format", b'{"format":true}'),
    "format that is a text": ("format", b'{"format":"\\u001b[2J\\n"}'),
    "format of 4,000 digits": ("format", b'{"format":' + b"9" * 4000 + b"}"),
    "format of 5,000 digits": ("format", b'{"format":' + LONG + b"}"),
    "deep format": ("format", b'{"format":' + DEEP + b"}"),
    "deeper format": ("format", b'{"format":' + DEEPER + b"}"),
    "format in UTF-16": ("format", '{"format":1}'.encode("utf-16")),
    "format that is NUL": ("format", bytes(100)),
    "key in capitals": ("latest/train", json.dumps({"key": KEY.upper(), "trace": NAME}).encode()),
    "key above": ("latest/train", json.dumps({"key": "../../../canary", "trace": NAME}).encode()),
    "key that is absolute": ("latest/train", json.dumps({"key": "/etc", "trace": "passwd"}).encode()),
    "key with NUL": ("latest/train", json.dumps({"key": "\0" * 64, "trace": NAME}).encode()),
    "key of look-alikes": ("latest/train", json.dumps({"key": "\u0430" * 64, "trace": NAME}).encode()),
    "key of full-width digits": ("latest/train", json.dumps({"key": "\uff11" * 64, "trace": NAME}).encode()),
    "key with a surrogate": ("latest/train", json.dumps({"key": "\ud800" * 64, "trace": NAME}).encode()),
    "key of 300 characters": ("latest/train", json.dumps({"key": "a" * 300, "trace": NAME}).encode()),
    "key that is a number": ("latest/train", b'{"key":1e999,"trace":NaN}'),
    "key that is a list": ("latest/train", json.dumps({"key": [KEY], "trace": {NAME: 1}}).encode()),
    "files that are deep": ("latest/train", b'{"files":' + DEEP + b"}"),
    "files above": ("latest/train", json.dumps({"files": {"../../../canary": NAME}}).encode()),
    "files with NUL": ("latest/train", json.dumps({"files": {"a\0b": NAME}}).encode()),
    "what supersedes is deep": ("superseded/train", DEEPER),
    "what supersedes is long": ("superseded/train", b'{"below":' + LONG + b"}"),
    "sequence that is deep": ("sequence", DEEPER),
    "sequence that is long": ("sequence", b'{"sequence":' + LONG + b"}"),
    "latest of lists": ("latest/train", DEEP),
    "latest of more lists": ("latest/train", DEEPER),
    "reason that is a list": ("invalidations/train", b'{"kind":["forgotten"],"subject":"","old":null}'),
    "reason with escapes": ("invalidations/train", b'{"kind":"upstream","subject":"\\u001b[2J\\n","old":"\\r\\n"}'),
    "reason that is deep": ("invalidations/train", b'{"kind":"upstream","subject":"x","old":' + DEEP + b"}"),
    "reason with a deep subject": ("invalidations/train", b'{"kind":"upstream","subject":' + DEEP + b',"old":""}'),
    "reason that is long": ("invalidations/train", b'{"kind":"upstream","subject":"' + b"n" * 10**6 + b'","old":""}'),
    "reason with a surrogate": ("invalidations/train", b'{"kind":"upstream","subject":"\\ud800","old":"\\udfff"}'),
    "reason that is a format": ("invalidations/train", b'{"kind":"setting","subject":"{0.__class__}","old":"{old}"}'),
    "files that are no JSON": ("stat-cache", sealed(b"{")),
    "files that are a list": ("stat-cache", sealed([1, 2])),
    "files that are lists": ("stat-cache", sealed(DEEPER)),
    "files of numbers": ("stat-cache", sealed({"a": 1})),
    "files that fill the memory": ("stat-cache", sealed(b"[" + b"[]," * (2**23 // 3 - 99) + b"[]]")),
    "environment that fills the memory": ("installed", sealed(b'{"folder":' + b"[" * 9 + b"{}," * 2**21 + b"0")),
    "files with long numbers": ("stat-cache", sealed(b'{"a":[' + LONG + b"]}")),
    "digest that leads out": ("stat-cache", entries(["../../canary", 1, 2, 3, 4, 5])),
    "digest that is a list": ("stat-cache", entries([[], 1, 2, 3, 4, 5])),
    "no digest": ("stat-cache", entries([])),
    "environment that is no JSON": ("installed", sealed(b"")),
    "environment that is a list": ("installed", sealed([])),
    "owners that are a list": ("installed", owners([1])),
    "owners that are none": ("installed", owners(None)),
    "owners of numbers": ("installed", owners({"blake3/__init__.py": 5})),
    "owners with versions that are lists": ("installed", owners({"blake3/__init__.py": {"blake3": [[]]}})),
    "steps that are no JSON": ("source-cache", sealed(b"{")),
    "steps that are a list": ("source-cache", sealed([])),
    "steps of nothing": ("source-cache", steps(None)),
    "steps without fields": ("source-cache", steps({})),
    "signature that is deep": ("source-cache", steps({"signature": DEEP_LIST})),
    "digests that are lists": ("source-cache", steps({"read": {"input": [[]]}})),
    "names with surrogates": ("source-cache", steps({"located": {"\udc80/\0..": "../../canary"}})),
    "steps that fill the memory": ("source-cache", sealed(b'{"reader":' + b"[" * 9 + b"{}," * 2**21 + b"0")),
    "proofs that are no JSON": ("trace-index", sealed(b"{")),
    "proofs that are a list": ("trace-index", sealed([])),
    "proofs of nothing": ("trace-index", sealed({"tables": [], "stages": {"train": None}})),
    "proofs of the wrong length": ("trace-index", sealed({"tables": [], "stages": {"train": [1]}})),
    "proof without tables": ("trace-index", proof(code=10**30)),
    "proof of a table from the end": ("trace-index", proof(code=-1)),
    "proof with a key above": ("trace-index", proof(key="../../../canary")),
    "proof with a name above": ("trace-index", proof(name="../../../../canary")),
    "proof with a blob above": ("trace-index", proof(manifest={"model": ["/../../../../canary", 1, 420]})),
    "proof of deep settings": ("trace-index", proof(settings=DEEP_LIST)),
    "proof of a table that is a list": ("trace-index", proof(environment=[0])),
    "proof with a time that is no number": ("trace-index", proof(seconds=float("nan"))),
    "proof with odd metrics": ("trace-index", proof(metrics={"loss": "x"})),
    "proof from before time": ("trace-index", proof(started=-1e300)),
    "run that is no JSON": (RUN, sealed(b"{")),
    "run that is a list": (RUN, sealed([])),
    "run of lists": (RUN, sealed(DEEPER)),
    "run that fills the memory": (RUN, sealed(b"[" + b"[]," * (2**23 // 3 - 99) + b"[]]")),
    "run with a trace above": (RUN, row(key="../..")),
    "run with odd reasons": (RUN, row(reasons=[["input", "\n", [], 1]])),
    "run with deep stages": (RUN, run(stages=DEEP_LIST)),
    "run of one stage often": (RUN, run(stages=[["a", "kept", "", "", 0, 0, [], ""]] * 9)),
    "large run of no base": (RUN, run(base="a" * 64)),
    "large run of a base above": (RUN, run(base="../../canary")),
    "large run of a deep base": (RUN, run(base=DEEP_LIST)),
    "large run in which lists changed": (RUN, run(changed=[[]])),
    "large run in which strangers changed": (RUN, run(changed=["../canary"] * 9)),
    "large run in which a number changed": (RUN, run(changed=7, kept_seconds=7)),
    "large run in another state": (RUN, run(state=DEEP_LIST)),
}  # fmt: skip


@pytest.mark.parametrize(("name", "data"), CONTENTS.values(), ids=CONTENTS)
def test_hostile_content_counts_as_absent_or_is_a_clear_error(
    workers: Workers, tmp_path: Path, name: str, data: bytes | Callable[[Path], bytes]
) -> None:
    """No content of a file in `.redoit/` leads out of the project or to a traceback."""
    path = whole_workspace(tmp_path / "project").root / name
    path = path / "any" if name == RUN else path
    content = data(path) if callable(data) else data
    path = path.with_name(f"{9 * 10**18:020d}-{content[:64].decode()}") if name == RUN else path
    path.write_bytes(content)
    workers.check("state", tmp_path / "project")


BASE = "runs/oldest"  # its name has its digest
FILES = [
    "format",
    "latest/train",
    "invalidations/train",
    "superseded/train",
    "sequence",
    "stat-cache",
    "installed",
    "source-cache",
    f"traces/{KEY}/{NAME}.json",
    BASE,
]
FOLDERS = ["latest", "invalidations", "superseded", "traces", f"traces/{KEY}", "runs"]


def linked(path: Path, canary: Path) -> None:
    """Link to the canary."""
    path.symlink_to(canary)


def moved(path: Path, canary: Path) -> None:
    """Link to a copy of what was there, outside the project."""
    outside = canary.parent / "outside"
    shutil.rmtree(outside, ignore_errors=True)
    outside.mkdir()
    path.symlink_to(outside)


def sparse(path: Path, _: Path) -> None:
    """Make a file of ten gigabytes that takes no room on the disk."""
    path.touch()
    os.truncate(path, 10 * 2**30)


PLACES: dict[str, Callable[[Path, Path], object]] = {
    "link": linked,
    "link to a folder": moved,
    "link to itself": lambda path, _: path.symlink_to(path.name),
    "pipe": lambda path, _: os.mkfifo(path),
    "folder": lambda path, _: path.mkdir(),
    "sparse file": sparse,
    "empty file": lambda path, _: path.touch(),
}


@pytest.mark.parametrize("make", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("name", FILES + FOLDERS)
def test_what_stands_in_the_place_of_a_file_is_not_followed(
    workers: Workers, tmp_path: Path, name: str, make: Callable[[Path, Path], object]
) -> None:
    """A link, a pipe, a folder or a huge file in the place of a file or folder of ours is not followed or read."""
    path = whole_workspace(tmp_path / "project").root / name
    if name == BASE:
        path = min(path.parent.iterdir())
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    make(path, workers.canary.path)
    workers.check("state", tmp_path / "project")


def trace(change: Callable[[dict[str, Any]], object]) -> bytes:
    """Return a trace in canonical JSON, with a change."""
    fields = json.loads(trace_to_bytes(some_trace()))
    change(fields)
    return canonical_json(fields)


def setting(value: object) -> Callable[[dict[str, Any]], object]:
    """Return what changes the value of a setting."""
    return lambda fields: fields["action"]["settings"].__setitem__(0, ["epochs", "int", value])


MADE = ["a" * 64, 1, 420]
TRACES: dict[str, bytes] = {
    "deep setting": trace(setting(json.loads(b"[" * 300 + b"]" * 300))),
    "setting that is a table": trace(setting({"a": 1})),
    "digest in capitals": trace(lambda fields: fields["manifest"].update(model=["A" * 64, 1, 420])),
    "digest that leads out": trace(lambda fields: fields["manifest"].update(model=["../" * 21 + "x", 1, 420])),
    "digest of 63": trace(lambda fields: fields["manifest"].update(model=["a" * 63, 1, 420])),
    "digest of look-alikes": trace(lambda fields: fields["manifest"].update(model=["\u0430" * 64, 1, 420])),
    "size that is true": trace(lambda fields: fields["manifest"].update(model=["a" * 64, True, 420])),
    "size below zero": trace(lambda fields: fields["manifest"].update(model=["a" * 64, -1, 420])),
    "mode below zero": trace(lambda fields: fields["manifest"].update(model=["a" * 64, 1, -1])),
    "mode of many bits": trace(lambda fields: fields["manifest"].update(model=["a" * 64, 1, 1 << 20])),
    "outputs without paths": trace(lambda fields: fields["action"].update(outputs=["model"])),
    "list of a file": trace(lambda fields: fields["action"]["inputs"].update(raw=["raw", "a" * 64, [MADE]])),
    "list of no files": trace(lambda fields: fields["action"]["inputs"].update(raw=["", "", [MADE]])),
    "started in another time": trace(lambda fields: fields.update(started="1.5")),
    "started at a whole second": trace(lambda fields: fields.update(started=1)),
    "a field more": trace(lambda fields: fields.update(more=1)),
    "host that is a list": trace(lambda fields: fields.update(host=["host"])),
    "spaces": json.dumps(json.loads(trace_to_bytes(some_trace()))).encode(),
    "a name twice": trace_to_bytes(some_trace()).replace(b'{"action"', b'{"format":1,"action"', 1),
    "a byte-order mark": b"\xef\xbb\xbf" + trace_to_bytes(some_trace()),
    "a new line behind it": trace_to_bytes(some_trace()) + b"\n",
    "NaN": trace_to_bytes(some_trace()).replace(b'"seconds":2.5', b'"seconds":NaN'),
    "infinity": trace_to_bytes(some_trace()).replace(b'"seconds":2.5', b'"seconds":1e999'),
}  # fmt: skip


@pytest.mark.parametrize("data", TRACES.values(), ids=TRACES)
def test_hostile_trace_under_its_right_name_is_absent(workers: Workers, tmp_path: Path, data: bytes) -> None:
    """A trace that redoit would not have written byte for byte is no trace, even if its name is its digest."""
    path = tmp_path / KEY / "trace.json"
    path.parent.mkdir()
    path.write_bytes(data)
    workers.expect("trace", path, "not a trace")


def renamed(name: str) -> Callable[[dict[str, Any]], object]:
    """Return what gives a name to all that an action names, to a setting's value, and to a metric."""

    def rename(fields: dict[str, Any]) -> None:
        action = fields["action"]
        fields["manifest"], action["outputs"] = {name: MADE}, {name: name}
        action.update(inputs={name: [name, "a" * 64, []]}, code={name: "a" * 64}, uses={name: "a" * 64}, step=[name])
        action["environment"].update(packages={name: name}, variables={name: name}, python=name, platform=[name])
        action["settings"] = [[name, "str", name]]
        fields["metrics"] = {name: 0.5}

    return rename


NAMES = {
    "leads out": "../../canary",
    "is absolute": "/etc/passwd",
    "leads on": "a/../../b",
    "has NUL": "a\0b",
    "has a new line": "a\nb",
    "has 255 bytes": "n" * 255,
    "has a megabyte": "n" * 2**20,
    "is empty": "",
    "is a dot": ".",
    "is two dots": "..",
    "looks like another": "m\u043edel",
    "has full-width dots": "\uff0e\uff0e\uff0f",
    "is written backwards": "\u202eledom",
    "is a surrogate": "\ud800",
    "names the home": "~/.ssh",
    "is a pattern": "*",
}
STRANGE: dict[str, Callable[[dict[str, Any]], object]] = {
    "host and stage": lambda fields: fields.update(host="\ud800", stage="../\n\0"),
    "number of 4,000 digits": setting(10**3999),
    **{f"name that {what}": renamed(name) for what, name in NAMES.items()},
}


@pytest.mark.parametrize("change", STRANGE.values(), ids=STRANGE)
def test_strange_texts_and_numbers_of_a_trace_are_nothing_but_that(
    workers: Workers, tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    """A role, a host, a stage and a number may be anything: none of them is ever a path."""
    path = tmp_path / KEY / "trace.json"
    path.parent.mkdir()
    path.write_bytes(trace(change))
    workers.expect("trace", path, None)


@pytest.mark.parametrize(
    "name", ["n" * 255, "\u0430" * 64, "A" * 64, f"{NAME}\n", f"{'a' * 64}.json", "*", "a\nb", "\udcff"]
)
def test_strangers_in_the_folders_of_the_store_are_left_alone(workers: Workers, tmp_path: Path, name: str) -> None:
    """Foreign entries in folders of keys, traces, blobs and stages are never opened."""
    root = whole_workspace(tmp_path / "project").root
    for folder in ("traces", f"traces/{KEY}", "blobs", "latest", "checkouts"):
        (root / folder / name).parent.mkdir(parents=True, exist_ok=True)
        (root / folder / name).symlink_to(workers.canary.path)
    assert workers.check("state", tmp_path / "project").kind == "result"


@pytest.mark.parametrize("make", PLACES.values(), ids=PLACES)
def test_what_stands_in_the_place_of_a_blob_is_not_served(
    workers: Workers, tmp_path: Path, make: Callable[[Path, Path], object]
) -> None:
    """A link, a pipe, a folder or a huge file in the place of a blob is not read."""
    name = of_bytes(b"blob")
    place = tmp_path / "blobs" / name[:2] / name[2:]
    place.parent.mkdir(parents=True)
    make(place, workers.canary.path)
    workers.expect("place", tmp_path / name, "blob .*: (not in the store|its bytes do not match|.*expected)")
