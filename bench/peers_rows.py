"""Rows about a second run of the same job by other tools that remember what was done."""

import importlib
import os
import shutil
from pathlib import Path

from bench import mnist
from bench.bench import Bench
from bench.peers.peer import CALL, NotInstalledError, Peer, calls, installed
from bench.processes import Ran, WrongError, in_turn, ran
from bench.rows import Goal, Row, compared, missing, seconds

GROUP = "Peers"
MODULES = ("dvc", "snakemake", "zenml", "joblib", "hamilton")
FASTER = {"zenml": Goal(50, least=True)}
OTHERS = Goal(5, least=True)
WHAT = "second run, nothing changed"


class Job:
    """The pipeline, done by one peer in a folder of its own."""

    def __init__(self, bench: Bench, peer: Peer, number: int) -> None:
        self.peer, self.root = peer, bench.folder / f"peer{number}"
        self.programs = installed(peer, bench.environments)
        self.stages = mnist.checkout(bench, self.root)
        texts = {"call.py": CALL, "calls.json": calls(self.stages), **peer.write(self.stages)}
        for name, text in texts.items():
            (self.root / name).write_text(text)
        mnist.make_folders(self.root, self.stages)
        for command in peer.setup:
            self._ran(command)

    def first(self) -> Ran:
        """Run all of it."""
        done = self._ran(self.peer.command)
        if sorted(self._executed()) != sorted(stage["name"] for stage in self.stages):
            raise WrongError(f"{self.peer.name} executed {self._executed()}\n{done.text[-2000:]}")
        return done

    def no_op(self) -> Ran:
        """Run it with nothing to do: no step may be called, and the peer has to say so, if it says anything."""
        before = self._executed()
        done = self._ran(self.peer.command)
        if self._executed() != before or self.peer.said not in done.text:
            raise WrongError(f"{self.peer.name} did something: {self._executed()}\n{done.text[-2000:]}")
        return done

    def _executed(self) -> list[str]:
        return (self.root / "executed").read_text().split()

    def _ran(self, command: tuple[str, ...]) -> Ran:
        folders = {name: str(self.root / path) for name, path in self.peer.environ.items() if path.startswith(".")}
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        variables = {**self.peer.environ, **folders, **mnist.ENVIRON, "PATH": path}
        return ran([self.programs / command[0], *command[1:]], self.root, **variables)


def rows(bench: Bench) -> list[Row]:
    """Measure those that are asked for."""
    if not bench.against:
        return []
    root = bench.folder / "ours"
    stages = mnist.checkout(bench, root)
    count = len(stages)
    bench.say("  our own first run")
    first = mnist.checked(bench.doit(root), f"{count} ran")
    found: list[Row] = []
    number = 0
    for name in bench.against:
        for peer in importlib.import_module(f"bench.peers.{name}").PEERS:
            number += 1
            bench.say(f"  {peer.name}")
            goal = FASTER.get(name, OTHERS)
            try:
                job = Job(bench, peer, number)
            except NotInstalledError as error:
                found.append(missing(GROUP, WHAT, peer.name, f"{peer.requirement} can't be installed: {error}", goal))
                continue
            found.append(row(bench, job, root, first, goal))
            shutil.rmtree(job.root)
    return found


def row(bench: Bench, job: Job, ours: Path, first: Ran, goal: Goal) -> Row:
    """Return how a peer compares, once both did the job."""
    theirs = job.first()
    paths = mnist.outputs(job.stages, (stage["name"] for stage in job.stages))
    mnist.compare(ours, job.root, paths)
    count = len(job.stages)
    sides = {
        "ours": lambda: mnist.checked(bench.doit(ours), f"{count} steps: {count} kept"),
        "theirs": job.no_op,
    }
    found = in_turn(sides, bench.runs)
    note = f"{version(job)}: {job.peer.note}. First run {seconds(theirs.wall)}, ours {seconds(first.wall)}"
    return compared(GROUP, WHAT, found["ours"], found["theirs"], against=job.peer.name, goal=goal, note=note)


def version(job: Job) -> str:
    """Return package and version of a peer."""
    text = f"import importlib.metadata as m; print(m.version({job.peer.package!r}))"
    return f"{job.peer.package} {ran([job.programs / 'python', '-c', text], job.root).text.strip()}"
