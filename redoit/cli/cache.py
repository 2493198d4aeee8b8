"""`doit cache`: what the store holds, what of it may go, what of it is corrupt, and the end of it."""

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from doit.exceptions import InvalidCommand

from redoit.cli.base import StageCommand
from redoit.gc import collect
from redoit.gc.policy import Inventory, RetentionPolicy, StoredTrace, plan
from redoit.plugin.checkout import engine, run_log
from redoit.storage.store import QUARANTINE, Store
from redoit.text import format_day, format_duration, format_size, one_line, printable

VERBS = {"gc": ("--max-size", "--older-than", "--keep-last", "--dry-run"), "check": (), "clear": ("--yes",)}
SEE = "see: doit help cache"
WIDE = 60  # characters of a name in a table
SIZES = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
TIMES = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


@dataclass
class Row:
    """What a store holds of one stage; `blobs`: digest -> size in bytes."""

    traces: list[StoredTrace] = field(default_factory=list)
    blobs: dict[str, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes in all; other stages may share some of them."""
        return sum(self.blobs.values()) + sum(one.size for one in self.traces)

    @property
    def seconds(self) -> float:
        """How long all its executions took."""
        return sum(one.seconds for one in self.traces)


class Cache(StageCommand):
    """Shows and tidies the store of earlier results. Others may run meanwhile."""

    name = "cache"
    doc_purpose = "show, collect, check or clear the store of earlier results"
    doc_usage = "[gc | check | clear] [OPTION ...]"
    doc_description = """Without argument: show what the store holds.

gc: remove litter, and what its options let go, but nothing
that outputs in place rest on.
--max-size 5GB: the least recently used, until that is left
--older-than 30d: what was not used for that long (s m h d w)
--keep-last 3: all but the newest three of each stage; beside
another option: never these
--dry-run: only tell

check: digest all of it, and put aside what is corrupt; then
the exit status is 1.

clear: remove all of it (--yes: without asking)."""
    exclusive = False
    verbs = VERBS

    def _execute(self, pos_args: list[str]) -> int:
        self.need_stages()
        if pos_args and pos_args[0] not in VERBS:
            raise InvalidCommand(
                f"doit cache: found '{pos_args[0]}', expected nothing or one of {', '.join(VERBS)}; {SEE}"
            )
        given, rest = _parser().parse_known_args(pos_args)
        if rest:
            raise InvalidCommand(f"doit cache {given.verb}: found '{rest[0]}', expected no such argument; {SEE}")
        workspace = engine().workspace
        stores = [workspace.store, workspace.private]
        verb: Callable[[list[Store], argparse.Namespace], int] = getattr(self, f"_{given.verb or 'show'}")
        return verb(stores, given)

    def _show(self, stores: list[Store], _given: argparse.Namespace) -> int:
        held = [collect.inventory(store) for store in stores]
        for store, inventory in zip(stores, held, strict=True):
            if store is stores[0] or inventory.size:
                self._say(f"{store.root} holds {_held([inventory])}.")
        rows = _by_stage(held)
        width = max(map(len, ("stage", *rows)))
        if rows:
            self._say(f"{'stage':<{width}}  traces   blobs        size       ran for")
        for name, row in rows.items():
            used = f"{format_size(row.size):>10}  {format_duration(row.seconds):>12}"
            self._say(f"{name:<{width}}  {len(row.traces):>6,}  {len(row.blobs):>6,}  {used}")
        shared = sum(_shared(inventory) for inventory in held)
        if shared:
            self._say(f"Equal content is held once: else it would be {format_size(shared)} more.")
        workspace, now = engine().workspace, time.time()
        litter = [collect.orphaned_files(stores[0], _folders()), *map(collect.orphaned_files, stores[1:])]
        gc_roots = workspace.gc_roots()
        free = sum(plan(*each, RetentionPolicy(), gc_roots, now).size for each in zip(held, litter, strict=True))
        if free:
            self._say(f"No trace needs {format_size(free)} of what is there; remove it with: doit cache gc")
        saved = workspace.saved
        if saved.kept or saved.restored:
            spared = format_duration(saved.seconds)
            self._say(f"{saved.kept} kept and {saved.restored} restored results have saved {spared} here.")
        return 0

    def _gc(self, stores: list[Store], given: argparse.Namespace) -> int:
        rule, workspace = RetentionPolicy(given.max_size, given.older_than, given.keep_last), engine().workspace
        for store in stores:
            beside = _folders() if store is stores[0] else ()
            if given.dry_run:
                done = collect.preview(store, rule, workspace.gc_roots(), beside)
            else:
                done = collect.collect(store, rule, workspace.gc_roots, beside)
            if store is not stores[0] and not (done.traces or done.blobs or done.litter):
                continue
            for line in _going(done.traces):
                self._say(f"{'Would remove' if given.dry_run else 'Removed'} {line}.")
            verb = "Would free" if given.dry_run else "Freed"
            parts = (
                f"{_number(done.traces, 'trace')}, {_number(done.blobs, 'blob')}, {_number(done.litter, 'other file')}"
            )
            self._say(f"{verb} {format_size(done.size)} of {store.root} ({parts}); {format_size(done.left)} stay.")
            if rule.max_size is not None and done.left > rule.max_size:
                newest = ", or among the newest" if rule.keep_last else ""
                self._say(f"That is more than {format_size(rule.max_size)}: what stays is in use{newest}.")
        return 0

    def _check(self, stores: list[Store], _given: argparse.Namespace) -> int:
        held, corrupt = [], 0
        for store in stores:
            inventory, names = collect.check(store)
            held.append(inventory)
            corrupt += len(names)
            for name in names:
                aside = store.root / QUARANTINE
                self._say(f"corrupt: {name} is not what its name promises; put aside in {aside}")
        lost = [one for inventory in held for one in inventory.unrestorable]
        for one in lost:
            stage = one_line(one.stage)[:WIDE]
            self._say(f"lost: an output of {stage}, made on {format_day(one.started)}, is not in the store")
        found = ", ".join(f"{number} {word}" for number, word in ((corrupt, "corrupt"), (len(lost), "lost")) if number)
        self._say(f"Checked {_held(held)}: {found or 'all as it was written'}.")
        return 1 if found else 0

    def _clear(self, stores: list[Store], given: argparse.Namespace) -> int:
        held = [collect.inventory(store) for store in stores]
        others = engine().workspace.others()
        whose = f", which {_number(others, 'other checkout')} may need" if others else ""
        self._say(f"This removes {_held(held)}{whose}. Outputs in place stay, but each stage runs again.")
        if not given.yes and not _confirmed():
            self._say("Nothing removed.")
            return 1
        for store in stores:
            collect.clear(store)
        self._say(f"Freed {format_size(sum(inventory.size for inventory in held))}.")
        return 0

    def _say(self, text: str) -> None:
        self.outstream.write(f"{printable(text)}\n")


class _Parser(argparse.ArgumentParser):
    """Fails as doit's commands do. doit looks for options before the first argument only, so it leaves ours to us."""

    def error(self, message: str) -> NoReturn:
        raise InvalidCommand(f"{self.prog} {message.removeprefix('argument ')}; {SEE}")


def _parser() -> _Parser:
    parser = _Parser("doit cache", add_help=False, allow_abbrev=False)
    verbs = parser.add_subparsers(dest="verb", parser_class=_Parser, metavar="")
    gc = verbs.add_parser("gc", add_help=False, allow_abbrev=False)
    gc.add_argument("--max-size", type=_bytes)
    gc.add_argument("--older-than", type=_seconds)
    gc.add_argument("--keep-last", type=_count)
    gc.add_argument("--dry-run", action="store_true")
    verbs.add_parser("check", add_help=False)
    clear = verbs.add_parser("clear", add_help=False)
    clear.add_argument("--yes", "-y", action="store_true")
    return parser


def _bytes(text: str) -> int:
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,15})?)\s*([A-Za-z]*)", text.strip())
    if not found or found[2].upper() not in SIZES:
        raise argparse.ArgumentTypeError(f"found '{text}', expected a size like 500MB or 5GB")
    return int(float(found[1]) * SIZES[found[2].upper()])


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,15})?)\s*([smhdw])", text.strip())
    if not found:
        raise argparse.ArgumentTypeError(f"found '{text}', expected a time like 12h, 30d or 2w")
    return float(found[1]) * TIMES[found[2]]


