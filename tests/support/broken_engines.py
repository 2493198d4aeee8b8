"""Engines that are broken on purpose, as a build tool can be: the oracle must detect them."""

import dataclasses
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from redoit import digest
from redoit.engine.engine import Engine
from redoit.engine.inspector import ActionWithSource, Inspector
from redoit.model import Action, Setting, Stage
from redoit.state.stat_cache import StatCache, identity


class _OwnFileOnly(Inspector):
    def action(self, stage: Stage, settings: tuple[Setting, ...]) -> ActionWithSource:
        found = super().action(stage, settings)
        return found._replace(action=_own(found.action, stage))

    def action_from_cache(self, stage: Stage, settings: tuple[Setting, ...], *expected: Mapping[str, str]) -> Action:
        return _own(super().action_from_cache(stage, settings, *expected), stage)


def _own(action: Action, stage: Stage) -> Action:
    code = {name: each for name, each in action.code.items() if name.startswith(f"{stage.step}:")}
    return dataclasses.replace(action, code=code)


class IgnoresHelpers(Engine):
    """Sees the code of a step's own module only."""

    def __init__(self, root: Path, *given: Any, **named: Any) -> None:
        super().__init__(root, *given, **named)
        self.inspector = _OwnFileOnly(root, self.workspace)


class _Timed(StatCache):
    def digest(self, path: str | os.PathLike[str], max_bytes: int = sys.maxsize) -> str | None:
        name, found = os.fspath(path), identity(path)
        if found is None or found.size > max_bytes:
            return None
        entry = self._cache.content.get(name)
        if entry is None or entry[4] != found.mtime:
            self._cache.content[name] = entry = [digest.of_file(Path(name)), *found]
            self._cache.changed = True
        return str(entry[0])


class TrustsTimes(Engine):
    """Takes a file with an equal time of modification for an equal file, as make does."""

    def __init__(self, root: Path, *given: Any, **named: Any) -> None:
        super().__init__(root, *given, **named)
        self.workspace.stat_cache = _Timed(self.workspace.root / "stat-cache")


class _ExistsOnly(Inspector):
    def outputs(self, stage: Stage) -> dict[str, str | None]:
        latest = self._workspace.latest(stage)
        believed = latest.digests if latest else {}
        return {role: each and believed.get(role, each) for role, each in super().outputs(stage).items()}


class TrustsExistence(Engine):
    """Takes an output that exists for the one that was made."""

    def __init__(self, root: Path, *given: Any, **named: Any) -> None:
        super().__init__(root, *given, **named)
        self.inspector = _ExistsOnly(root, self.workspace)


BROKEN = [IgnoresHelpers, TrustsTimes, TrustsExistence]
