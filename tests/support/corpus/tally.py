"""What mutations caused, counted by their kind; and how many runs were needless."""

from collections import Counter
from dataclasses import dataclass, field

from corpus.mutator import Mutation
from corpus.units import BODIES, Truth, module_of

SHOWN = 20  # of the needless runs
TEXTS = ("comment", "docstring")


@dataclass(frozen=True)
class Seen:
    """A mutation as one stage sees it. `read`: module and name of what reading reaches from what the stage executed."""

    stage: str
    mutation: Mutation
    truth: Truth
    read: frozenset[str]

    @property
    def is_executed(self) -> bool:
        """Whether the stage executes the function."""
        return self.mutation.unit.is_function and self.mutation.unit in self.truth.executed

    @property
    def is_named(self) -> bool:
        """Whether what the stage executes, or Python itself, names what was edited, in a file that it imports."""
        name = self.mutation.names
        return self.mutation.unit.file in self.truth.files and (name.startswith("__") or self.truth.names(name))

    @property
    def is_read(self) -> bool:
        """Whether reading counts it: by function, class or constant of a module, or the module whole."""
        unit = self.mutation.unit
        module = module_of(unit.file)
        if unit.is_function and self.mutation.kind != "default" and not BODIES:
            return not self.read.isdisjoint((f"{module}:{unit.name}", f"{module}:bytes"))
        name = self.mutation.names if unit.name == "<module>" else unit.name.partition(".")[0]
        return not self.read.isdisjoint((f"{module}:*", f"{module}:{name}"))


@dataclass
class Tally:
    """Counts of pairs of a mutation and a stage. `unreached`: not executed, and not named or not read, by stage."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    unreached: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    needless: list[str] = field(default_factory=list)

    def add(self, seen: Seen, outcome: str, *, changed: bool, line: str) -> None:
        """Count what became of one stage. `changed`: a clean build makes something else than before."""
        kind = seen.mutation.kind
        ran = outcome in ("finished", "failed")
        self.counts[kind, "pairs"] += 1
        self.counts[kind, "changed"] += changed
        self.counts[kind, "ran"] += ran
        self.counts[kind, "needless"] += ran and not changed
        if kind in TEXTS:
            return
        if not seen.is_executed:
            for meaning, reached in (("named", seen.is_named), ("read", seen.is_read)):
                for stage in () if reached else ("", seen.stage):
                    self.unreached[meaning, stage, "pairs"] += 1
                    self.unreached[meaning, stage, "ran"] += ran
                    self.unreached[meaning, stage, "changed"] += changed
            if ran and not changed and not seen.is_named:
                self.needless.append(f"{seen.mutation}: {line}{'' if seen.is_read else ' (not read either)'}")

    def share(self, meaning: str) -> float:
        """Return the share of runs among the mutations of what a stage neither executes nor names, or reads."""
        return self.unreached[meaning, "", "ran"] / max(1, self.unreached[meaning, "", "pairs"])

    def __str__(self) -> str:
        """Return a table."""
        columns = ("pairs", "changed", "ran", "needless")
        lines = [f"{'kind':14}" + "".join(f"{column:>10}" for column in columns)]
        for kind in dict.fromkeys(kind for kind, _ in self.counts):
            lines += [f"{kind:14}" + "".join(f"{self.counts[kind, column]:10}" for column in columns)]
        for meaning, stage in dict.fromkeys((meaning, stage) for meaning, stage, _ in self.unreached):
            pairs, ran, changed = (self.unreached[meaning, stage, what] for what in ("pairs", "ran", "changed"))
            words = f"neither executed nor {meaning}{stage and f', by {stage}'}"
            lines += [f"{words}: {pairs} pairs, {ran} ran, {changed} changed, {ran / pairs:.1%}"]
        return "\n".join([*lines, *self.needless[:SHOWN]])
