"""The folder `.redoit/` of one checkout: which stages are distrusted, what each made last, logs, and its store.

    format                 {"format": 1}
    blobs/, traces/        the store
    private/               traces of impure and volatile stages, which are never shared
    latest/<stage>         key and name of the trace that the stage's outputs came from, and of some before
    invalidated/<stage>       why the stage must run again, whatever the traces say
    runs/                  the run log: the outcome of each stage, run by run; lost without harm
    logs/<stage>           what the step printed in its latest execution
    files, environment     what was learnt by looking, remembered by `stat`; lost without harm
    proofs                 the latest trace of each stage, in one file; lost without harm
    steps                  what was read of the source of steps, remembered by its digests; lost without harm
    saved                  how much time was saved so far; lost without harm
    doit.db                doit's own database; lost without harm
    lock                   held while stages are realised

Stages stand under their quoted names. The store may be elsewhere, and then knows the checkouts that share it by
`checkouts/<digest of its folder>`. Knows nothing of how a stage is decided.
"""

import contextlib
import json
import os
import stat
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from redoit.digest import is_digest, of_bytes
from redoit.errors import CorruptError, DiskError, StoreError
from redoit.model import FORMAT, Stage, Trace
from redoit.state.installed import InstalledPackages
from redoit.state.invalidations import INVALIDATED, Invalidations
from redoit.state.stage_file import read_stage_file, stage_filename
from redoit.state.stat_cache import StatCache
from redoit.state.trace_index import TraceIndex
from redoit.storage import disk
from redoit.storage.serialize import canonical_json, check_format, seal, trace_name, unseal
from redoit.storage.store import Store

FOLDER = ".redoit"
CHECKOUTS, LATEST, LOGS, SAVED = "checkouts", "latest", "logs", "saved"
PAIR = 2  # names that lead to a trace: its key, and its own
EARLIER = 8  # results of a stage that are remembered, to explain the next one
MANY = 2**53  # more than anybody has saved


class Saved(NamedTuple):
    """How often a result was kept or restored, and how many seconds that saved."""

    seconds: float = 0.0
    kept: int = 0
    restored: int = 0


