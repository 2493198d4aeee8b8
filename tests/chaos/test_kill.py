"""kill -9, at any moment and of any of doit's processes: the next doit goes on where the killed one was."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from campaigns import Campaign
from invariants import SCENARIOS, Ground, Scenario, left_after_gc, orphans, relative, sound_traces, staging
from projects import CHAIN, PRELOAD, WAYS, Pipeline, Result, until

REPOSITORY = Path(__file__).parents[2]
MNIST = REPOSITORY.parent / "shared" / "mnist"
NAMES = ("build", "build", "build", "change", "change", "go back", "rerun", "heal")
LONG = 0.5  # seconds, beyond which a small run is over
EPOCH = "train.epochs=1"
OF_MNIST = ("fetch", "importer", "normalizer", "train", "evaluator", "report")
DEAF = """
import ctypes
import os
import time
from pathlib import Path

from steps.witness import executed


def run(source: Path, made: Path, *, times: int = 3) -> None:
    made.write_text(" ".join(str(int(word) * times) for word in source.read_text().split()))
    executed("make")
    if os.path.exists("../deaf"):
        waits = "echo $$ > ../new; mv ../new ../busy; until [ -e ../go ]; do sleep 0.05; done"
        ctypes.PyDLL(None).system(f"{waits}; echo wrong > {made}".encode())  # no other thread gets a turn
    Path("../go").touch()
    while is_there(Path("../busy").read_text().strip()):  # then it writes, and ends
        time.sleep(0.01)


def is_there(number: str) -> bool:
    try:
        return bool(Path(f"/proc/{number}/cmdline").read_bytes())
    except OSError:
        return False
"""


def files(root: Path) -> set[str]:
    """Return the paths of all that redoit made so far; what vanishes meanwhile is passed over."""
    return {os.path.join(above, name) for part in (".redoit", "data") for above, dirs, names in os.walk(root / part)
            for name in (*dirs, *names)}  # fmt: skip


def children(number: int) -> list[int]:
    """Return the processes that a process has started, and theirs."""
    found = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{number}/task"):
            for child in Path(f"/proc/{number}/task/{thread}/children").read_text().split():
                found += [int(child), *children(int(child))]
    return found


def kill(process: "subprocess.Popen[str]", *, steps: bool) -> None:
    """Kill doit, and the groups of its steps if asked to; otherwise these end by themselves."""
    groups = children(process.pid) if steps else []
    process.kill()
    for number in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(number) == number:
                os.killpg(number, signal.SIGKILL)


def at_random(rng: random.Random, root: Path, process: "subprocess.Popen[str]") -> None:
    """Wait for any moment of a run."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(rng.uniform(0, LONG))


def at_a_change(rng: random.Random, root: Path, process: "subprocess.Popen[str]") -> None:
    """Wait until doit has made or removed some files, and perhaps a moment more: it is in the middle of something."""
    before, changes = files(root), rng.randrange(1, 60)
    while changes > 0 and process.poll() is None:
        now = files(root)
        changes -= len(now ^ before)
        before = now
    time.sleep(rng.choice([0, 0, rng.uniform(0, 0.01)]))


def moment(pipeline: Pipeline, scenario: Scenario, before: dict[str, str], result: Result) -> str:
    """Return when doit was killed: before its first commit, in the middle of one, between two, or after the last."""
    if result.code >= 0:
        return "after its end"
    made = sound_traces(pipeline)
    new = [made[name] for name in made.keys() - before.keys()]
    if orphans(pipeline) or set(new) - {*result.told("finished")} or unnamed(pipeline):
        return "in a commit"
    if not scenario.may:
        return "in a restore or before"
    return "between commits" if new else "before a commit"


def unnamed(pipeline: Pipeline) -> bool:
    """Tell whether there are blobs that no trace names yet."""
    named = set()
    for path in pipeline.path(".redoit/traces").glob("*/*.json"):
        fields = json.loads(path.read_bytes())
        outputs = [digest for digest, *_ in fields["manifest"].values()]
        named |= {*outputs, *fields["action"]["code"].values(), fields["log"]}
    blobs = {path.parent.name + path.name for path in pipeline.blobs() if not path.name.startswith(".tmp-")}
    return bool(blobs - named)


