"""One oracle: after each doit the outputs are those of a clean build, and nothing was executed that need not be.

Hypothesis makes small pipelines, and histories of all that users, crashes and other programs do to them. `checkouts`
says what must come of each doit; three engines that are broken on purpose show that it can tell.
"""

import dataclasses
import os
import random
import shutil
import tempfile
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from broken_engines import DEFECTS, Defect, sound
from builds import Builds
from campaigns import Campaign
from checkouts import Checkout, Invocation
from doits import Doit
from histories import of_histories, repeatable
from hypothesis import seed
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from pipelines import HELPERS, IMPORTS, LOOKS, SHARED, SOURCES, Shape, Stage, Step, World

DIGIT = st.integers(0, 3)
COLLECT = [(), ("--max-size", "1B"), ("--older-than", "0s"), ("--keep-last", "1"), ("--max-size", "1GB")]
LOST = [".redoit/doit.db", ".redoit/stat-cache", ".redoit/installed"]
STEPS = 14  # of a history
EVEN = 0.5
QUICK, ENOUGH = 2, 2000  # a seed with which what is broken is found soon, and the histories for it at most
FORKED, REAL, FULL, FULL_REAL = 20, 3, 2000, 200  # histories


@st.composite
def shapes(draw: Any) -> Shape:
    """Return a pipeline of 2 to 6 stages."""
    steps = tuple(
        Step(
            f"s{number}",
            arity=draw(st.integers(1, 2)),
            outputs=draw(st.integers(1, 2)),
            uses=draw(st.sampled_from(HELPERS)),
            way=draw(st.sampled_from(sorted(IMPORTS))),
            modulus=draw(st.sampled_from([2, 5, 1000])),
        )
        for number in range(draw(st.integers(1, 3)))
    )
    stages: list[Stage] = []
    files = list(SOURCES)
    for number in range(draw(st.integers(2, 6))):
        policy = draw(st.sampled_from(["", "", "", "", "volatile", "impure"]))
        if stages and draw(st.integers(0, 3)) == 0:  # another stage that does the same
            twin = draw(st.sampled_from(stages))
            stage = Stage(f"t{number}", twin.step, twin.reads, policy)
        else:
            step = draw(st.sampled_from(steps))
            reads = tuple(draw(st.sampled_from(files[-4:] + files[:1])) for _ in range(step.arity))
            stage = Stage(f"t{number}", step, reads, policy)
        stages.append(stage)
        files += stage.outputs.values()
    return Shape(steps, tuple(stages))


RNG = st.integers(0, 2**16).map(random.Random)


