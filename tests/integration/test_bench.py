"""The benchmark's own arithmetic, and that what it measures is what it says. No test asserts on a duration."""

import importlib
import json
import re
import sys
from pathlib import Path

import pytest

from bench import mnist, observing_rows, table, wide
from bench.__main__ import measured
from bench.bench import REPOSITORY, Bench
from bench.bytes_rows import Bytes, digest_rows
from bench.peers.peer import CALL, calls
from bench.peers_rows import MODULES
from bench.processes import Ran, Series, WrongError, in_turn, ran
from bench.rows import Goal, Row, compared, missing
from bench.scale_rows import Project, edited


def series(*walls: float) -> Series:
    """Return runs that took so long."""
    return Series(tuple(Ran(wall, wall / 2, 1_000_000) for wall in walls))


@pytest.mark.parametrize(
    ("goal", "value", "verdict"),
    [
        (Goal(1.5), 1.5, "met"),
        (Goal(1.5), 1.8, "missed by 20%"),
        (Goal(100, least=True), 100, "met"),
        (Goal(100, least=True), 70, "missed by 30%"),
        (Goal(2), 101, "missed 50.5-fold"),
        (Goal(100, least=True), 40, "missed 2.5-fold"),
    ],
)
def test_goal(goal: Goal, value: float, verdict: str) -> None:
    """A goal is met at its limit, and missed by a share of it, or many times."""
    assert goal.verdict(value) == verdict


def test_ratio_is_that_of_medians_and_its_spread_that_of_neighbours() -> None:
    """A row compares medians; its spread is that of neighbouring runs."""
    row = compared("g", "w", series(2, 4, 30), series(1, 2, 10), against="a", goal=Goal(1.3))
    assert (row.value, row.spread) == (2.0, (2.0, 3.0))
    assert row.verdict == "missed by 54%"


def test_ratio_is_turned_round_where_the_goal_is_to_be_faster() -> None:
    """`>= 5x` speaks of how many times faster we are."""
    row = compared("g", "w", series(1, 1), series(6, 8), against="a", goal=Goal(5, least=True))
    assert (row.value, row.spread, row.verdict) == (7.0, (6.0, 8.0), "met")


def test_sides_run_in_turn_after_a_round_that_does_not_count() -> None:
    """Two sides are run A B A B, so that noise hits both alike."""
    calls: list[str] = []

    def side(name: str) -> Ran:
        calls.append(name)
        return Ran(float(len(calls)), 0.0, 0)

    found = in_turn({"a": lambda: side("a"), "b": lambda: side("b")}, 2)
    assert calls == ["a", "b"] * 3
    assert found["a"].walls == [3.0, 5.0]


def test_table_shows_missed_goals_and_what_was_not_measured(tmp_path: Path) -> None:
    """Markdown, JSON and page have each row, with its goal, its verdict and its note."""
    rows = [
        compared("One", "a no-op", series(3, 3), series(2, 2), against="bare | doit", goal=Goal(1.3), note="a note"),
        missing("Two", "a digest", "b3sum", "it is not installed", Goal(90, "%", least=True)),
    ]
    text = table.markdown(rows, {"machine": "made up"})
    assert "| a no-op | 3.00 s | bare \\| doit | 2.00 s | 1.5x | 1.5x to 1.5x | <= 1.3x | missed by 15% |" in text
    assert "- a digest, against b3sum: it is not installed" in text
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- figures -->\nold\n<!-- end of figures -->\nafter\n")
    table.write_figures(page, text)
    assert page.read_text() == f"before\n<!-- figures -->\n{text}<!-- end of figures -->\nafter\n"
    table.write_json(tmp_path / "found.json", rows, {"machine": "made up"})
    found = json.loads((tmp_path / "found.json").read_text())["rows"]
    assert [row["verdict"] for row in found] == ["missed by 15%", "not measured"]
    assert found[0]["raw"]["ours"]["wall"] == [3, 3]
    assert table.read_json(tmp_path / "found.json") == (rows, {"machine": "made up"})


def test_process_that_fails_is_no_figure(tmp_path: Path) -> None:
    """A process that ends with another status than expected is an error."""
    assert ran([sys.executable, "-c", "print(1)"], tmp_path).text == "1\n"
    with pytest.raises(WrongError, match="ended with 3, expected 0"):
        ran([sys.executable, "-c", "exit(3)"], tmp_path)


def test_projects_are_as_real_runs_leave_them(tmp_path: Path) -> None:
    """What is prepared in one process is kept by real ones; an edited leaf runs alone; a lost output is no no-op."""
    bench = Bench(tmp_path / "run", environments=tmp_path)
    project = Project(bench, 20, "wide")
    project.bare_no_op()
    for limit in project.limits().values():
        limit()
    edited(bench, project.root, 20)
    project.no_op()
    assert re.search(r"^ +\d\.\d{3} s  decide$", bench.inside("profiled", project.root).text, re.MULTILINE)
    (project.root / "data/0/1.json").unlink()
    with pytest.raises(WrongError, match="doit did something"):
        project.no_op()


