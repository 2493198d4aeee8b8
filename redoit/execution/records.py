"""What an execution touched, as its processes recorded it. Pure, save for reading the file.

Does not know what is declared, nor what counts.
"""

from binascii import crc32
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from redoit.observer.record import line_of

Record = tuple[str, ...]


class Touched(NamedTuple):
    """The records of an execution, in their order: of each its kind and fields.

    `opened`, `created`, `modified`: absolute paths that somebody opened, made or changed meanwhile, perhaps its C code
    or a program that it started. `links`: those by which it may have opened them. `watched`: all such were seen.
    `torn`: a record may be missing. `observed`: it was to be observed. `began`: nanoseconds since the epoch, by the
    clock that stamps files.
    """

    records: tuple[Record, ...] = ()
    opened: frozenset[str] = frozenset()
    created: frozenset[str] = frozenset()
    modified: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()
    watched: bool = True
    torn: bool = False
    observed: bool = True
    began: int = 0

    def of(self, kind: str) -> Iterator[Record]:
        """Yield the fields of each record of a kind."""
        return (record[1:] for record in self.records if record[0] == kind)


def begin(path: Path, scope: tuple[str, ...]) -> int:
    """Make an empty record file, and return its time in nanoseconds.

    `scope`: the project's folder, and other paths of which the content counts.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(line_of("scope", *scope))
    return path.stat().st_mtime_ns


def read(path: Path, began: int = 0) -> Touched:
    """Return what was recorded. `began`: when."""
    try:
        (first, *_), *found = map(_record, path.read_bytes().splitlines(keepends=True))
    except (OSError, ValueError):
        return Touched(torn=True)
    return Touched(tuple(found), began=began) if first == "scope" else Touched(torn=True)  # else it was emptied


def _record(line: bytes) -> Record:
    """Return the kind and the fields of a record. Raises: ValueError if it is torn."""
    checksum, payload = line[:8], line[9:-1]
    if not line.endswith(b"\n") or int(checksum, 16) != crc32(payload):
        raise ValueError("a torn record")
    return tuple(field.decode("unicode_escape") for field in payload.split(b"\t"))
