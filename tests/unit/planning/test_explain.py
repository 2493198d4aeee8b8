"""Explanations of what a dry run decides, as JSON: what changed, where it comes from, and why it became another."""

from pathlib import Path
from typing import Any

import pytest
from in_process import OTHER_TIMES, STAGES, TIMES, called, settings_of
from projects import ALL

from redoit.engine.engine import Engine
from redoit.model import Setting
from redoit.planning.diff import changed_lines
from redoit.planning.dry_run import DryRun
from redoit.planning.explain import Explainer
from redoit.plugin.checkout import make_engine
from redoit.storage.serialize import trace_name


@pytest.fixture
def engine(built_chain_folder: Path) -> Engine:
    """Return an engine for the chain, which has been built."""
    return make_engine(Path(), execute=called)


def explained(engine: Engine, name: str, times: int = TIMES, **settings: tuple[Setting, ...]) -> dict[str, Any]:
    """Return the explanation of one stage in a dry run of all; `settings`: of stages that have others than usual."""
    dry_run = DryRun(engine)
    plan = {each: dry_run.plan_stage(STAGES[each], settings.get(each, settings_of(each, times))) for each in ALL}
    explainer = Explainer(engine, plan.values(), lambda stage, setting: f"where {stage} has {setting} from")
    return explainer.explain(STAGES[name], plan[name])


def test_a_kept_stage_has_its_result_and_no_reason(engine: Engine) -> None:
    """The result of a stage that is kept says from which settings and when it was made."""
    found = explained(engine, "make")
    trace = engine.workspace.latest(STAGES["make"])
    assert trace is not None
    assert (found["stage"], found["verdict"], found["reasons"], found["error"]) == ("make", "keep", [], None)
    assert found["result"] == {
        "trace": trace_name(trace),
        "key": trace.action.key,
        "started": trace.started,
        "seconds": trace.seconds,
        "host": trace.host,
        "settings": {"times": TIMES},
        "undeclared": [],
    }
    assert (found["compared_with"], found["taken_whole"]) == (None, [])


def test_a_changed_setting_says_where_it_comes_from(engine: Engine) -> None:
    """A setting has its old and new value and their origin; the run is compared with its closest earlier result."""
    found = explained(engine, "make", OTHER_TIMES)
    assert found["reasons"] == [
        {
            "kind": "setting",
            "subject": "times",
            "old": TIMES,
            "new": OTHER_TIMES,
            "text": "times 3 -> 9",
            "from": "where make has times from",
        }
    ]
    assert found["compared_with"]["settings"] == {"times": TIMES}
    assert found["result"] is None


def test_a_setting_that_is_gone_comes_from_nowhere(engine: Engine) -> None:
    """A setting that the step has no more has no origin."""
    [reason] = explained(engine, "make", make=())["reasons"]
    assert (reason["kind"], reason["old"], reason["from"]) == ("setting removed", TIMES, None)


def test_changed_code_is_a_diff_with_the_way_to_it(engine: Engine, chain_folder: Path) -> None:
    """A piece of code that changed has the names that lead to it, and the lines that differ."""
    helper = chain_folder / "steps/helper.py"
    helper.write_text(helper.read_text().replace("number * times", "number + times"))
    [reason] = explained(engine, "make")["reasons"]
    assert reason["subject"] == "steps.helper:scale"
    assert reason["via"] == ["steps.make:run", "steps.helper:scale"]
    assert changed_lines(reason["diff"]) == {
        "-return [number * times * deep.weight() for number in numbers]",
        "+return [number + times * deep.weight() for number in numbers]",
    }


def test_code_whose_earlier_source_is_lost_has_no_diff(engine: Engine, chain_folder: Path) -> None:
    """Where the store has lost what the code was, the diff is absent, and not one against nothing."""
    for blob in (chain_folder / ".redoit/blobs").rglob("*"):
        if blob.is_file():
            blob.unlink()
    (chain_folder / "steps/constants.py").write_text("FACTOR = 7\n")
    [reason] = explained(engine, "make")["reasons"]
    assert (reason["subject"], reason["diff"]) == ("steps.constants:FACTOR", None)


def test_an_awaited_input_says_who_rebuilds_it_and_why(engine: Engine) -> None:
    """An input that a stage will rebuild is named with that stage, and with the reason why it runs."""
    [reason] = explained(engine, "side", OTHER_TIMES)["reasons"]
    assert (reason["kind"], reason["file"], reason["made_by"]) == ("input awaited", "data/made.txt", "make")
    assert reason["because"] == "times 3 -> 9"


def test_a_changed_input_says_why_its_maker_made_another(engine: Engine) -> None:
    """An input that its stage has rebuilt since is explained by how that result differs from the one used before."""
    engine.build(STAGES["make"], settings_of("make", OTHER_TIMES))
    [reason] = explained(engine, "side", OTHER_TIMES)["reasons"]
    assert (reason["kind"], reason["file"], reason["made_by"]) == ("input", "data/made.txt", "make")
    assert reason["because"] == "times 3 -> 9"


def test_an_input_that_no_stage_makes_has_no_maker(engine: Engine, chain_folder: Path) -> None:
    """A source that was edited is the file that changed, and nobody's."""
    (chain_folder / "source.txt").write_text("7\n")
    [reason] = explained(engine, "make")["reasons"]
    assert (reason["file"], reason["made_by"], reason["because"]) == ("source.txt", None, None)
    assert reason["text"] == "input source.txt changed"


def test_an_invalidation_says_since_when_and_by_what(engine: Engine) -> None:
    """A forgotten stage has the time and the command of that, and so has what depends on it."""
    engine.workspace.invalidations.add("side", ("join",), "forgotten")
    invalidation = engine.workspace.invalidations.get("side")
    assert invalidation is not None
    for name, kind in (("side", "forgotten"), ("join", "upstream")):
        reason = explained(engine, name)["reasons"][0]
        assert (reason["kind"], reason["since"], reason["command"]) == (kind, *invalidation[1:])


def test_a_lost_output_is_named_by_its_file(engine: Engine, chain_folder: Path) -> None:
    """A restored stage says which file is gone, and what will be restored."""
    (chain_folder / "data/total.txt").unlink()
    found = explained(engine, "side")
    [reason] = found["reasons"]
    assert (reason["kind"], reason["file"]) == ("output missing", "data/total.txt")
    assert found["result"]["key"] == engine.workspace.earlier(STAGES["side"])[0].action.key


def test_a_stage_that_fails_has_its_error_alone(engine: Engine, chain_folder: Path) -> None:
    """A stage without its input is explained by the error, with neither reasons nor a result."""
    (chain_folder / "source.txt").unlink()
    found = explained(engine, "make")
    assert found["error"].startswith("source.txt: not there")
    assert (found["reasons"], found["result"], found["compared_with"]) == ([], None, None)
