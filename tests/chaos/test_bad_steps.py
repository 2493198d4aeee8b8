"""Steps that misbehave: an error that names step and log, and the work of all others stays."""

import re
import signal
from collections.abc import Callable
from typing import NamedTuple

import pytest
from bad_steps import BAD, FAILS, GOOD, PRINTS, SUCCEEDS, Bad, files
from campaigns import Campaign
from child_processes import ChildProcesses
from projects import Pipeline, Result

WAYS = {
    "serial": (),
    "process": ("-n", "2", "-P", "process"),
    "thread": ("-n", "2", "-P", "thread"),
    "serial, forked": (),
    "forked": ("-n", "2"),
}
PRELOAD = '[tool.redoit]\npreload = ["steps.shared"]\n'
Maker = Callable[[dict[str, str]], Pipeline]


class Run(NamedTuple):
    """What came of all bad steps at once: the project, doit's result, and the processes that it left."""

    pipeline: Pipeline
    result: Result
    left: list[str]

    def line(self, name: str) -> str:
        """Return the one line with the error of a stage."""
        found = [line for line in self.result.out.splitlines() if line.startswith(f"Step {name} has failed.")]
        assert len(found) == 1, found
        return found[0]


def run_all(pipeline: Pipeline, *arguments: str) -> Run:
    """Run doit on all of them."""
    offspring = ChildProcesses(pipeline)
    result = pipeline.doit("--continue", *arguments)  # which does not wait for who sleeps for longer than we do
    return Run(pipeline, result, offspring.left())


def build(root: Pipeline, bad: dict[str, Bad], way: str = "serial") -> Pipeline:
    """Write the project."""
    if "forked" in way:
        root.write("pyproject.toml", PRELOAD)
    for name, text in files(bad).items():
        root.write(name, text)
    return root


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask for all ways and all signals at full length only."""
    full = metafunc.config.getoption("--full")
    if "way" in metafunc.fixturenames:
        metafunc.parametrize("way", list(WAYS) if full else ["process", "forked"], scope="module")
    if "number" in metafunc.fixturenames:
        numbers = [signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGHUP]
        metafunc.parametrize("number", numbers if full else numbers[:2], ids=lambda number: number.name)


@pytest.fixture(scope="module")
def everything(way: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run all bad steps once, in one way."""
    pipeline = build(Pipeline(tmp_path_factory.mktemp("bad") / "project"), BAD, way)
    return run_all(pipeline, *WAYS[way])


@pytest.mark.parametrize("name", FAILS)
def test_a_failure_names_step_and_log(everything: Run, name: str) -> None:
    """The error of a failing step is one line with its name, its log and the cause; nothing changes."""
    line = everything.line(name)
    assert f"step steps.{name}: " in line
    assert str(FAILS[name].told) in line
    log = re.search(r"its log is (\S+)$", line)
    assert log, line[-200:]
    assert everything.pipeline.path(log[1]).is_file()
    assert len(line) < 1000
    assert everything.pipeline.read(f"data/{name}.txt") == "earlier"
    assert f"after_{name}" not in everything.result.executed


@pytest.mark.parametrize("name", SUCCEEDS)
def test_oddities_do_no_harm(everything: Run, name: str) -> None:
    """A step that keeps its promise, but behaves oddly, has succeeded."""
    assert everything.pipeline.read(f"data/{name}.txt") == "fine"
    assert f"Step {name} has finished" in everything.result.out


def test_nothing_of_all_this_disturbs_others(everything: Run) -> None:
    """Good stages before and after bad ones are made; there is no traceback, no orphan and no orphans."""
    result = everything.result
    assert {"first", "last"} <= set(result.told("finished"))
    assert result.code != 0
    assert "Traceback" not in result.out
    assert everything.left == []
    assert not list(everything.pipeline.path("data").glob(".redoit-*"))


def test_only_failures_run_again(everything: Run) -> None:
    """The next doit executes what had failed, and keeps what had not."""
    again = everything.pipeline.doit("--continue", "-n", "2")
    changed = {"removes_its_input"}  # it may have read another one
    assert set(FAILS) <= set(again.told("failed"))  # the time of some may be over before they witness that they run
    assert set(again.executed) <= {*FAILS, *changed}


def test_the_first_failure_is_the_end(project: Maker, way: str) -> None:
    """Without `--continue` nothing is begun after a failure, and what was made before stays made."""
    pipeline = build(project({}), {"leaves": FAILS["leaves"]}, way)
    result = pipeline.doit(*WAYS[way])
    assert result.code == 1
    assert result.told("failed") == ["leaves"]
    pipeline.write("steps/leaves.py", files({"leaves": GOOD})["steps/leaves.py"])
    rest = {"first", "leaves", "after_leaves", "last"} - set(result.told("finished"))
    again = pipeline.doit()
    assert (set(again.executed), again.code) == (rest, 0), again.text


def test_a_step_that_attacks_doit(project: Maker, way: str, number: signal.Signals) -> None:
    """A step that signals doit ends it, in good order where that can be, and nothing of it is left behind."""
    doit = "int(open(f'/proc/{os.getppid()}/stat').read().split()[3])" if "forked" in way else "os.getppid()"
    body = f"made.write_text('half'); os.kill({doit}, {number.value}); time.sleep(600)"
    pipeline = build(project({}), {"attacks": Bad(body, "attacks")}, way)
    offspring = ChildProcesses(pipeline)
    result = pipeline.doit(*WAYS[way])
    assert result.code == (-9 if number == signal.SIGKILL else 128 + number)
    assert "Traceback" not in result.text
    assert offspring.left() == []
    assert pipeline.read("data/attacks.txt") == "earlier"
    pipeline.write("steps/attacks.py", files({"attacks": GOOD})["steps/attacks.py"])
    again = pipeline.doit()
    assert again.code == 0, again.text
    assert "first" not in again.executed or "first" not in result.told("finished")


@pytest.mark.parametrize("name", ["\ud800", "a\nb", "\0", "\x1b[2J"], ids=["surrogate", "two lines", "null", "escape"])
def test_a_metric_whose_name_cannot_be_shown(project: Maker, name: str) -> None:
    """A metric's name that no terminal can show in a line is an error of the step, or is shown in another way."""
    pipeline = build(project({}), {"odd": Bad(f"made.write_text('fine'); return {{{name!r}: 1}}", None)})
    result = pipeline.doit()
    assert "Traceback" not in result.text
    assert "last" in result.told("finished") or "odd" in result.told("failed")
    assert name not in result.out


@pytest.mark.parametrize("what", PRINTS)
def test_a_step_that_prints_without_end(project: Maker, campaign: Campaign, what: str) -> None:
    """A step may print any amount of any bytes: it succeeds, and the log has them."""
    megabytes = campaign.count(few=3, full=100)
    body = "made.write_text('fine')\n    " + PRINTS[what].format(megabytes=megabytes)
    result = build(project({}), {"prints": Bad(body, None)}).doit("prints")
    assert (result.executed, result.code, result.err) == (["prints"], 0, "")
    assert len(result.out) > megabytes * 900_000


def test_writing_over_another_output_is_repaired(project: Maker) -> None:
    """An output that another step overwrote is restored by the next doit."""
    body = "made.write_text('x'); Path('data/first.txt').write_text('lies')"
    pipeline = build(project({}), {"overwrites": Bad(body, None)})
    pipeline.doit()
    assert pipeline.read("data/first.txt") == "lies"
    again = pipeline.doit()
    assert (again.executed, again.told("restored")) == ([], ["first"])
    assert pipeline.read("data/first.txt") == "fine"
