"""What goes wrong while a step runs: changes under its feet, failures, broken promises."""

import os
from fnmatch import fnmatch

import pytest
from projects import ALL, Pipeline, until, waits_for_lock
from syscall_shim import Shimmed

from redoit.storage.locks import lock

CHANGES = {
    "input": "echo 4 >> source.txt",
    "code": "sed -i 's/FACTOR = 2/FACTOR = 3/' steps/constants.py",
    "setting": "printf '[tool.doit.tasks.make]\\ntimes = 8\\n' > pyproject.toml",
}
TOLD = {
    "input": "input source.txt changed",
    "code": "code of steps.constants:FACTOR changed",
    "setting": "its settings changed",
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_while_the_step_runs_is_not_recorded(fresh: Pipeline, name: str) -> None:
    """Outputs made from something that changed meanwhile are placed, but never trusted; a warning says so."""
    result = fresh.doit("make", DURING_make=CHANGES[name])
    assert (result.executed, result.code) == (["make"], 0)
    assert fresh.path("data/made.txt").exists()
    assert f"WARNING make: {TOLD[name]} while it ran" in result.out
    assert not fresh.path(".redoit/traces").exists()
    assert fresh.doit("make").executed == ["make"]
    assert fresh.doit("make").executed == []


@pytest.mark.parametrize("name", ["source.txt", "steps/constants.py"])
def test_what_changes_and_changes_back_is_not_recorded(fresh: Pipeline, name: str) -> None:
    """An input that changes while the step runs, and changes back, makes no trace."""
    result = fresh.doit("make", DURING_make=f"cp {name} old && echo 7 > {name} && cat old > {name}")
    assert f"WARNING make: {name} changed while it ran" in result.out
    assert fresh.doit("make").executed == ["make"]


def test_a_commit_waits_for_who_collects(fresh: Pipeline) -> None:
    """While another process has the store to itself, nothing is recorded in it."""
    process = fresh.start("make", DURING_make="until [ -e ../go ]; do sleep 0.01; done")
    until(fresh.executed)
    with lock(fresh.path(".redoit/use")):
        fresh.path("../go").touch()
        until(lambda: waits_for_lock(process.pid))
        assert not fresh.path(".redoit/traces").exists()
    assert fresh.finish(process).code == 0
    assert fresh.path(".redoit/traces").exists()


def test_a_restore_waits_for_who_collects(built: Pipeline) -> None:
    """Between the decision to restore a result and its copy, no other process can remove it."""
    built.path("data/report.txt").unlink()
    with lock(built.path(".redoit/use")):
        process = built.start()
        until(lambda: waits_for_lock(process.pid))
        assert not built.path("data/report.txt").exists()
    assert built.finish(process).told("restored") == ["join"]
    assert built.path("data/report.txt").exists()


def test_the_order_of_a_commit(fresh: Pipeline) -> None:
    """Blobs, then outputs, then the trace, then what was made last: each is on the disk before the next has a name."""
    shimmed = Shimmed(fresh)
    assert shimmed.doit("make").code == 0
    done = [(verb, os.path.relpath(path, fresh.root)) for verb, path, _ in shimmed.operations()]
    trace = done.index(next(each for each in done if each[0] == "fsync" and each[1].startswith(".redoit/traces/")))
    placed = next(
        at for at, (verb, path) in enumerate(done) if verb == "rename" and fnmatch(path, "data/.redoit-*/made.txt")
    )
    assert max(at for at, (verb, path) in enumerate(done) if verb == "rename" and "/blobs/" in path) < placed
    assert ("fsync", "data") in done[placed:trace]
    assert trace < max(at for at, (verb, path) in enumerate(done) if verb == "rename" and "/latest/" in path)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("rm source.txt", "source.txt changed (not there"),
        ("echo def >> steps/constants.py", "steps/constants.py changed ("),
    ],
    ids=["input gone", "code unreadable"],
)
def test_what_is_gone_when_the_step_ends_fails_nothing(fresh: Pipeline, command: str, told: str) -> None:
    """A step whose input or code can't be read any more has succeeded all the same; it is just not recorded."""
    fresh.edit("steps/make.py", "return {", f"import os; os.system({command!r}); return {{")
    result = fresh.doit("make")
    assert (result.executed, result.code) == (["make"], 0)
    assert f"WARNING make: {told}" in result.out
    assert fresh.path("data/made.txt").exists()
    assert not fresh.path(".redoit/traces").exists()


def change(line: str) -> tuple[str, str]:
    """Return an edit that puts a line before the step does its work."""
    return "scaled = scale", f"{line}\n    scaled = scale"


FAILURES = {
    "raises": (change("raise RuntimeError('no luck')"), "RuntimeError: no luck"),
    "exits": (change("raise SystemExit(0)"), "exit(0)"),
    "is killed": (change("import os; os.kill(os.getpid(), 9)"), "killed by SIGKILL"),
    "ends without a word": (change("import os; os._exit(0)"), "exited with status 0"),
    "writes nothing": (change("return {}"), "wrote nothing as 'made', expected a file for data/made.txt"),
    "writes a folder": (change("made.mkdir(); return {}"), "wrote a folder as 'made'"),
    "writes a link": (change("made.symlink_to('absent'); return {}"), "wrote a link as 'made'"),
    "does not import": (("from steps.helper", "import absent_module\nfrom steps.helper"), "absent_module"),
    "does not parse": (("from steps.helper", "def (\nfrom steps.helper"), "steps/make.py"),
}


