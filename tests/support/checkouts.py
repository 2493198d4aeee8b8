"""A generated pipeline in a folder, its expected traces, and so what a doit must do there.

This is the oracle. It knows what is promised to happen when, and nothing of how redoit decides: a result is told from
others by its `Key`, which comes from the world as it was generated and from the bytes of clean builds.
"""

import copy
import random
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from builds import Builds, write
from doits import Doit
from pipelines import Shape, Stage, World

Key = tuple[object, ...]


@dataclass(frozen=True)
class Invocation:
    """A call of doit. `only`: the one stage that is asked for; `k`: stage -> setting on the command line.

    `uncached`: that stage with --no-cache; `always`: with -a.
    """

    only: str | None = None
    k: Mapping[str, int] = field(default_factory=dict)
    uncached: bool = False
    always: bool = False
    flags: tuple[str, ...] = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        """The command line."""
        variables = [f"{stage}.k={value}" for stage, value in self.k.items()]
        task = [self.only, *(["--no-cache"] if self.uncached else [])] if self.only else []
        return (*(["-a"] if self.always else []), *self.flags, *variables, *task)


@dataclass
class ExpectedTraces:
    """What is recorded in a store: keys of results that are there, and of those that perhaps are."""

    surely: set[Key] = field(default_factory=set)
    perhaps: set[Key] = field(default_factory=set)

    def learn(self, key: Key) -> None:
        """Note that a key has a trace."""
        self.surely.add(key)
        self.perhaps.discard(key)

    def doubt(self, keys: Iterable[Key]) -> None:
        """Note that keys may have a trace."""
        self.perhaps |= set(keys)
        self.surely -= self.perhaps


