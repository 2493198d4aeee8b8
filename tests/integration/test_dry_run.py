"""Dry runs of pipelines of unusual shapes, compared with what doit then does."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from projects import ALL, Pipeline

STEPS = {
    "steps/__init__.py": "",
    "steps/mk.py": (
        "from pathlib import Path\n\n\ndef run(a: Path, b: Path, *, k: int = 1) -> dict[str, float]:\n"
        "    b.write_text(a.read_text().strip() + str(k))\n    return {'n': k}\n"
    ),
    "steps/tr.py": (
        "from pathlib import Path\n\n\ndef run(a: Path, b: Path) -> None:\n"
        "    b.write_text(a.read_text().strip() + 'T')\n"
    ),
    "s1.txt": "one",
    "s2.txt": "two",
}
HEAD = """
from doit.task import result_dep

from redoit import DOIT_CONFIG, step


def S(module, a, b, **fields):
    return step(f"steps.{module}", inputs={"a": a}, outputs={"b": b}, **fields)


"""
COPY = """
def task_mk():
    return S("mk", "s1.txt", "data/p.txt")


def task_copy():
    return {"actions": ["cp data/p.txt data/c.txt"], "file_dep": ["data/p.txt"], "targets": ["data/c.txt"]}


def task_end():
    return S("tr", "data/c.txt", "data/e.txt")
"""
RESULT = """
def task_mk():
    return S("mk", "s1.txt", "data/p.txt")


def task_copy():
    return {"actions": ["cp data/p.txt data/c.txt"], UPTODATE, "targets": ["data/c.txt"]}


def task_end():
    return S("tr", "data/c.txt", "data/e.txt")
"""
ONE_STEP = """
def task_prep():
    for i in "12":
        yield {"name": i, **S("mk", f"s{i}.txt", f"data/p{i}.txt")}


def task_train():
    for i in "12":
        yield {"name": i, **S("tr", f"data/p{i}.txt", f"data/t{i}.txt")}
"""


def make(pipeline: Pipeline, dodo: str) -> None:
    """Write a project."""
    for name, text in {**STEPS, "dodo.py": HEAD + dodo}.items():
        pipeline.write(name, text)


def held(pipeline: Pipeline, *arguments: str) -> dict[str, str]:
    """Compare a run with its plan; return the plan. Certain decisions must come true, open ones be one of two."""
    result = pipeline.doit("plan", "--json", *arguments)
    assert result.code == 0, result.text
    planned: list[dict[str, Any]] = json.loads(result.out)
    done = pipeline.doit(*arguments)
    became = {name: word for word in ("kept", "restored", "finished", "failed") for name in done.told(word)}
    became |= {line.split()[1]: "finished" for line in done.out.splitlines() if line.startswith(".  ")}
    became |= {line.split()[1]: "kept" for line in done.out.splitlines() if line.startswith("-- ")}
    words = {"keep": "kept", "restore": "restored", "run": "finished", "fail": "failed"}
    for one in planned:
        allowed = {words.get(one["verdict"]), one["unless_same"]} | ({"restored"} if one["awaits"] else set())
        assert became.get(one["task"]) in allowed, f"{one} became {became.get(one['task'])}\n{done.text}"
    return {one["task"]: one["verdict"] + ("?" if one["unless_same"] else "") for one in planned}


def test_two_stages_of_one_step(fresh: Pipeline) -> None:
    """Two stages of one step have actions of their own, also if their inputs have the same content."""
    make(fresh, ONE_STEP)
    assert held(fresh) == dict.fromkeys(["prep:1", "prep:2", "train:1", "train:2"], "run")
    fresh.write("s2.txt", "one")
    assert (held(fresh)["prep:2"], held(fresh)["prep:2"]) == ("run", "keep")


def test_an_ordinary_task_behind_what_is_restored(fresh: Pipeline) -> None:
    """What doit decides about an ordinary task depends on what will be there, not on what is."""
    make(fresh, COPY)
    held(fresh)
    held(fresh, "mk.k=2")
    assert held(fresh) == {"mk": "restore", "copy": "run", "end": "run?"}
    fresh.path("data/p.txt").unlink()
    assert held(fresh) == {"mk": "restore", "copy": "keep", "end": "keep"}
    fresh.path("data/c.txt").unlink()
    assert held(fresh) == {"mk": "keep", "copy": "run", "end": "run?"}
    listed = {line.split()[1]: line.split()[0] for line in fresh.doit("list", "-s").out.splitlines()}
    assert set(listed.values()) == {"U"}


def test_an_ordinary_task_behind_what_runs(fresh: Pipeline) -> None:
    """If an input is not made yet, an ordinary task may be kept too."""
    make(fresh, COPY)
    held(fresh)
    fresh.write("s1.txt", "one\n")
    assert held(fresh) == {"mk": "run", "copy": "run?", "end": "run?"}


@pytest.mark.parametrize(
    "uptodate", ['"uptodate": [result_dep("mk")]', '"getargs": {"n": ("mk", "n")}'], ids=["result_dep", "getargs"]
)
def test_a_task_that_asks_for_a_result(fresh: Pipeline, uptodate: str) -> None:
    """A task that depends on another's result is open where that one may give another."""
    make(fresh, RESULT.replace("UPTODATE", uptodate))
    held(fresh)
    fresh.write("s1.txt", "other")
    assert held(fresh)["copy"] == "run?"
    fresh.write("s1.txt", "one")
    assert held(fresh) == {"mk": "restore", "copy": "run?", "end": "run?"}


