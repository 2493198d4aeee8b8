"""`doit cache`: what the store holds, what of it may go, what of it is corrupt, and the end of it."""

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Callable
from typing import NoReturn

from doit.exceptions import InvalidCommand

from redoit import collect
from redoit.collect import Inventory, Rule
from redoit.commands.base import StageCommand
from redoit.errors import brief, plain
from redoit.store import Store
from redoit.tasks import engine

VERBS = ("gc", "check", "clear")
SIZES = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
TIMES = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


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

    def _execute(self, pos_args: list[str]) -> int:
        if pos_args and pos_args[0] not in VERBS:
            raise InvalidCommand(f"cache: found '{pos_args[0]}', expected nothing or one of {', '.join(VERBS)}")
        given = _parser().parse_args(pos_args)
        workspace = engine().workspace
        stores = [workspace.store, workspace.private]
        verb: Callable[[list[Store], argparse.Namespace], int] = getattr(self, f"_{given.verb or 'show'}")
        return verb(stores, given)

    def _show(self, stores: list[Store], _given: argparse.Namespace) -> int:
        held = [collect.inventory(store) for store in stores]
        self._say(f"{stores[0].root} holds {_held(held)}.")
        rows = _by_stage(held)
        if rows:
            width = max(len(name) for name in rows)
            self._say(f"{'stage':<{width}}  traces   blobs        size   ran for")
        for name, (traces, blobs, size, seconds) in sorted(rows.items()):
            self._say(f"{name:<{width}}  {traces:>6}  {blobs:>6}  {_size(size):>10}  {seconds:>7.1f}s")
        named = sum(
            inventory.blobs.get(blob, 0) for inventory in held for one in inventory.traces for blob in one.blobs
        )
        once = sum(sum(inventory.blobs.values()) for inventory in held)
        self._say(f"{_size(max(named - once, 0))} more would be held if nothing were shared.")
        saved = engine().workspace.saved
        self._say(f"{saved.kept} kept and {saved.restored} restored results have saved {_time(saved.seconds)} here.")
        return 0

    def _gc(self, stores: list[Store], given: argparse.Namespace) -> int:
        rule, workspace = Rule(given.max_size, given.older_than, given.keep_last), engine().workspace
        for store in stores:
            beside = workspace.folders if store is stores[0] else ()
            done = collect.collect(store, rule, workspace.rests, beside=beside, dry=given.dry_run)
            if store is not stores[0] and not (done.traces or done.blobs or done.litter):
                continue
            for one in done.traces:
                self._say(f"{'would go' if given.dry_run else 'gone'}: {brief(one.trace.stage)} {one.name[:12]}")
            verb = "Would free" if given.dry_run else "Freed"
            parts = f"{len(done.traces)} traces, {len(done.blobs)} blobs, {len(done.litter)} left-over files"
            self._say(f"{verb} {_size(done.size)} of {store.root} ({parts}); {_size(done.left)} stay.")
            if rule.max_size is not None and done.left > rule.max_size:
                self._say(f"That is more than {_size(rule.max_size)}: what stays is in use, or among the newest.")
        return 0

    def _check(self, stores: list[Store], _given: argparse.Namespace) -> int:
        corrupt = 0
        for store in stores:
            for name in collect.check(store):
                corrupt += 1
                self._say(f"corrupt: {name} is not what its name promises; put aside in {store.root / 'quarantine'}")
        held = [collect.inventory(store) for store in stores]
        for one in (one for inventory in held for one in inventory.unrestorable):
            self._say(
                f"{brief(one.trace.stage)} {one.name[:12]} can't be restored: an output of it is not in the store"
            )
        self._say(f"Checked {_held(held)}: {f'{corrupt} corrupt' if corrupt else 'all as it was written'}.")
        return 1 if corrupt else 0

    def _clear(self, stores: list[Store], given: argparse.Namespace) -> int:
        held = [collect.inventory(store) for store in stores]
        self._say(f"This removes {_held(held)}. Outputs in place stay, but each stage runs again.")
        if not given.yes and not _confirmed():
            self._say("Nothing removed.")
            return 1
        for store in stores:
            collect.clear(store)
        self._say(f"Freed {_size(sum(inventory.size for inventory in held))}.")
        return 0

    def _say(self, text: str) -> None:
        self.outstream.write(f"{plain(text)}\n")


class _Parser(argparse.ArgumentParser):
    """Fails as doit's commands do. doit looks for options before the first argument only, so it leaves ours to us."""

    def error(self, message: str) -> NoReturn:
        raise InvalidCommand(f"{self.prog}: {message}; see: doit help cache")


def _parser() -> _Parser:
    parser = _Parser("doit cache", add_help=False, allow_abbrev=False)
    verbs = parser.add_subparsers(dest="verb", parser_class=_Parser)
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
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text.strip())
    if not found or found[2].upper() not in SIZES:
        raise argparse.ArgumentTypeError(f"found '{text}', expected a size like 500MB or 5GB")
    return int(float(found[1]) * SIZES[found[2].upper()])


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", text.strip())
    if not found:
        raise argparse.ArgumentTypeError(f"found '{text}', expected a time like 12h, 30d or 2w")
    return float(found[1]) * TIMES[found[2]]


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"found '{text}', expected a number like 3")
    return int(text)


def _by_stage(held: list[Inventory]) -> dict[str, tuple[int, int, int, float]]:
    """Return stage -> number of traces, of blobs, bytes of these, and the seconds that all its executions took."""
    found: dict[str, tuple[int, int, int, float]] = {}
    blobs: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for inventory in held:
        for one in inventory.traces:
            stage = brief(one.trace.stage)  # in a shared store it is anybody's
            blobs[stage].update({blob: inventory.blobs.get(blob, 0) for blob in one.blobs})
            traces, seconds = found.get(stage, (0, 0, 0, 0.0))[::3]
            size = sum(blobs[stage].values())
            found[stage] = (int(traces) + 1, len(blobs[stage]), size, seconds + one.trace.seconds)
    return found


def _held(held: list[Inventory]) -> str:
    traces = sum(len(inventory.traces) for inventory in held)
    blobs = sum(len(inventory.blobs) for inventory in held)
    return f"{traces} traces and {blobs} blobs, {_size(sum(inventory.size for inventory in held))}"


def _size(size: int) -> str:
    """Return bytes in words, as decimal units."""
    for unit in ("TB", "GB", "MB", "kB"):
        if size >= SIZES[unit.upper()]:
            return f"{size / SIZES[unit.upper()]:.1f} {unit}"
    return f"{size} bytes"


def _time(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def _confirmed() -> bool:
    if not sys.stdin.isatty():
        sys.stderr.write("There is no terminal to ask at; take --yes.\n")
        return False
    return input("Go on? [y/N] ").strip().lower() in ("y", "yes")
