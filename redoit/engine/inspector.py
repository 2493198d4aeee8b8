"""A look at the world: a stage and its settings become an action, its outputs become digests. Changes nothing."""

import os
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol

from redoit.errors import InputError
from redoit.model import Action, Code, Setting, Stage
from redoit.source.project import Parsed, Project
from redoit.source.settings import Signature
from redoit.state.installed import SNAPSHOT_SECONDS
from redoit.state.source_cache import CodeDigests, SourceCache, StepInfo, code_digests
from redoit.state.stat_cache import Identity, identity
from redoit.state.workspace import Workspace

ENUMERATION = re.compile(r"\benum (\S+):(\w+)")  # in the kind of a setting: module and name


class ActionWithSource(NamedTuple):
    """An action as it stands now, the code behind its digests, and the identities of all files it was read from.

    Content that changed and changed back has equal digests, but another identity.
    """

    action: Action
    code: Code
    files: Mapping[str, Identity | None]


class Reading(Protocol):
    """Reads which code a step reaches, and which modules its import executes, from source."""

    def code_of(self, project: Project, step: str, enumerations: Iterable[tuple[str, str]]) -> Code:
        """Return the code that a step can reach, and that of enumerations, each a module and a name."""

    def executed_modules(self, project: Project, step: str) -> set[str]:
        """Return the modules of the project that the import of a step executes."""


class SourceSnapshot:
    """The source of a project as it is at one time: what is known of its steps, and what is read of them."""

    def __init__(self, root: Path, steps: SourceCache, reading: Reading) -> None:
        self._shared: dict[str, Parsed] = {}
        self.project = Project(root, self._shared)
        self.began = time.monotonic()
        self._root = root
        self._steps = steps
        self._reading = reading
        self._known: dict[str, StepInfo] = {}
        self._codes: dict[tuple[str, str], Code] = {}
        self._reached: dict[tuple[str, ...], list[str]] = {}

    def signature(self, step: str) -> Signature:
        """Return what a step's `run` takes. Raises: DeclarationError, SourceError."""
        known = self._recalled(step)
        if known.signature is None:
            from redoit.source.signature import signature

            project = Project(self._root, self._shared)
            found = signature(project, step)
            self._known[step] = self._steps.learn(step, known, project, signature=found)
            return found
        return known.signature

    def outline(self, step: str, settings: tuple[Setting, ...]) -> CodeDigests:
        """Return the code that a step can reach, and that of the enumerations that its settings are of, as digests."""
        known = self._recalled(step).outlines.get(_enumerations(settings))
        return known or code_digests(self.code(step, settings))

    def code(self, step: str, settings: tuple[Setting, ...]) -> Code:
        """Return that code with its text. Raises: DeclarationError, SourceError."""
        besides = _enumerations(settings)
        if (step, besides) not in self._codes:
            project = Project(self._root, self._shared)
            code = self._reading.code_of(project, step, ENUMERATION.findall(besides))
            self._known[step] = self._steps.learn(step, self._recalled(step), project, outline=(besides, code))
            self._codes[step, besides] = code
        return self._codes[step, besides]

    def files(self, code: Code | CodeDigests) -> list[str]:
        """Return the files that code was read from."""
        if code.modules not in self._reached:
            found = (self.project.locate(name) for name in code.modules)
            files = [str(self.project.relative(path)) for path in found if path and path.is_file()]
            self._reached[code.modules] = files
        return self._reached[code.modules]

    def _recalled(self, step: str) -> StepInfo:
        if step not in self._known:
            self._known[step] = self._steps.recall(step, self.project)
        return self._known[step]


