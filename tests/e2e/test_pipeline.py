"""The whole pipeline in real doit processes, on MNIST if it is next to the repository, else on digits."""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
MNIST = REPOSITORY.parent / "shared" / "mnist"
STAGES = ["fetch", "importer", "normalizer", "train", "evaluator", "report"]
AROUND_TRAIN = {"fetch": "kept", "normalizer": "kept", "train": "ran", "evaluator": "ran", "report": "ran"}
SOURCE = str(MNIST) if MNIST.is_dir() else "digits"
ACCURACY = 0.985 if MNIST.is_dir() else 0.90


class Checkout:
    """A copy of the pipeline, with the data source set in doit.cfg, as a user would."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("dodo.py", "pyproject.toml"):
            shutil.copy(REPOSITORY / name, root)
        shutil.copytree(REPOSITORY / "steps", root / "steps", ignore=shutil.ignore_patterns("__pycache__"))
        (root / "doit.cfg").write_text(f"[task:fetch]\nsource = {SOURCE}\n")

    def doit(self, *arguments: str) -> list[str]:
        """Return the stages that executed, in order."""
        began = time.perf_counter()
        command = [sys.executable, "-m", "doit", *arguments]
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
        print(f"\n$ doit {' '.join(arguments)}    ({seconds:.2f} s)\n{done.stdout}{done.stderr}")
        assert done.returncode == 0
        assert "WARNING" not in done.stdout
        return re.findall(r"^Step (\w+) has started\.", done.stdout, re.MULTILINE)

    def model(self) -> bytes:
        """Return the bytes of the trained model."""
        return (self.root / "data/model.keras").read_bytes()

    def report(self) -> list[bytes]:
        """Return the bytes of the report and its plots."""
        paths = [self.root / "data/report.html", *sorted((self.root / "data/plots").iterdir())]
        return [path.read_bytes() for path in paths]

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that must be there."""
        text = (self.root / path).read_text()
        assert old in text
        (self.root / path).write_text(text.replace(old, new, 1))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """Return a checkout in which the pipeline has run once."""
    made = Checkout(tmp_path_factory.mktemp("checkout"))
    assert made.doit() == STAGES
    return made


def test_first_run_reaches_the_promised_accuracy(checkout):
    """The default settings train a model that is good enough on the test set."""
    metrics = json.loads((checkout.root / "data/metrics.json").read_text())
    assert metrics["accuracy"] >= ACCURACY


def test_forked_steps_make_what_fresh_ones_make(checkout, tmp_path):
    """Without what is imported once for all, model and report have the same bytes."""
    fresh = Checkout(tmp_path)
    fresh.edit("pyproject.toml", 'preload = ["steps.backend"]', "preload = []")
    assert fresh.doit() == STAGES
    assert (fresh.model(), fresh.report()) == (checkout.model(), checkout.report())


def test_second_run_executes_nothing(checkout):
    """A run that changes nothing executes nothing."""
    assert checkout.doit() == []


def test_changed_setting_executes_train_and_what_follows_and_the_way_back_nothing(checkout):
    """`train.epochs=2` executes train, evaluator and report; the next plain run restores."""
    before = checkout.model()
    assert checkout.doit("train.epochs=2") == ["train", "evaluator", "report"]
    assert checkout.model() != before
    assert checkout.doit() == []
    assert checkout.model() == before


def test_an_edited_template_runs_the_report_alone(checkout):
    """A setting of the report, a colour of its plots, a word of its template train nothing; the way back restores."""
    before = checkout.report()
    assert checkout.doit("report.worst=6") == ["report"]
    assert checkout.report() != before
    for path, old, new in [("plots.py", "#1d5fbf", "#1d5fbe"), ("templates/page.html", "Sample digits", "Samples")]:
        checkout.edit(f"steps/{path}", old, new)
        assert checkout.doit() == ["report"]
        assert checkout.report() != before
        checkout.edit(f"steps/{path}", new, old)
    assert checkout.doit() == []
    assert checkout.report() == before


def test_report_is_reproducible(checkout):
    """Another execution of the report gives the page and its plots byte for byte."""
    assert checkout.doit("verify", "report") == []


def test_comment_executes_nothing(checkout):
    """A comment in a step's code is no change."""
    checkout.edit("steps/network.py", '"""', '# a comment\n"""')
    assert checkout.doit() == []


def test_forgotten_stage_executes_with_all_that_depends_on_it(checkout):
    """`doit forget normalizer` reruns all from normalizer on, and the model's bytes are the same."""
    before = checkout.model()
    checkout.doit("forget", "normalizer")
    assert checkout.doit() == ["normalizer", "train", "evaluator", "report"]
    assert checkout.model() == before


def test_clean_outputs_are_restored_without_executing(checkout):
    """What `doit clean` removed comes back from the store, save the impure download, which runs again."""
    before = checkout.model()
    checkout.doit("clean")
    assert not (checkout.root / "data/model.keras").exists()
    assert not (checkout.root / "data/report.html").exists()
    assert checkout.doit() == ["fetch"]
    assert checkout.model() == before


def test_the_modes_are_shown_side_by_side():
    """The demonstration runs the pipeline twice and prints a row for each stage: two times, an outcome, a ratio."""
    command = [sys.executable, str(REPOSITORY / "bench/modes.py"), "invalidate", "--source", "digits"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = re.findall(r"^ *(\w+) +[\d.]+ s +[\d.]+ s +(kept|ran) +[\d.,]+x *$", done.stdout, re.MULTILINE)
    assert [stage for stage, _ in rows] == STAGES
    assert {stage: outcome for stage, outcome in rows if stage in AROUND_TRAIN} == AROUND_TRAIN