def test_stages_with_observations_are_as_real_runs_leave_them(tmp_path: Path) -> None:
    """What is prepared has ten observations, as the real run of a stage has, of which a file beside its source changed.

    Bare doit depends on the same files.
    """
    bench = Bench(tmp_path / "run", environments=tmp_path)
    project = Project(bench, 20, wide.OBSERVED)
    beside = wide.beside(19, wide.OBSERVED)
    assert len(beside) == wide.BESIDE
    project.bare_no_op()
    prepared = observing_rows.observations(bench, project.root, "stage:00019")
    edited(bench, project.root, 20, beside[-1])
    assert prepared == observing_rows.observations(bench, project.root, "stage:00019")
    assert prepared[0]["file"] == wide.BESIDE
    (project.bare / beside[-1]).write_text("[5]")
    with pytest.raises(WrongError, match="skipped 19 of 20"):
        project.bare_no_op()


def test_observed_step_is_observed_and_the_other_is_not(tmp_path: Path) -> None:
    """Steps are measured with and without observing: their traces tell, also of what a worker process reads."""
    bench, root = Bench(tmp_path, quick=True), tmp_path / "observing"
    observing_rows.write(bench, root)
    numbers = {name: observing_rows.FILES_READ[name] for name in ("project_files", "other_files", "spawned")}
    for name in numbers:
        observing_rows.measured(bench, root, name)
    observing_rows.check(bench, root, numbers)
    with pytest.raises(WrongError, match="expected 1 files"):
        observing_rows.check(bench, root, {"project_files": 1})


@pytest.mark.parametrize("shape", wide.SHAPES)
def test_stages_read_sources_or_what_others_make(shape: str) -> None:
    """In each shape a stage has one input: a source that is there, or what a stage before it makes."""
    sources = {path for path, _ in wide.texts(1_000, shape) if path.startswith("source/")}
    made: set[str] = set()
    for number in range(1_000):
        assert wide.read(number, 1_000, shape) in sources | made
        made.add(wide.made(number))
    assert len(sources) == wide.width(1_000, shape)


def test_row_without_a_goal_has_no_verdict() -> None:
    """A row without a goal is neither met nor missed."""
    assert Row("g", "w", "a", 3.0).verdict == ""


def test_bytes_come_back_from_the_store_as_from_a_copy(tmp_path: Path) -> None:
    """The benchmark compares each copy that it puts, restores or clones with the file."""
    bytes_ = Bytes(Bench(tmp_path), tmp_path / "bytes", 10**6)
    bytes_.round_trip()
    bytes_.copies()
    bytes_.clone()
    assert [row.verdict == "not measured" for row in digest_rows(bytes_)] in ([False], [False, False])


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> mnist.Stages:
    """Return the stages of the repository's own pipeline."""
    folder = tmp_path_factory.mktemp("bench")
    return mnist.checkout(Bench(folder, quick=True), folder / "pipeline")


def test_plain_script_has_the_stages_asked_for(stages: mnist.Stages) -> None:
    """The script that is compared with a run calls just the steps that the run executes, with their settings."""
    text = mnist.script(stages, {"train": {"epochs": 2}}, ("train", "evaluator"))
    assert re.findall(r"^steps\.(\w+)\.run", text, re.MULTILINE) == ["train", "evaluator"]
    assert "history=Path('data/history.h5'), epochs=2)" in text
    tasks = re.findall(r"^def task_(\w+)", (REPOSITORY / "dodo.py").read_text(), re.MULTILINE)
    assert [stage["name"] for stage in stages] == tasks


@pytest.mark.parametrize("module", MODULES)
def test_peer_does_the_same_job(module: str, stages: mnist.Stages) -> None:
    """What is written for a peer names each stage, and has it executed by the call that witnesses it."""
    for peer in importlib.import_module(f"bench.peers.{module}").PEERS:
        texts = {"calls.json": calls(stages), **peer.write(stages)}
        assert all(stage["name"] in "".join(texts.values()) for stage in stages)
        assert "call.py" in "".join(peer.write(stages).values())


def test_step_called_for_a_peer_is_witnessed(tmp_path: Path) -> None:
    """The call that peers execute calls a step with its files, and leaves its name."""
    source = "def run(source, made, *, times=1):\n    made.write_text(source.read_text() * times)\n"
    stage = {"name": "make", "step": "step", "inputs": {"source": "in"}, "outputs": {"made": "out"}}
    texts = {"call.py": CALL, "step.py": source, "in": "a", "calls.json": calls([{**stage, "settings": {"times": 3}}])}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    ran([sys.executable, "call.py", "make"], tmp_path)
    assert ((tmp_path / "out").read_text(), (tmp_path / "executed").read_text()) == ("aaa", "make\n")


def test_wrong_result_fails_and_hides_no_other_figure(tmp_path: Path) -> None:
    """A group with a wrong result is reported, and the next one is measured."""
    row = missing("g", "w", "a", "why")

    def wrong(_bench: Bench) -> list[Row]:
        raise WrongError("it did something")

    found = measured(Bench(tmp_path), {"one": wrong, "two": lambda _bench: [row]})
    assert found == ([row], ["one: it did something"])