class Inspector:
    """Looks at one project. Within a glance, source is read once."""

    def __init__(self, root: Path, workspace: Workspace, source_cache: SourceCache, reading: Reading) -> None:
        self._root = root
        self._workspace = workspace
        self._source_cache = source_cache
        self._reading = reading
        self._look = self._new_snapshot()

    def signature(self, step: str) -> Signature:
        """Return what a step's `run` takes. Raises: DeclarationError, SourceError."""
        return self._recent().signature(step)

    def refresh(self) -> None:
        """Forget the source that was read, and what is installed: the next look is a new one."""
        self._look = self._new_snapshot()
        self._workspace.installed.forget()

    def action_with_source(self, stage: Stage, settings: tuple[Setting, ...]) -> ActionWithSource:
        """Return the action of a stage as the world is now.

        Raises: InputError if an input is missing, SourceError if code can't be read.
        """
        look = self._recent()
        code = look.code(stage.step, settings)
        # Before anything is digested: what changes from now on has another identity in the end.
        files = {path: identity(path) for path in (*stage.inputs.values(), *look.files(code))}
        action = Action(
            inputs={role: self._input(stage, role, path) for role, path in stage.inputs.items()},
            settings=settings,
            outputs=tuple(stage.outputs),
            code={part.name: part.digest for part in code.parts},
            environment={**self._workspace.installed.versions(code.imports), **_variables(stage)},
        )
        return ActionWithSource(action, code, files)

    def executed_modules(self, step: str) -> set[str]:
        """Return the modules of the project that the import of a step executes. Raises: SourceError."""
        return self._reading.executed_modules(self._recent().project, step)

    def action_from_cache(
        self, stage: Stage, settings: tuple[Setting, ...], expected: Mapping[str, str] = MappingProxyType({})
    ) -> Action:
        """Return the action of a stage as the world is now, from what is known of its code.

        `expected`: path -> digest, where it is to be another. Raises: as `action`.
        """
        outline = self._recent().outline(stage.step, settings)
        return Action(
            inputs={role: expected.get(path) or self._input(stage, role, path) for role, path in stage.inputs.items()},
            settings=settings,
            outputs=tuple(stage.outputs),
            code=outline.parts,
            environment={**self._workspace.installed.versions(outline.imports), **_variables(stage)},
        )

    def code(self, stage: Stage, settings: tuple[Setting, ...]) -> Code:
        """Return the code that a stage's step can reach. Raises: SourceError."""
        return self._recent().code(stage.step, settings)

    def source_files(self, stage: Stage, settings: tuple[Setting, ...]) -> list[str]:
        """Return the files that this code is read from. Raises: SourceError."""
        look = self._recent()
        return look.files(look.outline(stage.step, settings))

    def output_digests(self, stage: Stage) -> dict[str, str | None]:
        """Return role -> digest of the output in place, None where there is none."""
        return {role: self._workspace.stat_cache.digest(path) for role, path in stage.outputs.items()}

    def save_caches(self) -> None:
        """Write down what was read of steps, for the next process."""
        self._source_cache.save()

    def _new_snapshot(self) -> SourceSnapshot:
        return SourceSnapshot(self._root, self._source_cache, self._reading)

    def _recent(self) -> SourceSnapshot:
        look = self._look  # threads may look at once: each goes on with the one it took
        if time.monotonic() - look.began > SNAPSHOT_SECONDS:
            self._look = look = self._new_snapshot()
        return look

    def _input(self, stage: Stage, role: str, path: str) -> str:
        found = self._workspace.stat_cache.digest(path)
        if found is None:
            what = "not a file that can be read" if Path(path).exists() else "not there"
            raise InputError(path, f"{what}, expected the input '{role}' of {stage.name}", "make it, or mend dodo.py")
        return found


def _enumerations(settings: tuple[Setting, ...]) -> str:
    """Return the kinds of those settings that are of an enumeration, in words."""
    return ", ".join(setting.kind for setting in settings if "enum " in setting.kind)


def _variables(stage: Stage) -> dict[str, str]:
    """Return `$NAME` -> value of the environment variables that a stage declares, and that are set."""
    return {f"${name}": os.environ[name] for name in stage.environ if name in os.environ}
