"""Marks of invalidated: which stages must run again, whatever the traces say, why, and since when.

    invalidated/<stage>     {"kind": "forgotten", "subject": "", "since": 1795478400.0, "command": "doit forget train"}

A mark holds until its stage has succeeded, also across a crash. When and by what command it was made only explains.
"""

import math
import os
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from redoit.reasons import RAN_AGAIN, UPSTREAM, Reason
from redoit.state.stage_file import read_stage_file, stage_filename
from redoit.storage import disk
from redoit.storage.serialize import MAX_SECONDS, canonical_json
from redoit.text import command_line, one_line

INVALIDATED = "distrust"


class Invalidation(NamedTuple):
    """Why a stage must run again. `since`: seconds since the epoch, None if unknown; `command`: what made the mark."""

    reason: Reason
    since: float | None = None
    command: str = ""


class Invalidations:
    """The invalidations of one checkout."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._put: set[str] = set()  # by this process, and not removed: `doit -a` invalidations a dependent many times
        self._found: frozenset[str] | None = None  # names of the files, once they were looked at
        self._looking = threading.Lock()

    def get(self, stage: str) -> Invalidation | None:
        """Return why a stage must run again, if it must."""
        try:
            found = self._names()
        except OSError:  # it may be there
            return Invalidation(Reason("forgotten"))
        if not found or stage_filename(stage) not in found:
            return None
        return _mark(read_stage_file(self._root, INVALIDATED, stage_filename(stage)))

    def add(self, stage: str, dependents: tuple[str, ...], kind: str) -> None:
        """Mark a stage, and all that depends on it, to run again. Holds until each has succeeded.

        Raises: DiskError, OSError: it may be that not all are marked then.
        """
        origin = {"since": time.time(), "command": one_line(command_line())}
        # Dependents first: a crash in between must not leave a stage that runs, and dependents that are kept.
        for dependent in dependents:
            if dependent in self._put:
                continue
            if self._is_there(dependent):
                disk.fsync_parents(self._path(dependent))
            else:
                reason = {"kind": "upstream", "subject": stage, "old": UPSTREAM.get(kind, RAN_AGAIN)}
                disk.write(self._path(dependent), canonical_json({**reason, **origin}))
            self._put.add(dependent)
            self._look_again()
        known = self.get(stage)
        if known and known.reason == Reason(kind):
            disk.fsync_parents(self._path(stage))
        else:
            disk.write(self._path(stage), canonical_json({"kind": kind, "subject": "", **origin}))
            self._look_again()

    def remove(self, stage: str) -> None:
        """Take a mark away: the stage has succeeded."""
        self._put.discard(stage)
        disk.remove(self._path(stage))
        self._look_again()

    def _names(self) -> frozenset[str]:
        """Return the names of all invalidations. Only who holds the lock of the checkout makes any. Raises: OSError."""
        found = self._found
        if found is None:
            folder = self._path("any").parent
            with self._looking:  # a mark that another thread makes meanwhile must not be missed from then on
                try:
                    found = self._found = frozenset(os.listdir(folder))
                except (FileNotFoundError, NotADirectoryError):
                    found = self._found = frozenset()
        return found

    def _look_again(self) -> None:
        with self._looking:
            self._found = None

    def _is_there(self, stage: str) -> bool:
        """Tell whether there is a mark. Raises: OSError if that can't be told."""
        try:
            os.lstat(self._path(stage))
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def _path(self, stage: str) -> Path:
        return disk.path_below(self._root, INVALIDATED, stage_filename(stage))


def _mark(fields: dict[str, Any]) -> Invalidation:
    """Return what a mark says. One that says nothing we would have written is a mark all the same."""
    since, by = fields.get("since"), fields.get("command")
    known = isinstance(since, float) and math.isfinite(since) and 0 <= since < MAX_SECONDS
    origin = (since if known else None, one_line(by) if isinstance(by, str) else "")
    match fields:
        case {"kind": "upstream", "subject": str(stage), "old": str(old)} if old in {*UPSTREAM.values(), RAN_AGAIN}:
            return Invalidation(Reason("upstream", stage, old), *origin)
        case {"kind": str(kind)} if kind in UPSTREAM:
            return Invalidation(Reason(kind), *origin)
    return Invalidation(Reason("forgotten"), *origin)
