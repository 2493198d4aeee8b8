"""`doit cache`: show, collect, check or clear the store."""

import argparse
import re
import sys
import time
from collections import ChainMap, Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from doit.exceptions import InvalidCommand

from redoit.cli.base import StageCommand
from redoit.gc import collect
from redoit.gc.checkouts import CHECKOUTS, gc_roots, other_checkouts
from redoit.gc.policy import Inventory, RetentionPolicy, StoredTrace, removal
from redoit.plugin.checkout import engine, run_log
from redoit.state.rescued import RESCUED, location, rescued
from redoit.storage.store import QUARANTINE, Store
from redoit.text import format_count, format_day, format_duration, format_size, one_line

SEE_HELP = "see: doit help cache"
MAX_NAME_CHARACTERS = 60  # of a stage in a table
SIZES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "kib": 2**10, "mib": 2**20, "gib": 2**30}
TIMES = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def _quantity(text: str, units: Mapping[str, int], expected: str) -> int:
    """Return the value of a number and its unit, rounded down; `units`: unit -> how much it is."""
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,15}(?=\s*[A-Za-z]))?)\s*([A-Za-z]*)", text.strip())
    if not match or match[2].lower() not in units:
        raise argparse.ArgumentTypeError(f"found '{text}', expected {expected}")
    return int(float(match[1]) * units[match[2].lower()])


VERBS: dict[str, dict[str, dict[str, Any]]] = {  # verb -> option -> how argparse reads it
    "gc": {
        "--max-size": {"type": partial(_quantity, units=SIZES, expected="a size like 500MB or 5GB")},
        "--older-than": {"type": partial(_quantity, units=TIMES, expected="a time like 12h, 30d or 2w")},
        "--keep-last": {"type": partial(_quantity, units={"": 1}, expected="a number like 3")},
        "--rescued": {"action": "store_true"},
        "--dry-run": {"action": "store_true"},
    },
    "check": {},
    "clear": {"--yes": {"action": "store_true"}, "-y": {"action": "store_true", "dest": "yes"}},
}