def killed(grounds: dict[bool, Ground], folder: Path, rng: random.Random) -> str:
    """Kill a doit, see the next come right, and return when that was. `grounds`: by whether steps are forked."""
    forks = rng.random() < 0.5
    ground = grounds[forks]
    scenario = SCENARIOS[rng.choice(NAMES)]
    pipeline = ground.begin(scenario, folder)
    before = sound_traces(pipeline)
    workers = rng.choice([(), (), ("-n", "2")])
    process = pipeline.start(*workers, *scenario.arguments)
    wait: Callable[..., None] = rng.choice([at_random, at_a_change, at_a_change])
    wait(rng, pipeline.root, process)
    kill(process, steps=rng.random() < 0.5)
    struck = pipeline.finish(process)
    try:
        when = moment(pipeline, scenario, before, struck)
        ground.check(pipeline, scenario, struck, set(before))
        assert not staging(pipeline), f"staging folders are left: {staging(pipeline)}"
        if orphans(pipeline):
            assert not left_after_gc(pipeline), f"orphans that stays: {orphans(pipeline)}"
    except AssertionError as failure:
        failure.add_note(f"{scenario.name} {workers}, forks: {forks}, {wait.__name__}\n{struck.code}\n{struck.text}")
        raise
    return when


def test_kill(campaign: Campaign, ground: Ground, tmp_path: Path) -> None:
    """After kill -9 the store is usable, no byte is wrong, and what had finished is not executed again."""
    grounds = {False: ground, True: Ground(tmp_path / "preloaded", {**CHAIN, "pyproject.toml": PRELOAD})}
    moments: Counter[str] = Counter()

    def attack(rng: random.Random) -> None:
        moments[killed(grounds, tmp_path / "round", rng)] += 1

    campaign.run(attack, few=6, full=500)
    print(f"killed: {dict(moments)}")


@pytest.mark.parametrize("preload", WAYS.values(), ids=WAYS, indirect=True)
def test_a_step_that_outlives_its_doit(fresh: Pipeline) -> None:
    """The step of a killed doit, deaf in C code, can't write among the files of the next one."""
    fresh.write("steps/make.py", DEAF)
    fresh.path("../deaf").touch()
    first = fresh.start()
    until(fresh.path("../busy").exists)  # it is in C code
    fresh.path("../deaf").unlink()
    kill(first, steps=False)
    fresh.finish(first)
    result = fresh.doit()
    assert (result.code, result.executed.count("make")) == (0, 1), result.text
    assert fresh.read("data/made.txt") == "9 3 6"
    assert fresh.doit().executed == []


@dataclass(frozen=True)
class Clean:
    """A clean build of MNIST: its project, what it leaves, and how many seconds it takes."""

    root: Path
    outputs: dict[str, bytes]
    seconds: float


def clone(source: Path, folder: Path) -> Pipeline:
    """Return a copy of the repository's own pipeline, as it is in a folder."""
    pipeline = Pipeline(folder / "project")
    pipeline.root.mkdir(parents=True)
    for name in ("dodo.py", "pyproject.toml"):
        shutil.copy(source / name, pipeline.root)
    shutil.copytree(source / "steps", pipeline.root / "steps", ignore=shutil.ignore_patterns("__pycache__"))
    return pipeline


def doit(pipeline: Pipeline) -> "subprocess.Popen[str]":
    """Start the repository's own pipeline, on the real MNIST."""
    return subprocess.Popen(
        [sys.executable, "-m", "doit", f"fetch.source={MNIST}", EPOCH],
        cwd=pipeline.root,
        env=pipeline.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> Result:
    """Wait for its end."""
    out, _ = process.communicate(timeout=600)
    return Result([], process.returncode, out, "")


@pytest.fixture(scope="module")
def clean(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Clean:
    """Return a clean build of MNIST."""
    if not request.config.getoption("--full"):
        pytest.skip("only at full length")
    if not MNIST.is_dir():
        pytest.skip("there is no MNIST beside the repository")
    pipeline, began = clone(REPOSITORY, tmp_path_factory.mktemp("clean")), time.monotonic()
    result = ended(doit(pipeline))
    assert (result.code, result.told("finished")) == (0, list(OF_MNIST)), result.text
    return Clean(pipeline.root, relative(pipeline), time.monotonic() - began)


def test_kill_of_mnist(campaign: Campaign, clean: Clean, tmp_path: Path) -> None:
    """After kill -9 in the middle of MNIST, the next doit executes only what had not finished, with the same result."""

    def attack(rng: random.Random) -> None:
        pipeline = clone(clean.root, tmp_path / f"{rng.random()}")
        process = doit(pipeline)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0, clean.seconds))
        kill(process, steps=rng.random() < 0.5)
        struck = ended(process)
        for name, found in relative(pipeline).items():
            assert found == clean.outputs[name], f"{name} is wrong"
        recorded = set(sound_traces(pipeline).values()) | {*struck.told("finished")}
        again = ended(doit(pipeline))
        assert again.code == 0, again.text
        assert not recorded & {*again.told("finished")}, f"{struck.text}\n{again.text}"
        assert relative(pipeline) == clean.outputs
        sound_traces(pipeline)
        print(f"killed after {struck.told('finished')}, then ran {again.told('finished')}")
        shutil.rmtree(pipeline.root.parent)

    campaign.run(attack, few=1, full=10)
