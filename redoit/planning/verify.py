"""Runs an up-to-date stage again beside its outputs and compares bytes. Outputs stay, and nothing is recorded."""

import os
import tempfile
import time
import zipfile
import zlib
from pathlib import Path
from typing import IO

from redoit.engine.engine import Engine, RunOptions
from redoit.engine.snapshot import Settings
from redoit.errors import InputError
from redoit.execution.strace import touches
from redoit.model import Keep, Stage
from redoit.planning.audit import undeclared_touches

CHUNK_BYTES = 1 << 20  # read at once


def verify(
    engine: Engine, stage: Stage, settings: Settings, time_limit: float | None, tracer: tuple[str, ...] = ()
) -> tuple[dict[str, str], dict[str, list[str]], float]:
    """Run a stage again; return output role -> where it differs from the file in place, and the step's seconds.

    Between them, if there is a tracer: what it did -> with which undeclared paths, none of them observed.
    Raises: InputError if it is not up to date; StepError, SourceError, StoreError, DiskError.
    """
    engine.inspector.refresh()
    # A volatile stage is never up to date, yet its outputs can be compared.
    comparable = stage._replace(policy=stage.policy._replace(volatile=False, impure=not stage.policy.restorable))
    if not isinstance(decision := engine.decide(comparable, settings), Keep):
        outputs = ", ".join(stage.outputs.values())
        raise InputError(outputs, "not up to date", f"run it first, with: doit {stage.name}")
    began = time.perf_counter()
    log = engine.workspace.log(f"{stage.name} verified")
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder, "calls")
        options = RunOptions(time_limit, prefix=(*tracer, "-o", str(record)) if tracer else ())
        with engine.run_in_staging(stage, settings, log, options) as (paths, *_):
            seconds = time.perf_counter() - began
            compared = {role: first_difference(Path(stage.outputs[role]), path) for role, path in paths.items()}
        lines = record.read_bytes().decode("latin-1").split("\n") if tracer else ()
    executed = [each.name for each in decision.trace.observations if each.kind == "code"]
    sources = engine.inspector.source_files(stage, settings, executed)
    undeclared = undeclared_touches(stage, sources, decision.trace.observations, touches(lines, os.getcwd()))
    return {role: where for role, where in compared.items() if where}, undeclared, seconds


def first_difference(one: Path, other: Path) -> str:
    """Return where two files differ first: `at byte 128`, of which member if both are archives; empty if nowhere."""
    with one.open("rb") as left, other.open("rb") as right:
        offset = _first_offset(left, right)
    return "" if offset is None else _in_member(one, other) or f"at byte {offset:,}"


def _in_member(one: Path, other: Path) -> str:
    """Return where members of two zip archives differ first, empty if the files differ in another way."""
    try:
        with zipfile.ZipFile(one) as left, zipfile.ZipFile(other) as right:
            for name in left.namelist() if left.namelist() == right.namelist() else ():
                with left.open(name) as left_member, right.open(name) as right_member:
                    offset = _first_offset(left_member, right_member)
                if offset is not None:
                    return f"at byte {offset:,} of its member {name}"
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError):
        pass  # no archives, or damaged ones
    return ""


def _first_offset(left: IO[bytes], right: IO[bytes]) -> int | None:
    """Return the offset of the first byte that differs, None if there is none."""
    offset = 0
    while (ours := left.read(CHUNK_BYTES)) == (theirs := right.read(CHUNK_BYTES)):
        if not ours:
            return None
        offset += len(ours)
    pairs = enumerate(zip(ours, theirs, strict=False))
    return offset + next((index for index, (a, b) in pairs if a != b), min(len(ours), len(theirs)))
