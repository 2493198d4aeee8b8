"""Defects of engines, as build tools have them: the oracle must detect each."""

import dataclasses
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from redoit import digest
from redoit.engine.engine import Engine
from redoit.engine.inspector import ActionWithSource, Inspector
from redoit.model import Action, Setting, Stage
from redoit.state.stat_cache import StatCache, identity

Defect = Callable[[Engine], None]  # changes an engine


def sound(_engine: Engine) -> None:
    """Leave the engine as it is."""


class _OwnFileOnly(Inspector):
    def action_with_source(self, stage: Stage, settings: tuple[Setting, ...]) -> ActionWithSource:
        inspected = super().action_with_source(stage, settings)
        return inspected._replace(action=_own(inspected.action, stage))

    def action_from_cache(self, stage: Stage, settings: tuple[Setting, ...], *expected: Mapping[str, str]) -> Action:
        return _own(super().action_from_cache(stage, settings, *expected), stage)


def _own(action: Action, stage: Stage) -> Action:
    code = {name: content for name, content in action.code.items() if name.startswith(f"{stage.step}:")}
    return dataclasses.replace(action, code=code)


def ignores_helpers(engine: Engine) -> None:
    """Count only the code of the step's own module."""
    engine.inspector.__class__ = _OwnFileOnly


class _TimesOnly(StatCache):
    def digest(self, path: str | os.PathLike[str], max_bytes: int = sys.maxsize) -> str | None:
        name, status = os.fspath(path), identity(path)
        if status is None or status.size > max_bytes:
            return None
        entry = self._cache.content.get(name)
        if entry is None or entry[4] != status.mtime:
            self._cache.content[name] = entry = [digest.of_file(Path(name)), *status]
            self._cache.changed = True
        return str(entry[0])


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


DEFECTS = [ignores_helpers, trusts_times, trusts_existence]
