"""The oracle for what projects vary in: after each doit the outputs are those of a clean build, of whatever kind.

Hypothesis makes histories of edits to one variation, or to several in one project; `varied_checkouts` says what must
come of each doit. A history that fails is printed as it was made, at its shortest.
"""

import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from broken_engines import Defect, sound
from campaigns import Campaign
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from variations import VARIATIONS
from variations.base import Step
from varied import CleanBuilds, Variant
from varied_checkouts import DRY_RUNS, VariedCheckout

EVENTS = 10  # of a history
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
        variant = earlier[-1 - self.ago % len(earlier)]
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
    """Return a history of a project with at most so many of some variations."""
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=most, unique=True))
    knobs = {name: VARIATIONS[name].knobs for name in chosen}
    any_of = {name: {knob: st.sampled_from(values) for knob, values in knobs[name].items()} for name in chosen}
    begins = {name: draw(st.fixed_dictionaries({}, optional=any_of[name])) for name in chosen}
    number = st.integers(0, 9)
    turn = st.sampled_from(chosen).flatmap(
        lambda name: st.sampled_from(sorted(knobs[name])).flatmap(
            lambda knob: st.builds(Turn, st.just(name), st.just(knob), any_of[name][knob], st.integers(0, 3).map(bool))
        )
    )
    other = [
        st.builds(Back, number),
        st.builds(Again),
        st.builds(Damage, number, st.booleans()),
        st.builds(Touch, number),
        st.builds(Forget, number),
        st.builds(DryRun, st.sampled_from(DRY_RUNS)),
    ]
    return History(begins, draw(st.lists(st.one_of(turn, turn, turn, turn, *other), min_size=3, max_size=EVENTS)))


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

    phases = (Phase.generate,) if real or defect is not sound else (Phase.generate, Phase.shrink)
    options = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=phases,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    try:
        seed(begin)(options(given(history=histories(names, 1 if len(names) == 1 else 3))(holds)))()
    except BaseException as error:
        error.add_note(f"repeat it with: --seed {begin} --examples {examples}")
        raise
    print(f"{', '.join(names)}: {examples} histories held, seed {begin}, {dict(tally)}")


@pytest.mark.parametrize("name", VARIATIONS)
def test_each_doit_of_a_variation_is_a_clean_build(campaign: Campaign, memory: Path, name: str) -> None:
    """Whatever was edited of one kind, doit leaves what a clean build leaves, and executes nothing for nothing."""
    explore(memory, campaign.seed, campaign.count(FORKED, FULL), (name,))


def test_each_doit_of_all_variations_is_a_clean_build(campaign: Campaign, memory: Path) -> None:
    """The same for several kinds in one project."""
    explore(memory, campaign.seed, campaign.count(FORKED, FULL), tuple(VARIATIONS))


def test_each_doit_process_of_all_variations_is_a_clean_build(campaign: Campaign, tmp_path: Path) -> None:
    """The same through real processes, in an environment of the project's own."""
    explore(tmp_path, campaign.seed, campaign.count(REAL, FULL_REAL), tuple(VARIATIONS), real=True)
