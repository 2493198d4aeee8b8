"""The folder `.redoit/` of one checkout: latest traces, invalidations, caches, logs, and its store.

    format                 {"format": 2}
    blobs/, traces/        the store
    private/               traces of impure and volatile stages, which are never shared
    latest/<stage>         key and name of the trace that its outputs rest on, and of earlier ones; trace of each file
    copies/                if the store is elsewhere: the traces that outputs rest on, which gc there may remove
    invalidations/<stage>  why the stage must run again, whatever its traces say
    superseded/<stage>     which traces do not count since it has run again
    logs/<stage>           what the step printed in its latest execution
    observed/<stage>       what it touched then, as its processes recorded it
    lock                   held while stages are built

All else may be lost without harm: caches, the run log, doit's own database. Stages stand under their quoted names. The
store may be elsewhere. Knows nothing of how a stage is decided.
"""

import json
import os
from itertools import islice
from pathlib import Path

from redoit.digest import is_digest
from redoit.errors import StoreError
from redoit.model import FORMAT, Stage, Trace
from redoit.state.installed import InstalledPackages
from redoit.state.invalidations import INVALIDATED, SUPERSEDED, Invalidations
from redoit.state.source_cache import SourceCache
from redoit.state.stage_file import read_stage_file, stage_filename
from redoit.state.stat_cache import StatCache
from redoit.state.trace_index import TraceIndex
from redoit.storage import disk
from redoit.storage.serialize import canonical_json, check_format, trace_name
from redoit.storage.store import Store

FOLDER = ".redoit"
LATEST, LOGS, COPIES, OBSERVED = "latest", "logs", "copies", "observed"
MAX_EARLIER = 8  # traces of a stage that latest/ names, to explain the next run