class Histories(RuleBasedStateMachine):
    """All that may happen to a project. `real`: through processes; `defect`: of the engine, elsewhere."""

    folder: Path
    real = False
    defect: Defect = sound
    tally: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(dir=self.folder))
        self.copies = 0

    @initialize(shape=shapes(), shared=st.booleans(), number=DIGIT)
    def begin(self, shape: Shape, shared: bool, number: int) -> None:
        """Write a project, never built."""
        own = [f"{step.name} {what}" for step in shape.steps for what in ("body", "default")]
        world = World(
            shape, dict.fromkeys([*SHARED, *own], 1), dict.fromkeys(SOURCES, number), store="../../store" * shared
        )
        doit = Doit(self.root / "main/project", self.real, self.defect, self.tally)
        self.checkout = Checkout(world, Builds(self.root), doit, bytes_alone=self.defect is not sound)
        self.earlier = [world]
        self.checkout.build(Invocation())
        self.checkout.build(Invocation())

    @property
    def shape(self) -> Shape:
        """The pipeline."""
        return self.checkout.shape

    def _edit(self, rng: random.Random, what: str, name: str, value: Any) -> None:
        """Edit one thing, and perhaps run doit."""
        self._take(self.checkout.world.edited(what, name, value), rng)

    def _take(self, world: World, rng: random.Random) -> None:
        self.earlier.append(self.checkout.world)
        self.checkout.take(world, rng)
        self._perhaps_build(rng)

    def _perhaps_build(self, rng: random.Random) -> None:
        if rng.random() < EVEN:
            self.checkout.build(Invocation())

    @rule(data=st.data(), value=DIGIT, rng=RNG)
    def edit_code(self, data: st.DataObject, value: int, rng: random.Random) -> None:
        """Change a number in some code, which some stages can reach, or none."""
        self._edit(rng, "knobs", data.draw(st.sampled_from(sorted(self.checkout.world.knobs))), value)

    @rule(data=st.data(), value=DIGIT, rng=RNG)
    def edit_code_in_use(self, data: st.DataObject, value: int, rng: random.Random) -> None:
        """Change a number in code that a stage can reach."""
        stage = data.draw(st.sampled_from(self.shape.stages))
        self._edit(rng, "knobs", data.draw(st.sampled_from(stage.step.knobs)), value)

    @rule(data=st.data(), look=st.integers(0, len(LOOKS) - 1), rng=RNG)
    def edit_looks(self, data: st.DataObject, look: int, rng: random.Random) -> None:
        """Change a comment, a docstring or a blank line."""
        names = [step.name for step in self.shape.steps]
        self._edit(rng, "looks", data.draw(st.sampled_from([*names, "constants", "shapes", "helpers"])), look)

    @rule(data=st.data(), value=DIGIT, rng=RNG)
    def edit_setting(self, data: st.DataObject, value: int, rng: random.Random) -> None:
        """Change a setting in pyproject.toml."""
        stage = data.draw(st.sampled_from(self.shape.stages))
        known = self.checkout.world.settings.get(stage.name, {})
        self._edit(rng, "settings", stage.name, {**known, "k": value})

    @rule(data=st.data(), cached=st.booleans(), rng=RNG)
    def edit_caching(self, data: st.DataObject, cached: bool, rng: random.Random) -> None:
        """Turn caching of a stage off or on in pyproject.toml."""
        stage = data.draw(st.sampled_from(self.shape.stages))
        known = self.checkout.world.settings.get(stage.name, {})
        self._edit(rng, "settings", stage.name, {**known, "cache": cached})

    @rule(path=st.sampled_from(SOURCES), number=DIGIT, rng=RNG)
    def edit_input(self, path: str, number: int, rng: random.Random) -> None:
        """Change an input."""
        self._edit(rng, "inputs", path, number)

    @rule(data=st.data(), rng=RNG)
    def rewire(self, data: st.DataObject, rng: random.Random) -> None:
        """Let a stage read other files."""
        place = data.draw(st.integers(0, len(self.shape.stages) - 1))
        stage, before = self.shape.stages[place], self.shape.stages[:place]
        files = [*SOURCES, *(path for other in before for path in other.outputs.values())]
        reads = tuple(data.draw(st.sampled_from(files)) for _ in stage.reads)
        self._take(self.checkout.world.rewired(stage.name, reads), rng)

    @rule(data=st.data(), rng=RNG)
    def go_back(self, data: st.DataObject, rng: random.Random) -> None:
        """Go back to how all files were at some time."""
        self._take(data.draw(st.sampled_from(self.earlier)), rng)

    @rule(data=st.data())
    def touch(self, data: st.DataObject) -> None:
        """Touch a file."""
        files = [*self.checkout.world.files()]
        files += [path for stage in self.shape.stages for path in stage.outputs.values()]
        path = self.checkout.root / data.draw(st.sampled_from(files))
        if path.exists():
            path.touch()

    @rule(data=st.data(), way=st.sampled_from(["delete", "truncate", "edit", "deceive", "deceive", "deceive"]), rng=RNG)
    def damage(self, data: st.DataObject, way: str, rng: random.Random) -> None:
        """Delete, truncate or edit an output, perhaps so that size and time stay as they were."""
        stage = data.draw(st.sampled_from(self.shape.stages))
        path = self.checkout.root / data.draw(st.sampled_from(sorted(stage.outputs.values())))
        if not path.exists():
            return
        found, text = path.stat(), path.read_text()
        if way == "delete":
            path.unlink()
        else:
            path.write_text("" if way == "truncate" else f"9{text[1:]}" if way == "deceive" else f"{text}7\n")
        if way == "deceive":
            os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
        self._perhaps_build(rng)

    @rule(data=st.data(), corrupt=st.booleans())
    def lose(self, data: st.DataObject, corrupt: bool) -> None:
        """Lose doit's database, or what was learnt by looking; or find garbage in its place."""
        path = self.checkout.root / data.draw(st.sampled_from(LOST))
        path.unlink(missing_ok=True)
        if corrupt:
            path.write_bytes(b"garbage" * 99)

    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        """Forget a stage."""
        self.checkout.forget(data.draw(st.sampled_from(self.shape.stages)).name)

    @rule(how=st.sampled_from(COLLECT))
    def collect(self, how: tuple[str, ...]) -> None:
        """Collect what is not needed."""
        self.checkout.collect(*how)

    @rule(often=st.integers(0, 4))
    def clear(self, often: int) -> None:
        """Clear the store, once in a while."""
        if not often:
            self.checkout.clear()

    @rule(data=st.data())
    def dry_run(self, data: st.DataObject) -> None:
        """Look at tasks and at the store."""
        stage = data.draw(st.sampled_from(self.shape.stages)).name
        ways = [("list", "-s"), ("info", stage), ("cache",), ("cache", "check"), ("cache", "gc", "--dry-run")]
        self.checkout.dry_run(*data.draw(st.sampled_from(ways)))

    @rule()
    def build(self) -> None:
        """Run doit."""
        self.checkout.build(Invocation())

    @rule(data=st.data())
    def build_otherwise(self, data: st.DataObject) -> None:
        """Run doit with settings, for one stage, without trust."""
        self.checkout.build(self._given(data))

    @rule(data=st.data())
    def build_and_go_back(self, data: st.DataObject) -> None:
        """Run doit with settings, and without them."""
        self.checkout.build(self._given(data))
        self.checkout.build(Invocation())

    @rule()
    def build_twice_at_once(self) -> None:
        """Run two doits at once."""
        self.checkout.build_twice_at_once(Invocation())

    @rule(data=st.data(), share=st.floats(0, 1))
    def kill(self, data: st.DataObject, share: float) -> None:
        """Kill doit in the middle of a run, and run it again."""
        self.checkout.build_and_kill(self._given(data), share * (1.0 if self.real else 0.2))
        self.checkout.build(Invocation())

    @rule(with_state=st.booleans(), with_data=st.booleans())
    def build_elsewhere(self, with_state: bool, with_data: bool) -> None:
        """Run doit in a copy of the project in another folder."""
        self.copies += 1
        root = self.root / f"copy{self.copies}/project"
        other = self.checkout.elsewhere(root, with_state=with_state, with_data=with_data)
        other.build(Invocation())
        self.checkout.build(Invocation())

    def _given(self, data: st.DataObject) -> Invocation:
        """Return some call of doit."""
        stage = data.draw(st.sampled_from(self.shape.stages)).name
        given = Invocation(flags=("-n", "2") if self.real and data.draw(st.booleans()) else ())
        match data.draw(st.sampled_from(["setting", "setting", "one", "uncached", "always"])):
            case "setting":
                return dataclasses.replace(given, k={stage: data.draw(DIGIT)})
            case "one":
                return dataclasses.replace(given, only=stage)
            case "uncached":
                return dataclasses.replace(given, only=stage, uncached=True)
        return dataclasses.replace(given, always=True)

    def teardown(self) -> None:
        """See that a last doit is right, and that nothing is left for another."""
        if hasattr(self, "checkout"):
            self.checkout.build(Invocation())
            self.checkout.build(Invocation())
        shutil.rmtree(self.root)


