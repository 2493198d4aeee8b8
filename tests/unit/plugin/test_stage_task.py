"""A stage as a task of doit: its settings, whether earlier results count, and what its action does."""

from pathlib import Path
from typing import Any

import pytest
from doit.exceptions import TaskFailed
from doit.task import Task, dict_to_task
from doit_tasks import begin_session, chain_tasks, stage_behind, stage_task
from in_process import STAGES

from redoit.errors import DeclarationError
from redoit.model import Keep, Reason, Setting, Status
from redoit.plugin.checkout import engine, forget_project
from redoit.plugin.declare import step
from redoit.plugin.stage_task import ContentChecker, stage_of, uncached_stages, values_of


@pytest.fixture(autouse=True)
def project(chain_folder: Path) -> Path:
    """Return the folder of the chain, with a workspace."""
    engine().workspace.open()
    return chain_folder


def configured(values: dict[str, Any] | None = None, options: dict[str, Any] | None = None) -> Task:
    """Return the task of `make` with values of its section and, if it is named on the command line, options."""
    task = stage_task(STAGES["make"])
    task.cfg_values = values
    task.options = options and {"times": 3, "cache": True, "time_limit": None, **options}
    return task


def test_files_are_compared_by_content(project: Path) -> None:
    """A file is modified if its digest is another, whatever its times say; an unchanged one has no new state."""
    checker = ContentChecker()
    state = checker.get_state("source.txt", None)
    assert state == engine().workspace.stat_cache.digest("source.txt")
    (project / "source.txt").write_text("3 1 2\n")
    stat = (project / "source.txt").stat()
    assert not checker.check_modified("source.txt", stat, str(state))
    assert checker.get_state("source.txt", state) is None
    (project / "source.txt").write_text("3 1 4\n")
    assert checker.check_modified("source.txt", stat, str(state))


def test_a_stage_is_named_as_its_task() -> None:
    """The stage takes the name that doit gives its task; an ordinary task has no stage."""
    declared = step("steps.make", inputs=STAGES["make"].inputs, outputs=STAGES["make"].outputs)
    task = dict_to_task({**declared, "name": "group:member"})
    assert stage_behind(task).stage.name == "group:member"
    assert stage_of(Task("plain", ["true"], uptodate=[True, "true"])) is None
    assert stage_of(Task("plain", None)) is None


@pytest.mark.parametrize(
    ("values", "options", "times"),
    [(None, None, 3), ({"times": 4}, None, 4), ({"times": 4}, {"times": 5}, 5), (None, {"times": 5}, 5)],
)
def test_an_option_wins_over_a_file_and_that_over_the_default(
    values: dict[str, Any] | None, options: dict[str, Any] | None, times: int
) -> None:
    """The settings in force are those of the step alone, each from its strongest source."""
    task = configured(values, options)
    assert stage_behind(task).settings(task) == (Setting("times", "int", times),)


def test_a_stage_that_was_declared_too_late_has_no_settings() -> None:
    """A stage that no loader has configured is an error, for its settings are unknown."""
    task = configured()
    stage_behind(task).section = None
    with pytest.raises(DeclarationError, match="make: declared too late to be configured; declare it without"):
        stage_behind(task).settings(task)


def test_the_source_of_a_setting_is_told(project: Path) -> None:
    """A value comes from the command line, from the file that sets it, from dodo.py, from `run` or from redoit."""
    (project / "doit.cfg").write_text("[task:make]\ntimes = 4\n")
    task = configured({"times": 4})
    stage = stage_behind(task)
    assert stage.setting_source(task, "times") == "doit.cfg"
    assert stage.setting_source(task, "cache") == "the default of redoit"
    limited = stage_task(STAGES["make"], time_limit=9)
    assert stage_behind(limited).setting_source(limited, "time_limit") == "dodo.py"
    task.options = {"times": 5, "cache": False, "time_limit": None}
    assert stage.setting_source(task, "times") == stage.setting_source(task, "cache") == "the command line"
    other = stage_task(STAGES["sort"])
    assert stage_behind(other).setting_source(other, "reverse") == "the default of run"
    stage_behind(other).overrides = {"reverse": False}
    assert stage_behind(other).setting_source(other, "reverse") == "the command line"


