"""doit's commands on stages, and how stages are named on the command line."""

import json

import pytest
from projects import ALL, Pipeline


def tree(pipeline: Pipeline) -> dict[str, int]:
    """Return every file of the project, and when it was changed last, save what is remembered of looking."""
    paths = (path for path in pipeline.root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    names = {str(path.relative_to(pipeline.root)): path.stat().st_mtime_ns for path in paths}
    return {
        name: time for name, time in names.items() if not name.startswith((".redoit/stat-cache", ".redoit/installed"))
    }


def statuses(pipeline: Pipeline) -> dict[str, str]:
    """Return stage -> U or R, as `doit list -s` prints it."""
    result = pipeline.doit("list", "-s")
    assert (result.executed, result.code) == ([], 0), result.text
    return {line.split()[1]: line.split()[0] for line in result.out.splitlines()}


def test_list_agrees_with_what_doit_then_does(built: Pipeline) -> None:
    """`doit list -s` prints U for a kept stage and R for one that runs, or may; it changes nothing."""
    built.doit()
    before = tree(built)
    assert statuses(built) == dict.fromkeys(sorted(ALL), "U")
    built.edit("steps/side.py", "sum(map", "0 + sum(map")
    before = tree(built)
    expected = {"join": "R", "make": "U", "side": "R", "sort": "U"}
    assert statuses(built) == expected
    assert statuses(built) == expected
    assert tree(built) == before
    result = built.doit()
    assert result.executed == ["side"]  # its output stayed the same


def test_list_of_what_was_never_built(fresh: Pipeline) -> None:
    """Before the first run all stages are to run, and a dry run makes no data."""
    assert set(statuses(fresh).values()) == {"R"}
    assert not fresh.path("data").exists()


def test_info_shows_the_status(built: Pipeline) -> None:
    """`doit info` shows a stage and whether it is up to date, without running it."""
    assert built.doit("info", "sort").code == 0
    built.edit("source.txt", "3", "4")
    result = built.doit("info", "make")
    assert (result.executed, result.err) == ([], "")
    assert "run" in result.out


def test_clean_and_back(built: Pipeline) -> None:
    """`doit clean` removes the outputs; the next doit restores them."""
    before = built.outputs()
    assert built.doit("clean").code == 0
    assert not built.path("data").exists()
    result = built.doit()
    assert (result.executed, result.told("restored")) == ([], ALL)
    assert built.outputs() == before


def test_clean_and_forget(built: Pipeline) -> None:
    """`doit clean --forget` is both: everything runs."""
    assert built.doit("clean", "--forget", "sort").code == 0
    assert built.doit().executed == ["sort", "join"]


def test_the_store_is_cleared_only_after_a_yes(built: Pipeline) -> None:
    """`doit cache` lists what the store has; `clear` asks, and without a terminal needs `--yes`."""
    assert "4 traces" in built.doit("cache").out
    result = built.doit("cache", "clear")
    assert result.code != 0
    assert "add --yes" in result.err
    assert built.blobs()
    assert built.doit("cache", "clear", "--yes").code == 0
    assert not built.blobs()
    assert built.doit().executed == ALL
    assert built.doit("cache", "clera").code != 0


@pytest.mark.parametrize("arguments", [["-n", "2"], ["-n", "2", "-P", "thread"]], ids=["processes", "threads"])
def test_in_parallel(fresh: Pipeline, arguments: list[str]) -> None:
    """`doit -n 2` makes the same as doit, in an order that respects what is needed, and then keeps it."""
    result = fresh.doit(*arguments)
    assert (sorted(result.executed), result.code) == (sorted(ALL), 0), result.text
    assert (result.executed[0], result.executed[-1]) == ("make", "join")
    assert fresh.read("data/report.txt") == "30 60 90 = 180\n"
    assert fresh.doit(*arguments).executed == []
    assert fresh.doit().executed == []
    fresh.path("data/total.txt").unlink()
    assert fresh.doit(*arguments).executed == []
    assert fresh.read("data/total.txt") == "180"


TARGETS = [
    ("data/ordered.txt", "."),
    ("./data/ordered.txt", "."),
    ("ordered.txt", "data"),
    ("../data/ordered.txt", "steps"),
]


@pytest.mark.parametrize(("target", "folder"), TARGETS)
def test_a_target_as_the_shell_names_it(built: Pipeline, target: str, folder: str) -> None:
    """A file names the stage that makes it, and what it needs."""
    built.edit("steps/helper.py", "number * times", "number + times")
    result = built.doit(target, folder=folder)
    assert (result.executed, result.code) == (["make", "sort"], 0), result.text


def test_an_absolute_target(built: Pipeline) -> None:
    """An absolute path names a stage as well."""
    assert built.doit(str(built.path("data/ordered.txt"))).told("kept") == ["make", "sort"]


def test_from_a_folder_below(built: Pipeline) -> None:
    """Doit finds its project, and the settings in its pyproject.toml, from any folder below."""
    assert built.doit(folder="steps").told("kept") == ALL
    built.write("pyproject.toml", "[tool.doit.tasks.make]\ntimes = 4\n")
    assert built.doit(folder="steps").executed == ALL
    assert built.doit().executed == []
    assert not built.path("steps/.redoit").exists()


def test_json_reporter(built: Pipeline) -> None:
    """`doit -r json` works as in doit: its output is JSON."""
    built.edit("steps/side.py", "sum(map", "0 + sum(map")
    result = built.doit("-r", "json")
    assert result.executed == ["side"]  # its output stayed the same
    told = {task["name"]: task["result"] for task in json.loads(result.out)["tasks"]}
    assert told == {"make": "up-to-date", "sort": "up-to-date", "side": "success", "join": "up-to-date"}


def test_verbosity(fresh: Pipeline) -> None:
    """A step's prints show by default and stay away with `-v 0`; its log has them either way."""
    result = fresh.doit("-v", "0")
    assert result.executed == ALL
    assert "adding up" not in result.text
    assert "adding up to 180" in fresh.read(".redoit/logs/side")
    assert "adding up to 180" in fresh.doit("-a").out


PLAIN = """
def task_hello():
    return {"actions": ["echo hello to you > hello.txt"], "file_dep": ["data/report.txt"], "targets": ["hello.txt"]}
"""


def test_ordinary_tasks_next_to_stages(built: Pipeline) -> None:
    """An ordinary task works as in doit: it runs once, and again when a file that it needs changed."""
    built.write("dodo.py", built.read("dodo.py") + PLAIN)
    assert ".  hello" in built.doit().out
    assert "-- hello" in built.doit().out
    built.edit("steps/join.py", '" = "', '" == "')
    assert ".  hello" in built.doit().out
    assert "-- hello" in built.doit().out
    assert built.doit("forget", "hello").code == 0
    assert ".  hello" in built.doit().out


def test_a_project_without_redoit(project: object) -> None:
    """A dodo.py that knows nothing of redoit works as in doit, and gets no .redoit."""
    pipeline: Pipeline = project({"dodo.py": PLAIN, "data/report.txt": "x"})  # type: ignore[operator]
    assert pipeline.doit().out == ".  hello\n"
    assert pipeline.doit().out == "-- hello\n"
    assert not pipeline.path(".redoit").exists()
    assert pipeline.doit("forget", "--all").code == 0


HEAVY = ("numpy", "h5py", "keras", "tensorflow", "sklearn", "rich", "jinja2")
UNUSED = ("execution", "formats", "gc", "lineage", "planning", "preload", "terminal")  # packages of redoit


def test_nothing_to_do_imports_nothing_heavy(built: Pipeline) -> None:
    """Doit with nothing to do imports no library of the steps or of a display, and no package that runs or explains."""
    built.write(
        "site/sitecustomize.py", "import atexit, sys\natexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
    )
    assert built.doit("forget", "join").code == 0
    built.doit()
    result = built.doit(PYTHONPATH=str(built.path("site")))
    assert result.told("kept") == ALL
    loaded = set(result.err.split())
    assert "redoit.plugin.declare" in loaded
    assert not loaded & {*HEAVY, *(f"redoit.{package}" for package in UNUSED)}


def test_info_says_why(built: Pipeline) -> None:
    """`doit info` gives the reason that a run would give."""
    assert "status: run\n  times 3 -> 9\n" in built.doit("info", "make", "make.times=9").out
    built.path("data/made.txt").unlink()
    assert "status: restore\n" in built.doit("info", "make").out


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("backend = nope", "backend: found 'nope', expected one of dbm, json, sqlite3, redoit"),
        ("reporter = nope", "reporter: found 'nope', expected one of "),
        ("verbosity = 9", "verbosity: found 9, expected one of 0, 1, 2"),
    ],
)
def test_an_option_in_a_file_is_one_of_its_choices(fresh: Pipeline, option: str, told: str) -> None:
    """A value that no option of doit has is refused in one line, in doit.cfg as on the command line."""
    fresh.write("doit.cfg", f"[GLOBAL]\n{option}\n")
    result = fresh.doit()
    assert (result.code, result.executed) == (3, [])
    assert result.err.startswith(f"ERROR: {told}")
    assert len(result.err.splitlines()) == 1


def test_an_option_in_dodo_is_one_of_its_choices(fresh: Pipeline) -> None:
    """Neither does DOIT_CONFIG of a user's own name a database that there is not."""
    fresh.write("dodo.py", 'from redoit import step\n\nDOIT_CONFIG = {"backend": "nope"}\n')
    assert fresh.doit().err.startswith("ERROR: backend: found 'nope', expected one of ")
