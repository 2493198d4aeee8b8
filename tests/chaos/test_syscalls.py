"""The N-th call to the operating system fails, or is the last one before doit is killed, for every N."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import strace
from campaigns import Campaign
from invariants import SCENARIOS, Ground, Scenario, left_after_gc, orphans, sound_traces, staging
from projects import Pipeline, Result
from syscall_shim import Operation, Shimmed

ERRORS = {
    "open": ("EIO",),
    "create": ("EIO", "ENOSPC", "EMFILE", "KILL"),
    "write": ("EIO", "ENOSPC", "KILL"),
    "fsync": ("EIO", "ENOSPC", "KILL"),
    "rename": ("EIO", "ENOSPC", "KILL"),
    "link": ("EIO", "ENOSPC", "KILL"),
    "mkdir": ("EIO", "ENOSPC", "KILL"),
    "unlink": ("EIO", "EROFS", "KILL"),
    "rmdir": ("EIO", "KILL"),
    "truncate": ("EIO", "ENOSPC", "KILL"),
    "ioctl": ("EIO", "EOPNOTSUPP", "KILL"),
    "flock": ("EIO", "ENOLCK"),
    "read": ("EIO",),
    "list": ("EIO",),
    "utime": ("EIO",),
    "stat": ("EIO",),
}
STATS = 0.2  # the share of looks at a file's status that are made to fail
REAL = 0.3  # the share of faults after which a real doit is run, and not the engine in this process
RETRIED = ("openat", "read", "pread64", "write", "pwrite64", "fsync", "fdatasync", "flock")  # where EINTR can be
SAMPLE = 400  # system calls
PROCESSES = 40  # faults of each scenario that strike a real process at full length, and not a fork of this one


class Case(NamedTuple):
    """One fault: the scenario, the number of the operation and its verb, how it fails, and in what kind of doit."""

    scenario: str
    number: int
    verb: str
    error: str
    forked: bool


def cases(ground: Ground, scenario: Scenario, folder: Path, rng: random.Random, *, forked: bool) -> list[Case]:
    """Return ways in which one operation of a scenario can fail: for `build` all, for others one for each operation."""
    shimmed, made = Shimmed(ground.begin(scenario, folder)), []
    result = (shimmed.fork if forked else shimmed.doit)(*scenario.arguments)
    assert "Traceback" not in result.text, result.text
    for number, found in enumerate(shimmed.operations(), start=1):
        if found.verb == "stat" and rng.random() > STATS:
            continue
        errors = ERRORS[found.verb] if scenario.name == "build" else [rng.choice(ERRORS[found.verb])]
        made += [Case(scenario.name, number, found.verb, error, forked) for error in errors]
    return made


def struck(ground: Ground, folder: Path, case: Case, *, real: bool) -> str:
    """Let one operation fail, see all come right, and return how it ended."""
    scenario, number = SCENARIOS[case.scenario], case.number
    pipeline = ground.begin(scenario, folder)
    before = set(sound_traces(pipeline)) if scenario.before else set()
    shimmed = Shimmed(pipeline)
    run = shimmed.fork if case.forked else shimmed.doit
    result = run(*scenario.arguments, number=number, error=case.error)
    operations = shimmed.operations()
    if len(operations) < number:
        return "clean pass"
    hit = operations[number - 1]
    try:
        ground.check(pipeline, scenario, result, before, real=real)
        sweep(pipeline, hit, result)
    except AssertionError as failure:
        failure.add_note(f"case {case}: {hit.verb} {hit.path}\n{result.code}\n{result.text}")
        raise
    return "killed" if result.code < 0 else "survived" if result.code == 0 else "told"


def sweep(pipeline: Pipeline, hit: Operation, result: Result) -> None:
    """Check that no orphan stays for ever."""
    assert not staging(pipeline), f"staging folders are left: {staging(pipeline)}"
    left = orphans(pipeline)
    if result.code >= 0 and hit.verb not in ("unlink", "rmdir"):
        assert not left, f"temporary files are left: {left}"
    if left:
        assert not left_after_gc(pipeline), f"orphans that stays: {orphans(pipeline)}"


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_failing_call(campaign: Campaign, ground: Ground, tmp_path: Path, numbers: Iterator[int], name: str) -> None:
    """Whichever call fails, or is the last: one clear line, no wrong byte, nothing lost, and the next doit is right."""
    rng = random.Random(campaign.seed)
    found = cases(ground, SCENARIOS[name], tmp_path / "count", rng, forked=True)
    if processes := campaign.count(0, PROCESSES):
        real = cases(ground, SCENARIOS[name], tmp_path / "count", rng, forked=False)
        found += rng.sample(real, min(processes, len(real)))
    rng.shuffle(found)
    endings: Counter[str] = Counter()

    def attack(rng: random.Random) -> None:
        case = found[next(numbers) % len(found)]
        endings[struck(ground, tmp_path / "round", case, real=rng.random() < REAL)] += 1

    campaign.run(attack, few=3, full=len(found))
    print(f"{name}: {len(found)} calls and errors, {dict(endings)}")


def system_calls(pipeline: Pipeline, scenario: Scenario, rng: random.Random) -> list[tuple[str, int, str, str]]:
    """Return system calls of a scenario, and how each is to fail: a sample of all."""
    found = strace.calls(pipeline, *scenario.arguments)
    made = []
    for name, number, path in rng.sample(found, min(SAMPLE, len(found))):
        errors = ["EIO", "ENOSPC", "KILL", *(["EINTR", "EINTR"] if name in RETRIED else [])]
        made.append((name, number, rng.choice(errors), path))
    rng.shuffle(made)
    return made


def test_a_failing_system_call(campaign: Campaign, ground: Ground, tmp_path: Path, numbers: Iterator[int]) -> None:
    """The same where BLAKE3 makes the call, and where it is interrupted."""
    if not strace.works(tmp_path):
        pytest.skip("strace is not here, or may not be used")
    rng = random.Random(campaign.seed)
    scenario = SCENARIOS[rng.choice(("build", "change", "go back", "keep", "rerun"))]
    found = system_calls(ground.begin(scenario, tmp_path / "round"), scenario, rng)
    endings: Counter[str] = Counter()

    def attack(rng: random.Random) -> None:
        name, number, error, path = found[next(numbers) % len(found)]
        pipeline = ground.begin(scenario, tmp_path / "round")
        before = set(sound_traces(pipeline))
        result = strace.fail_call(pipeline, name, number, error, *scenario.arguments)
        try:
            ground.check(pipeline, scenario, result, before, real=rng.random() < REAL)
        except AssertionError as failure:
            failure.add_note(f"{scenario.name}: {name} {number} {error} {path}\n{result.code}\n{result.text}")
            raise
        endings["killed" if result.code < 0 else "survived" if result.code == 0 else "told"] += 1

    campaign.run(attack, few=3, full=len(found))
    print(f"{scenario.name}: {len(found)} system calls, {dict(endings)}")
