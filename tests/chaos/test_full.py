"""No room: the disk is full, files may not grow, no more files may be open. An error says so; nothing is harmed."""

import os
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from campaigns import Campaign
from invariants import SCENARIOS, Ground, Scenario, sound_traces
from projects import CHAIN, Pipeline, Result
from syscall_shim import limited

PAGE = 4096
PLENTY = 16_000
SIZES = 20
ENOUGH = {"pages": 70, "names": 60}  # of free room, for any scenario
KINDS = ("build", "change", "go back", "rerun", "heal")
BARE = "def task_one():\n    return {'actions': ['true']}\n"
BIG = {**CHAIN, "source.txt": " ".join(map(str, range(4000))) + "\n"}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """Return the states in which scenarios begin; outputs are some pages long."""
    return Ground(tmp_path_factory.mktemp("ground"), BIG)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system in memory, whose size can be changed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "none", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("to mount a small file system needs privileges")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def resize(disk: Path, *, pages: int = PLENTY, names: int = PLENTY) -> None:
    """Let a file system have so many free pages, and room for so many names of files, more or less than now."""
    found = os.statvfs(disk)
    size = (found.f_blocks - found.f_bfree) * found.f_frsize + pages * PAGE
    options = f"remount,size={size},nr_inodes={found.f_files - found.f_ffree + names}"
    subprocess.run(["mount", "-o", options, str(disk)], check=True)


def judged(large: Ground, pipeline: Pipeline, scenario: Scenario, struck: Result, before: set[str]) -> str:
    """Check the invariants, and return how doit ended."""
    try:
        large.check(pipeline, scenario, struck, before)
    except AssertionError as failure:
        failure.add_note(f"{scenario.name}\n{struck.code}\n{struck.text}")
        raise
    return "enough" if struck.code == 0 else "told"


@pytest.mark.parametrize("what", ENOUGH)
def test_disk_full(campaign: Campaign, large: Ground, small_disk: Path, numbers: Iterator[int], what: str) -> None:
    """For any free space: an error names what does not fit, earlier results stay, and with more space doit goes on."""
    endings: Counter[str] = Counter()
    count = campaign.count(4, SIZES)

    def attack(rng: random.Random) -> None:
        scenario = SCENARIOS[rng.choice(KINDS)]
        resize(small_disk)
        pipeline = large.begin(scenario, small_disk / "round")
        pipeline.witness = small_disk.parent / "executed"
        pipeline.env["EXECUTED"] = str(pipeline.witness)
        shutil.rmtree(pipeline.root / "steps/__pycache__", ignore_errors=True)
        before = set(sound_traces(pipeline))
        resize(small_disk, **{what: next(numbers) * ENOUGH[what] // count})
        pipeline.env["TMPDIR"] = str(small_disk)
        struck = pipeline.doit(*scenario.arguments)
        resize(small_disk)
        endings[judged(large, pipeline, scenario, struck, before)] += 1

    campaign.run(attack, few=4, full=SIZES)
    print(f"disk full of {what}: {dict(endings)}")


def test_no_large_files(campaign: Campaign, large: Ground, tmp_path: Path) -> None:
    """For any limit on file size: an error names the file that would exceed it, and nothing is harmed."""
    endings: Counter[str] = Counter()
    largest = 3 * len(BIG["source.txt"])

    def attack(rng: random.Random) -> None:
        scenario = SCENARIOS[rng.choice(KINDS)]
        pipeline = large.begin(scenario, tmp_path / "round")
        before = set(sound_traces(pipeline))
        size = rng.choice([0, 1, rng.randrange(200), rng.randrange(4000), rng.randrange(largest)])
        struck = limited(pipeline, "RLIMIT_FSIZE", size, *scenario.arguments)
        endings[judged(large, pipeline, scenario, struck, before)] += 1

    campaign.run(attack, few=4, full=SIZES)
    print(f"files limited in size: {dict(endings)}")


def fewest(tmp_path: Path) -> int:
    """Return the least number of open files with which a doit without stages works."""
    pipeline = Pipeline(tmp_path / "bare/project")
    pipeline.write("dodo.py", BARE)
    return next(number for number in range(3, 30) if limited(pipeline, "RLIMIT_NOFILE", number, "list").code == 0)


def test_few_open_files(campaign: Campaign, large: Ground, tmp_path: Path, numbers: Iterator[int]) -> None:
    """However few files may be open, from where doit itself starts: an error says so, and nothing is harmed."""
    endings: Counter[str] = Counter()
    number = fewest(tmp_path)
    count = campaign.count(4, SIZES)

    def attack(rng: random.Random) -> None:
        scenario = SCENARIOS[rng.choice(KINDS)]
        pipeline = large.begin(scenario, tmp_path / "round")
        before = set(sound_traces(pipeline))
        limit = number + next(numbers) * SIZES // count
        struck = limited(pipeline, "RLIMIT_NOFILE", limit, *scenario.arguments)
        endings[judged(large, pipeline, scenario, struck, before)] += 1

    campaign.run(attack, few=4, full=SIZES)
    print(f"from {number} open files: {dict(endings)}")