def _count(text: str) -> int:
    if not re.fullmatch(r"\d{1,15}", text.strip()):
        raise argparse.ArgumentTypeError(f"found '{text}', expected a number like 3")
    return int(text)


def _folders() -> list[Path]:
    """Return the folders of this checkout in which a crash may have left temporary files."""
    return [*engine().workspace.folders, *run_log().folders]


def _by_stage(held: list[Inventory]) -> dict[str, Row]:
    """Return what the store holds of each stage, by its name."""
    found: dict[str, Row] = {}
    for inventory in held:
        for one in inventory.traces:
            row = found.setdefault(one_line(one.stage)[:WIDE], Row())  # in a shared store it is anybody's
            row.traces.append(one)
            row.blobs.update((blob, inventory.blobs[blob]) for blob in one.blobs if blob in inventory.blobs)
    return dict(sorted(found.items()))


def _shared(inventory: Inventory) -> int:
    """Return how many bytes more there would be if each trace had blobs of its own."""
    uses = Counter(blob for one in inventory.traces for blob in one.blobs)
    return sum((number - 1) * inventory.blobs.get(blob, 0) for blob, number in uses.items())


def _going(traces: Iterable[StoredTrace]) -> Iterator[str]:
    """Yield, for each stage, what goes, in words."""
    rows = _by_stage([Inventory(tuple(traces), {})])
    for name, row in rows.items():
        days = sorted({format_day(one.started) for one in row.traces})
        made = f"on {days[0]}" if len(days) == 1 else f"from {days[0]} to {days[-1]}"
        yield f"{_number(row.traces, 'trace')} of {name}, made {made}"


def _held(held: list[Inventory]) -> str:
    traces = _number([one for inventory in held for one in inventory.traces], "trace")
    blobs = _number([blob for inventory in held for blob in inventory.blobs], "blob")
    return f"{traces} and {blobs}, {format_size(sum(inventory.size for inventory in held))}"


def _number(things: Sized, name: str) -> str:
    return f"{len(things):,} {name}{'' if len(things) == 1 else 's'}"


def _confirmed() -> bool:
    if not sys.stdin.isatty():
        sys.stderr.write("There is no terminal to ask at; take --yes.\n")
        return False
    try:
        return input("Go on? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        sys.stdout.write("\n")
        return False
