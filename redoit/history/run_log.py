"""Runs of doit on record: what became of each stage in each of them, so that people can look back.

    runs/<time>-<random>            one run, as JSON behind its digest; the time is its start, in nanoseconds
    runs/<time>-<random>-<table>    the same of a run with many stages, told by reference to a table
    tables/<digest>                 what each stage of a run rested on, as JSON

A record only explains. So it is not forced to the disk, one that is not as it was written counts as absent, as does one
whose table is not, and only the newest are kept.
"""

import contextlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from redoit.digest import is_digest, of_bytes
from redoit.errors import CorruptError, DiskError
from redoit.history.run_record import (
    Reference,
    RunRecord,
    StageRecord,
    Table,
    compared,
    fields_of,
    held,
    invocation_of,
    rows_of,
    table_of,
)
from redoit.state.stat_cache import StatCache
from redoit.storage import disk
from redoit.storage.serialize import MALFORMED, canonical_json, seal, unseal

RUNS, TABLES = "runs", "tables"
UNREADABLE = (OSError, CorruptError, *MALFORMED)
LONGEST = 1_000  # runs on record
LARGEST = 2**26  # bytes of all of them
FEW = 100  # stages that a record tells in full, or beside its table
LOOKS = 4  # tables that are looked at before another one is made


class RunLog:
    """The record of one checkout. `files` tells whether a table is as it was written."""

    def __init__(self, root: Path, files: StatCache | None = None) -> None:
        self._root = root
        self._files = files or StatCache(root / "files")
        self._read: dict[str, Table | None] = {}

    @property
    def folders(self) -> list[Path]:
        """The folders that hold records."""
        return [self._root / RUNS, self._root / TABLES]

    def append(self, invocation: RunRecord) -> None:
        """Put a run on record, and let the oldest go. A disk that refuses costs only the record."""
        with contextlib.suppress(DiskError):
            before = self._names()
            reference = self._reference(invocation.verdicts, before) if len(invocation.verdicts) > FEW else None
            data = seal(fields_of(invocation, reference))
            if len(data) > disk.SMALL_FILE_BYTES:
                return
            name = f"{int(invocation.started * 1e9):020d}-{os.urandom(4).hex()}"
            name += f"-{reference.table}" if reference else ""
            if not (self._root / RUNS).is_dir():  # else to force its name to the disk takes longer than all of this
                disk.make_folders(self._root / RUNS)
            disk.write_unsynced(disk.path_below(self._root, RUNS, name), data)
            new = reference and reference.table not in map(_table_of, before)
            if new or len(before) >= LONGEST or len(data) > LARGEST // LONGEST:
                self._let_go()

    def newest(self, number: int = LONGEST) -> Iterator[RunRecord]:
        """Yield runs, the newest first. Raises: DiskError."""
        for name in reversed(self._names()[-number:]):
            table = _table_of(name)
            with contextlib.suppress(*UNREADABLE):
                rows = self._table(table) if table else None
                if rows is not None or not table:
                    yield invocation_of(name, self._fields(name), rows)

    def _reference(self, verdicts: Mapping[str, StageRecord], names: list[str]) -> Reference:
        """Return how to tell verdicts by a table; one that is there, if they hardly differ from it.

        Raises: DiskError.
        """
        holds = held(verdicts)
        newest = {table: name for name in names if (table := _table_of(name))}
        for table, name in islice(sorted(newest.items(), key=lambda item: item[1], reverse=True), LOOKS):
            with contextlib.suppress(*UNREADABLE):
                if not self._stands(table):
                    continue
                fields = self._fields(name)
                if fields["holds"] == holds:
                    besides = tuple(stage for stage in fields["besides"] if stage in verdicts)
                    return Reference(table, holds, besides, tuple(map(str, fields["without"])))
        for table in islice(sorted(newest, key=lambda table: newest[table], reverse=True), 1):
            rows = self._table(table)
            found = rows and compared(table, rows, holds, verdicts)
            if found and sum(bool(verdicts[one].trace) for one in found.besides) + len(found.without) <= FEW:
                return found
        data = canonical_json(rows_of(verdicts))
        table = of_bytes(data)
        disk.make_folders(self._root / TABLES)
        disk.write_unsynced(disk.path_below(self._root, TABLES, table), data)
        unheld = tuple(stage for stage, verdict in verdicts.items() if not verdict.trace)
        return Reference(table, holds, unheld)

    def _stands(self, table: str) -> bool:
        """Tell whether a table is there as it was written. Raises: OSError, DiskError if it can't be."""
        path = disk.path_below(self._root, TABLES, table)
        found = os.lstat(path)  # what is digested is neither elsewhere nor endless
        return (
            stat.S_ISREG(found.st_mode) and found.st_size <= disk.LARGE_FILE_BYTES and self._files.digest(path) == table
        )

    def _table(self, name: str) -> Table | None:
        """Return a table, None if it is not there as it was written."""
        if name not in self._read:
            self._read[name] = None
            with contextlib.suppress(*UNREADABLE):
                data = disk.read(self._root, TABLES, name, most=disk.LARGE_FILE_BYTES)
                self._read[name] = table_of(json.loads(data)) if of_bytes(data) == name else None
        return self._read[name]

    def _fields(self, name: str) -> dict[str, Any]:
        """Return what a record says. Raises: one of UNREADABLE."""
        found: dict[str, Any] = unseal(disk.read(self._root, RUNS, name))
        return found

    def _names(self) -> list[str]:
        return [name for name in disk.list_names(self._root / RUNS) if not name.startswith(disk.TEMPORARY_PREFIX)]

    def _let_go(self) -> None:
        """Remove what is too old or too much, but never the newest, and the tables that none of the rest needs."""
        names, tables, room = self._names(), set[str](), LARGEST
        stay = 0
        for name in reversed(names[-LONGEST:]):
            table = _table_of(name)
            room -= self._size(RUNS, name) + (self._size(TABLES, table) if table and table not in tables else 0)
            if stay and room < 0:
                break
            stay += 1
            tables.add(table)
        for name in names[: len(names) - stay]:
            disk.clear_path(disk.path_below(self._root, RUNS, name))
        for name in disk.list_names(self._root / TABLES):
            if name not in tables:
                disk.clear_path(disk.path_below(self._root, TABLES, name))

    def _size(self, folder: str, name: str) -> int:
        with contextlib.suppress(OSError):
            return os.lstat(f"{self._root}/{folder}/{name}").st_size
        return 0


def _table_of(record: str) -> str:
    """Return the table that a record refers to, as its name tells; nothing if it tells all itself."""
    table = record.rpartition("-")[2]
    return table if is_digest(table) else ""
