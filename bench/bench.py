"""What all groups of rows share: where to work, how many runs, how large, and the two kinds of doit."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import bare
from bench.processes import Ran, ran

REPOSITORY = Path(__file__).parents[1]
KEPT = REPOSITORY / ".bench"  # environments that are used again; git does not see it
MEMORY = Path("/dev/shm")


@dataclass(frozen=True)
class Bench:
    """One benchmark.

    `folder`: where projects lie while they are measured; `environments`: what it installs, to be used again; `quick`:
    smaller projects, to try it out; `mount`: a file system may be made for the while;
    `against`: which peers.
    """

    folder: Path
    runs: int = 5
    quick: bool = False
    profile: bool = False
    mount: bool = False
    against: Sequence[str] = ()
    environments: Path = KEPT

    def doit(self, root: Path, *arguments: str, code: int = 0) -> Ran:
        """Run doit with redoit in a project."""
        return ran([sys.executable, "-m", "doit", *arguments], root, code=code)

    def bare_doit(self, root: Path, *arguments: str) -> Ran:
        """Run bare doit in a project."""
        return ran([bare.interpreter(self.environments / "bare"), "-m", "doit", "-f", "bare.py", *arguments], root)

    def python(self, *arguments: str | Path) -> Ran:
        """Run this Python."""
        return ran([sys.executable, *arguments], REPOSITORY)

    def inside(self, module: str, *arguments: str | Path) -> Ran:
        """Run a module of the benchmark as a process."""
        return self.python("-m", f"bench.{module}", *arguments)

    def say(self, text: str) -> None:
        """Print the progress."""
        print(text, file=sys.stderr, flush=True)

    def made(self, name: str, make: Callable[[Path], None]) -> Path:
        """Make a project in memory if possible and copy it to the disk, which saves thousands of fsyncs.

        The copies have new inodes, so caches by `stat` are filled in a run that does not count.
        """
        root = self.folder / name
        if not MEMORY.is_dir():
            root.mkdir(parents=True)
            make(root)
            return root
        with tempfile.TemporaryDirectory(dir=MEMORY, prefix="bench-") as memory:
            draft = Path(memory) / name
            draft.mkdir()
            make(draft)
            shutil.copytree(draft, root, symlinks=True)  # with the times of files
        return root