class Checkout:
    """One project. `known`: what its store has, which others may use; `private`: what only this checkout may know.

    `invalidations`: the invalidated stages, and `perhaps` those that may be; `latest`: stage -> key of its last result,
    where that is certain. `bytes_alone`: what is there is judged, and not what was executed.
    """

    def __init__(self, world: World, builds: Builds, doit: Doit, *, bytes_alone: bool = False) -> None:
        self.world = world
        self.known, self.private = ExpectedTraces(), ExpectedTraces()
        self.invalidations: set[str] = set()
        self.perhaps: set[str] = set()
        self.latest: dict[str, Key] = {}
        self._bytes_alone = bytes_alone
        self._builds = builds
        self._doit = doit
        write(self.root, world.files())

    @property
    def root(self) -> Path:
        """Its folder."""
        return self._doit.root

    @property
    def shape(self) -> Shape:
        """Its pipeline."""
        return self.world.shape

    def take(self, world: World, rng: random.Random) -> None:
        """Edit files until they are those of another world."""
        write(self.root, world.files(), rng)
        self.world = world

    def build(self, given: Invocation) -> None:
        """Run doit, and check which steps it executed and which outputs it left."""
        fits = {stage.name for stage in self.shape.stages if self._fits(stage, given)}
        result = self._doit.run(given.arguments)
        assert result.code == 0, result.text
        self._check(given, result.executed, fits, result.text)

    def build_twice_at_once(self, given: Invocation) -> None:
        """Run two doits at once: they do together what one does; only what runs each time may run twice."""
        fits = {stage.name for stage in self.shape.stages if self._fits(stage, given)}
        results = self._doit.run_at_once(given.arguments)
        text = "\n".join(result.text for result in results)
        assert [result.code for result in results] == [0, 0], text
        volatile = {stage.name for stage in self.shape.stages if stage.policy == "volatile"}
        each_time = self._invalidated_by(given) | volatile
        counts = Counter(results[0].executed)
        executed = [name for name in counts for _ in range(1 if name in each_time else counts[name])]
        self._check(given, executed, fits, text)

    def build_and_kill(self, given: Invocation, seconds: float) -> None:
        """Run doit and kill it after a while: what it was to do is done perhaps."""
        self._doit.kill(given.arguments, seconds)
        clean, stages = self._clean(given), self.shape.needed(given.only)
        for stage in stages:
            key, known = self._key(stage, given, clean), self._of(stage)
            if key not in known.surely:
                known.doubt([key])
            self.latest.pop(stage.name, None)
        self.perhaps |= self._invalidated_by(given) | (self.invalidations & {stage.name for stage in stages})
        self.invalidations -= self.perhaps

    def forget(self, stage: str) -> None:
        """Forget a stage."""
        self._succeed("forget", stage)
        self.invalidations |= {stage, *self.shape.dependents(stage)}
        self.perhaps -= self.invalidations

    def collect(self, *rule: str) -> None:
        """Run gc: the traces of outputs in place must stay."""
        self._succeed("cache", "gc", *rule)
        for known in (self.known, self.private):
            known.doubt(known.surely - set(self.latest.values()))

    def clear(self) -> None:
        """Remove all results."""
        self._succeed("cache", "clear", "--yes")
        for known in (self.known, self.private):
            known.surely.clear()
            known.perhaps.clear()

    def dry_run(self, *arguments: str) -> None:
        """Run dry runs: nothing must change."""
        result = self._doit.run(arguments)
        # doit's `info` ends with 1 where a task is not up to date.
        assert result.code in (0, arguments[0] == "info"), result.text
        assert result.executed == [], result.text

    def elsewhere(self, root: Path, *, with_state: bool, with_data: bool) -> "Checkout":
        """Return a copy of the project in another folder, with `.redoit/` and outputs or without."""
        left_out = [*([] if with_state else [".redoit"]), *([] if with_data else ["data"])]
        shutil.copytree(self.root, root, ignore=shutil.ignore_patterns(*left_out), symlinks=True)
        other = Checkout(self.world, self._builds, self._doit.elsewhere(root), bytes_alone=self._bytes_alone)
        other.known = self.known if self.world.store else copy.deepcopy(self.known) if with_state else ExpectedTraces()
        if with_state:
            other.private, other.latest = copy.deepcopy(self.private), dict(self.latest)
            other.invalidations, other.perhaps = set(self.invalidations), set(self.perhaps)
        return other

    def _succeed(self, *arguments: str) -> None:
        result = self._doit.run(arguments)
        assert (result.code, result.executed) == (0, []), result.text

    def _check(self, given: Invocation, executed: list[str], fits: set[str], text: str) -> None:
        clean, stages = self._clean(given), self.shape.needed(given.only)
        for stage in stages:
            for path in stage.outputs.values():
                found = (self.root / path).read_text()
                assert found == clean[path], f"{path} is stale: {found!r}, and not {clean[path]!r}\n{text}"
        names = {stage.name for stage in stages}
        distrusted = (self.invalidations | self._invalidated_by(given)) & names
        assert self._bytes_alone or len(executed) == len(set(executed)), f"executed twice: {executed}\n{text}"
        if not self._bytes_alone:
            self._check_executed(given, set(executed), distrusted, fits, text)
        for stage in stages:
            key, known = self._key(stage, given, clean), self._of(stage)
            if stage.name in distrusted | self.perhaps:  # this result supersedes, here, all that there are of the stage
                known.doubt({other for other in known.surely if other[0] == stage.name})
            known.learn(key)
            self.latest[stage.name] = key
        self.invalidations = (self.invalidations | self._invalidated_by(given)) - names
        self.perhaps -= names | self.invalidations

    def _check_executed(
        self, given: Invocation, executed: set[str], distrusted: set[str], fits: set[str], text: str
    ) -> None:
        """Hold the stages that were executed against those that had to be, and those that must not."""
        clean, stages = self._clean(given), self.shape.needed(given.only)
        must = distrusted | {stage.name for stage in stages if stage.policy == "volatile"}
        may = set(must)
        for stage in stages:
            key, known = self._key(stage, given, clean), self._of(stage)
            if stage.name in self.perhaps or key in known.perhaps:
                may.add(stage.name)
            elif key not in known.surely or (stage.policy == "impure" and stage.name not in fits):
                must.add(stage.name)
        may |= must
        assert must <= executed, f"not executed: {sorted(must - executed)}\n{text}"
        assert executed <= may, f"executed for nothing: {sorted(executed - may)}\n{text}"

    def _key(self, stage: Stage, given: Invocation, clean: Mapping[str, str]) -> Key:
        """Return everything that determines what a stage makes; its name stands for the paths of its outputs."""
        read = tuple(clean.get(path) or f"source {self.world.inputs.get(path)}" for path in stage.reads)
        code = (name for name in stage.step.knobs if not name.endswith(" default"))  # which counts as the value of `k`
        knobs = tuple(self.world.knobs[name] for name in code)
        k = given.k.get(stage.name, self.world.k(stage))
        docstring = stage.step.shows_docstring(self.world)
        return stage.name, stage.step.name, bool(stage.policy), stage.reads, read, knobs, docstring, k

    def _clean(self, given: Invocation) -> Mapping[str, str]:
        return self._builds.outputs(self.world, given.k)

    def _of(self, stage: Stage) -> ExpectedTraces:
        return self.private if stage.policy else self.known

    def _fits(self, stage: Stage, given: Invocation) -> bool:
        """Tell whether the outputs in place are those of a clean build."""
        clean = self._clean(given)
        files = [(self.root / path, clean[path]) for path in stage.outputs.values()]
        return all(path.is_file() and path.read_bytes() == text.encode() for path, text in files)

    def _invalidated_by(self, given: Invocation) -> set[str]:
        """Return the stages that a doit runs in any case, and their dependents."""
        found = set()
        for stage in self.shape.needed(given.only):
            asked = given.always or (given.uncached and stage.name == given.only)
            if asked or not self.world.is_cached(stage):
                found |= {stage.name, *self.shape.dependents(stage.name)}
        return found