class Cache(StageCommand):
    """Shows and maintains the store. Other processes may use the project meanwhile."""

    doc_purpose = "show, collect, check or clear the store of earlier results"
    doc_usage = "[gc | check | clear] [OPTION ...]"
    doc_description = """Without argument: show what the store holds, stage by stage.

gc: remove orphaned files, and the results that its options
select. Results that outputs in place rest on always stay.
--max-size 5GB: the least recently used, until 5 GB remain
--older-than 30d: those not used for 30 days (s m h d w)
--keep-last 3: all but the newest three of each stage; with
another option: keep these three in any case
--rescued: also the files in .redoit/rescued, which were in
the way of outputs, or were written beside them
--dry-run: only show what would be removed

check: verify the digest of each file; move corrupt files to
quarantine. The exit status is then 1.

clear: remove everything (--yes: without confirmation)."""
    exclusive = False
    verbs = VERBS

    def _execute(self, pos_args: list[str]) -> int:
        self.need_stages()
        self._workspace = engine().workspace
        self._stores = [self._workspace.store, self._workspace.private]
        if not pos_args:
            return self._show()
        verb, *arguments = pos_args
        if verb not in VERBS:
            expected = f"expected nothing or one of {', '.join(VERBS)}"
            raise InvalidCommand(f"doit cache: found '{verb}', {expected}; {SEE_HELP}")
        # doit itself reads options only before the first argument.
        parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
        for option, reading in VERBS[verb].items():
            parser.add_argument(option, **reading)
        try:
            options, rest = parser.parse_known_args(arguments)
        except argparse.ArgumentError as error:
            raise InvalidCommand(f"doit cache {verb} {error.argument_name}: {error.message}; {SEE_HELP}") from None
        if rest:
            raise InvalidCommand(f"doit cache {verb}: found '{rest[0]}', expected no such argument; {SEE_HELP}")
        return int(getattr(self, f"_{verb}")(**vars(options)))

    def _show(self) -> int:
        inventories = [collect.inventory(store, self._folders(store)) for store in self._stores]
        for store, inventory in zip(self._stores, inventories, strict=True):
            if store is self._workspace.store or inventory.size:
                self.say(f"{store.root} holds {_contents([inventory])}.")
        stages = _by_stage(trace for inventory in inventories for trace in inventory.traces)
        sizes = ChainMap(*(inventory.blobs for inventory in inventories))
        width = max(map(len, ("stage", *stages)))
        if stages:
            self.say(f"{'stage':<{width}}  traces   blobs        size      run time")
        for name, traces in stages.items():
            blobs = {blob for trace in traces for blob in trace.blobs if blob in sizes}
            size = format_size(sum(sizes[blob] for blob in blobs) + sum(trace.size for trace in traces))
            time_spent = format_duration(sum(trace.seconds for trace in traces))
            self.say(f"{name:<{width}}  {len(traces):>6,}  {len(blobs):>6,}  {size:>10}  {time_spent:>12}")
        duplicates = sum(map(_duplicate_bytes, inventories))
        if duplicates:
            self.say(f"Storing equal content once saves {format_size(duplicates)}.")
        roots = gc_roots(self._workspace)
        unneeded = sum(removal(each, RetentionPolicy(), roots, time.time()).freed for each in inventories)
        if unneeded:
            self.say(f"No result needs {format_size(unneeded)} of it; remove that with: doit cache gc")
        if set_aside := self._rescued():
            found = f"{format_count(len(set_aside), 'rescued file')}, {format_size(sum(set_aside.values()))}"
            self.say(f"{self._workspace.root / RESCUED} holds {found}; remove all with: doit cache gc --rescued")
            self.say(*(f"  {place} ({format_size(count)})" for place, count in set_aside.items()))
        runs = [run.expanded(()) for run in run_log().newest()]
        kept, restored = (sum(run.omitted.get(status, (0, 0))[0] for run in runs) for status in ("kept", "restored"))
        if kept or restored:
            saved = format_duration(sum(run.saved for run in runs))
            self.say(f"In this checkout, {kept} kept and {restored} restored results have saved {saved}.")
        return 0

    def _gc(self, *, dry_run: bool, rescued: bool, **limits: int | None) -> int:
        policy = RetentionPolicy(**limits)
        roots = partial(gc_roots, self._workspace)
        if self._workspace.shares_store and not dry_run:
            collect.collect(self._workspace.copies, RetentionPolicy(keep_last=0), roots)
        removed, freed = ("Would remove", "Would free") if dry_run else ("Removed", "Freed")
        for store in self._stores:
            done = collect.collect(store, policy, roots, self._folders(store), dry_run=dry_run)
            if store is self._workspace.private and not (done.traces or done.blobs or done.orphans):
                continue
            for name, traces in _by_stage(done.traces).items():
                days = sorted({format_day(trace.started) for trace in traces})
                made = f"on {days[0]}" if len(days) == 1 else f"from {days[0]} to {days[-1]}"
                self.say(f"{removed} {format_count(len(traces), 'trace')} of {name}, made {made}.")
            counts = {"trace": len(done.traces), "blob": len(done.blobs), "orphaned file": len(done.orphans)}
            parts = ", ".join(format_count(count, noun) for noun, count in counts.items())
            remaining = f"{format_size(done.remaining)} remain"
            self.say(f"{freed} {format_size(done.freed)} of {store.root} ({parts}); {remaining}.")
            if policy.max_size is not None and done.remaining > policy.max_size:
                newest = " or kept by --keep-last" if policy.keep_last else ""
                self.say(f"That is more than {format_size(policy.max_size)}: the rest is in use{newest}.")
        if rescued:
            sizes = self._rescued()
            for folder in {each.parent for place in sizes for each in (location(place), place)} if not dry_run else ():
                collect.remove_tree(folder)
            self.say(f"{removed} {format_count(len(sizes), 'rescued file')}, {format_size(sum(sizes.values()))}.")
        return 0

    def _check(self) -> int:
        inventories, corrupt = [], 0
        for store in self._stores:
            inventory, names = collect.check(store)
            inventories.append(inventory)
            corrupt += len(names)
            for name in names:
                quarantine = store.root / QUARANTINE
                self.say(f"corrupt: {name}: its content does not match its name; moved to {quarantine}")
        missing = [trace for inventory in inventories for trace in inventory.unrestorable]
        for trace in missing:
            self.say(f"missing: an output of {_shown_name(trace)}, made on {format_day(trace.started)}")
        counts = ((corrupt, "corrupt"), (len(missing), "missing"))
        problems = ", ".join(f"{count} {problem}" for count, problem in counts if count)
        self.say(f"Checked {_contents(inventories)}: {problems or 'no errors found'}.")
        return 1 if problems else 0

    def _clear(self, *, yes: bool) -> int:
        inventories = [*map(collect.inventory, self._stores)]
        checkouts = len(other_checkouts(self._workspace))
        shared = f", which {format_count(checkouts, 'other checkout')} may need" if checkouts else ""
        self.say(f"This removes {_contents(inventories)}{shared}. Outputs in place stay, but each stage runs again.")
        if not yes and not _confirmed():
            self.say("Nothing removed.")
            return 1
        for store in (*self._stores, self._workspace.copies):
            collect.clear(store)
        self.say(f"Freed {format_size(sum(inventory.size for inventory in inventories))}.")
        return 0

    def _folders(self, store: Store) -> list[Path]:
        """Return the folders outside a store where a crash may have left temporary files: once for both stores."""
        if store is self._workspace.private:
            return []
        return [*self._workspace.folders, store.root / CHECKOUTS, run_log().folder]

    def _rescued(self) -> dict[Path, int]:
        """Return what was set aside in this checkout, with its size in bytes."""
        return {place: collect.size_of(location(place)) for place in rescued(self._workspace.root)}


def _shown_name(trace: StoredTrace) -> str:
    """Return the name of a trace's stage as one short word: in a shared store it may be anything."""
    return one_line(trace.stage)[:MAX_NAME_CHARACTERS]


def _by_stage(traces: Iterable[StoredTrace]) -> dict[str, list[StoredTrace]]:
    """Return stage -> its traces, sorted by name."""
    stages = defaultdict(list)
    for trace in traces:
        stages[_shown_name(trace)].append(trace)
    return dict(sorted(stages.items()))


def _duplicate_bytes(inventory: Inventory) -> int:
    """Return how many bytes more the blobs would take if traces did not share them."""
    uses = Counter(blob for trace in inventory.traces for blob in trace.blobs)
    return sum((count - 1) * inventory.blobs.get(blob, 0) for blob, count in uses.items())


def _contents(inventories: list[Inventory]) -> str:
    """Return the number of traces, blobs and bytes in words."""
    traces = format_count(sum(len(inventory.traces) for inventory in inventories), "trace")
    blobs = format_count(sum(len(inventory.blobs) for inventory in inventories), "blob")
    return f"{traces} and {blobs}, {format_size(sum(inventory.size for inventory in inventories))}"


def _confirmed() -> bool:
    if not sys.stdin.isatty():
        sys.stderr.write("doit cache clear: found no terminal to ask at; add --yes\n")
        return False
    try:
        return input("Continue? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        sys.stdout.write("\n")
        return False
