"""Inspects a project: returns the action of a stage as the project stands now, and the digests of its outputs.

Changes nothing. Source is read from a snapshot, which is at most a second old, so a run of many stages reads it once.
"""

import contextlib
import os
import sys
import time
from collections.abc import Container, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from redoit.engine.snapshot import CodeOf, Settings, SourceSnapshot
from redoit.errors import InputError, SourceError
from redoit.model import NOTHING, Action, Code, Environment, Input, Setting, Stage
from redoit.state.source_cache import CodeDigests, code_digests
from redoit.state.stat_cache import Identity, identity
from redoit.state.workspace import Workspace

SNAPSHOT_SECONDS = 1.0  # age from which on the project's source and installed packages are read again


class ActionWithSource(NamedTuple):
    """An action, the code behind its digests, and the identities of all files that it was read from.

    Content that changed and changed back has equal digests, but another identity.
    """

    action: Action
    code: Code
    files: Mapping[str, Identity | None]

    def with_linked(self, linked: Container[tuple[int, int]]) -> "ActionWithSource":
        """Return this with the present identity of files that were linked, which changed nothing but their ctime."""
        files = dict(self.files)
        for path, before in self.files.items():
            now = identity(path) if before and before[:2] in linked else None
            if now and before and now._replace(ctime=before.ctime) == before:
                files[path] = now
        return self._replace(files=files)


