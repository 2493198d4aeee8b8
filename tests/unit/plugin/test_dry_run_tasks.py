"""A dry run over tasks of doit: stages by the engine, ordinary tasks by doit, in the order of a run."""

from pathlib import Path

import pytest
from doit.control import TaskControl
from doit.task import Task, result_dep
from doit_tasks import begin_session, chain_tasks, database_of, stage_behind, stage_task
from in_process import STAGES

from redoit.model import PlannedStatus, Reason, Status
from redoit.plugin.dry_run_tasks import DryRunTasks

COPY = "data/copy.txt"
CHECK = "touch asked"


@pytest.fixture(autouse=True)
def project(built_chain_folder: Path) -> Path:
    """Return the folder of the chain, which has been built; an ordinary task has copied an output of it."""
    (built_chain_folder / COPY).write_bytes((built_chain_folder / "data/made.txt").read_bytes())
    return built_chain_folder


def copy_task(**fields: object) -> Task:
    """Return an ordinary task that copies the first output of the chain."""
    return Task("copy", ["cp data/made.txt data/copy.txt"], ["data/made.txt"], [COPY], **fields)


def all_tasks(**fields: object) -> dict[str, Task]:
    """Return the chain's tasks, the copy, and a stage that uses it."""
    end = STAGES["side"]._replace(name="end", inputs={"made": COPY}, outputs={"total": "data/end.txt"})
    return chain_tasks(copy=copy_task(**fields), end=stage_task(end))


def begun(tasks: dict[str, Task]) -> DryRunTasks:
    """Return a dry run over tasks, of which the ordinary ones have succeeded with the files as they are now."""
    database = database_of(tasks)
    for task in tasks.values():
        database.save_success(task)
    return DryRunTasks(begin_session(tasks), tasks, database)


def test_what_is_up_to_date_is_kept() -> None:
    """After a run, stages and ordinary tasks are kept, in whichever order they are asked for."""
    tasks = all_tasks()
    dry_run = begun(tasks)
    expected = dict.fromkeys(tasks, "keep") | {"end": "run"}  # it was never built
    assert {name: dry_run.plan(name).label for name in tasks} == expected
    backwards = begun(all_tasks())
    assert {name: backwards.plan(name).label for name in reversed(tasks)} == expected


def test_an_ordinary_task_behind_an_uncertain_stage_is_uncertain(project: Path) -> None:
    """What uses a file that a stage rebuilds runs, unless that has the same content."""
    dry_run = begun(all_tasks())
    (project / "source.txt").write_text("4 5\n")
    copy, end = dry_run.plan("copy"), dry_run.plan("end")
    assert (copy.label, copy.pending, copy.if_unchanged) == ("run?", {"data/made.txt": "make"}, Status.KEPT)
    assert (end.label, end.pending) == ("run?", {COPY: "copy"})


def test_an_ordinary_task_behind_a_restored_stage_is_certain(project: Path) -> None:
    """What a stage restores is known: a task that used the same content is kept, one that used other content runs."""
    same = begun(all_tasks())
    (project / "data/made.txt").unlink()
    assert (same.plan("make").label, same.plan("copy").label) == ("restore", "keep")
    (project / "data/made.txt").write_text("another")
    other = begun(all_tasks())
    assert (other.plan("make").label, other.plan("copy").label) == ("restore", "run")


def test_an_ordinary_task_without_its_file_fails() -> None:
    """A task whose file is absent, and is made by nobody, fails with doit's words, and what needs it is not run."""
    lost = Task("lost", ["true"], ["absent.txt"])
    after = Task("after", ["true"], task_dep=["lost"])
    tasks = {"lost": lost, "after": after}
    dry_run = DryRunTasks(begin_session(tasks), tasks, database_of(tasks))
    assert dry_run.plan("after").blocked_by == ("lost",)
    assert dry_run.plan("after").status == PlannedStatus.NOT_RUN
    assert (dry_run.plan("lost").label, dry_run.plan("lost").error) == (
        "fail",
        "Dependent file 'absent.txt' does not exist.",
    )