@pytest.mark.parametrize(("edit", "message"), FAILURES.values(), ids=FAILURES)
def test_a_failure_leaves_everything_as_it_was(built: Pipeline, edit: tuple[str, str], message: str) -> None:
    """A step that fails leaves its earlier outputs, records nothing, stops its dependents, and says why in one line."""
    before = built.outputs()
    built.edit("steps/make.py", *edit)
    result = built.doit()
    assert result.code != 0
    assert set(result.executed) <= {"make"}
    assert message in result.text
    assert "Traceback" not in result.out
    assert built.outputs() == before
    built.edit("steps/make.py", edit[1], edit[0])
    assert built.doit().executed == []


def test_a_failure_runs_again(built: Pipeline) -> None:
    """A failure is no result: the step runs again next time."""
    for _ in range(2):
        assert built.doit("make.times=5", DURING_make="kill -9 $PPID").executed == ["make"]
    assert built.doit("make.times=5").executed == ALL


def test_different_bytes_for_one_action_cause_a_warning(fresh: Pipeline) -> None:
    """A step that makes different bytes from the same action is warned of; the newest is restored."""
    fresh.edit("steps/join.py", "report.write_text(", "import os\n    report.write_text(os.urandom(8).hex() + ")
    fresh.doit()
    first = fresh.read("data/report.txt")
    result = fresh.doit("-a")
    newest = fresh.read("data/report.txt")
    assert "WARNING join: not reproducible: data/report.txt differs from an earlier run" in result.out
    assert result.out.count("WARNING") == 1
    assert fresh.doit().executed == []
    assert newest != first
    fresh.path("data/report.txt").unlink()
    assert fresh.doit().executed == []
    assert fresh.read("data/report.txt") == newest


def test_a_second_stage_of_a_step_runs(built: Pipeline) -> None:
    """A stage with the step, content and settings of another runs: it may depend on the paths of its files."""
    built.write("copy.txt", built.read("source.txt"))
    built.write(
        "dodo.py",
        built.read("dodo.py")
        + """

def task_again():
    return step("steps.make", inputs={"source": "copy.txt"}, outputs={"made": "elsewhere/other.txt"})
""",
    )
    result = built.doit()
    assert (result.executed, result.told("finished"), result.told("restored")) == (["make"], ["again"], [])
    assert built.read("elsewhere/other.txt") == built.read("data/made.txt")


def test_an_upgrade_runs_what_imports_the_package(built: Pipeline) -> None:
    """Another version of a distribution runs the steps that import it, and keeps the others."""

    def install(version: str) -> None:
        site = "site-packages"
        for old in built.path(site).glob("*.dist-info"):
            for path in old.iterdir():
                path.unlink()
            old.rmdir()
        built.write(f"{site}/fakelib.py", f"VERSION = '{version}'\n")
        info = f"{site}/fakelib-{version}.dist-info"
        built.write(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: fakelib\nVersion: {version}\n")
        built.write(f"{info}/RECORD", "fakelib.py,,\n")
        built.write(f"{info}/top_level.txt", "fakelib\n")

    install("1.0")
    built.env["PYTHONPATH"] = str(built.path("site-packages"))
    built.edit("steps/sort.py", "from pathlib", "import fakelib\nfrom pathlib")
    built.edit("steps/sort.py", 'executed("sort")', 'executed("sort")\n    assert fakelib.VERSION')
    assert built.doit().executed == ["sort"]
    assert built.doit().executed == []
    install("2.0")
    result = built.doit()
    assert result.executed == ["sort"]
    assert "Step sort has started. (fakelib 1.0 -> 2.0)" in result.out
    assert built.doit().executed == []


def test_source_that_a_task_makes_is_read_again(built: Pipeline) -> None:
    """What an ordinary task writes is code for the stages after it, though it was read just before."""
    task = """

def task_write():
    return {"actions": ["cp numbers steps/extra.py"], "file_dep": ["numbers", "data/ordered.txt"]}
"""
    dodo = built.read("dodo.py").replace('"data/total.txt"})', '"data/total.txt"}, task_dep=["write"])', 1)
    built.write("dodo.py", dodo + task)
    for name in ("numbers", "steps/extra.py"):
        built.write(name, "N = 1\n")
    for name in ("sort", "side"):
        built.edit(
            f"steps/{name}.py",
            f'executed("{name}")',
            f'executed("{name}")\n    from steps.extra import N\n    print(N)',
        )
    assert sorted(built.doit().executed) == ["side", "sort"]
    built.write("numbers", "N = 2\n")
    assert built.doit("sort", "side").executed == ["side"]  # sort was decided before
    assert built.doit("sort", "side").executed == ["sort"]
