"""Undeclared inputs in words: what is said of them once, and which are errors. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence

from redoit.model import Observation, Stage, Trace
from redoit.text import MAX_LISTED, first_few

REFUSED = "refused with strict = true"
MARKS = {
    "names": "undeclared variables, by a copy of the environment: each is tracked; ask by name for those it needs{}",
    "foreign": "a Python program that can't be observed, {}: only files that it opens are tracked; start the Python"
    " that runs doit",
    "unwatched": "native reads were not observed: files that C code and other programs read are not tracked{}",
}


def undeclared_inputs(observations: Iterable[Observation]) -> list[Observation]:
    """Return the observations of existing files and variables that were read and that the stage should declare."""
    return [row for row in observations if row.kind in ("file", "variable", "names") and row.digest is not None]


def lines_of(rows: Iterable[Observation], found: str = "tracked") -> list[str]:
    """Return what is said of undeclared inputs, and of what could not be observed. `found`: how inputs are treated."""
    rows = list(rows)
    files = [row.name for row in rows if row.kind == "file" and row.digest]
    variables = [row.name for row in rows if row.kind == "variable" and row.digest]
    lines = [
        _line(noun, names, found, f"with {field}=[{quoted(names)}]")
        for noun, names, field in (("input", files, "uses"), ("variable", variables, "environ"))
        if names
    ]
    return [*lines, *(MARKS[row.kind].format(row.name) for row in rows if row.kind in MARKS)]


def new_lines(stage: Stage, trace: Trace, earlier: Iterable[Trace]) -> tuple[str, ...]:
    """Return what is said of a trace: of what no earlier trace of its stage observed."""
    known = {row[:2] for each in earlier for row in each.observations}
    new = [row for row in trace.observations if row[:2] not in known]
    return tuple(lines_of(new)) if stage.policy.restorable else ()


def faults(stage: Stage, rows: Iterable[Observation], makers: Mapping[str, str], *, strict: bool) -> list[str]:
    """Return which undeclared inputs are errors: what tasks make, of which the order was luck; with `strict` all.

    A stage that is impure or volatile is declared to depend on more than its inputs.
    """
    if not stage.policy.restorable:
        return []
    rows = list(rows)
    undeclared = [*undeclared_inputs(rows), *(row for row in rows if strict and row.kind == "foreign")]
    lines = []
    for name in dict.fromkeys(row.name for row in rows if row.kind in ("file", "status", "size")):
        if name in stage.outputs.values():
            lines.append(_line("input", [name], "its own earlier output, which a clean build has not", ""))
        elif name in makers:
            lines.append(_line("input", [name], f"made by {makers[name]}", "in inputs"))
    return lines or (lines_of(undeclared, REFUSED) if strict else [])


def _line(noun: str, names: Sequence[str], found: str, where: str) -> str:
    plural, them = ("s", "them") if len(names) > 1 else ("", "it")
    todo = f"declare {them} {where}" if where else "keep what it needs in another file"
    return f"undeclared {noun}{plural} {first_few(names)}: {found}; {todo}"


def quoted(names: Sequence[str]) -> str:
    """Return the first names as a declaration has them."""
    return ", ".join(
        [*(json.dumps(name, ensure_ascii=False) for name in names[:MAX_LISTED]), *["..."][: len(names) > MAX_LISTED]]
    )
