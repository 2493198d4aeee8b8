"""Traces as JSON: the format on disk, and the check of what is read back. Pure.

A trace has one dict form; its canonical JSON (sorted keys, no spaces, UTF-8) is what is on disk, and the digest of
that names it. Others may be able to write what is read: whatever redoit would not have written is refused. So fields
are converted to their types rather than checked: what this changes is not written again as it was read.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from itertools import starmap
from typing import Any

from redoit.digest import DIGEST, of_bytes
from redoit.errors import StoreError
from redoit.model import FORMAT, Action, Artifact, Environment, Input, Observation, Setting, Trace

MAX_QUOTED_CHARACTERS = 80  # of what was found, in a message
MAX_NESTED_LISTS = 32  # in the value of a setting
TAGS = ("tuple", "dict", "record", "member")  # of what JSON does not have, in such a value
ALL_BITS = 0o7777  # of permissions
PLAIN = frozenset({str, int, bool, type(None)})  # types that JSON has, and that need no look inside
MAX_SECONDS = 2**37  # four thousand years, within which a time has a date
# Errors of reading JSON that is not as redoit would have written it.
MALFORMED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def trace_to_dict(trace: Trace) -> dict[str, Any]:
    """Return the dict form of a trace: what is on disk, as values of JSON."""
    action = {name: action_field(trace.action, name) for name in vars(trace.action) if name != "key"}
    fields = {name: json_value(value) for name, value in vars(trace).items() if name not in ("action", "name")}
    return {"format": FORMAT, "action": action, **fields}


def trace_from_dict(fields: Mapping[str, Any], action: Action | None = None, name: str = "") -> Trace:
    """Return the trace of a dict form. `action`, `name`: of it, where they are known.

    Raises: one of MALFORMED on what is not the dict form of a trace.
    """
    return Trace(
        action=action or action_from_dict(fields["action"]),
        manifest={role: _artifact(*row) for role, row in fields["manifest"].items()},
        started=seconds_from_json(fields["started"]),
        seconds=seconds_from_json(fields["seconds"]),
        stage=str(fields["stage"]),
        host=str(fields["host"]),
        log=_digest(fields["log"]),
        metrics={metric: float(value) for metric, value in fields["metrics"].items()},
        observations=tuple(starmap(_observation, fields["observations"])),
        sequence=natural(fields["sequence"]),
        name=name,
    )


def action_field(action: Action, name: str) -> Any:
    """Return one field of an action in the dict form of its traces."""
    match name:
        case "inputs":
            rows = action.inputs.items()
            return {role: [path, content, json_value(members)] for role, (path, content, members) in rows}
        case "settings":
            return [[name, kind, json_value(value, _tagged)] for name, kind, value in action.settings]
        case "environment":
            return json_value(action.environment._asdict())
    return json_value(getattr(action, name))


def _tagged(number: float) -> dict[str, str]:
    return {"float": repr(number)}


def action_from_dict(fields: Mapping[str, Any]) -> Action:
    """Return the action in the dict form of a trace. Raises: one of MALFORMED."""
    return Action(
        step=tuple(map(str, fields["step"])),
        inputs={role: _input(*row) for role, row in fields["inputs"].items()},
        uses=_digests(fields["uses"]),
        settings=tuple(
            Setting(str(name), str(kind), _setting_value(value, MAX_NESTED_LISTS))
            for name, kind, value in fields["settings"]
        ),
        outputs=_table(fields["outputs"]),
        code=_digests(fields["code"]),
        environment=_environment(fields["environment"]),
    )


def trace_to_bytes(trace: Trace) -> bytes:
    """Return the canonical JSON of a trace."""
    return canonical_json(trace_to_dict(trace))


def trace_name(trace: Trace) -> str:
    """Return the digest of a trace's bytes, which names it."""
    return trace.name or of_bytes(trace_to_bytes(trace))


def trace_from_bytes(name: str, data: bytes) -> Trace:
    """Return the trace that bytes hold; `name` is the subject of an error.

    Raises: StoreError on a newer format, one of MALFORMED on anything that is not a trace, byte for byte.
    """
    fields = json.loads(data.decode("utf-8", "surrogatepass"))
    check_format(name, fields)
    trace = trace_from_dict(fields, name=of_bytes(data))
    if trace_to_bytes(trace) != data or trace.manifest.keys() != trace.action.outputs.keys():
        raise ValueError("not as redoit writes it")
    return trace


