"""The oracle for what projects vary in: after each doit the outputs are those of a clean build, of whatever kind.

Hypothesis makes histories of edits to one variation, or to several in one project; `varied_checkouts` says what must
come of each doit. A history that fails is printed as it was made, at its shortest.
"""

import random
import shutil
import tempfile
import traceback
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from broken_engines import OF_VARIATIONS, Defect, sound
from campaigns import Campaign
from histories import of_histories, repeatable
from hypothesis import given, seed
from hypothesis import strategies as st
from variations import VARIATIONS
from variations.base import Step
from varied import CleanBuilds, Variant
from varied_checkouts import DRY_RUNS, VariedCheckout

EVENTS = 10  # of a history
QUICK, ENOUGH = 2, 2000  # a seed with which what is broken is found soon, and the histories for it at most
TOGETHER = tuple(name for name, variation in VARIATIONS.items() if not variation.alone)
FORKED, REAL, FULL, FULL_REAL = 3, 1, 1000, 30  # histories


class Turn(NamedTuple):
    """An edit: one knob of a variation gets another value; `builds`: then doit runs."""

    variation: str
    knob: str
    value: Any
    builds: bool = True

    def happen(self, checkout: VariedCheckout, earlier: list[Variant]) -> None:
        """Edit, and perhaps run doit."""
        earlier.append(checkout.variant)
        checkout.take(checkout.variant.turned(self.variation, self.knob, self.value))
        if self.builds:
            checkout.build()


class Back(NamedTuple):
    """All files become again what they were a while ago."""

    ago: int

    def happen(self, checkout: VariedCheckout, earlier: list[Variant]) -> None:
        """Go back, and run doit."""
        variant = earlier[-1 - self.ago]
        earlier.append(checkout.variant)
        checkout.take(variant)
        checkout.build()


class Again(NamedTuple):
    """Nothing is edited."""

    def happen(self, checkout: VariedCheckout, _earlier: list[Variant]) -> None:
        """Run doit."""
        checkout.build()


class Damage(NamedTuple):
    """An output of a stage is deleted or edited."""

    which: int
    deletes: bool

    def happen(self, checkout: VariedCheckout, _earlier: list[Variant]) -> None:
        """Damage it, and run doit."""
        paths = sorted(path for path, task in checkout.variant.outputs.items() if isinstance(task, Step))
        path = checkout.root / paths[self.which % len(paths)]
        if path.is_file():
            path.unlink() if self.deletes else path.write_text(path.read_text()[1:] + "9")
        checkout.build()


class Touch(NamedTuple):
    """A file gets another time."""

    which: int

    def happen(self, checkout: VariedCheckout, _earlier: list[Variant]) -> None:
        """Touch it, and run doit."""
        files = sorted(checkout.variant.files())
        (checkout.root / files[self.which % len(files)]).touch()
        checkout.build()


class Forget(NamedTuple):
    """A stage is forgotten."""

    which: int

    def happen(self, checkout: VariedCheckout, _earlier: list[Variant]) -> None:
        """Forget it, and run doit."""
        names = [task.name for task in checkout.variant.tasks if isinstance(task, Step)]
        checkout.forget(names[self.which % len(names)])
        checkout.build()


class DryRun(NamedTuple):
    """A command is called that executes nothing."""

    arguments: tuple[str, ...]

    def happen(self, checkout: VariedCheckout, _earlier: list[Variant]) -> None:
        """Call it."""
        checkout.dry_run(*self.arguments)


class History(NamedTuple):
    """What happens to a project. `begins`: variation -> those of its knobs that do not have their first value."""

    begins: dict[str, dict[str, Any]]
    events: list[Any]

    def first(self) -> Variant:
        """Return the project at its beginning."""
        return Variant({name: {**VARIATIONS[name].first, **knobs} for name, knobs in self.begins.items()})


