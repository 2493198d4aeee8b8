"""A look at the world: a stage and its settings become an action, its outputs become digests. Changes nothing."""

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from redoit.environment import GLANCE
from redoit.errors import InputError
from redoit.files import Identity, identity
from redoit.fingerprint import code_of
from redoit.fingerprint.order import executed_modules
from redoit.records import Action, Code, Setting, Stage
from redoit.source import Project
from redoit.workspace import Workspace

ENUMERATION = re.compile(r"\benum (\S+):(\w+)")  # in the kind of a setting: module and name


@dataclass(frozen=True)
class Observation:
    """An action as it stands now, the code behind its digests, and the identities of all files it was read from.

    Content that changed and changed back has equal digests, but another identity.
    """

    action: Action
    code: Code
    files: Mapping[str, Identity | None]


class Look:
    """The source of a project as it was read at one time, and the code of its steps."""

    def __init__(self, root: Path) -> None:
        self.project = Project(root)
        self.codes: dict[tuple[str, tuple[tuple[str, str], ...]], Code] = {}
        self.read = time.monotonic()

    def code(self, step: str, settings: tuple[Setting, ...]) -> Code:
        """Return the code that a step can reach, and that of the enumerations that its settings are of."""
        key = step, tuple(name for setting in settings for name in ENUMERATION.findall(setting.kind))
        if key not in self.codes:
            self.codes[key] = code_of(self.project, step, besides=key[1])
        return self.codes[key]

    def files(self, code: Code) -> list[str]:
        """Return the files that code was read from."""
        found = (self.project.locate(name) for name in code.modules)
        return [str(self.project.relative(path)) for path in found if path and path.is_file()]


class Observer:
    """Looks at one project. Within a glance, source is read once."""

    def __init__(self, root: Path, workspace: Workspace) -> None:
        self._root = root
        self._workspace = workspace
        self._look = Look(root)

    @property
    def project(self) -> Project:
        """The project's source, read within the last glance."""
        return self._recent().project

    def refresh(self) -> None:
        """Forget the source that was read, and what is installed: the next look is a new one."""
        self._look = Look(self._root)
        self._workspace.environment.forget()

    def action(
        self, stage: Stage, settings: tuple[Setting, ...], expected: Mapping[str, str] = MappingProxyType({})
    ) -> Observation:
        """Return the action of a stage as the world is now; `expected`: path -> digest, where it is to be another.

        Raises: InputError if an input is missing, SourceError if code can't be read.
        """
        look = self._recent()
        code = look.code(stage.step, settings)
        # Before anything is digested: what changes from now on has another identity in the end.
        files = {path: identity(path) for path in (*stage.inputs.values(), *look.files(code))}
        action = Action(
            inputs={role: expected.get(path) or self._input(stage, role, path) for role, path in stage.inputs.items()},
            settings=settings,
            outputs=tuple(stage.outputs),
            code={part.name: part.digest for part in code.parts},
            environment={**self._workspace.environment.versions(code.imports), **_variables(stage)},
        )
        return Observation(action, code, files)

    def executed(self, step: str) -> set[str]:
        """Return the modules of the project that the import of a step executes. Raises: SourceError."""
        return executed_modules(self.project, step)

    def outputs(self, stage: Stage) -> dict[str, str | None]:
        """Return role -> digest of the output in place, None where there is none."""
        return {role: self._workspace.files.digest(path) for role, path in stage.outputs.items()}

    def _recent(self) -> Look:
        look = self._look  # threads may look at once: each goes on with the one it took
        if time.monotonic() - look.read > GLANCE:
            self._look = look = Look(self._root)
        return look

    def _input(self, stage: Stage, role: str, path: str) -> str:
        found = self._workspace.files.digest(path)
        if found is None:
            what = "not a file that can be read" if Path(path).exists() else "not there"
            raise InputError(path, f"{what}, expected the input '{role}' of {stage.name}", "make it, or mend dodo.py")
        return found


def _variables(stage: Stage) -> dict[str, str]:
    """Return `$NAME` -> value of the environment variables that a stage declares, and that are set."""
    return {f"${name}": os.environ[name] for name in stage.environ if name in os.environ}
