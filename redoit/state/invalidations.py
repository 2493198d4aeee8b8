"""Invalidations: which stages must run again, whatever their traces say, why, and since when; and which traces count.

    invalidations/<stage>   {"kind": "forgotten", "subject": "", "since": 1795478400.0, "command": "doit forget train"}
    superseded/<stage>      {"below": 12}: traces with a lower number do not count for this stage, whatever their key

An invalidation holds until its stage has succeeded, also across a crash: the name of the file decides. When and by what
command it was made only explains. Then what the stage made supersedes all its earlier traces, in this checkout: that is
on the disk before the new trace is, so no crash lets an old one count again. Only the holder of the checkout's lock
adds or removes any.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

from redoit.model import Reason
from redoit.state.stage_file import read_stage_file, stage_filename
from redoit.storage import disk
from redoit.storage.serialize import MALFORMED, MAX_SECONDS, canonical_json, natural
from redoit.text import command_line, one_line

INVALIDATED, SUPERSEDED = "invalidations", "superseded"
# What happened to a stage on which an invalidated one depends, by the kind of its own invalidation.
RAN_AGAIN = "ran again"
UPSTREAM = {
    "forgotten": "was forgotten",
    "uncached": "is not cached",
    "always": "was forced by doit -a",
    "uptodate": RAN_AGAIN,
}


class Invalidation(NamedTuple):
    """Why a stage must run again. `since`: seconds since the epoch, None if unknown; `command`: what invalidated it."""

    reason: Reason
    since: float | None = None
    command: str = ""


class Invalidations:
    """The invalidations of one checkout."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._added: set[str] = set()  # by this process: `doit -a` invalidates a dependent many times
        self._filenames: frozenset[str] | None = None  # once the folder was listed
        self._lock = threading.Lock()

    def get(self, stage: str) -> Invalidation | None:
        """Return why a stage must run again, None if it need not."""
        try:
            if not self._exists(stage):
                return None
        except OSError:  # there may be one
            return Invalidation(Reason("forgotten"))
        return self._read(stage)

    def add(self, stage: str, dependents: tuple[str, ...], kind: str) -> None:
        """Invalidate a stage and all that depends on it.

        Raises: DiskError; some may be invalidated then, and others not.
        """
        origin = {"since": time.time(), "command": one_line(command_line())}
        # Dependents first: a crash in between must not leave a stage that runs, and dependents that are kept.
        reason = {"kind": "upstream", "subject": stage, "old": UPSTREAM.get(kind, RAN_AGAIN), **origin}
        for dependent in (each for each in dependents if each not in self._added):
            self._write(dependent, reason)
            self._added.add(dependent)
        self._write(stage, {"kind": kind, "subject": "", **origin})

    def remove(self, stage: str) -> None:
        """Remove the invalidation of a stage, which has succeeded. Raises: DiskError."""
        self._added.discard(stage)
        disk.remove(self._path(stage))
        with self._lock:
            self._filenames = None

    def supersede(self, stage: str, sequence: int) -> None:
        """Let none of the traces recorded before that number count for a stage. Raises: DiskError."""
        fields = {"below": sequence}
        disk.write(disk.path_below(self._root, SUPERSEDED, stage_filename(stage)), canonical_json(fields))

    def superseded_below(self, stage: str) -> int:
        """Return the number below which traces do not count for a stage; none counts if that can't be read."""
        try:
            return natural(json.loads(disk.read(self._root, SUPERSEDED, stage_filename(stage)))["below"])
        except (FileNotFoundError, NotADirectoryError):
            return 0
        except (OSError, *MALFORMED):
            return sys.maxsize

    def _write(self, stage: str, fields: dict[str, object]) -> None:
        """Write a file, or fsync one that says enough, as any does for a dependent. Raises: DiskError."""
        path = self._path(stage)
        # The disk is asked, not the listing: another process may have removed the file since.
        if os.path.lexists(path) and fields["kind"] in ("upstream", self._read(stage).reason.kind):
            disk.fsync_parents(path)
        else:
            disk.write(path, canonical_json(fields))
            with self._lock:
                self._filenames = None

    def _exists(self, stage: str) -> bool:
        """Tell whether a stage is invalidated. Raises: OSError if the disk fails."""
        names = self._filenames
        if names is None:
            with self._lock:  # what another thread adds meanwhile must not be missed from then on
                try:
                    names = self._filenames = frozenset(os.listdir(self._path("any").parent))
                except (FileNotFoundError, NotADirectoryError):
                    names = self._filenames = frozenset()
        return bool(names) and stage_filename(stage) in names

    def _read(self, stage: str) -> Invalidation:
        """Return what a file says. One that redoit would not have written invalidates its stage all the same."""
        fields = read_stage_file(self._root, INVALIDATED, stage_filename(stage))
        since, command = fields.get("since"), fields.get("command")
        seconds = since if isinstance(since, float) and 0 <= since < MAX_SECONDS else None  # NaN fails this
        origin = (seconds, one_line(command) if isinstance(command, str) else "")
        match fields:
            case {"kind": "upstream", "subject": str(cause), "old": str(old)} if old in UPSTREAM.values():
                return Invalidation(Reason("upstream", cause, old), *origin)
            case {"kind": str(kind)} if kind in UPSTREAM:
                return Invalidation(Reason(kind), *origin)
        return Invalidation(Reason("forgotten"), *origin)

    def _path(self, stage: str) -> Path:
        return disk.path_below(self._root, INVALIDATED, stage_filename(stage))
