"""Popular packages as code of a project, edited one unit at a time: doit leaves what a clean build leaves.

What is executed is known from a trace of each step, called by hand. `nox -s corpus` edits three packages a few times;
with `-- --full` all of them, a thousand times; `-- -k jinja2 --examples 100` one of them.
"""

import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from campaigns import Campaign
from corpus.packages import PACKAGES, Package
from corpus.rounds import Rounds
from corpus.tally import Tally

QUICK = ("markupsafe", "pluggy", "tinydb")
FEW, FULL, OF_LARGE = 13, 65, 8  # mutations of each package
BLIND = "markupsafe"  # with it what is not observed is missed soon
SOON = 10  # mutations
MOST_NEEDLESS = 0.1  # of the mutations of what a stage neither executes nor reads
ENOUGH = 20  # pairs of a mutation and a stage, to speak of a share
LEFT_OUT = ("*.dist-info", "bin", "*.so", "*.pyi", "__pycache__", "py.typed")


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    """Return what all mutations caused; print it at the end."""
    found = Tally()
    yield found
    print(f"\n{found}")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Package], Path]:
    """Return a function that installs a package, as source alone, in a folder."""

    def install(package: Package) -> Path:
        base = tmp_path_factory.mktemp(package.name)
        options = ["-q", "--no-deps", "--no-compile", "--retries", "1", "--target", str(base / "pip")]
        command = [sys.executable, "-m", "pip", "install", *options, *package.requirements]
        ran = subprocess.run(command, check=False, capture_output=True, text=True)
        if ran.returncode:
            pytest.skip(f"pip can't install {', '.join(package.requirements)}: {ran.stderr.strip()[-200:]}")
        shutil.copytree(base / "pip", base / "source", ignore=shutil.ignore_patterns(*LEFT_OUT))
        for path in [path for pattern in package.drops for path in (base / "source").glob(pattern)]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return base / "source"

    return install


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_each_mutation_is_a_clean_build(
    campaign: Campaign, installed: Callable[[Package], Path], tally: Tally, memory: Path, package: Package
) -> None:
    """Whatever unit of a package is edited, doit leaves what a clean build leaves; undone, it executes nothing."""
    if package.name not in QUICK and not campaign.count(0, 1):
        pytest.skip("only with --full or --examples")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        rounds = Rounds(Path(folder), package, installed(package), tally)
        campaign.run(rounds.attack, few=FEW, full=OF_LARGE if package.is_large else FULL)
        assert not rounds.faults, "\n\n".join(rounds.faults)


def test_what_is_not_observed_is_missed(installed: Callable[[Package], Path], memory: Path) -> None:
    """Where nothing is observed, an edit of what a step unpickles leaves a stale result, which is detected."""
    (package,) = [each for each in PACKAGES if each.name == BLIND]
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        rounds = Rounds(Path(folder), package, installed(package), Tally(), observes=False)
        for number in range(SOON):
            rounds.attack(random.Random(number), "unpickle", "executed")
            if rounds.faults:
                break
    assert "unpickle is stale" in "".join(rounds.faults)


def test_few_runs_are_needless(tally: Tally) -> None:
    """Of the mutations of what a stage neither executes nor reads, fewer than a tenth make it run on Python 3.12."""
    if tally.unreached["read", "", "pairs"] < ENOUGH:
        pytest.skip("too few mutations to speak of a share")
    if sys.version_info >= (3, 12):
        assert tally.share("read") < MOST_NEEDLESS, str(tally)
