"""Defects of engines, as build tools have them: the oracle must detect each."""

import dataclasses
import os
import sys
from collections.abc import Callable, Mapping
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

from redoit import digest
from redoit.engine import snapshot
from redoit.engine.engine import Engine
from redoit.engine.inspector import ActionWithSource, Inspector
from redoit.execution import worker
from redoit.execution.records import Touched
from redoit.model import Action, Setting, Stage
from redoit.source.project import Project
from redoit.source.search_path import SearchPath
from redoit.state.stat_cache import STAMP, StatCache, identity

Defect = Callable[[Engine], None]  # changes an engine


def sound(_engine: Engine) -> None:
    """Leave the engine as it is."""


class _Changed(Inspector):
    """Changes each action before anything is decided."""

    def action_with_source(self, stage: Stage, settings: tuple[Setting, ...]) -> ActionWithSource:
        inspected = super().action_with_source(stage, settings)
        return inspected._replace(action=self._change(inspected.action, stage))

    def action_from_cache(self, stage: Stage, settings: tuple[Setting, ...], *expected: Mapping[str, str]) -> Action:
        return self._change(super().action_from_cache(stage, settings, *expected), stage)

    def _change(self, action: Action, stage: Stage) -> Action:
        raise NotImplementedError


class _OwnFileOnly(_Changed):
    def _change(self, action: Action, stage: Stage) -> Action:
        code = {name: content for name, content in action.code.items() if name.startswith(f"{stage.step}:")}
        return dataclasses.replace(action, code=code)


def ignores_helpers(engine: Engine) -> None:
    """Count only the code of the step's own module."""
    engine.inspector.__class__ = _OwnFileOnly


class _NoOutputPaths(_Changed):
    def _change(self, action: Action, stage: Stage) -> Action:
        return dataclasses.replace(action, outputs=dict.fromkeys(action.outputs, ""))


def ignores_output_paths(engine: Engine) -> None:
    """Leave the paths of outputs out of the key."""
    engine.inspector.__class__ = _NoOutputPaths


class _NoStep(_Changed):
    def _change(self, action: Action, stage: Stage) -> Action:
        return dataclasses.replace(action, step=("function", ""))


def ignores_the_step(engine: Engine) -> None:
    """Leave out of the key which step a stage executes."""
    engine.inspector.__class__ = _NoStep


def ignores_observations(engine: Engine) -> None:
    """Record nothing of what a step touches."""
    execute = engine.execute
    object.__setattr__(  # an engine is frozen
        engine, "execute", lambda *call: dataclasses.replace(execute(*call), touched=Touched())
    )


class _OwnFolderOnly(Project):
    def __init__(self, root: Path, *given: Any) -> None:
        super().__init__(root, *given)
        self.path = SearchPath(root)
        self.path.entries[:] = [str(root)]


def ignores_other_folders(engine: Engine) -> None:
    """Read, and observe, no module that is imported from outside the project's own folder."""
    snapshot.Project = _OwnFolderOnly  # each engine is in a process of its own
    ignores_observations(engine)


class _TimesOnly(StatCache):
    def digest(self, path: str | os.PathLike[str], max_bytes: int = sys.maxsize) -> str | None:
        name, status = os.fspath(path), identity(path)
        if status is None or status.size > max_bytes:
            return None
        content, *fields = self._cache.content.get(name, "none").split()
        if fields[3:4] != [str(status.mtime)]:
            content = digest.of_file(Path(name))
            self._cache.content[name] = content + STAMP % status
            self._cache.changed = True
        return content


def trusts_times(engine: Engine) -> None:
    """Take a file with an equal time of modification for an equal file, as make does."""
    engine.workspace.stat_cache.__class__ = _TimesOnly


class _ExistsOnly(Inspector):
    def output_digests(self, stage: Stage) -> dict[str, str | None]:
        latest = self._workspace.latest(stage)
        recorded = latest.digests if latest else {}
        in_place = super().output_digests(stage)
        return {role: content and recorded.get(role, content) for role, content in in_place.items()}


def trusts_existence(engine: Engine) -> None:
    """Take an output that exists for the one that was made."""
    engine.inspector.__class__ = _ExistsOnly


def trusts_byte_code(_engine: Engine) -> None:
    """Take byte code with its source's time and size for that of the source, as Python does."""
    run_step = worker.run_step

    def run_with_byte_code(**call: Any) -> dict[str, object]:
        del SourceFileLoader.get_code  # redoit's, so that Python's own is found again
        return run_step(**call)

    worker.run_step = run_with_byte_code


DEFECTS = [ignores_helpers, trusts_times, trusts_existence]
OF_VARIATIONS = [  # with a variation that shows it
    (ignores_output_paths, "suffixes"),
    (ignores_the_step, "suffixes"),
    (ignores_other_folders, "libraries"),
    *((ignores_observations, name) for name in ("pickles", "listings", "reads", "variables", "absences", "retargeted")),
    *((ignores_observations, name) for name in ("scripts", "workers", "formats")),
    (trusts_byte_code, "byte code"),
]
