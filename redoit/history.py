"""Runs of doit on record: what became of each stage in each of them, so that people can look back.

    runs/<time>-<random>     one run, as JSON behind its digest; the time is its start, in nanoseconds

A record only explains. So it is not forced to the disk, one that is not as it was written counts as absent, and only
the newest are kept.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from redoit import disk
from redoit.digest import is_digest
from redoit.errors import CorruptError, DiskError, brief
from redoit.formats import plain_value, sealed, time_of, unsealed
from redoit.reasons import KINDS, Reason

RUNS = "runs"
FORGED = (OSError, CorruptError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError)
LONGEST = 1_000  # runs on record
LARGEST = 2**26  # bytes of all of them
WORDS = ("ran", "restored", "kept", "failed", "not run")


class Verdict(NamedTuple):
    """What became of a stage in one run.

    `word`: one of WORDS; what was not run needed a stage that failed, or the run was interrupted before.
    `key`, `trace`: name the trace that its outputs come from, empty if there is none.
    `seconds`: how long that took here. `saved`: how much longer its execution had taken.
    `reasons`: why it ran, or was not kept. `error`: of a stage that failed, in one line.
    """

    word: str
    key: str = ""
    trace: str = ""
    seconds: float = 0.0
    saved: float = 0.0
    reasons: tuple[Reason, ...] = ()
    error: str = ""


class Invocation(NamedTuple):
    """One run of doit. `command`: as it was given; `started`: seconds since the epoch; `seconds`: how long it took.

    `verdicts`: of each stage that was selected, in the order of their ends. `saved`: seconds that what was not executed
    took once. `whole`: it was not interrupted. `name`: of its record.
    """

    command: str
    started: float
    seconds: float
    verdicts: Mapping[str, Verdict]
    saved: float = 0.0
    whole: bool = True
    name: str = ""


class History:
    """The record of one checkout."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def append(self, invocation: Invocation) -> None:
        """Put a run on record, and let the oldest go. A disk that refuses costs only the record."""
        data = sealed(_fields_of(invocation))
        if len(data) > disk.SMALL:
            return
        with contextlib.suppress(DiskError):
            name = f"{int(invocation.started * 1e9):020d}-{os.urandom(4).hex()}"
            if not (self._root / RUNS).is_dir():  # else to force its name to the disk takes longer than all of this
                disk.make(self._root / RUNS)
            disk.jot(disk.inside(self._root, RUNS, name), data)
            for old in self._names()[: -max(1, min(LONGEST, LARGEST // len(data)))]:
                disk.vacate(disk.inside(self._root, RUNS, old))

    def newest(self, number: int = LONGEST) -> Iterator[Invocation]:
        """Yield runs, the newest first. Raises: DiskError."""
        for name in reversed(self._names()[-number:]):
            with contextlib.suppress(*FORGED):
                yield _invocation(name, unsealed(disk.read(self._root, RUNS, name)))

    def _names(self) -> list[str]:
        return [name for name in disk.names(self._root / RUNS) if not name.startswith(disk.TEMPORARY)]


def _fields_of(invocation: Invocation) -> dict[str, Any]:
    return {
        "command": invocation.command,
        "started": invocation.started,
        "seconds": invocation.seconds,
        "saved": invocation.saved,
        "whole": invocation.whole,
        "order": list(invocation.verdicts),
        "stages": {
            name: [
                verdict.word,
                verdict.key,
                verdict.trace,
                verdict.seconds,
                verdict.saved,
                [
                    [reason.kind, reason.subject, plain_value(reason.old), plain_value(reason.new)]
                    for reason in verdict.reasons
                ],
                verdict.error,
            ]
            for name, verdict in invocation.verdicts.items()
        },
    }


def _invocation(name: str, fields: Mapping[str, Any]) -> Invocation:
    """Return a run. Raises: ValueError, TypeError, KeyError, AttributeError on what we would not have written."""
    return Invocation(
        command=brief(fields["command"]),
        started=time_of(fields["started"]),
        seconds=time_of(fields["seconds"]),
        saved=time_of(fields["saved"]),
        whole=fields["whole"] is True,
        verdicts={str(stage): _verdict(fields["stages"][stage]) for stage in fields["order"]},
        name=name,
    )


def _verdict(row: Any) -> Verdict:
    word, key, trace, seconds, saved, reasons, error = row
    if word not in WORDS or not all(name == "" or is_digest(name) for name in (key, trace)):
        raise ValueError(f"found {word!r:.80}, expected a verdict and a trace")
    found = tuple(Reason(kind, str(subject), old, new) for kind, subject, old, new in reasons if kind in KINDS)
    return Verdict(word, key, trace, time_of(seconds), time_of(saved), found, brief(error))
