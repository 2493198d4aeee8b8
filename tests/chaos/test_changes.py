"""Changes while a step runs: the next doit and each later one are right, whatever the times of files."""

import dataclasses
import random
import shutil
import time
from pathlib import Path

from campaigns import Campaign
from states import HELD, YEAR, Changing, State, any_state, write

WAYS = ["in place", "rename"]
FIELDS = ["numbers", "factor", "times", "source"]


def begun(folder: Path, rng: random.Random) -> tuple[Changing, State, State]:
    """Return a project, perhaps with a history, the state it is in, and another that differs in one thing or two."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    changing = Changing(folder, rng)
    if rng.random() < 0.4:
        changing.set_clock(rng.choice([-YEAR, YEAR]))
    if rng.random() < 0.5:
        changing.take(any_state(rng))
        assert changing.pipeline.doit().code == 0
    first, other = any_state(rng), any_state(rng)
    changed = {field: getattr(other, field) for field in rng.sample(FIELDS, rng.choice([1, 1, 2]))}
    changing.take(first)
    return changing, first, dataclasses.replace(first, **changed)


def is_right(changing: Changing, state: State, note: str) -> None:
    """Hold what doit makes of a state against a clean build."""
    changing.take(state)
    result = changing.pipeline.doit()
    assert result.code == 0, f"{note}\n{result.text}"
    found = {path: changing.pipeline.read(path) for path in state.outputs()}
    assert found == state.outputs(), f"{note}: {state}\n{result.text}"


def held(folder: Path, rng: random.Random) -> None:
    """Change something while a step is paused; perhaps change it back at a later pause."""
    changing, first, second = begun(folder, rng)
    stage, back, way = rng.choice(["scale", "scale", "report"]), rng.random() < 0.5, rng.choice(WAYS)
    where = "before" if back else rng.choice(HELD)
    for place in HELD:
        changing.hold(stage, place)
    process = changing.pipeline.start()
    changing.arrive(stage, "before") if where == "before" else None
    for place in HELD:
        changing.arrive(stage, place)
        if place == where:
            changing.take(second, way)
            if stage == "report" and rng.random() < 0.5:
                write(changing.pipeline.path("data/made.txt"), changing.pipeline.read("data/made.txt")[::-1], way, rng)
        elif back:
            changing.take(first, way)
        changing.release(stage, place)
    result = changing.pipeline.finish(process)
    note = f"{first} -> {second}{' and back' * back}, {way}, {where} {stage} read"
    assert result.code == 0, f"{note}\n{result.text}"
    seen = (first.numbers, first.factor) != (second.numbers, second.factor)
    assert not (seen and stage == "scale") or "while it ran" in result.out, f"{note}\n{result.text}"
    final = first if back else second
    for state in (final, first, second):
        is_right(changing, state, note)


def at_any_moment(folder: Path, rng: random.Random) -> None:
    """Change something, and perhaps change it back, at any moment of a run."""
    changing, first, second = begun(folder, rng)
    process = changing.pipeline.start(*rng.choice([(), ("-n", "2"), ("-a",)]))
    state, note = first, f"{first} -> {second}"
    for _ in range(rng.choice([1, 1, 2, 3])):
        pause = rng.uniform(0, 0.4)
        note += f", after {pause:.3f}s"
        time.sleep(pause)
        state = second if state == first else first
        changing.take(state, "rename")
    result = changing.pipeline.finish(process)
    assert (result.code, "Traceback" in result.text) == (0, False), f"{note}\n{result.text}"
    for visited in (state, first, second):
        is_right(changing, visited, note)


def test_a_change_while_a_step_is_paused(campaign: Campaign, tmp_path: Path) -> None:
    """A change while a step runs, before or after it was read, makes the next doit run it; no trace is false."""
    campaign.run(lambda rng: held(tmp_path / "round", rng), few=2, full=100)


def test_a_change_at_any_moment(campaign: Campaign, tmp_path: Path) -> None:
    """A change at any moment of a run makes the next doit run the stage; no trace is false."""
    campaign.run(lambda rng: at_any_moment(tmp_path / "round", rng), few=2, full=100)