@st.composite
def histories(draw: Any, names: tuple[str, ...], most: int) -> History:
    """Return a history of a project with at most so many of some variations. An edit changes what it edits."""
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=most, unique=True))
    begins = {name: draw(st.fixed_dictionaries({}, optional=_values(name))) for name in chosen}
    now, events = History(begins, []).first(), list[Any]()
    earlier = [now]
    number, kinds = st.integers(0, 9), [Turn, Turn, Turn, Turn, Back, Again, Damage, Touch, Forget, DryRun]
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=3, max_size=EVENTS)):
        if kind is Turn:
            name = draw(st.sampled_from(chosen))
            knob = draw(st.sampled_from(sorted(VARIATIONS[name].knobs)))
            others = [value for value in VARIATIONS[name].knobs[knob] if value != now.chosen[name][knob]]
            event = Turn(name, knob, draw(st.sampled_from(others)), builds=draw(st.integers(0, 3)) > 0)
            earlier, now = [*earlier, now], now.turned(name, knob, event.value)
        elif kind is Back:
            event = Back(draw(st.integers(0, len(earlier) - 1)))
            earlier, now = [*earlier, now], earlier[-1 - event.ago]
        elif kind is DryRun:
            event = DryRun(draw(st.sampled_from(DRY_RUNS)))
        else:
            event = kind(*(draw(st.booleans() if each == "deletes" else number) for each in kind._fields))
        events.append(event)
    return History(begins, events)


def _values(name: str) -> dict[str, Any]:
    return {knob: st.sampled_from(values) for knob, values in VARIATIONS[name].knobs.items()}


def explore(
    folder: Path, begin: int, examples: int, names: tuple[str, ...], *, real: bool = False, defect: Defect = sound
) -> None:
    """Go through histories of some variations, from a seed."""
    tally, builds = Counter[str](), CleanBuilds(folder)

    def holds(history: History) -> None:
        base = Path(tempfile.mkdtemp(dir=folder))
        try:
            checkout = VariedCheckout(base / "project", history.first(), builds, real, defect, tally)
            earlier = [checkout.variant]
            checkout.build()
            for event in history.events:
                event.happen(checkout, earlier)
            checkout.build()
            checkout.build()
        finally:
            shutil.rmtree(base)

    options = of_histories(examples, shrinks=not real and defect is sound)
    with repeatable(begin, examples):
        seed(begin)(options(given(history=histories(names, 1 if len(names) == 1 else 3))(holds)))()
    print(f"{', '.join(names)}: {examples} histories held, seed {begin}, {dict(tally)}")


@pytest.mark.parametrize("name", VARIATIONS)
def test_clean_builds_differ_only_where_their_needs_do(campaign: Campaign, memory: Path, name: str) -> None:
    """What a variation says that its results depend on determines them: the oracle asks for no wrong result."""
    rng, builds, found = random.Random(campaign.seed), CleanBuilds(memory), dict[str, dict[str, str]]()
    knobs = VARIATIONS[name].knobs
    for _ in range(campaign.count(FORKED, FULL_REAL)):
        chosen = {knob: rng.choice(values) for knob, values in knobs.items()}
        for knob, values in knobs.items():
            variant = Variant({name: {**chosen, knob: rng.choice(values)}})
            outputs = builds.outputs(variant)
            assert found.setdefault(repr(variant.parts[name].needs), outputs) == outputs


@pytest.mark.parametrize("name", VARIATIONS)
def test_each_doit_of_a_variation_is_a_clean_build(campaign: Campaign, memory: Path, name: str) -> None:
    """Whatever was edited of one kind, doit leaves what a clean build leaves, and executes nothing for nothing."""
    explore(memory, campaign.seed, campaign.count(FORKED, FULL), (name,))


def test_each_doit_of_all_variations_is_a_clean_build(campaign: Campaign, memory: Path) -> None:
    """The same for several kinds in one project."""
    explore(memory, campaign.seed, campaign.count(FORKED, FULL), TOGETHER)


def test_each_doit_process_of_all_variations_is_a_clean_build(campaign: Campaign, tmp_path: Path) -> None:
    """The same through real processes, in an environment of the project's own."""
    explore(tmp_path, campaign.seed, campaign.count(REAL, FULL_REAL), TOGETHER, real=True)


@pytest.mark.parametrize(("defect", "name"), OF_VARIATIONS)
def test_the_oracle_rejects_what_is_broken(memory: Path, defect: Defect, name: str) -> None:
    """An engine whose key lacks something, that ignores what a step touches or trusts byte code, is detected."""
    with pytest.raises(AssertionError) as found:
        explore(memory, QUICK, ENOUGH, (name,), defect=defect)
    assert "is stale" in "".join(traceback.format_exception(found.value))
