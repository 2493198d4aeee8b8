"""Many doits at once, in one project or in copies with one store, with gc and dry runs: as if run one by one."""

import dataclasses
import random
import re
import shutil
import signal
import time
from pathlib import Path

from campaigns import Campaign
from concurrent_doits import Background, Ended, all_at_once, begin, end
from projects import Pipeline, until
from states import Changing, State, any_state

GC = ("cache", "gc")
MILD = [GC, (*GC, "--dry-run"), (*GC, "--keep-last", "9"), ("cache", "check"), ("cache",), ("list", "-s")]
HARSH = [*MILD, (*GC, "--max-size", "1B"), (*GC, "--older-than", "0s"), (*GC, "--keep-last", "1")]
WAITING = re.compile(r"^Waiting for '[^\n]+' \(process (\d+)\) to finish\.$", re.MULTILINE)
BUSY = re.compile(r"^ERROR: '[^\n]+' \(process (\d+)\): [^\n]+; [^\n]+$", re.MULTILINE)


def made(folder: Path, state: State, rng: random.Random) -> Pipeline:
    """Return a new project in a state."""
    folder.mkdir(parents=True)
    changing = Changing(folder, rng)
    changing.take(state)
    return changing.pipeline


def outputs(pipeline: Pipeline, state: State) -> dict[str, str]:
    """Return what a project made."""
    return {path: pipeline.read(path) for path in state.outputs()}


def is_in_order(ended: list[Ended]) -> None:
    """Hold how they ended: all succeeded, save who was not to wait; who is waited for is one of them."""
    numbers = {one.number for one in ended}
    for one in ended:
        assert "Traceback" not in one.text, one.text
        named = {int(number) for number in [*WAITING.findall(one.err), *BUSY.findall(one.err)]}
        assert named <= numbers, f"{named - numbers} is none of them: {one.text}"
        if "--no-wait" in one.arguments and one.code:
            assert BUSY.search(one.err) or "another process" in one.err, one.text
        else:
            assert one.code == 0, one.text


def in_one_project(folder: Path, rng: random.Random) -> None:
    """Run 8 doits at once in one project, with some settings, and commands that take no lock."""
    shutil.rmtree(folder, ignore_errors=True)
    state = any_state(rng)
    pipeline = made(folder, state, rng)
    pipeline.witness.write_text("")
    settings = rng.sample(range(1, 9), rng.choice([1, 1, 2, 3]))
    arguments = [
        (*rng.choice([(), (), ("--no-wait",), ("-n2",)]), f"scale.times={rng.choice(settings)}") for _ in range(8)
    ]
    harsh = rng.random() < 0.5
    with Background([pipeline], rng.sample(HARSH, 3) if harsh else rng.choice([[], rng.sample(MILD, 2)])) as beside:
        ended = all_at_once([pipeline] * 8, arguments)
    is_in_order([*ended, *beside.ended])
    done = {one.arguments[-1] for one in ended if one.code == 0}
    executed = pipeline.executed()
    if not harsh or len(done) == 1:
        assert executed.count("scale") == executed.count("report") == len(done), executed
        for setting in done:
            result = pipeline.doit(setting)
            assert (result.executed, result.code) == ([], 0), result.text
    last = dataclasses.replace(state, times=settings[0])
    assert pipeline.doit(f"scale.times={settings[0]}").code == 0
    assert outputs(pipeline, last) == last.outputs()
    assert pipeline.doit("cache", "check").code == 0


def in_copies(folder: Path, rng: random.Random) -> None:
    """Run 2 doits at once in each of 4 copies that share a store, with such commands."""
    shutil.rmtree(folder, ignore_errors=True)
    first = any_state(rng)
    states = [first if rng.random() < 0.5 else dataclasses.replace(first, factor=number + 2) for number in range(4)]
    copies = []
    for number, state in enumerate(states):
        pipeline = made(folder / f"copy{number}", state, rng)
        pipeline.write("pyproject.toml", f'{pipeline.read("pyproject.toml")}[tool.redoit]\nstore = "../../store"\n')
        pipeline.witness.write_text("")
        copies.append(pipeline)
    commands = rng.sample(HARSH, 3) if rng.random() < 0.7 else []
    with Background(copies, commands) as beside:
        ended = all_at_once(copies * 2, [()] * 8)
    is_in_order([*ended, *beside.ended])
    for pipeline, state in zip(copies, states, strict=True):
        assert sorted(set(pipeline.executed())) == sorted(pipeline.executed()), "executed twice in one copy"
        assert outputs(pipeline, state) == state.outputs()
        result = pipeline.doit()
        assert (result.executed, result.code) == ([], 0), result.text
        assert outputs(pipeline, state) == state.outputs()
    assert copies[0].doit("cache", "check").code == 0
    shutil.rmtree(copies[3].root)  # whoever is gone relies on nothing
    assert copies[0].doit(*GC, "--max-size", "1B").code == 0
    for pipeline, state in zip(copies[:3], states[:3], strict=True):
        for path in rng.sample(sorted(state.outputs()), 1):
            pipeline.path(path).unlink()
        result = pipeline.doit()
        assert (result.executed, outputs(pipeline, state)) == ([], state.outputs()), result.text


def a_holder_dies(folder: Path, rng: random.Random) -> None:
    """Kill the doit that others wait for."""
    shutil.rmtree(folder, ignore_errors=True)
    state = any_state(rng)
    pipeline = made(folder, state, rng)
    folder.joinpath("hold-scale-before").touch()
    holder = begin(pipeline)
    until(folder.joinpath("at-scale-before").exists)
    others = [begin(pipeline) for _ in range(3)]
    no_wait = end(begin(pipeline, "--no-wait"), ("--no-wait",))
    found = BUSY.search(no_wait.err)
    assert found, no_wait.text
    assert (int(found[1]), no_wait.code != 0) == (holder.pid, True)
    time.sleep(rng.uniform(0, 0.5))
    folder.joinpath("at-scale-before").rmdir()
    folder.joinpath("hold-scale-before").unlink()
    holder.send_signal(rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
    dead, ended = end(holder, ()), [end(other, ()) for other in others]
    assert all(one.code == 0 for one in ended), [one.text for one in ended]
    named = {int(number) for one in ended for number in WAITING.findall(one.err)}
    assert named <= {dead.number, *(one.number for one in ended)}
    assert outputs(pipeline, state) == state.outputs()
    assert pipeline.doit().executed == []


def test_many_in_one_project(campaign: Campaign, tmp_path: Path) -> None:
    """8 doits at once in one project wait for each other, execute each stage once, and lose no record."""
    campaign.run(lambda rng: in_one_project(tmp_path / "round", rng), few=1, full=100)


def test_many_in_copies_that_share_a_store(campaign: Campaign, tmp_path: Path) -> None:
    """8 doits at once in 4 copies make what a serial run makes, while gc runs."""
    campaign.run(lambda rng: in_copies(tmp_path / "round", rng), few=1, full=100)


def test_a_dead_holder(campaign: Campaign, tmp_path: Path) -> None:
    """Who waits for a doit that is killed takes over; who is not to wait says for whom it would have to."""
    campaign.run(lambda rng: a_holder_dies(tmp_path / "round", rng), few=1, full=50)
