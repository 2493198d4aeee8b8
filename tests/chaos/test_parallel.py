"""`doit -n` over a wide graph, with failures and signals: as if it had been serial, and nothing is left running."""

import contextlib
import random
import shutil
import signal
import time
from pathlib import Path

from campaigns import Campaign
from child_processes import ChildProcesses
from projects import Pipeline, Result, until
from wide import WIDE, fate, finished, wide, wrong

WAYS = [(), *((f"-n{jobs}", f"-P{kind}") for jobs in (2, 2, 5) for kind in ("process", "thread"))]
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]


def begun(folder: Path, rng: random.Random) -> Pipeline:
    """Return the project, never built, some of whose steps are slow."""
    shutil.rmtree(folder, ignore_errors=True)
    pipeline = wide(folder)
    fate(pipeline, "slow", rng.sample(WIDE, rng.randrange(6)))
    return pipeline


def is_in_order(pipeline: Pipeline, result: Result, note: str) -> None:
    """Compare the run log with the output, and the next doits with the run log."""
    done = finished(pipeline)
    assert {name.replace(":", "") for name in result.told("finished")} <= done, f"{note}\n{result.text}"
    assert done <= set(result.executed), note
    assert sorted(set(result.executed)) == sorted(result.executed), f"{note}: executed twice: {result.executed}"
    again = pipeline.doit(*random.Random(note).choice(WAYS))
    assert again.code == 0, f"{note}\n{again.text}"
    assert sorted(again.executed) == sorted(set(WIDE) - done), (
        f"{note}: {done} were finished, {again.executed} executed"
    )
    assert wrong(pipeline) == [], note
    assert pipeline.doit("-n2").executed == [], note


def with_failures(folder: Path, rng: random.Random) -> None:
    """Let some steps fail in the middle of a parallel run."""
    pipeline = begun(folder, rng)
    what, names = rng.choice(["fail", "kill"]), rng.sample(WIDE, rng.randrange(4))
    fate(pipeline, what, names)
    way = (*rng.choice(WAYS), *rng.choice([(), ("--continue",)]))
    offspring, note = ChildProcesses(pipeline), f"{what} {names}, {way}"
    result = pipeline.doit(*way)
    assert (result.code != 0) == bool(names), f"{note}\n{result.text}"
    assert "Traceback" not in result.out, f"{note}\n{result.text}"
    assert offspring.left() == [], note
    if "--continue" in way:
        fallen = set(names) | {f"pair{int(name[-1]) % 4}" for name in names if "part" in name} | ({"join"} & {*names})
        fallen |= {"join"} if names else set()
        assert finished(pipeline) == set(WIDE) - fallen, note
    fate(pipeline, what, [])
    is_in_order(pipeline, result, note)


def with_a_signal(folder: Path, rng: random.Random) -> None:
    """End a parallel run at any moment, in one way or another, perhaps twice, as an impatient user does."""
    pipeline = begun(folder, rng)
    number, way, times = rng.choice(SIGNALS), rng.choice(WAYS), rng.choice([1, 1, 2])
    pauses = [rng.uniform(0, 0.8), rng.uniform(0, 0.1)][:times]
    note = f"{number.name} after {', '.join(f'{pause:.3f}s' for pause in pauses)}, {way}"
    offspring = ChildProcesses(pipeline)
    process = pipeline.start(*way)
    until(pipeline.path(".redoit/format").exists)
    for pause in pauses:
        time.sleep(pause)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
    result = pipeline.finish(process)
    expected = -9 if number == signal.SIGKILL else 128 + number
    assert result.code in (0, expected, -number), f"{note}\n{result.text}"
    assert "Traceback" not in result.text, f"{note}\n{result.text}"
    assert offspring.left() == [], note
    if result.code == 0:
        assert wrong(pipeline) == [], note
    elif number != signal.SIGKILL:
        assert not list(pipeline.path("data").glob(".redoit-*")), note
    is_in_order(pipeline, result, note)


def test_failures_in_a_parallel_run(campaign: Campaign, tmp_path: Path) -> None:
    """Steps that fail, or are killed, stop only their dependents; the next doit runs just the others."""
    campaign.run(lambda rng: with_failures(tmp_path / "round", rng), few=2, full=100)


def test_a_signal_in_a_parallel_run(campaign: Campaign, tmp_path: Path) -> None:
    """A signal at any moment of a run leaves no process behind; the next doit runs just what had not finished."""
    campaign.run(lambda rng: with_a_signal(tmp_path / "round", rng), few=2, full=100)
