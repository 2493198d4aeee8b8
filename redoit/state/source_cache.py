"""What was read of each step's source: its signature, and the digests of its code.

    source-cache     step -> what was read of it, from which files, and where each module was found or not

An entry holds as long as each file has the digest of the bytes that were parsed, and each module is found where it was,
or is still not there. So it is never older than what a new reading would see; a lost entry costs that reading.
"""

import contextlib
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Never

from redoit import digest
from redoit.model import Code
from redoit.source.project import Added, Project
from redoit.source.settings import Declared, Kind, Signature
from redoit.state.sealed_cache import SealedCache
from redoit.state.stat_cache import StatCache, identity
from redoit.storage.serialize import MALFORMED, seal, unseal

PACKAGE = Path(__file__).parent.parent
READERS = ("model.py", "state/source_cache.py")  # what reads source, with all of source/ and fingerprint/
EMPTY: Mapping[str, Never] = MappingProxyType({})


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
    code: Mapping[str, CodeDigests] = EMPTY
    located: Mapping[str, str | None] = EMPTY
    read: Mapping[str, str] = EMPTY
    listed: str = ""
    added: Added = ()


class SourceCache:
    """The source cache of one checkout."""

    def __init__(self, path: Path, stat_cache: StatCache) -> None:
        self._cache = SealedCache[dict[str, StepInfo]](path, _parse, dict)
        self._stat_cache = stat_cache

    def lookup(self, step: str, project: Project) -> StepInfo:
        """Return what was read of a step, empty if a reading of the project as it is now could see something else."""
        info = self._cache.content.get(step)
        return info if info and self._is_current(info, project) else StepInfo()

    def add(
        self,
        step: str,
        earlier: StepInfo,
        project: Project,
        *,
        signature: Signature | None = None,
        code: tuple[str, Code] | None = None,
    ) -> StepInfo:
        """Add what was read of a step in a project to what was read `earlier`, and return both."""
        agrees = earlier.read.items() <= {**earlier.read, **project.file_digests}.items()
        agrees &= earlier.located.items() <= {**earlier.located, **project.locations}.items()
        if earlier.added != project.added:
            agrees &= all(project.locate(name) == path for name, path in earlier.located.items())
        before = earlier if agrees else StepInfo()  # else its files have changed since
        info = before._replace(
            located={**before.located, **project.locations},
            read={**before.read, **project.file_digests},
            listed=_listing(project) if project.modules_listed else before.listed,
            signature=signature or before.signature,
            code={**before.code, **({code[0]: code_digests(code[1])} if code else {})},
            added=project.added,
        )
        with contextlib.suppress(*MALFORMED):  # a default that JSON can't hold is read each time
            parsed = _info_from_json(*unseal(seal(info)))
            same = parsed == info and repr(parsed.signature) == repr(info.signature)
            if same and self._cache.content.get(step) != info:
                self._cache.content[step] = info
                self._cache.changed = True
        return info

    def save(self) -> None:
        """Write the cache for the next process, if it has changed."""
        self._cache.save(lambda steps: {"reader": reader(), "steps": steps})

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


def _parse(fields: Any) -> dict[str, StepInfo]:
    """Return the content of the cache file, empty if another reader wrote it. Raises: one of MALFORMED."""
    if fields["reader"] != reader():
        return {}
    return {step: _info_from_json(*row) for step, row in fields["steps"].items()}


def _info_from_json(signature: Any, code: Any, *found: Any) -> StepInfo:
    """Return what the row of a StepInfo in JSON says. Raises: one of MALFORMED."""
    located, read, listed, added = found
    return StepInfo(
        signature and Signature(tuple(map(str, signature[0])), tuple(_declared(*row) for row in signature[1])),
        {enumerations: _code_from_json(*row) for enumerations, row in code.items()},
        {name: None if path is None else str(path) for name, path in located.items()},
        {path: str(content) for path, content in read.items()},
        str(listed),
        tuple((str(folder), first is True) for folder, first in added),
    )


def _declared(name: object, kind: Iterable[Any], default: object, text: object) -> Declared:
    return Declared(str(name), _kind_from_json(*kind), default, str(text))


def _kind_from_json(name: object, choices: Iterable[object], item: Iterable[Any] | None, optional: object) -> Kind:
    return Kind(str(name), tuple(choices), None if item is None else _kind_from_json(*item), optional=optional is True)


def _code_from_json(parts: Any, imports: Iterable[object], modules: Iterable[object]) -> CodeDigests:
    if not all(map(digest.is_digest, parts.values())):
        raise ValueError("expected digests")
    return CodeDigests(parts, tuple(map(str, imports)), tuple(map(str, modules)))