@pytest.mark.parametrize(
    ("always", "caching", "options", "reason"),
    [
        (False, True, None, None),
        (False, True, {"cache": False}, Reason("uncached")),
        (False, False, None, Reason("uncached")),
        (True, False, None, Reason("always")),
    ],
)
def test_earlier_results_may_not_count(
    project: Path, always: bool, caching: bool, options: dict[str, Any] | None, reason: Reason | None
) -> None:
    """`doit -a`, the stage's `--no-cache` and the project's `cache = false` each are a reason to run, in this order."""
    (project / "pyproject.toml").write_text(f"[tool.redoit]\ncache = {str(caching).lower()}\n")
    forget_project()
    task = configured(None, options)
    begin_session({"make": task}).always = always
    assert stage_behind(task).invalidation(task) == reason
    assert uncached_stages({"make": task}) == (["make"] if options else [])


def test_a_kept_stage_is_decided_once(built_chain_folder: Path) -> None:
    """In a run, a stage whose outputs are up to date is kept and noted; one that can't be decided is left to build."""
    tasks = chain_tasks()
    session = begin_session(tasks)
    stage = stage_behind(tasks["make"])
    assert stage(tasks["make"])
    assert isinstance(stage.decision, Keep)
    assert stage.values() == values_of(stage.decision.trace)
    assert session.records["make"].status is Status.KEPT
    (built_chain_folder / "source.txt").unlink()
    assert not stage(tasks["make"])
    assert stage.decision is None


def test_no_cache_invalidates_before_the_first_stage(built_chain_folder: Path) -> None:
    """The first stage of a run invalidates all that run with `--no-cache` and their dependents, itself kept or not."""
    tasks = chain_tasks()
    begin_session(tasks)
    tasks["side"].options = {"cache": False, "time_limit": None}
    assert stage_behind(tasks["make"])(tasks["make"])
    reasons = {name: engine().workspace.invalidations.get(name) for name in tasks}
    assert {name: found.reason.kind for name, found in reasons.items() if found} == {
        "side": "uncached",
        "join": "upstream",
    }


def test_the_action_restores_what_is_lost(built_chain_folder: Path) -> None:
    """The action of a stage restores its outputs, notes that, and returns the values for other tasks."""
    made = (built_chain_folder / "data/made.txt").read_bytes()
    (built_chain_folder / "data/made.txt").unlink()
    tasks = chain_tasks()
    session = begin_session(tasks)
    values = stage_behind(tasks["make"]).build(tasks["make"])
    assert values == stage_behind(tasks["make"]).values()
    assert values["count"] == 3
    assert session.records["make"].status is Status.RESTORED
    assert (built_chain_folder / "data/made.txt").read_bytes() == made


def test_the_action_that_fails_says_why_in_one_line(project: Path) -> None:
    """An error of a stage fails its task with the error's line, and is in the record of the run."""
    (project / "source.txt").unlink()
    tasks = chain_tasks()
    session = begin_session(tasks)
    failed = stage_behind(tasks["make"]).build(tasks["make"])
    assert isinstance(failed, TaskFailed)
    assert failed.message.startswith("source.txt: not there, expected the input 'source' of make; ")
    assert (session.records["make"].status, session.records["make"].error) == (Status.FAILED, failed.message)


def test_an_edit_of_the_section_is_seen(project: Path) -> None:
    """A section of the files that differs from the one in force has been edited; a damaged file may have been."""
    stage = stage_behind(configured())
    assert not stage._section_changed()
    (project / "doit.cfg").write_text("[task:make]\ntimes = 4\n")
    assert stage._section_changed()
    stage.section = {"times": "4"}
    assert not stage._section_changed()
    (project / "pyproject.toml").write_text("[tool.doit")
    assert stage._section_changed()


def test_the_stages_to_come_are_those_that_will_probably_run(built_chain_folder: Path) -> None:
    """While a stage runs, its dependents are to come, and stages without a result, as far as they were selected."""
    tasks = chain_tasks(new=stage_task(STAGES["sort"]._replace(name="new", outputs={"ordered": "data/new.txt"})))
    session = begin_session(tasks)
    session.selected = lambda: ("join", "new")
    side = stage_behind(tasks["side"])
    assert {stage.name for stage in side._later_stages()} == {"join", "new"}
    session.selected = lambda: ("join",)
    assert [stage.name for stage in side._later_stages()] == ["join"]
    session.always = True
    assert [stage.name for stage in side._later_stages()] == ["make", "sort", "join"]
