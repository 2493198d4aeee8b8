"""A dry run over the stages of the chain: what a run would do with each, without doing it."""

from pathlib import Path

import pytest
from in_process import OTHER_TIMES, STAGES, TIMES, build, called, settings_of
from projects import ALL

from redoit.engine.engine import Engine
from redoit.model import PlannedStatus, Policy, Reason, Status
from redoit.planning.dry_run import DryRun
from redoit.planning.planned_task import PlannedTask
from redoit.plugin.checkout import make_engine

KEEP, RESTORE, RUN = PlannedStatus.KEEP, PlannedStatus.RESTORE, PlannedStatus.RUN


@pytest.fixture
def engine(built_chain_folder: Path) -> Engine:
    """Return an engine for the chain, which has been built."""
    return make_engine(Path(), execute=called)


def planned_chain(dry_run: DryRun, times: int = TIMES) -> dict[str, PlannedTask]:
    """Return stage -> its plan, of all stages in their order."""
    return {name: dry_run.plan_stage(STAGES[name], settings_of(name, times)) for name in ALL}


def statuses(plan: dict[str, PlannedTask]) -> list[str]:
    """Return the statuses of a plan, with their question marks."""
    return [planned.label for planned in plan.values()]


def test_a_first_run_is_certain(chain_folder: Path) -> None:
    """Before the first run each stage runs, whatever its inputs will hold, and the dry run makes no file."""
    before = sorted(chain_folder.rglob("*"))
    plan = planned_chain(DryRun(make_engine(Path())))
    assert statuses(plan) == ["run"] * 4
    assert {planned.reasons for planned in plan.values()} == {(Reason("first"),)}
    assert plan["join"].pending == {"data/ordered.txt": "sort", "data/total.txt": "side"}
    assert sorted(chain_folder.rglob("*")) == before


def test_what_is_up_to_date_is_kept(engine: Engine) -> None:
    """After a run each stage is kept, with the trace of its outputs and without a reason."""
    plan = planned_chain(DryRun(engine))
    assert statuses(plan) == ["keep"] * 4
    assert plan["side"].trace == engine.workspace.latest(STAGES["side"])
    assert not any(planned.reasons or planned.pending for planned in plan.values())


def test_stages_behind_one_that_runs_are_uncertain(engine: Engine, chain_folder: Path) -> None:
    """A stage that awaits a rebuilt input runs, unless that has the same content: then it would be kept."""
    (chain_folder / "source.txt").write_text("4 5\n")
    plan = planned_chain(DryRun(engine))
    assert statuses(plan) == ["run", "run?", "run?", "run?"]
    assert [reason.kind for reason in plan["make"].reasons] == ["input"]
    assert plan["sort"].reasons == (Reason("input awaited", "data/made.txt", None, "make"),)
    assert (plan["sort"].if_unchanged, plan["sort"].pending) == (Status.KEPT, {"data/made.txt": "make"})


def test_stages_behind_a_restored_one_are_certain(engine: Engine, chain_folder: Path) -> None:
    """What a restored stage will make is known, so that the stages behind it are decided as a run decides them."""
    build(chain_folder, OTHER_TIMES)
    plan = planned_chain(DryRun(engine), TIMES)
    assert statuses(plan) == ["restore"] * 4
    assert build(chain_folder, TIMES) == []
    (chain_folder / "data/made.txt").unlink()
    assert statuses(planned_chain(DryRun(engine))) == ["restore", "keep", "keep", "keep"]


def test_an_expected_invalidation_runs_its_dependents(engine: Engine) -> None:
    """A stage that will be forgotten runs, and so do its dependents, which name it; nothing can keep them."""
    dry_run = DryRun(engine)
    dry_run.invalidate("side", ("join",), "forgotten")
    plan = planned_chain(dry_run)
    assert statuses(plan) == ["keep", "keep", "run", "run"]
    assert plan["side"].reasons == (Reason("forgotten"),)
    assert plan["join"].reasons == (Reason("upstream", "side", "was forgotten"),)
    assert engine.workspace.invalidations.get("side") is None


def test_a_stage_that_can_not_succeed_is_planned_to_fail(engine: Engine, chain_folder: Path) -> None:
    """An absent input is an error of its stage alone; a folder in place of an output will be set aside."""
    (chain_folder / "source.txt").unlink()
    (chain_folder / "data/total.txt").unlink()
    (chain_folder / "data/total.txt").mkdir()
    plan = planned_chain(DryRun(engine))
    assert statuses(plan)[:3] == ["fail", "keep", "restore"]
    assert plan["make"].error.startswith("source.txt: not there, expected the input 'source' of make")


def test_a_volatile_stage_runs_and_those_behind_it_may(engine: Engine) -> None:
    """A volatile stage runs each time for certain, the stage that uses its output only if that changes."""
    dry_run = DryRun(engine)
    volatile = STAGES["make"]._replace(policy=Policy(volatile=True))
    assert dry_run.plan_stage(volatile, settings_of("make", TIMES)).label == "run"
    assert dry_run.plan_stage(STAGES["side"], ()).label == "run?"


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("path", ["source.txt", "steps/constants.py"])
def test_a_file_that_another_task_will_rebuild_is_awaited(engine: Engine, path: str, exists: bool) -> None:
    """An input or a source file that an ordinary task rebuilds leaves its stage open, whatever the file holds now."""
    dry_run = DryRun(engine)
    dry_run.rebuild("generate", {path: engine.workspace.stat_cache.digest(path) if exists else None})
    planned = dry_run.plan_stage(STAGES["make"], settings_of("make", TIMES))
    assert (planned.label, planned.if_unchanged, planned.pending) == ("run?", Status.KEPT, {path: "generate"})
