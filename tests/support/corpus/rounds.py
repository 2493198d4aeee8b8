"""Rounds of the campaign: one edit of a package, held against a clean build, and undone."""

import random
import re
from pathlib import Path

from corpus.checkout import HANGS, STAGES, Checkout, Done
from corpus.mutator import Mutation, Mutator
from corpus.packages import Package
from corpus.tally import Seen, Tally


class Rounds:
    """A package, built; each round edits it and goes back. `faults`: what must not be; `observes`: as it should."""

    def __init__(self, folder: Path, package: Package, installed: Path, tally: Tally, *, observes: bool = True) -> None:
        self.checkout = Checkout(folder, package, installed, observes)
        self.tally = tally
        self.faults: list[str] = []
        self._number = -1
        self._units = self.checkout.units()
        self._truths = {stage: self.checkout.truth(stage, self._units) for stage in STAGES}
        self._read = {stage: self.checkout.read(stage, self._truths[stage]) for stage in STAGES}
        self._clean = self._cleanly()
        self._mutator = Mutator(
            {file: found for file, found in self._units.items() if file in self.checkout.contents},
            self.checkout.contents,
            package.plugins,
        )
        self._begin()

    def _begin(self) -> None:
        done = self.checkout.doit()
        assert (done.code, done.results) == (0, self._clean), done.text

    def _cleanly(self) -> dict[str, str | None]:
        return {stage: self.checkout.clean(stage) for stage in STAGES}

    def attack(self, rng: random.Random, stage: str = "", kind: str = "") -> None:
        """Edit a unit, build, compare, go back, and build again. `stage` and `kind`: if not any."""
        self._number += 1
        truth = self._truths[stage or rng.choice(list(STAGES))]
        mutation = self._mutator.mutation(kind or rng.choice(list(self._mutator.kinds)), rng, truth)
        if mutation is None:
            self.tally.counts["(no place)", "pairs"] += 1
            return
        file, keeps_time = mutation.unit.file, rng.random() < 0.25
        faults = len(self.faults)
        self.checkout.write(file, mutation.content, keeps_time=keeps_time)
        clean = self._cleanly()
        if HANGS in clean.values():
            self.tally.counts["(hangs)", "pairs"] += 1
        else:
            self._compare(mutation, clean, self.checkout.doit())
        self.checkout.write(file, self.checkout.contents[file], keeps_time=keeps_time)
        self._undone(mutation, self.checkout.doit())
        if len(self.faults) > faults:
            self.checkout.reset()
            self._begin()

    def _compare(self, mutation: Mutation, clean: dict[str, str | None], done: Done) -> None:
        """Hold what doit did against a clean build."""
        for stage, expected in clean.items():
            outcome = done.outcomes.get(stage, "nothing")
            changed = expected != self._clean[stage]
            right = outcome == "failed" if expected is None else outcome != "failed" and done.results[stage] == expected
            if not right and self.checkout.clean(stage) != expected:
                self.tally.counts["(unsteady)", "pairs"] += 1
            elif not right:
                what = "stale" if outcome in ("kept", "restored") else f"{outcome}, but"
                self._fault(mutation, f"{stage} is {what}: {done.results[stage]!r}, and not {expected!r}", done)
            line = next(iter(re.findall(rf"^Step {stage} has started\..*", done.text, re.MULTILINE)), outcome)
            seen = Seen(stage, mutation, self._truths[stage], self._read[stage])
            self.tally.add(seen, outcome, changed=changed, line=line)

    def _undone(self, mutation: Mutation, done: Done) -> None:
        """Check that going back executed nothing, and left what was there before."""
        if done.code or done.executed or done.results != self._clean:
            self._fault(mutation, f"undone, it executed {done.executed}, and left {done.results}", done)

    def _fault(self, mutation: Mutation, what: str, done: Done) -> None:
        self.faults.append(f"round {self._number}: {mutation}: {what}\n{done.text}")