def test_code_that_a_stage_makes(fresh: Pipeline) -> None:
    """A plan refuses, as a run does, a stage that makes the source of another one."""
    make(
        fresh,
        'def task_g():\n    return S("gen", "s1.txt", "steps/made.py")\n\n\n'
        'def task_u():\n    return S("use", "s2.txt", "data/u.txt", task_dep=["g"])\n',
    )
    run = "from pathlib import Path\n{}\n\ndef run(a: Path, b: Path) -> None:\n    b.write_text({})\n"
    fresh.write("steps/gen.py", run.format("", 'f"X = {a.read_text()!r}\\n"'))
    fresh.write("steps/use.py", run.format("\nfrom steps.made import X\n", "X + a.read_text()"))
    fresh.write("steps/made.py", "X = 'before'\n")
    refused = "ERROR: g: its output steps/made.py is source that steps.use reaches; give the output another path\n"
    for command in (["plan"], []):
        result = fresh.doit(*command)
        assert (result.code, result.err.startswith(refused)) == (3, True)
    assert fresh.path("steps/made.py").read_text() == "X = 'before'\n"


def test_a_folder_in_an_outputs_place(built: Pipeline) -> None:
    """A folder in place of an output is planned to be replaced, and is set aside then."""
    built.path("data/made.txt").unlink()
    built.write("data/made.txt/mine", "by hand")
    result = built.doit("plan", "--json")
    found = {one["task"]: one for one in json.loads(result.out)}
    assert found["make"]["verdict"] == "restore"
    assert built.doit().code == 0
    assert [path.read_text() for path in built.path(".redoit/rescued").glob("*/made.txt/mine")] == ["by hand"]


def test_a_dry_run_before_the_first_run_makes_nothing(fresh: Pipeline) -> None:
    """Before the first run, and in a read-only folder, dry runs work and leave no files."""
    before = sorted(fresh.root.rglob("*"))
    for command in (("plan",), ("why",), ("list", "-s"), ("info", "make"), ("lineage", "--json"), ("cache",)):
        result = fresh.doit(*command)
        assert result.code in (0, 1), result.text
        assert result.err == ""
    assert [path for path in sorted(fresh.root.rglob("*")) if "__pycache__" not in path.parts] == before


@pytest.mark.parametrize("command", ["", "plan", "why make", "list -s", "info make", "lineage", "cache", "forget make"])
def test_without_standard_streams(built: Pipeline, command: str) -> None:
    """Where the shell has closed what commands write to, they do their work."""
    line = f"{sys.executable} -m doit {command} >&- 2>&-"
    done = subprocess.run(["/bin/sh", "-c", line], cwd=built.root, env=built.env, check=False)
    assert done.returncode == 0


def test_names_are_shown_escaped(fresh: Pipeline) -> None:
    """No name of a task brings a terminal to do anything, also where another one of its group fails."""
    make(
        fresh,
        "def task_g():\n    for name in ('a', 'b\\x1b[2J'):\n"
        "        yield {'name': name, **S('mk', 'none.txt', f'data/{len(name)}.txt')}\n",
    )
    for command in (
        ("-c",),
        ("list", "--all"),
        ("list", "--all", "-s"),
        ("plan", "-c"),
        ("why",),
        ("info", "g:b\x1b[2J"),
    ):
        result = fresh.doit(*command)
        assert "\x1b" not in result.text
        assert "b\\x1b[2J" in result.text


