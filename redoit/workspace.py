"""The folder `.redoit/` of one checkout: which stages are distrusted, what each made last, logs, and its store.

    format                 {"format": 1}
    blobs/, traces/        the store
    private/               traces of impure and volatile stages, which are never shared
    latest/<stage>         key and name of the trace that the stage's outputs came from
    distrust/<stage>       why the stage must run again, whatever the traces say
    logs/<stage>           what the step printed in its latest execution
    files, environment     what was learnt by looking, remembered by `stat`; lost without harm
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from redoit import disk
from redoit.digest import of_bytes
from redoit.environment import Environment
from redoit.errors import CorruptError, DiskError, StoreError
from redoit.files import FileDigests
from redoit.formats import canonical_json, check_format, name_of_trace, sealed, unsealed
from redoit.reasons import ANYHOW, UPSTREAM, Reason
from redoit.records import FORMAT, Stage, Trace
from redoit.store import Store

FOLDER = ".redoit"
CHECKOUTS, LATEST, DISTRUST, LOGS, SAVED = "checkouts", "latest", "distrust", "logs", "saved"
MANY = 2**53  # more than anybody has saved


@dataclass(frozen=True)
class Saved:
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
        self.files = FileDigests(self.root / "files")
        self.environment = Environment(self.root / "environment")

    def open(self, *, relying: bool = True) -> None:
        """Make the folder if it is not there. `relying`: outputs here may come to rest on the store's traces.

        Raises: StoreError if a newer redoit made it; DiskError if it can't be made.
        """
        marker = self.root / "format"
        try:
            check_format(str(marker), json.loads(disk.read(self.root, marker.name)))
        except FileNotFoundError:
            disk.write(self.root / ".gitignore", b"*\n")
            disk.write(marker, canonical_json({"format": FORMAT}))
        except PermissionError as error:
            raise StoreError(str(self.root), f"can't be used ({error.strerror})", "mend its permissions") from error
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            if self.root.is_dir():
                found = "found something else, expected a format number"
                raise StoreError(str(marker), found, f"remove {marker}: nothing is lost with it") from error
            disk.make(self.root)  # says what is in its place
        if relying:
            self._register()

    @property
    def folders(self) -> list[Path]:
        """The folders that hold what is written here, beside the stores."""
        own = (self.root / name for name in (LATEST, DISTRUST, LOGS))
        return [self.root.resolve(), *own, self.store.root / CHECKOUTS]

    def _register(self) -> None:
        """Let a store that is elsewhere know who relies on it."""
        if self.store.root != self.root:
            home = os.path.abspath(self.root)
            if _fields(self.store.root, CHECKOUTS, _card(home)).get("folder") != home:
                card = disk.inside(self.store.root, CHECKOUTS, _card(home))
                disk.write(card, canonical_json({"folder": home}))

    def store_of(self, stage: Stage) -> Store:
        """Return where the traces of a stage stand."""
        return self.store if stage.policy.restorable else self.private

    def latest(self, stage: Stage) -> Trace | None:
        """Return the trace that the stage's outputs came from last."""
        fields = _fields(self.root, LATEST, quote(stage.name, safe=""))
        return self.store_of(stage).trace(str(fields.get("key")), str(fields.get("trace")))

    def remember(self, stage: Stage, trace: Trace) -> None:
        """Note the trace that the stage's outputs come from now."""
        fields = {"key": trace.action.key, "trace": name_of_trace(trace)}
        if _fields(self.root, LATEST, quote(stage.name, safe="")) != fields:
            disk.force(self.store_of(stage).place(fields["key"], fields["trace"]))
            disk.write(self._of(LATEST, stage.name), canonical_json(fields))

    def distrusted(self, stage: str) -> Reason | None:
        """Return why a stage must run again, if it must."""
        try:
            if not self._is_marked(stage):
                return None
        except OSError:  # it may be there
            return Reason("forgotten")
        return _mark(_fields(self.root, DISTRUST, quote(stage, safe="")))

    def distrust(self, stage: str, dependents: tuple[str, ...], kind: str) -> None:
        """Mark a stage, and all that depends on it, to run again. Holds until each has succeeded.

        Raises: DiskError, OSError: it may be that not all are marked then.
        """
        # Dependents first: a crash in between must not leave a stage that runs, and dependents that are kept.
        for dependent in dependents:
            if self._is_marked(dependent):
                disk.force(self._of(DISTRUST, dependent))
            else:
                reason = {"kind": "upstream", "subject": stage, "old": UPSTREAM.get(kind, ANYHOW)}
                disk.write(self._of(DISTRUST, dependent), canonical_json(reason))
        disk.write(self._of(DISTRUST, stage), canonical_json({"kind": kind, "subject": ""}))

    def _is_marked(self, stage: str) -> bool:
        """Tell whether there is a mark. Raises: OSError if that can't be told."""
        try:
            os.lstat(self._of(DISTRUST, stage))
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def trust(self, stage: str) -> None:
        """Take the mark away: the stage has succeeded."""
        disk.remove(self._of(DISTRUST, stage))

    def rests(self) -> set[str]:
        """Return the names of the traces that outputs rest on, here and in the checkouts that share the store.

        Raises: DiskError if that can't be told.
        """
        homes = {self.root, *self.others()}
        found = (_fields(home, LATEST, stage, sure=True) for home in homes for stage in disk.names(home / LATEST))
        return {str(fields.get("trace")) for fields in found}

    def others(self) -> set[Path]:
        """Return the folders, like this one, of the other checkouts that share the store, of those that are there.

        Raises: DiskError if that can't be told.
        """
        homes = {self.store.root} if self.store.root.name == FOLDER else set()  # that of a checkout, which has no card
        for card in disk.names(self.store.root / CHECKOUTS):
            folder = _fields(self.store.root, CHECKOUTS, card, sure=True).get("folder")
            with contextlib.suppress(ValueError):  # it can't be a folder
                if isinstance(folder, str) and _card(folder) == card and _may_be(folder):
                    homes.add(Path(folder))
        own = os.path.abspath(self.root)
        return {home for home in homes if os.path.abspath(home) != own}

    @property
    def saved(self) -> Saved:
        """How much was saved so far; of what was lost or is not as it was written, nothing."""
        try:
            return _saved(unsealed(disk.read(self.root, SAVED)))
        except (OSError, CorruptError, TypeError):
            return Saved()

    def save(self, seconds: float, kept: int, restored: int) -> None:
        """Note what a run saved."""
        before = self.saved
        now = Saved(before.seconds + seconds, before.kept + kept, before.restored + restored)
        with contextlib.suppress(DiskError):
            disk.jot(self.root / SAVED, sealed(vars(now)))

    def log(self, stage: str) -> Path:
        """Return where a step's output goes."""
        return self._of(LOGS, stage)

    def _of(self, folder: str, stage: str) -> Path:
        return disk.inside(self.root, folder, quote(stage, safe=""))


def _card(folder: str) -> str:
    """Return the name under which a store knows a checkout. Raises: ValueError."""
    return of_bytes(os.fsencode(folder))


def _mark(fields: dict[str, Any]) -> Reason:
    """Return what a mark says. One that says nothing we would have written is a mark all the same."""
    match fields:
        case {"kind": "upstream", "subject": str(stage), "old": str(old)} if old in {*UPSTREAM.values(), ANYHOW}:
            return Reason("upstream", stage, old)
        case {"kind": str(kind)} if kind in UPSTREAM:
            return Reason(kind)
    return Reason("forgotten")


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


def _fields(root: Path, folder: str, name: str, *, sure: bool = False) -> dict[str, Any]:
    """Return what a small file of ours says, nothing if it says nothing that we could have written.

    Raises: DiskError if it can't be read, where we are to be sure.
    """
    try:
        fields = json.loads(disk.read(root, folder, name))
    except OSError as error:
        if sure and error.errno not in disk.ABSENT:
            raise disk.refused(error, root / folder / name) from error
        return {}
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}
