"""The source of a project at one time: what steps can reach, and the packages that they import."""

import re
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from functools import cache, partial
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from redoit.model import Code, Environment, Policy, Setting, Stage
from redoit.source.distributions import Owners, owners
from redoit.source.project import Parsed, Project
from redoit.source.search_path import SearchPath, file_of
from redoit.source.settings import Signature
from redoit.state.source_cache import CodeDigests, SourceCache, StepInfo, code_digests

ENUMERATION = re.compile(r"\benum (\S+):(\w+)")  # module and name, in the kind of a setting
Settings = tuple[Setting, ...]
# Returns the code that a step and some other parts, each a module and a name, can reach, read from source. The last
# argument tells whether all bodies in a class count.
CodeOf = Callable[[Project, str, Iterable[tuple[str, str]], bool], Code]
SEES_CALLS = sys.version_info >= (3, 12)  # which functions are called is observed
BODIES = "bodies"  # among roots: all bodies in a class count
MAX_READINGS = 8  # steps of which the syntax trees are kept


class Reading(NamedTuple):
    """What was read of a step: the modules, and the code that its roots reach. Only one thread at a time reads."""

    project: Project
    codes: dict[str, Code]
    lock: Lock


class SourceSnapshot:
    """The source of a project at one time: from the source cache if it is valid, else read.

    `readings`: by step, of an earlier snapshot, from which they are taken; what did not change is not read again.
    """

    def __init__(
        self,
        root: Path,
        source_cache: SourceCache,
        code_of: CodeOf,
        owners: Owners = owners,
        readings: dict[str, Reading] | None = None,
    ) -> None:
        self._parsed: dict[str, Parsed] = {}
        self.project = Project(root, self._parsed, SearchPath(root, owners))
        self.began = time.monotonic()
        self._root = root
        self._cache = source_cache
        self._code_of = code_of
        self._steps: dict[str, StepInfo] = {}
        self._earlier = {} if readings is None else readings
        self.readings: dict[str, Reading] = {}
        self.version = cache(partial(_version, self.project.path))
        self.version_of = cache(self.project.path.version_of)
        self._files: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        self.environments: dict[tuple[object, ...], Environment] = {}  # made once for stages with equal ones

    def signature(self, step: str) -> Signature:
        """Return what a step's `run` takes. Raises: DeclarationError, SourceError."""
        info = self._step_info(step)
        if info.signature is None:
            from redoit.source.signature import signature

            project, _, lock = self._reading(step)
            with lock:
                found = signature(project, step)
                self._steps[step] = self._cache.add(step, info, StepInfo(signature=found), project)
            return found
        return info.signature

    def code_digests(self, stage: Stage, settings: Settings, parts: Iterable[str] = ()) -> CodeDigests:
        """Return the digests of the code that a stage's step can reach, with the enumerations of its settings.

        `parts`: names of parts that it reaches besides, as was observed.
        """
        digests = self._step_info(stage.step).code.get(_roots(stage.policy, settings, parts))
        return digests or code_digests(self.code(stage, settings, parts))

    def code(self, stage: Stage, settings: Settings, parts: Iterable[str] = ()) -> Code:
        """Return that code with its text. Raises: DeclarationError, SourceError."""
        step, roots = stage.step, _roots(stage.policy, settings, parts)
        project, codes, lock = self._reading(step)
        with lock:
            if roots not in codes:
                lines = roots.splitlines()
                pairs = (line.replace(":import ", ":").rpartition(":") for line in lines if line != BODIES)
                code = self._code_of(project, step, [(module, name) for module, _, name in pairs], BODIES in lines)
                new = StepInfo(code={roots: code_digests(code)})
                self._steps[step] = self._cache.add(step, self._step_info(step), new, project)
                codes[roots] = code
        return codes[roots]

    def files(self, step: str, code: Code | CodeDigests) -> list[str]:
        """Return the files that the code of a step was read from; those of the project from its root."""
        key = step, code.modules
        if key not in self._files:
            located = map(self.project_of(step).locate, code.modules)
            files = [Path(file) for path in located if path and (file := file_of(path))]
            inside = (file.relative_to(self._root) if file.is_relative_to(self._root) else file for file in files)
            self._files[key] = [*dict.fromkeys(map(str, inside))]
        return self._files[key]

    def versions(self, step: str, code: Code | CodeDigests) -> dict[str, str]:
        """Return distribution -> version of those that provide what a step imports.

        A module that no distribution provides counts as absent: installing it later is a change. The project's modules
        that lie elsewhere, installed to be edited, have a version, too: code may ask for it.
        """
        path = self.project_of(step).path
        found: dict[str, str] = {}
        for name in code.imports:
            found.update(path.versions(name) or {name: "absent"})
        for name in code.modules:
            found.update({} if "." in name else path.versions(name))
        return found

    def project_of(self, step: str) -> Project:
        """Return the project with what a step adds to its search path."""
        return self.project.with_roots(self._step_info(step).added)

    def _reading(self, step: str) -> Reading:
        reading = self.readings.get(step)
        if reading is None:
            info, earlier = self._step_info(step), self._earlier.pop(step, None)
            reading = Reading(Project(self._root, self._parsed, self.project.path, info.added), {}, Lock())
            with earlier.lock if earlier else nullcontext():
                if earlier and info.covers(earlier.project):
                    earlier.project.renew(self.project.path, self._parsed)
                    reading = earlier
            self.readings = {**dict([*self.readings.items()][1 - MAX_READINGS :]), step: reading}
        return reading  # several threads may be here: another one may have dropped it from `readings`

    def _step_info(self, step: str) -> StepInfo:
        if step not in self._steps:
            self._steps[step] = self._cache.lookup(step, self.project)
        return self._steps[step]


def _version(path: SearchPath, module: str) -> str | None:
    """Return the names and versions of the distributions that provide a module, None if none does."""
    return ", ".join(f"{name} {version}" for name, version in path.versions(module).items()) or None


def _roots(policy: Policy, settings: Settings, parts: Iterable[str]) -> str:
    """Return the enumerations of settings, and names of parts, one a line."""
    kinds = [":".join(found) for setting in settings for found in ENUMERATION.findall(setting.kind)]
    bodies = [] if SEES_CALLS and policy.observe and not policy.impure else [BODIES]
    return "\n".join([*kinds, *sorted(parts), *bodies])