class Workspace:
    """The state of one checkout. `store`: the folder of its store, if that is another."""

    def __init__(self, project: Path, store: Path | None = None) -> None:
        self.root = project / FOLDER
        self.store = Store(store or self.root)
        if store and not self.store.writable:
            self.store = Store(self.root, upstream=self.store)
        self.private = Store(self.root / "private", constructive=False)
        self.copies = Store(self.root / COPIES, constructive=False, upstream=self.store)
        self.stat_cache = StatCache(self.root / "stat-cache")
        self.source_cache = SourceCache(self.root / "source-cache", self.stat_cache)
        self.trace_index = TraceIndex(self.root / "trace-index", self.stat_cache, self.root / LATEST)
        self.installed = InstalledPackages(self.root / "installed", self.stat_cache)
        self.invalidations = Invalidations(self.root)

    def save_caches(self) -> None:
        """Write the caches that have changed, for the next process."""
        for cache in (self.installed, self.source_cache, self.trace_index, self.stat_cache):
            cache.save()

    def open(self, *, create: bool = True) -> bool:
        """Check the format of the folder. `create`: make one if there is none.

        Return whether it was of an earlier format, none of whose results count, and is of this one now.
        Raises: StoreError if a newer redoit made it; DiskError if it can't be made.
        """
        marker = self.root / "format"
        try:
            fields = json.loads(disk.read(self.root, marker.name))
            check_format(str(marker), fields)
            if create and fields["format"] < FORMAT:
                disk.move(self.root / "distrust", self.root / INVALIDATED)  # its name in format 1
                disk.write(marker, canonical_json({"format": FORMAT}))
                return True
        except FileNotFoundError:
            if create:
                disk.write(self.root / ".gitignore", b"*\n")
                disk.write(marker, canonical_json({"format": FORMAT}))
        except PermissionError as error:
            raise StoreError(str(self.root), f"can't be used ({error.strerror})", "mend its permissions") from error
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            if self.root.is_dir():
                found = "found something else, expected a format number"
                raise StoreError(str(marker), found, f"remove {marker}: nothing is lost with it") from error
            disk.make_folders(self.root)  # says what is in its place
        return False

    @property
    def folders(self) -> list[Path]:
        """The folders that hold what is written here, beside the stores."""
        return [self.root.resolve(), *(self.root / name for name in (LATEST, INVALIDATED, SUPERSEDED, LOGS))]

    @property
    def shares_store(self) -> bool:
        """Tell whether the store is elsewhere, so that other checkouts may use it, too."""
        return self.store.root != self.root

    def store_of(self, stage: Stage) -> Store:
        """Return the store that holds the traces of a stage."""
        return self.store if stage.policy.restorable else self.private

    def traces(self, stage: Stage, key: str) -> list[Trace]:
        """Return the traces of an action, the first recorded first. Raises: StoreError on a newer format."""
        return self._copies_of(stage).traces(key)

    def latest(self, stage: Stage) -> Trace | None:
        """Return the trace that the stage's outputs rest on, None if it is lost."""
        return next(iter(self.earlier(stage, 1)), None)

    def earlier(self, stage: Stage, number: int = MAX_EARLIER, *, from_index: bool = False) -> list[Trace]:
        """Return the latest traces of a stage that are still there, the latest first.

        `from_index`: those that are only shown may come from the trace index, which takes less time.
        """
        store, copies, index = self.store_of(stage), self._copies_of(stage), self.trace_index
        pairs = _pairs(read_stage_file(self.root, LATEST, stage_filename(stage.name)))
        traces = (
            (from_index and index.lookup(stage.name, store, *pair)) or copies.trace_or_none(*pair) for pair in pairs
        )
        return list(islice(filter(None, traces), number))

    def remember(self, stage: Stage, trace: Trace) -> None:
        """Note the trace that the stage's outputs rest on from now on. Raises: DiskError."""
        name, latest = stage_filename(stage.name), [trace.action.key, trace_name(trace)]
        copies = self._copies_of(stage)
        if copies is self.copies and not copies.trace_path(*latest).exists():
            copies.append(trace)
        fields = read_stage_file(self.root, LATEST, name)
        pairs = _pairs(fields)
        if pairs[:1] != [latest]:
            earlier = [pair for pair in pairs if pair != latest][: MAX_EARLIER - 1]
            disk.fsync_parents(self.store_of(stage).trace_path(*latest))
            # Another dodo file in this folder may declare a stage of this name, and keep what that made.
            made = files_in_place(fields)
            files = {path: made[path] for path in made if os.path.lexists(self.root.parent / path)}
            files |= dict.fromkeys(trace.action.outputs.values(), latest[1])
            fields = {"key": latest[0], "trace": latest[1], "earlier": earlier, "files": files}
            disk.write(disk.path_below(self.root, LATEST, name), canonical_json(fields))
        self.trace_index.add(stage.name, trace)

    def _copies_of(self, stage: Stage) -> Store:
        """Return the store that a stage's traces are read from: its own one, with the copies if that is shared."""
        elsewhere = self.shares_store or self.store.upstream is not None
        return self.copies if elsewhere and stage.policy.restorable else self.store_of(stage)

    def log(self, stage: str) -> Path:
        """Return the path of a stage's log."""
        return disk.path_below(self.root, LOGS, stage_filename(stage))


def files_in_place(fields: dict[str, object]) -> dict[str, str]:
    """Return path -> trace of the files that stages of this name made, from the fields of a file in `latest/`."""
    files = fields.get("files")
    return {path: name for path, name in files.items() if is_digest(name)} if isinstance(files, dict) else {}


def _pairs(fields: dict[str, object]) -> list[list[str]]:
    """Return pairs of a key and the name of a trace, the latest first, from the fields of a file in `latest/`."""
    earlier = fields.get("earlier", [])
    pairs = [[fields.get("key"), fields.get("trace")], *(earlier if isinstance(earlier, list) else [])]
    return [pair for pair in pairs[:MAX_EARLIER] if isinstance(pair, list) and [*map(is_digest, pair)] == [True, True]]
