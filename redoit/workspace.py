"""The folder `.redoit/` of one checkout: which stages are distrusted, what each made last, logs, and its store.

    format                 {"format": 1}
    blobs/, traces/        the store
    private/               traces of impure and volatile stages, which are never shared
    latest/<stage>         key and name of the trace that the stage's outputs came from
    distrust/<stage>       why the stage must run again, whatever the traces say
    logs/<stage>           what the step printed in its latest execution
    files, environment     what was learnt by looking, remembered by `stat`; lost without harm
    doit.db                doit's own database; lost without harm
    lock                   held while stages are realised

Stages stand under their quoted names. Knows nothing of how a stage is decided.
"""

import json
from pathlib import Path
from urllib.parse import quote

from redoit import disk
from redoit.environment import Environment
from redoit.errors import StoreError
from redoit.files import FileDigests
from redoit.formats import canonical_json, check_format, name_of_trace
from redoit.reasons import KINDS, UPSTREAM, Reason
from redoit.records import FORMAT, Stage, Trace
from redoit.store import Store

FOLDER = ".redoit"


class Workspace:
    """The state of one checkout."""

    def __init__(self, project: Path) -> None:
        self.root = project / FOLDER
        self.store = Store(self.root)
        self.private = Store(self.root / "private")
        self.files = FileDigests(self.root / "files")
        self.environment = Environment(self.root / "environment")

    def open(self) -> None:
        """Make the folder if it is not there.

        Raises: StoreError if a newer redoit made it, or if it can't be made.
        """
        marker = self.root / "format"
        try:
            try:
                check_format(str(marker), json.loads(marker.read_bytes()))
            except FileNotFoundError:
                disk.write(self.root / ".gitignore", b"*\n")
                disk.write(marker, canonical_json({"format": FORMAT}))
            except (ValueError, KeyError, TypeError) as error:
                raise StoreError(
                    str(marker), "found something else, expected a format number", f"remove {self.root} to begin anew"
                ) from error
        except OSError as error:
            raise StoreError(str(self.root), f"can't be used ({error.strerror})", "mend its permissions") from error

    def store_of(self, stage: Stage) -> Store:
        """Return where the traces of a stage stand."""
        return self.store if stage.policy.restorable else self.private

    def latest(self, stage: Stage) -> Trace | None:
        """Return the trace that the stage's outputs came from last."""
        fields = self._read("latest", stage.name)
        if fields is None:
            return None
        return self.store_of(stage).trace(str(fields.get("key")), str(fields.get("trace")))

    def remember(self, stage: Stage, trace: Trace) -> None:
        """Note the trace that the stage's outputs come from now."""
        fields = {"key": trace.action.key, "trace": name_of_trace(trace)}
        if self._read("latest", stage.name) != fields:
            disk.write(self._of("latest", stage.name), canonical_json(fields))

    def distrusted(self, stage: str) -> Reason | None:
        """Return why a stage must run again, if it must."""
        fields = self._read("distrust", stage)
        if fields is None:
            # A mark that can't be read is a mark all the same: in doubt a stage runs.
            return Reason("forgotten") if self._of("distrust", stage).exists() else None
        kind = str(fields.get("kind"))
        return Reason(kind if kind in KINDS else "forgotten", str(fields.get("subject")), fields.get("old"))

    def distrust(self, stage: str, dependents: tuple[str, ...], kind: str) -> None:
        """Mark a stage, and all that depends on it, to run again. Holds until each has succeeded."""
        # Dependents first: a crash in between must not leave a stage that runs, and dependents that are kept.
        for dependent in dependents:
            if self.distrusted(dependent) is None:
                reason = {"kind": "upstream", "subject": stage, "old": UPSTREAM.get(kind, "ran again")}
                disk.write(self._of("distrust", dependent), canonical_json(reason))
        disk.write(self._of("distrust", stage), canonical_json({"kind": kind, "subject": ""}))

    def trust(self, stage: str) -> None:
        """Take the mark away: the stage has succeeded."""
        disk.remove(self._of("distrust", stage))

    def log(self, stage: str) -> Path:
        """Return where a step's output goes."""
        return self._of("logs", stage)

    def _of(self, folder: str, stage: str) -> Path:
        return self.root / folder / quote(stage, safe="")

    def _read(self, folder: str, stage: str) -> dict[str, str] | None:
        try:
            fields = json.loads(self._of(folder, stage).read_bytes())
        except (OSError, ValueError):
            return None
        return fields if isinstance(fields, dict) else None
