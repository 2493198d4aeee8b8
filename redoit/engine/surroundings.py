"""What observations find now, to tell whether a trace still holds. Changes nothing.

An observation is a kind, a name and what was found; names of files are paths from the project's root.

    file, content, opened   a file: undeclared; source or named by a setting; opened while the step ran, perhaps by it
    status, size            whether something is there and what; of a file how large, and whether it is executable
    link, folder            where a link leads; the names in a folder, but those of outputs and `made`
    made                    a name in such a folder that the step itself made
    variable, ambient       a variable that was asked for; one that a library did, or of a copied environment
    names                   the names in a copied environment
    package, distribution   the version of what provides a module; of what was asked for its version
    code                    a part that was executed, and reading alone does not reach
    unwatched, unobserved   marks: native reads were not observed; nothing was
"""

import contextlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from redoit import digest
from redoit.engine.inspector import Inspector
from redoit.model import NOTHING, Action, Observation, Reason, Setting, Stage
from redoit.state.workspace import FOLDER, Workspace

FILES = ("file", "content", "opened")
NEVER_FOUND = "0" * 64  # in place of a digest, by a mark whose trace never holds
# Variables that count only if they are declared: secrets, what selects resources, and what redoit sets.
UNCOUNTED = re.compile(
    r".*(SECRET|PASSWORD|PASSWD|CREDENTIAL).*|.*TOKEN(_.*)?|.*_KEY|CUDA_VISIBLE_DEVICES|.*_NUM_THREADS|SLURM_.*"
    r"|REDOIT_.*|PYTHONHASHSEED|PYTHONUNBUFFERED|TMPDIR",
    re.IGNORECASE,
)
# Variables that differ between two terminals, which a copy of the environment has as well.
OF_TERMINALS = re.compile(
    r"SHLVL|_|PWD|OLDPWD|TERM.*|COLORTERM|LS_COLORS|COLUMNS|LINES|SSH_.*|XDG_.*|DBUS_.*|DISPLAY|WAYLAND_.*|WINDOWID|TMUX.*"
    r"|STY|VSCODE_.*|HOSTNAME|MAIL|SYSTEMD_.*|INVOCATION_ID|JOURNAL_STREAM|PYTEST_CURRENT_TEST"
)
# The words for what has changed, by the kind of the observation.
REASONS = {
    "file": "read", "content": "content", "opened": "opened", "folder": "listed", "variable": "asked",
    "ambient": "asked", "names": "copied", "package": "package", "distribution": "package", "unobserved": "unobserved",
}  # fmt: skip


class Surroundings:
    """What is around the project's stages now. `targets`: returns file -> its maker, for all tasks, once it is set."""

    def __init__(self, workspace: Workspace, inspector: Inspector) -> None:
        self.workspace, self.inspector = workspace, inspector
        self.targets: Callable[[], Mapping[str, str]] = dict

    @cached_property
    def makers(self) -> dict[str, str]:
        """Path of each file that a task makes -> the task. The path is from the project's root, without links."""
        return {os.path.relpath(os.path.realpath(path)): task for path, task in self.targets().items()}

    @cached_property
    def _names_made(self) -> dict[str, set[str]]:
        """Folder -> the names in it that lead to files which tasks make."""
        names: dict[str, set[str]] = {}
        for path in self.makers:
            while path:
                path, name = os.path.split(path)  # noqa: PLW2901 - from the inside out
                names.setdefault(path or ".", set()).add(name)
        return names

    def changes(
        self, stage: Stage, action: Action, rows: Sequence[Observation], expected: Mapping[str, str] = NOTHING
    ) -> Iterator[Reason]:
        """Yield how the observations of a trace of this action differ from what is there now.

        `expected`: path -> digest, which replaces that of the file. Raises: SourceError.
        """
        if not stage.policy.observe:
            return
        code = {row.name: row.digest or "" for row in rows if row.kind == "code"}
        made = {row.name for row in rows if row.kind == "made"}
        for row in rows:
            kind, name, seen = row
            if kind == "code":
                continue
            now = (expected.get(name) if kind in FILES else None) or self.find(kind, name, made)
            if now != seen:
                yield Reason(_kind(row, now), name, seen, now if kind in ("package", "distribution") else stage.name)
        if code:
            now_code = self.inspector.observed_code(stage, action.settings, code)
            for name in sorted(code.keys() | now_code.keys()):
                if code.get(name) != now_code.get(name):
                    yield Reason("executed", name, code.get(name), stage.name)

    def find(self, kind: str, name: str, made: Iterable[str] = ()) -> str | None:
        """Return what an observation of this kind finds now, None if there is nothing. `made`: by the step."""
        match kind:
            case "file" | "content" | "opened":
                return self.workspace.stat_cache.content(name)
            case "status" | "size":
                return _status(name, sized=kind == "size")
            case "link":
                return digest.of_value(os.readlink(name)) if os.path.islink(name) else None
            case "folder":
                with contextlib.suppress(OSError):
                    return self.digest_of_names(name, os.listdir(name), made)
            case "variable" | "ambient":
                return None if (text := os.environ.get(name)) is None else digest.of_value(text)
            case "names":
                return digest.of_value(copied_names())
            case "package":
                return self.inspector.snapshot.version(name)
            case "distribution":
                return self.inspector.snapshot.version_of(name)
        return None

    def digest_of_names(self, folder: str, names: Iterable[str], made: Iterable[str] = ()) -> str:
        """Return the digest of names in a folder, without those that stages and the step itself make there."""
        left_out = {os.path.basename(path) for path in made if (os.path.dirname(path) or ".") == folder}
        counted = set(names) - left_out - self._names_made.get(folder, set()) - {"__pycache__"}
        return digest.of_value(sorted(name for name in counted if not name.startswith(FOLDER)))


def _kind(row: Observation, now: str | None) -> str:
    """Return the kind of the reason for a changed observation."""
    if row.kind in FILES and now is None:
        return "gone"
    if row.digest is None and row.kind in ("status", "size"):
        return "appeared"
    return REASONS.get(row.kind, "looked at")


def _status(name: str, *, sized: bool) -> str | None:
    try:
        found = os.stat(name)
    except OSError:
        return None
    if sized and stat.S_ISREG(found.st_mode):
        return status_digest(found.st_mode & (stat.S_IFREG | stat.S_IXUSR), found.st_size)
    return status_digest(stat.S_IFMT(found.st_mode), None)


def status_digest(kind: int, size: int | None) -> str:
    """Return the digest of what something is and how large.

    `kind`: the type bits of its mode; with the size of a file, that which lets its owner execute it as well.
    """
    return digest.of_value([kind, size])


def copied_names() -> list[str]:
    """Return the sorted names of the variables that count in a copy of the environment."""
    return sorted(name for name in os.environ if not UNCOUNTED.fullmatch(name) and not OF_TERMINALS.fullmatch(name))


def named_paths(settings: Iterable[Setting]) -> list[str]:
    """Return the paths that settings name, absolute and without links: the content of what is there counts."""
    values = [setting.value for setting in settings if setting.kind in ("path", "list[path]") and setting.value]
    paths = [str(path) for value in values for path in (value if isinstance(value, list) else [value])]
    return [os.path.realpath(path) for path in paths]