class Workspace:
    """The state of one checkout. `store`: the folder of its store, if that is another."""

    def __init__(self, project: Path, store: Path | None = None) -> None:
        self.root = project / FOLDER
        self.store = Store(store or self.root)
        self.private = Store(self.root / "private", constructive=False)
        self.stat_cache = StatCache(self.root / "files")
        self.trace_index = TraceIndex(self.root / "proofs", self.stat_cache, self.root / LATEST)
        self.installed = InstalledPackages(self.root / "environment")
        self.invalidations = Invalidations(self.root)

    def save_caches(self) -> None:
        """Write down what was learnt by looking, for the next process."""
        self.trace_index.save()
        self.stat_cache.save()

    def open(self, *, relying: bool = True) -> None:
        """Make the folder if it is not there. `relying`: outputs here may come to rest on the store's traces.

        Raises: StoreError if a newer redoit made it; DiskError if it can't be made.
        """
        marker = self.root / "format"
        try:
            check_format(str(marker), json.loads(disk.read(self.root, marker.name)))
        except FileNotFoundError:
            if not relying:
                return  # who only looks makes nothing
            disk.write(self.root / ".gitignore", b"*\n")
            disk.write(marker, canonical_json({"format": FORMAT}))
        except PermissionError as error:
            raise StoreError(str(self.root), f"can't be used ({error.strerror})", "mend its permissions") from error
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            if self.root.is_dir():
                found = "found something else, expected a format number"
                raise StoreError(str(marker), found, f"remove {marker}: nothing is lost with it") from error
            disk.make_folders(self.root)  # says what is in its place
        if relying:
            self._register()

    @property
    def folders(self) -> list[Path]:
        """The folders that hold what is written here, beside the stores."""
        own = (self.root / name for name in (LATEST, INVALIDATED, LOGS))
        return [self.root.resolve(), *own, self.store.root / CHECKOUTS]

    def _register(self) -> None:
        """Let a store that is elsewhere know who relies on it."""
        if self.store.root != self.root:
            home = os.path.abspath(self.root)
            if read_stage_file(self.store.root, CHECKOUTS, _checkout_record(home)).get("folder") != home:
                card = disk.path_below(self.store.root, CHECKOUTS, _checkout_record(home))
                disk.write(card, canonical_json({"folder": home}))

    def store_of(self, stage: Stage) -> Store:
        """Return where the traces of a stage stand."""
        return self.store if stage.policy.restorable else self.private

    def latest(self, stage: Stage) -> Trace | None:
        """Return the trace that the stage's outputs came from last."""
        return next(iter(self.earlier(stage, 1)), None)

    def earlier(self, stage: Stage, number: int = EARLIER) -> list[Trace]:
        """Return the results that a stage had here last, and that the store still has, the latest first."""
        found = (
            self.store_of(stage).trace_or_none(*pair)
            for pair in _pairs(read_stage_file(self.root, LATEST, stage_filename(stage.name)))
        )
        return list(islice(filter(None, found), number))

    def shown(self, stage: Stage, number: int = EARLIER) -> list[Trace]:
        """Return likewise results that are to be shown, and by which nothing is decided: that takes less time."""
        store, pairs = self.store_of(stage), _pairs(read_stage_file(self.root, LATEST, stage_filename(stage.name)))
        found = (self.trace_index.lookup(stage.name, store, *pair) or store.trace_or_none(*pair) for pair in pairs)
        return list(islice(filter(None, found), number))

    def remember(self, stage: Stage, trace: Trace) -> None:
        """Note the trace that the stage's outputs come from now."""
        now = [trace.action.key, trace_name(trace)]
        known = _pairs(read_stage_file(self.root, LATEST, stage_filename(stage.name)))
        if known[:1] != [now]:
            before = [pair for pair in known if pair != now][: EARLIER - 1]
            disk.fsync_parents(self.store_of(stage).place(*now))
            fields = {"key": now[0], "trace": now[1], "earlier": before}
            disk.write(self._of(LATEST, stage.name), canonical_json(fields))
        self.trace_index.add(stage.name, trace)

    def gc_roots(self) -> set[str]:
        """Return the names of the traces that outputs rest on, here and in the checkouts that share the store.

        Raises: DiskError if that can't be told.
        """
        homes = {self.root, *self.others()}
        found = (
            read_stage_file(home, LATEST, stage, must_read=True)
            for home in homes
            for stage in disk.list_names(home / LATEST)
        )
        return {str(fields.get("trace")) for fields in found}

    def others(self) -> set[Path]:
        """Return the folders, like this one, of the other checkouts that share the store, of those that are there.

        Raises: DiskError if that can't be told.
        """
        homes = {self.store.root} if self.store.root.name == FOLDER else set()  # that of a checkout, which has no card
        for card in disk.list_names(self.store.root / CHECKOUTS):
            folder = read_stage_file(self.store.root, CHECKOUTS, card, must_read=True).get("folder")
            with contextlib.suppress(ValueError):  # it can't be a folder
                if isinstance(folder, str) and _checkout_record(folder) == card and _may_be(folder):
                    homes.add(Path(folder))
        own = os.path.abspath(self.root)
        return {home for home in homes if os.path.abspath(home) != own}

    @property
    def saved(self) -> Saved:
        """How much was saved so far; of what was lost or is not as it was written, nothing."""
        try:
            return _saved(unseal(disk.read(self.root, SAVED)))
        except (OSError, CorruptError, TypeError):
            return Saved()

    def save(self, seconds: float, kept: int, restored: int) -> None:
        """Note what a run saved."""
        before = self.saved
        now = Saved(before.seconds + seconds, before.kept + kept, before.restored + restored)
        with contextlib.suppress(DiskError):
            disk.write_unsynced(self.root / SAVED, seal(now._asdict()))

    def log(self, stage: str) -> Path:
        """Return where a step's output goes."""
        return self._of(LOGS, stage)

    def _of(self, folder: str, stage: str) -> Path:
        return disk.path_below(self.root, folder, stage_filename(stage))


def _checkout_record(folder: str) -> str:
    """Return the name under which a store knows a checkout. Raises: ValueError."""
    return of_bytes(os.fsencode(folder))


def _pairs(fields: dict[str, Any]) -> list[list[str]]:
    """Return keys and names of traces, the latest first, as the note about a stage has them."""
    before = fields.get("earlier", [])
    found = [[fields.get("key"), fields.get("trace")], *(before if isinstance(before, list) else [])]
    return [
        pair for pair in found[:EARLIER] if isinstance(pair, list) and len(pair) == PAIR and all(map(is_digest, pair))
    ]


def _saved(fields: Any) -> Saved:
    """Return figures that can be ours. Raises: TypeError."""
    saved = Saved(**fields)
    whole = type(saved.kept) is type(saved.restored) is int
    if not (whole and isinstance(saved.seconds, int | float) and all(0 <= number < MANY for number in fields.values())):
        raise TypeError("no figures of ours")
    return saved


def _may_be(folder: str) -> bool:
    """Tell whether a folder is there, or may be: of what another user has hidden that can't be told."""
    try:
        return stat.S_ISDIR(os.stat(folder).st_mode)
    except OSError as error:
        return error.errno not in disk.ABSENT