def explore(folder: Path, begin: int, examples: int, *, real: bool = False, defect: Defect = sound) -> None:
    """Go through histories, from a seed."""
    tally = Counter[str]()
    machine = type(
        "Histories", (Histories,), {"folder": folder, "real": real, "defect": staticmethod(defect), "tally": tally}
    )
    options = of_histories(examples, shrinks=not real and defect is sound, stateful_step_count=STEPS)
    with repeatable(begin, examples):
        run_state_machine_as_test(seed(begin)(machine), settings=options)
    print(f"{examples} histories held, seed {begin}, {dict(tally)}")


def test_each_doit_is_a_clean_build(campaign: Campaign, memory: Path) -> None:
    """Whatever happened before, doit leaves what a clean build leaves, and executes no more than it has to."""
    explore(memory, campaign.seed, campaign.count(FORKED, FULL))


def test_each_doit_process_is_a_clean_build(campaign: Campaign, tmp_path: Path) -> None:
    """The same through real processes, killed ones and two at once among them."""
    explore(tmp_path, campaign.seed, campaign.count(REAL, FULL_REAL), real=True)


@pytest.mark.parametrize("defect", DEFECTS)
def test_the_oracle_rejects_what_is_broken(memory: Path, defect: Defect) -> None:
    """An engine that ignores helpers, trusts times, or keeps any existing output is detected."""
    # Times differ from run to run, so that hypothesis may fail to repeat what it has found, and says so.
    with pytest.raises((AssertionError, FlakyFailure)) as found:
        explore(memory, QUICK, ENOUGH, defect=defect)
    assert "is stale" in "".join(traceback.format_exception(found.value))
