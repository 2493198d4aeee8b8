"""What was forced supersedes: after `forget`, `--no-cache` and `-a` no earlier result of the stage comes back, ever.

Both steps put into their outputs what a file outside the project says, which no stage declares. So each output tells
which execution made it, and a few lines say which one that must be.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from broken_engines import sound
from campaigns import Campaign
from forked_doit import doit, ended, forked
from modules import written

PROJECT = {
    "dodo.py": """
        from redoit import DOIT_CONFIG, step


        def task_count():
            return step("steps.count", inputs={"source": "source.txt"}, outputs={"made": "data/count.txt"})


        def task_follow():
            return step("steps.count", inputs={"source": "data/count.txt"}, outputs={"made": "data/follow.txt"})
        """,
    "steps/__init__.py": "",
    "steps/count.py": """
        from pathlib import Path


        def run(source, made):
            made.write_text(source.read_text() + "-" + Path("../execution").read_text())
        """,
}
EVENTS = 12  # of a round
FEW, FULL = 5, 500  # rounds


@dataclass
class Counted:
    """The project, and what each stage must have made. `results`: stage -> input -> the output that counts for it."""

    root: Path
    results: dict[str, dict[str, str]] = field(default_factory=lambda: {"count": {}, "follow": {}})
    forced: set[str] = field(default_factory=set)
    execution: int = 0

    def edit(self, number: int) -> None:
        """Change the source."""
        (self.root / "source.txt").write_text(f"{number}")

    def forget(self, *names: str) -> None:
        """Forget one of the stages, or all; what depends on it is forgotten as well."""
        self._doit("forget", *names)
        self.forced |= {"follow"} if names == ("follow",) else {*self.results}

    def lose(self, name: str) -> None:
        """Delete an output."""
        (self.root / f"data/{name}.txt").unlink(missing_ok=True)

    def build(self, *options: str) -> None:
        """Run doit on both stages."""
        self.forced |= {*self.results} if options == ("-a",) else set()
        self._compare(self._doit(*options), *self.results)

    def build_uncached(self, name: str) -> None:
        """Run doit on one stage with --no-cache; what depends on it runs when it is built next."""
        self.forced |= {"follow"} if name == "follow" else {*self.results}
        self._compare(self._doit(name, "--no-cache"), *(["count"] if name == "count" else self.results))

    def _compare(self, text: str, *names: str) -> None:
        """Compare the outputs of some stages with those that they must have."""
        source = (self.root / "source.txt").read_text()
        for name in names:
            if name in self.forced:
                self.results[name] = {}
                self.forced.remove(name)
            source = self.results[name].setdefault(source, f"{source}-{self.execution}")
            found = (self.root / f"data/{name}.txt").read_text()
            assert found == source, f"{name} is stale: {found}, and not {source}\n{text}"

    def _doit(self, *arguments: str) -> str:
        self.execution += 1
        (self.root.parent / "execution").write_text(f"{self.execution}")
        out = self.root.parent / "out"
        assert ended(forked(lambda: doit(self.root, arguments, sound), out)) == 0, out.read_text()
        return out.read_text()


def history(folder: Path, rng: random.Random) -> None:
    """Let a few things happen to a project, and run doit after each."""
    counted = Counted(written(folder / f"{rng.random()}/project", PROJECT))
    counted.edit(0)
    counted.build()
    events: list[Callable[[], None]] = [
        lambda: counted.edit(rng.randrange(3)),
        lambda: counted.edit(rng.randrange(3)),
        lambda: counted.forget(rng.choice(["count", "follow"])),
        lambda: counted.lose(rng.choice(["count", "follow"])),
        lambda: counted.build("-a"),
        lambda: counted.build_uncached(rng.choice(["count", "follow"])),
    ]
    for _ in range(EVENTS):
        rng.choice(events)()
        counted.build()


def test_what_was_forced_supersedes_all_earlier_results(campaign: Campaign, memory: Path) -> None:
    """A stage that was forced to run never again has a result from before, whatever input it goes back to."""
    campaign.run(lambda rng: history(memory, rng), few=FEW, full=FULL)