def test_a_stage_behind_bytes_that_were_seen_before(fresh: Pipeline) -> None:
    """The decision about a stage that would run with its present inputs is open: new inputs may have a trace."""
    make(
        fresh,
        'def task_a():\n    return S("mk", "s1.txt", "data/a")\n\n\n'
        'def task_b():\n    return S("tr", "data/a", "data/b")\n',
    )
    held(fresh)
    assert fresh.doit("a.k=2").code == 0
    assert fresh.doit("a", "a.k=3").code == 0
    fresh.edit("steps/mk.py", ".strip()", ".strip(' ')")
    result = fresh.doit("plan")
    assert [line.split()[1] for line in result.out.splitlines()[:2]] == ["run", "run?"]
    assert fresh.doit().told("finished") == ["a"]


def test_a_dry_run_executes_no_command(fresh: Pipeline) -> None:
    """A command that a task is to ask whether it is up to date is not asked; what it would say is open."""
    make(
        fresh,
        "def task_o():\n"
        "    return {'actions': ['touch o.txt'], 'uptodate': ['touch asked; true'], 'targets': ['o.txt']}\n",
    )
    fresh.write("o.txt", "")
    assert "o  run?" in fresh.doit("plan").out
    assert fresh.doit("list", "-s").code == 0
    assert "status: run?" in fresh.doit("info", "o").out
    assert not fresh.path("asked").exists()


def test_a_task_that_needs_what_is_not_there(fresh: Pipeline) -> None:
    """An error in a declaration is the only output, in runs and dry runs."""
    make(fresh, "def task_o():\n    return {'actions': ['true'], 'task_dep': ['nope']}\n")
    for command in ((), ("plan",), ("list", "-s"), ("why",)):
        result = fresh.doit(*command)
        assert result.code != 0
        assert "nope" in result.err
        assert "Traceback" not in result.text


def test_what_needs_an_ignored_task(built: Pipeline) -> None:
    """All dry runs agree that doit skips tasks that need an ignored one."""
    assert built.doit("ignore", "make").code == 0
    found = {one["task"]: one["verdict"] for one in json.loads(built.doit("plan", "--json").out)}
    assert set(found.values()) == {"ignored"}
    assert {line.split()[0] for line in built.doit("list", "-s").out.splitlines()} == {"I"}
    assert "status: ignored\n\n" in built.doit("info", "join").out
    assert built.doit().told("kept") == []


MANY = """
from redoit import DOIT_CONFIG, step


def task_s():
    for number in range(1_200):
        yield step("steps.mk", name=str(number), inputs={"a": "s1.txt"}, outputs={"b": f"data/{number}.txt"})
"""


def test_many_tasks_are_shown_in_columns(tmp_path: Path) -> None:
    """A plan of more than a thousand tasks is a table too, and `list -s` agrees with it."""
    pipeline = Pipeline(tmp_path / "project")
    for name, text in {**STEPS, "dodo.py": MANY}.items():
        pipeline.write(name, text)
    lines = pipeline.doit("plan").out.splitlines()
    assert lines[0] == "s:0     run  ?  never run before"
    assert lines[999] == "s:999   run  ?  never run before"
    shown = pipeline.doit("list", "-s", "--all", "--template", "{name} {status}\n").out
    told = dict(line.split() for line in shown.splitlines() if line)
    assert {told[f"s:{number}"] for number in range(1_200)} == {"R"}


def test_a_checkout_that_never_ran_may_restore_what_another_made(fresh: Pipeline) -> None:
    """With a shared store, no stage after one that runs is certain to run; with a store of its own each is."""
    fresh.write("pyproject.toml", '[tool.redoit]\nstore = "../store"\n')
    fresh.edit("dodo.py", '"data/made.txt"})', '"data/made.txt"}, impure=True)')
    other = Pipeline(fresh.root.with_name("other"))
    shutil.copytree(fresh.root, other.root)
    assert [line.split()[1] for line in fresh.doit("plan").out.splitlines()[:-1]] == ["run"] * 4
    assert fresh.doit().executed == ALL
    assert [line.split()[1] for line in other.doit("plan").out.splitlines()[:-1]] == ["run", *["run?"] * 3]
    assert other.doit().executed == ["make"]
