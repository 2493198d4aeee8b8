"""The power fails at any moment: what is on the disk then is true, and what was acknowledged is there."""

import hashlib
import json
import random
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise, product
from pathlib import Path

import pytest
from campaigns import Campaign
from invariants import SCENARIOS, Ground, Scenario, finished_in, sound_traces, staging
from power_loss import EXTREMES, Disk, Tree, materialise, tree_of
from projects import Pipeline, Result
from syscall_shim import Operation, Shimmed

NAMES = ("build", "change", "go back", "keep", "forget", "rerun", "uncached", "heal", "gc", "clear")
DISTRUSTED = {"forget": "forgetting sort", "uncached": "Step sort has finished"}  # once this is said, it is remembered
ACKNOWLEDGED = re.compile(r"^Step (\S+) (?:kept|restored|has finished)\b", re.MULTILINE)
CHANGES = ("create", "write", "mkdir", "rename", "fsync")
EACH = EXTREMES + 3  # crashes of each moment: the extremes, and random ones
REAL = 40  # states, of which one is also shown to a real doit
KILLED = ("build", "rerun", "forget", "gc", "clear")
KILLS = 20  # doits of each kind that are killed before the power fails, at full length
OF_KILLED = 100  # states of each of these


@dataclass(frozen=True)
class History:
    """What was done: the tree at its beginning, operations, and the scenario that they are."""

    root: Path
    scenario: Scenario
    before: Tree
    operations: list[Operation]


@dataclass(frozen=True)
class State:
    """What may be on the disk, and what had been acknowledged: names of traces, and what doit had said."""

    tree: Tree
    traces: frozenset[str]
    said: str

    @property
    def name(self) -> str:
        """Its name in test ids."""
        return hashlib.sha256(repr((sorted(self.tree.items()), sorted(self.traces))).encode()).hexdigest()


def recorded(ground: Ground, scenario: Scenario, folder: Path, kill: int = 0) -> History:
    """Write down what a real doit does; it may be killed before, and then be run again."""
    shimmed = Shimmed(ground.begin(scenario, folder))
    root, operations = shimmed.pipeline.root, []
    tree = tree_of(root)
    if kill:
        shimmed.doit(*scenario.arguments, number=kill, error="KILL", every=True)
        operations = shimmed.operations()
    result = shimmed.doit(*scenario.arguments, every=True)
    assert result.code == 0, result.text
    return History(root, scenario, tree, operations + shimmed.operations())


def crashed(history: History, moment: int, number: int, rng: random.Random) -> State:
    """Return what may be on the disk when the power fails after so many operations, in the way of that number."""
    disk, said = Disk(history.root, history.before), ""
    traces = {*traces_of(disk)}
    for operation in history.operations[:moment]:
        if operation.verb == "say":
            said += operation.path
            told = ACKNOWLEDGED.findall(operation.path)
            traces |= {name for name, stage in traces_of(disk).items() if stage in told}
        else:
            disk.play(operation)
    tree = next(islice(disk.crashes(rng), number, None))
    return State(tree, frozenset(traces & traces_of(disk).keys()), said)  # what is being removed may be gone


def traces_of(disk: Disk) -> dict[str, str]:
    """Return name -> stage of the traces that are recorded."""
    found = [path for path in disk.names() if path.startswith(".redoit/traces/") and path.endswith(".json")]
    return {Path(path).stem: json.loads(disk.read(path))["stage"] for path in found}


def hold(ground: Ground, history: History, state: State, folder: Path, *, real: bool = False) -> None:
    """Hold a state against what must be, and see the next build come right; `real`: that of a real doit."""
    if folder.exists():
        shutil.rmtree(folder)
    materialise(state.tree, folder / "project")
    pipeline, scenario = Pipeline(folder / "project"), history.scenario
    lost = state.traces - sound_traces(pipeline).keys()
    assert not lost, f"acknowledged traces are lost: {lost}"
    ground.check_bytes(pipeline)
    finished = finished_in(Result([], 0, state.said, ""))
    executed = ground.check_recovery(pipeline, scenario, finished, real=real)
    if DISTRUSTED.get(scenario.name, state.said + "never") in state.said:
        assert {*scenario.must} <= {*executed}, "what was distrusted is remembered"
    assert not staging(pipeline), f"staging folders are left: {staging(pipeline)}"


def fail(campaign: Campaign, ground: Ground, history: History, numbers: Iterator[int], full: int | None) -> None:
    """Let the power fail at every moment of a history, in every way; print how many states that were."""
    cases = list(product(range(len(history.operations) + 1), range(EACH)))
    random.Random(campaign.seed).shuffle(cases)
    folder, names = history.root.parents[1] / "round", set()

    def attack(rng: random.Random) -> None:
        number = next(numbers)
        moment, way = cases[number % len(cases)]
        state = crashed(history, moment, way, rng)
        if state.name in names:
            return
        names.add(state.name)
        try:
            hold(ground, history, state, folder, real=number % REAL == REAL - 1)
        except Exception as error:
            last = history.operations[:moment][-12:]
            error.add_note("\n".join(f"{verb} {path} {str(more)[:80]}" for verb, path, more in last))
            raise

    campaign.run(attack, few=8, full=full or len(cases))
    print(f"{history.scenario.name}: {len(history.operations)} operations, {len(names)} distinct states")


@pytest.mark.parametrize("name", NAMES)
def test_power_loss(campaign: Campaign, ground: Ground, tmp_path: Path, numbers: Iterator[int], name: str) -> None:
    """After a power failure at any moment, acknowledged results survive, nothing is false, the next doit is right."""
    fail(campaign, ground, recorded(ground, SCENARIOS[name], tmp_path / "recorded"), numbers, None)


def between(operations: list[Operation]) -> list[int]:
    """Return the numbers of those that force a name to the disk: who is killed there leaves it unforced."""
    changes = [(number, found.verb) for number, found in enumerate(operations, start=1) if found.verb in CHANGES]
    return [number for (_, before), (number, verb) in pairwise(changes) if verb == "fsync" and before != "write"]


@pytest.mark.parametrize("name", KILLED)
def test_power_loss_after_a_kill(
    campaign: Campaign, ground: Ground, tmp_path: Path, numbers: Iterator[int], name: str
) -> None:
    """What a killed doit left on its way to the disk is not taken for safe by the next one."""
    shimmed = Shimmed(ground.begin(SCENARIOS[name], tmp_path / "counted"))
    assert shimmed.doit(*SCENARIOS[name].arguments).code == 0
    kills = between(shimmed.operations())
    for kill in random.Random(campaign.seed).sample(kills, min(campaign.count(1, KILLS), len(kills))):
        fail(campaign, ground, recorded(ground, SCENARIOS[name], tmp_path / "recorded", kill), numbers, OF_KILLED)
