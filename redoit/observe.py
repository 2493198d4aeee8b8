"""A look at the world: a stage and its settings become an action, its outputs become digests. Changes nothing."""

import time
from dataclasses import dataclass
from pathlib import Path

from redoit.errors import InputError
from redoit.fingerprint import code_of
from redoit.records import Action, Code, Setting, Stage
from redoit.source import Project
from redoit.workspace import Workspace

GLANCE = 1.0  # seconds; source that was read longer ago is read anew


@dataclass(frozen=True)
class Observation:
    """An action as it stands now, and the code behind its digests."""

    action: Action
    code: Code


class Observer:
    """Looks at one project. Within a glance, source is read once."""

    def __init__(self, root: Path, workspace: Workspace) -> None:
        self._root = root
        self._workspace = workspace
        self._project = Project(root)
        self._codes: dict[str, Code] = {}
        self._read = time.monotonic()

    @property
    def project(self) -> Project:
        """The project's source, read within the last glance."""
        if time.monotonic() - self._read > GLANCE:
            self.refresh()
        return self._project

    def refresh(self) -> None:
        """Forget the source that was read: the next look reads it anew."""
        self._project = Project(self._root)
        self._codes = {}
        self._read = time.monotonic()

    def action(self, stage: Stage, settings: tuple[Setting, ...]) -> Observation:
        """Return the action of a stage as the world is now.

        Raises: InputError if an input is missing, SourceError if code can't be read.
        """
        code = self._code(stage.step)
        action = Action(
            inputs={role: self._input(stage, role, path) for role, path in stage.inputs.items()},
            settings=settings,
            outputs=tuple(stage.outputs),
            code={part.name: part.digest for part in code.parts},
            environment=self._workspace.environment.versions(code.imports),
        )
        return Observation(action, code)

    def outputs(self, stage: Stage) -> dict[str, str | None]:
        """Return role -> digest of the output in place, None where there is none."""
        return {role: self._workspace.files.digest(path) for role, path in stage.outputs.items()}

    def _code(self, step: str) -> Code:
        project = self.project
        if step not in self._codes:
            self._codes[step] = code_of(project, step)
        return self._codes[step]

    def _input(self, stage: Stage, role: str, path: str) -> str:
        found = self._workspace.files.digest(path)
        if found is None:
            what = "not a file that can be read" if Path(path).exists() else "not there"
            raise InputError(path, f"{what}, expected the input '{role}' of {stage.name}", "make it, or mend dodo.py")
        return found
