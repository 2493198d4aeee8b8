"""What is known of steps without reading their source again: their signatures, and the digests of their code.

    steps     step -> what was read of it, from which files, and where each module was looked for

An entry holds as long as each file has the digest of the bytes that were parsed, and each module is found where it was,
or is still not there. So it is never older than what a new reading would see; losing it costs that reading.
"""

import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from redoit import digest
from redoit.errors import CorruptError, DiskError
from redoit.model import Code
from redoit.source.project import Project
from redoit.source.settings import Declared, Kind, Signature
from redoit.state.stat_cache import StatCache, identity
from redoit.storage import disk
from redoit.storage.serialize import MALFORMED, seal, unseal

HERE = Path(__file__).parent.parent
READERS = ("model.py", "state/source_cache.py")  # and all of source/ and fingerprint/


NOTHING: Mapping[str, Any] = MappingProxyType({})


class CodeDigests(NamedTuple):
    """Code without its text: part -> digest, the top-level modules from outside, the project's modules."""

    parts: dict[str, str]
    imports: tuple[str, ...]
    modules: tuple[str, ...]


class StepInfo(NamedTuple):
    """What was read of one step. `outlines`: by the enumerations that its settings are of, in words.

    What it was read from: `located`, module -> where it was found, None if nowhere; `read`, file -> digest of its
    bytes; `listed`, the digest of all modules' names, where the reading asked for them.
    """

    signature: Signature | None = None
    outlines: Mapping[str, CodeDigests] = NOTHING
    located: Mapping[str, str | None] = NOTHING
    read: Mapping[str, str] = NOTHING
    listed: str = ""


class SourceCache:
    """The memory of one checkout. `files` tells the digests of the files now."""

    def __init__(self, memory: Path, files: StatCache) -> None:
        self._memory = memory
        self._files = files
        self._entries: dict[str, StepInfo] | None = None
        self._changed = False

    def recall(self, step: str, project: Project) -> StepInfo:
        """Return what is known of a step, if it would be read just so in the project as it is now; else nothing."""
        known = self._remembered().get(step)
        return known if known and self._holds(known, project) else StepInfo()

    def learn(
        self,
        step: str,
        known: StepInfo,
        project: Project,
        *,
        signature: Signature | None = None,
        outline: tuple[str, Code] | None = None,
    ) -> StepInfo:
        """Remember what was read of a step, beside what was known, and from what of the project."""
        agrees = known.read.items() <= {**known.read, **project.file_digests}.items()
        agrees &= known.located.items() <= {**known.located, **project.locations}.items()
        before = known if agrees else StepInfo()  # of files that have changed since
        learnt = before._replace(
            located={**before.located, **project.locations},
            read={**before.read, **project.file_digests},
            listed=_names(project) if project.modules_listed else before.listed,
            signature=signature or before.signature,
            outlines={**before.outlines, outline[0]: code_digests(outline[1])} if outline else before.outlines,
        )
        with contextlib.suppress(*MALFORMED):  # a default that JSON can't hold is read each time
            read = _known(unseal(seal(_fields_of(learnt))))
            same = read == learnt and repr(read.signature) == repr(learnt.signature)
            if same and self._remembered().get(step) != learnt:
                self._remembered()[step] = learnt
                self._changed = True
        return learnt

    def save(self) -> None:
        """Write down what was learnt, for the next process; a disk that refuses costs that process a reading."""
        if self._changed and self._entries is not None:
            fields = {"reader": reader(), "steps": {step: _fields_of(one) for step, one in self._entries.items()}}
            with contextlib.suppress(DiskError, ValueError):  # ValueError: somebody else sealed what is no JSON
                disk.write_unsynced(self._memory, seal(fields))
            self._changed = False

    def _holds(self, known: StepInfo, project: Project) -> bool:
        return (
            all(project.locate(name) == found for name, found in known.located.items())
            and all(self._files.digest(path) == found for path, found in known.read.items())
            and (not known.listed or known.listed == _names(project))
        )

    def _remembered(self) -> dict[str, StepInfo]:
        if self._entries is None:
            try:
                found = unseal(disk.read(self._memory.parent, self._memory.name))
                current = found["reader"] == reader()
                self._entries = {step: _known(fields) for step, fields in found["steps"].items()} if current else {}
            except (OSError, CorruptError, *MALFORMED):  # whoever seals something else is not us
                self._entries = {}
        return self._entries


def reader() -> str:
    """Return what reads the source: another Python, or another version of this code, reads it in its own way."""
    inner = [f"{folder}/{name}" for folder in ("source", "fingerprint") for name in os.listdir(HERE / folder)]
    readers = sorted(name for name in (*READERS, *inner) if name.endswith(".py"))
    return digest.of_value([sys.version, *(identity(HERE / name) for name in readers)])


def code_digests(code: Code) -> CodeDigests:
    """Return code without its text."""
    return CodeDigests({part.name: part.digest for part in code.parts}, code.imports, code.modules)


def _names(project: Project) -> str:
    return digest.of_value(list(project.modules()))


def _fields_of(known: StepInfo) -> dict[str, Any]:
    signature = known.signature
    settings = signature and [
        [setting.name, _row(setting.kind), setting.default, setting.help] for setting in signature.settings
    ]
    return {
        "roles": signature and list(signature.roles),
        "settings": settings,
        "outlines": {besides: list(outline) for besides, outline in known.outlines.items()},
        "located": dict(known.located),
        "read": dict(known.read),
        "listed": known.listed,
    }


def _row(kind: Kind) -> list[Any]:
    return [kind.name, list(kind.choices), kind.item and _row(kind.item), kind.optional]


def _known(fields: dict[str, Any]) -> StepInfo:
    """Return what was remembered. Raises: one of FORGED on what we would not have written."""
    roles = fields["roles"]
    return StepInfo(
        signature=None
        if roles is None
        else Signature(tuple(map(str, roles)), tuple(map(_declared, fields["settings"]))),
        outlines={besides: _outline(*row) for besides, row in fields["outlines"].items()},
        located={name: None if found is None else str(found) for name, found in fields["located"].items()},
        read={path: str(found) for path, found in fields["read"].items()},
        listed=str(fields["listed"]),
    )


def _declared(row: Any) -> Declared:
    name, kind, default, text = row
    return Declared(str(name), _kind(kind), default, str(text))


def _kind(row: Any) -> Kind:
    name, choices, item, optional = row
    return Kind(str(name), tuple(choices), None if item is None else _kind(item), optional=optional is True)


def _outline(parts: Any, imports: Any, modules: Any) -> CodeDigests:
    if not all(map(digest.is_digest, parts.values())):
        raise ValueError("expected digests")
    return CodeDigests(parts, tuple(map(str, imports)), tuple(map(str, modules)))