class Inspector:
    """Inspects the project in one folder. `preload`: imported before a step that may import all of these modules."""

    def __init__(self, root: Path, workspace: Workspace, code_of: CodeOf, preload: tuple[str, ...] = ()) -> None:
        self._workspace = workspace
        self._preload = preload
        owners = workspace.installed.owners
        self._new_snapshot = partial(SourceSnapshot, root, workspace.source_cache, code_of, owners)
        self._snapshot = self._new_snapshot()

    def defaults(self, step: str) -> Settings:
        """Return the settings that a step's `run` has by default. Raises: DeclarationError, SourceError."""
        declared = self.snapshot.signature(step).settings
        return tuple(Setting(each.name, str(each.kind), each.default) for each in declared)

    def refresh(self) -> None:
        """Forget the source that was read, and what is installed."""
        self._workspace.installed.forget()
        self._snapshot = self._new_snapshot(readings=self._snapshot.readings)

    def action_with_source(self, stage: Stage, settings: Settings) -> ActionWithSource:
        """Return the action of a stage as the project stands now, with the text of its code.

        Raises: InputError if an input is missing, SourceError if code can't be read.
        """
        snapshot = self.snapshot
        code = snapshot.code(stage, settings)
        # Before anything is digested: what changes from now on has another identity in the end.
        sources = snapshot.files(stage.step, code)
        files = {path: identity(path) for path in (*stage.inputs.values(), *stage.uses, *sources)}
        action = self._action(snapshot, stage, settings, code_digests(code), NOTHING)
        return ActionWithSource(action, code, files)

    def changes_since(self, stage: Stage, before: ActionWithSource, written: Container[str] = ()) -> str:
        """Return what of a stage's action has changed, in words; an empty text if nothing has.

        `written`: paths that the stage's step may have changed itself; of source among these only the content counts.
        """
        from redoit.reasons import differences, sentence

        self.refresh()
        try:
            now = self.action_with_source(stage, before.action.settings)
        except (InputError, SourceError) as error:
            return f"{error.subject} changed ({error.found})"
        paths = [path for path, found in now.files.items() if before.files.get(path) != found]
        given = {*stage.inputs.values(), *stage.uses}
        paths = [path for path in paths if path in given or os.path.realpath(path) not in written]
        # Content that changed and changed back differs in nothing but the identity of its file.
        changes = sentence(differences(now.action, before.action), stage.files)
        return changes or (f"{', '.join(paths)} changed" if paths else "")

    def preloaded(self, stage: Stage) -> tuple[str, ...]:
        """Return the modules that are imported before a stage's step. Raises: DeclarationError, SourceError."""
        return self._preloaded(self.snapshot.code_digests(stage, self.defaults(stage.step)))

    def action_from_cache(self, stage: Stage, settings: Settings, expected: Mapping[str, str] = NOTHING) -> Action:
        """Return the action of a stage as the project stands now, without the text of its code.

        `expected`: path -> digest, which replaces that of the file. Raises: as `action_with_source`.
        """
        snapshot = self.snapshot
        return self._action(snapshot, stage, settings, snapshot.code_digests(stage, settings), expected)

    def observed_code(self, stage: Stage, settings: Settings, parts: Iterable[str]) -> dict[str, str]:
        """Return part -> digest of what these parts add to the code of a stage's step. Raises: SourceError."""
        snapshot = self.snapshot
        read = snapshot.code_digests(stage, settings).parts
        found = snapshot.code_digests(stage, settings, parts).parts
        return {name: content for name, content in found.items() if read.get(name) != content}

    def source_files(self, stage: Stage, settings: Settings, parts: Iterable[str] = ()) -> list[str]:
        """Return the files that this code is read from. Raises: SourceError."""
        snapshot = self.snapshot
        return snapshot.files(stage.step, snapshot.code_digests(stage, settings, parts))

    def output_digests(self, stage: Stage) -> dict[str, str | None]:
        """Return role -> digest of the content of the output in place, None where there is none."""
        return {role: self._workspace.stat_cache.content(path) for role, path in stage.outputs.items()}

    @property
    def snapshot(self) -> SourceSnapshot:
        """The project's source as it stands now, at most SNAPSHOT_SECONDS ago."""
        if time.monotonic() - self._snapshot.began > SNAPSHOT_SECONDS:
            self.refresh()
        return self._snapshot  # several threads may call this: each goes on with the one it took

    def _action(
        self, snapshot: SourceSnapshot, stage: Stage, settings: Settings, code: CodeDigests, expected: Mapping[str, str]
    ) -> Action:
        return Action(
            step=("function", f"{stage.step}:run"),
            inputs={
                role: Input(path, expected.get(path) or self._content(path, f"the input '{role}' of {stage.name}"))
                for role, path in stage.inputs.items()
            },
            uses={
                path: expected.get(path) or self._content(path, f"a file that {stage.name} uses") for path in stage.uses
            },
            settings=settings,
            outputs=stage.outputs,
            code=code.parts,
            environment=self._environment(snapshot, stage, code),
        )

    def _environment(self, snapshot: SourceSnapshot, stage: Stage, code: CodeDigests) -> Environment:
        variables = tuple((name, os.environ.get(name)) for name in stage.environ)
        key = stage.step, code.imports, code.modules, variables
        if key not in snapshot.environments:
            versions = snapshot.versions(stage.step, code)
            snapshot.environments[key] = Environment(PLATFORM, PYTHON, versions, dict(variables), self._preloaded(code))
        return snapshot.environments[key]

    def _preloaded(self, code: CodeDigests) -> tuple[str, ...]:
        return self._preload if all(module in code.modules for module in self._preload) else ()

    def _content(self, path: str, role: str) -> str:
        """Return the digest of the content of a file that a stage needs. Raises: InputError if there is none."""
        found = self._workspace.stat_cache.content(path)
        if found is None:
            what = "not a readable file" if Path(path).exists() else "not there"
            raise InputError(path, f"{what}, expected {role}", "make it, or correct dodo.py")
        return found


def _c_library() -> str:
    """Return the name of the C library that Python uses."""
    with contextlib.suppress(ValueError, OSError):  # others do not know that name
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")[0]
    return "musl" if "musl" in getattr(sys.implementation, "_multiarch", "") else "another libc"


PLATFORM = (os.uname().sysname, os.uname().machine, _c_library())
IMPLEMENTATION = "" if sys.implementation.name == "cpython" else f" {sys.implementation.name}"
OPTIMISED = f" -{'O' * sys.flags.optimize}" if sys.flags.optimize else ""
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}{IMPLEMENTATION}{OPTIMISED}"