def test_no_command_is_executed(project: Path) -> None:
    """A command that says whether a task is up to date is not run: the plan is open, and awaits its answer."""
    dry_run = begun(all_tasks(uptodate=[CHECK]))
    copy = dry_run.plan("copy")
    assert (copy.label, copy.pending) == ("run?", {CHECK: ""})
    assert not (project / "asked").exists()
    assert [item[0] for item in dry_run._tasks["copy"].uptodate] == [CHECK]


def test_a_task_that_uses_the_result_of_one_that_runs_is_uncertain(project: Path) -> None:
    """A result that a task will give again may be another; the name of the task stands for it."""
    tasks = all_tasks(uptodate=[result_dep("side")])
    tasks["copy"].file_dep.clear()
    database = database_of(tasks)
    assert database.get_status(tasks["copy"], tasks).status == "run"  # which notes the result for the next time
    tasks["copy"].save_extra_values()
    database.save_success(tasks["copy"])
    kept = DryRunTasks(begin_session(tasks), tasks, database)
    assert kept.plan("copy").label == "keep"
    (project / "source.txt").write_text("4 5\n")
    copy = DryRunTasks(begin_session(tasks), tasks, database).plan("copy")
    assert (copy.label, copy.pending) == ("run?", {"side": "side"})


def test_what_needs_an_ignored_task_is_ignored() -> None:
    """Doit skips a task that the user ignores, and all that needs it."""
    tasks = all_tasks()
    database = database_of(tasks)
    database.ignore(tasks["sort"])
    dry_run = DryRunTasks(begin_session(tasks), tasks, database)
    assert {name for name in tasks if dry_run.plan(name).status == PlannedStatus.IGNORED} == {"sort", "join"}


def test_what_needs_a_stage_that_fails_is_not_run(project: Path) -> None:
    """A stage without its input fails, and each that needs it names what blocks it, sorted."""
    (project / "source.txt").unlink()
    dry_run = begun(chain_tasks())
    assert dry_run.plan("make").error.startswith("source.txt: not there")
    assert dry_run.plan("side").blocked_by == ("make",)
    assert dry_run.plan("join").blocked_by == ("side", "sort")


def test_no_cache_and_always_run_what_they_name() -> None:
    """`--no-cache` runs a stage and its dependents, `doit -a` all tasks that were selected, each with its reason."""
    tasks = all_tasks()
    tasks["side"].options = {"cache": False, "time_limit": None}
    dry_run = begun(tasks)
    assert dry_run.plan("side").reasons == (Reason("uncached"),)
    assert dry_run.plan("join").reasons == (Reason("upstream", "side", "is not cached"),)
    assert dry_run.plan("sort").label == "keep"
    tasks = all_tasks()
    dry_run = begun(tasks)
    stage_behind(tasks["make"]).session.always = True
    assert {dry_run.plan(name).label for name in tasks} == {"run"}


def test_a_stage_that_no_loader_configured_fails() -> None:
    """A stage that is declared while doit runs is an error of that stage, not of the command."""
    tasks = chain_tasks()
    dry_run = begun(tasks)
    stage_behind(tasks["join"]).section = None
    assert "declared too late" in dry_run.plan("join").error
    assert dry_run.plan("side").label == "keep"


def test_tasks_come_in_the_order_of_a_run() -> None:
    """A walk yields each task once, after those that it needs, also a setup task of one that runs."""
    tasks = {
        "late": Task("late", ["true"], setup=["first"], task_dep=["middle"]),
        "first": Task("first", ["true"]),
        "middle": Task("middle", ["true"]),
    }
    dry_run = DryRunTasks(begin_session(tasks), tasks, database_of(tasks))
    control = TaskControl(list(tasks.values()))
    control.process(["late"])
    assert [task.name for task, _ in dry_run.walk(control.task_dispatcher())] == ["middle", "late", "first"]
