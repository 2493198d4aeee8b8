"""What was read of each step's source: its signature, and the digests of its code.

    source-cache     step -> what was read of it, from which files, and where each module was found or not

An entry holds as long as each file has the digest of the bytes that were parsed, and each module is found where it was,
or is still not there. So it is never older than what a new reading would see; a lost entry costs that reading.
"""

import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from redoit import digest
from redoit.model import NOTHING, Code
from redoit.source.project import Added, Project
from redoit.source.settings import Declared, Kind, Signature
from redoit.state.sealed_cache import SealedCache
from redoit.state.stat_cache import StatCache, identity
from redoit.storage.serialize import MALFORMED, canonical_json

PACKAGE = Path(__file__).parent.parent
READERS = ("model.py", "state/source_cache.py")  # what reads source, with all of source/ and fingerprint/


class CodeDigests(NamedTuple):
    """Code without its text: part -> digest, the top-level modules from outside, the project's modules."""

    parts: dict[str, str]
    imports: tuple[str, ...]
    modules: tuple[str, ...]


class StepInfo(NamedTuple):
    """What was read of one step. `code`: by the enumerations that its settings are of, in words.

    What it was read from: `located`, module -> where it was found, None if nowhere; `read`, file -> digest of its
    bytes; `listed`, the digest of all modules' names, where the reading asked for them; `added`, what its modules put
    on `sys.path`, which all this was found with.
    """

    signature: Signature | None = None
    code: Mapping[str, CodeDigests] = NOTHING
    located: Mapping[str, str | None] = NOTHING
    read: Mapping[str, str] = NOTHING
    listed: str = ""
    added: Added = ()

    def covers(self, project: Project) -> bool:
        """Tell whether all that was read in a project is among what the step was read from."""
        return (
            project.added == self.added
            and project.locations.items() <= self.located.items()
            and project.file_digests.items() <= self.read.items()
            and bool(self.listed or not project.modules_listed)
        )


class SourceCache:
    """The source cache of one checkout."""

    def __init__(self, path: Path, stat_cache: StatCache) -> None:
        self._cache = SealedCache[StepInfo](path, _parse, _to_json)
        self.save = self._cache.save
        self._stat_cache = stat_cache

    def lookup(self, step: str, project: Project) -> StepInfo:
        """Return what was read of a step, empty if a reading of the project as it is now could see something else."""
        info = self._cache.content.get(step)
        return info if info and self._is_current(info, project) else StepInfo()

    def add(self, step: str, earlier: StepInfo, new: StepInfo, project: Project) -> StepInfo:
        """Add `new` signature or code of a step, as read in a project, to what was read `earlier`; return both."""
        agrees = all(project.file_digests.get(path, content) == content for path, content in earlier.read.items())
        agrees &= all(project.locate(name) == path for name, path in earlier.located.items())
        before = earlier if agrees else StepInfo()  # else its files have changed since
        info = before._replace(
            located={**before.located, **project.locations},
            read={**before.read, **project.file_digests},
            listed=_listing(project) if project.modules_listed else before.listed,
            signature=new.signature or before.signature,
            code={**before.code, **new.code},
            added=project.added,
        )
        with contextlib.suppress(*MALFORMED):  # a default that JSON can't hold is read each time
            canonical_json(info)
            if self._cache.content.get(step) != info:
                self._cache.content[step] = info
                self._cache.changed = True
        return info

    def _is_current(self, info: StepInfo, snapshot: Project) -> bool:
        project = snapshot.with_roots(info.added)
        return (
            all(project.locate(name) == path for name, path in info.located.items())
            and all(self._stat_cache.digest(path) == content for path, content in info.read.items())
            and (not info.listed or info.listed == _listing(project))
        )


def reader() -> str:
    """Return the digest of what reads source: another Python or another version of this code may read it otherwise."""
    packages = [f"{package}/{name}" for package in ("source", "fingerprint") for name in os.listdir(PACKAGE / package)]
    readers = sorted(name for name in (*READERS, *packages) if name.endswith(".py"))
    return digest.of_value([sys.version, *(identity(PACKAGE / name) for name in readers)])


def code_digests(code: Code) -> CodeDigests:
    """Return code without its text."""
    return CodeDigests({part.name: part.digest for part in code.parts}, code.imports, code.modules)


def _listing(project: Project) -> str:
    return digest.of_value(list(project.modules()))


def _to_json(steps: Mapping[str, StepInfo]) -> dict[str, object]:
    return {"reader": reader(), "steps": steps}


def _parse(fields: Any) -> dict[str, StepInfo]:
    """Return the content of the cache file, empty if another reader wrote it. Raises: one of MALFORMED."""
    if fields["reader"] != reader():
        return {}
    return {step: _info_from_json(*row) for step, row in fields["steps"].items()}


def _info_from_json(signature: Any, code: Any, *found: Any) -> StepInfo:
    """Return what the row of a StepInfo in JSON says. Raises: one of MALFORMED."""
    located, read, listed, added = found
    if not all(digest.is_digest(content) for parts, *_ in code.values() for content in parts.values()):
        raise ValueError("expected digests")
    return StepInfo(
        signature and Signature(tuple(signature[0]), tuple(_declared(*row) for row in signature[1])),
        {enumerations: CodeDigests(dict(row[0]), *map(tuple, row[1:])) for enumerations, row in code.items()},
        dict(located),
        dict(read),
        str(listed),
        tuple((str(folder), first is True) for folder, first in added),
    )


def _declared(name: Any, kind: Any, *default_and_help: Any) -> Declared:
    return Declared(name, _kind(*kind), *default_and_help)


def _kind(name: Any, choices: Any, item: Any, optional: Any) -> Kind:
    return Kind(name, tuple(choices), item and _kind(*item), optional)