def check_format(name: str, fields: Mapping[str, object]) -> None:
    """Refuse what a newer redoit wrote. Raises: StoreError, also where the format is not a number."""
    found = fields["format"]
    if type(found) is not int or found > FORMAT:
        quoted = f"{found!r:.{MAX_QUOTED_CHARACTERS}}"
        raise StoreError(name, f"found format {quoted}, expected at most {FORMAT}", "upgrade redoit")


def canonical_json(value: object) -> bytes:
    """Return the one JSON text of a value: sorted keys, no spaces, UTF-8, no NaN."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass")  # a path may be any bytes


def seal(value: object) -> bytes:
    """Return a value as JSON behind its digest, for a cache that is ignored once a bit of it has flipped."""
    text = canonical_json(value)
    return of_bytes(text).encode() + b"\n" + text


def unseal(data: bytes) -> Any:
    """Return the value that was sealed. Raises: one of MALFORMED if a single byte is not as it was written."""
    seal, _, text = data.partition(b"\n")
    if of_bytes(text).encode() != seal:
        raise ValueError("not as it was sealed")
    return json.loads(text)


def json_value(value: object, special: Callable[[float], object] = repr) -> object:
    """Return a value in JSON, which has no infinity. `special`: returns what stands for a number that is not finite."""
    if type(value) in PLAIN:  # almost all are: an ABC is asked last
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else special(value)
    if isinstance(value, (list, tuple)):
        return [json_value(item, special) for item in value]
    return {name: json_value(item, special) for name, item in value.items()} if isinstance(value, Mapping) else value


def _setting_value(value: object, depth: int) -> object:
    """Return a number, a text, None, or lists and tagged objects of these, nested at most so deep.

    Raises: TypeError, ValueError.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list) and depth:
        return [_setting_value(item, depth - 1) for item in value]
    if isinstance(value, dict) and len(value) == 1 and depth:
        ((tag, content),) = value.items()
        if tag == "float":
            return float(content)
        if tag in TAGS and isinstance(content, list):
            return {tag: _setting_value(content, depth)}
    raise TypeError("expected a plain value of a setting")


def _digest(text: Any) -> str:
    if not DIGEST.fullmatch(text):
        raise ValueError("expected a digest")
    return str(text)


def seconds_from_json(seconds: Any) -> float:
    """Return seconds, or seconds since the epoch. Raises: ValueError, TypeError on what can't be a time."""
    if not -MAX_SECONDS < (time := float(seconds)) < MAX_SECONDS:
        raise ValueError(f"expected seconds, found {seconds!r}")
    return time


def _digests(table: Mapping[str, object]) -> dict[str, str]:
    return {name: _digest(text) for name, text in table.items()}


def _table(table: Mapping[str, object]) -> dict[str, str]:
    return {name: str(text) for name, text in table.items()}


def natural(number: Any) -> int:
    """Return a whole number from 0 on. Raises: ValueError on anything else."""
    if type(number) is not int or number < 0:
        raise ValueError(f"expected a number from 0 on, found {number!r}")
    return number


def _artifact(text: object, size: object, mode: object) -> Artifact:
    return Artifact(_digest(text), natural(size), natural(mode) & ALL_BITS)


def _input(path: object, digest: object, members: Iterable[Any]) -> Input:
    if path or digest:
        return Input(str(path), _digest(digest))
    return Input("", "", tuple(_input(*member) for member in members))  # a list


def _environment(fields: Mapping[str, Any]) -> Environment:
    return Environment(
        platform=tuple(map(str, fields["platform"])),
        python=str(fields["python"]),
        packages=_table(fields["packages"]),
        variables={name: None if text is None else str(text) for name, text in fields["variables"].items()},
        preloaded=tuple(map(str, fields["preloaded"])),
        tools=_table(fields["tools"]),
    )


def _observation(kind: object, name: object, found: object) -> Observation:
    return Observation(str(kind), str(name), None if found is None else str(found))
