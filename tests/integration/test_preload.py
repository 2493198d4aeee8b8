"""Modules that are imported once for a run: each step is as in a fresh process, and sees what has changed since."""

import os
import signal
from collections.abc import Callable

import pytest
from child_processes import ChildProcesses
from projects import ALL, CHAIN, Pipeline, until

Maker = Callable[[dict[str, str]], Pipeline]
PRELOAD = '[tool.redoit]\npreload = ["steps.common"]\n'
COMMON = """
import os

with open("../imported", "a") as log:
    log.write(f"{os.getpid()}\\n")
"""
USE = "from steps.witness import executed\n"


def write(pipeline: Pipeline, common: str = COMMON, preload: str = PRELOAD) -> Pipeline:
    """Write a chain whose steps all import one module."""
    for name in ALL:
        text = CHAIN[f"steps/{name}.py"].replace(USE, f"{USE}from steps import common\n")
        pipeline.write(f"steps/{name}.py", text.replace(f'executed("{name}")', f'executed("{name}"); common'))
    pipeline.write("steps/common.py", common)
    pipeline.write("pyproject.toml", preload)
    return pipeline


@pytest.fixture
def chain(fresh: Pipeline) -> Pipeline:
    """Return the chain, with a module that all its steps import."""
    return write(fresh)


def imports(pipeline: Pipeline) -> int:
    """Return how often the module was imported since this was asked last."""
    log = pipeline.path("../imported")
    count = len(log.read_text().split()) if log.exists() else 0
    log.unlink(missing_ok=True)
    return count


@pytest.mark.parametrize("arguments", [(), ("-n2",)], ids=["serial", "parallel"])
def test_what_is_slow_to_import_is_imported_once(chain: Pipeline, arguments: tuple[str, ...]) -> None:
    """All steps of a run that import the module share one import, and each has a process of its own."""
    result = chain.doit(*arguments)
    assert (sorted(result.executed), result.code, result.err) == (sorted(ALL), 0, "")
    assert imports(chain) == 1
    chain.write("pyproject.toml", "")
    assert chain.doit("-a", *arguments).code == 0
    assert imports(chain) == len(ALL)


def test_the_tag_of_a_forked_step_is_not_its_own_doing(chain: Pipeline) -> None:
    """A step that reads the variable by which its process is found is not told so, nor run again, forked or fresh."""
    chain.edit("steps/join.py", "total.read_text()", "total.read_text() + common.os.environ['REDOIT_STEP'][:0]")
    for preload in (chain.read("pyproject.toml"), ""):
        chain.write("pyproject.toml", preload)
        result = chain.doit("-a")
        assert (result.executed, result.code, "WARNING" in result.text) == (ALL, 0, False)
        assert chain.doit().executed == []


def test_nothing_to_do_imports_nothing(chain: Pipeline) -> None:
    """Where nothing runs, nothing is imported and no process is started, and to restore needs neither."""
    chain.doit()
    imports(chain)
    assert chain.doit().told("kept") == ALL
    chain.path("data/report.txt").unlink()
    assert chain.doit().told("restored") == ["join"]
    assert imports(chain) == 0


def test_a_step_alone_is_not_forked(chain: Pipeline) -> None:
    """Where one step alone needs the module, it imports it itself; where none does that runs, nobody does."""
    chain.edit(
        "steps/join.py", "total.read_text()", "total.read_text() + open(f'/proc/{common.os.getppid()}/cmdline').read()"
    )
    chain.doit()
    assert "redoit.preload.forkserver" in chain.read("data/report.txt")
    chain.write("steps/join.py", chain.read("steps/join.py").replace(' = "', ' is "'))
    imports(chain)
    assert chain.doit().executed == ["join"]
    assert "redoit.preload.forkserver" not in chain.read("data/report.txt")
    assert imports(chain) == 1


def test_steps_that_do_not_import_it_are_fresh(chain: Pipeline) -> None:
    """A step whose code neither imports nor names the module has nothing of it; where none does, nobody imports it."""
    for name in ("make", "side"):
        chain.write(f"steps/{name}.py", CHAIN[f"steps/{name}.py"])
    chain.edit("steps/side.py", 'executed("side")', "import sys; assert 'steps.com' + 'mon' not in sys.modules")
    assert chain.doit().code == 0
    assert imports(chain) == 1
    assert chain.doit("-a", "side").code == 0
    assert imports(chain) == 0


CHANGES = {
    "its source": "echo 'VALUE = 2' > steps/common.py",
    "what it imports": "echo 'VALUE = 2' > steps/value.py",
    "what it did not find": "echo 'VALUE = 2' > steps/other.py",
    "what stands before it": "mkdir steps/value; echo 'VALUE = 2' > steps/value/__init__.py",
    "what stands before a library": "echo 'from steps.second import VALUE' > colorsys.py",
    "a folder in place of nothing": "mkdir -p steps/gone; echo 'VALUE = 2' > steps/gone/more.py",
}
TRIES = """
import colorsys
from steps.value import VALUE
VALUE = getattr(colorsys, "VALUE", VALUE)
try:
    from steps.other import VALUE
except ImportError: pass
try:
    from steps.gone.more import VALUE
except ImportError: pass
"""


@pytest.mark.parametrize("command", CHANGES.values(), ids=CHANGES)
def test_what_has_changed_since_is_seen(chain: Pipeline, command: str) -> None:
    """A step sees the source as it is when it begins, also if it was another when it was imported for the run."""
    chain.write("steps/common.py", COMMON + TRIES + "open('../done', 'w').close()\n")
    chain.write("steps/value.py", "VALUE = 1\n")
    chain.write("steps/second.py", "VALUE = 2\n")
    chain.edit("steps/side.py", "str(found)", "str(common.VALUE)")
    result = chain.doit("side", DURING_make=f"until [ -e ../done ]; do sleep 0.01; done; {command}")
    assert result.executed == ["make", "side"], result.text
    assert chain.read("data/total.txt") == "2"


def test_what_an_import_reads_counts(chain: Pipeline) -> None:
    """What a module reads while it is imported counts for each step that is forked then, however many there are."""
    chain.write("extra.txt", "1")
    chain.write("steps/common.py", COMMON + "VALUE = open('extra.txt').read()\n")
    result = chain.doit()
    assert (result.code, result.text.count("undeclared input extra.txt: tracked")) == (0, len(ALL))
    assert imports(chain) == 1
    assert chain.doit().executed == []
    chain.write("extra.txt", "2")
    assert chain.doit().executed == ALL


TASK = """

def task_set():
    def act():
        os.environ["SCALE"] = "2"
    return {"actions": [act], "file_dep": ["data/made.txt"], "targets": ["set.txt"]}
"""


def test_the_environment_is_that_of_the_moment(chain: Pipeline) -> None:
    """A variable that an ordinary task sets meanwhile is set for the steps after it."""
    chain.write("dodo.py", "import os\n" + CHAIN["dodo.py"] + TASK)
    chain.edit("steps/side.py", "str(found)", "common.os.environ.get('SCALE', '1')")
    chain.edit(
        "dodo.py", 'outputs={"total": "data/total.txt"}', 'outputs={"total": "data/total.txt"}, environ=["SCALE"]'
    )
    result = chain.doit("make", "set", "side", SCALE="1")
    assert (result.executed, result.code) == (["make", "side"], 0), result.text
    assert chain.read("data/total.txt") == "2"


@pytest.mark.parametrize("common", ["import absent", "raise SystemExit(3)", "import os; os._exit(1)", "1 / 0"])
def test_an_import_that_fails_fails_its_steps(chain: Pipeline, common: str) -> None:
    """What is wrong with the module is the error of each step that imports it, as ever."""
    chain.write("steps/common.py", common)
    forked = chain.doit("--continue")
    chain.write("pyproject.toml", "")
    assert forked.told("failed") == chain.doit("--continue").told("failed") == ["make"]
    assert "Traceback" not in forked.out


def test_what_an_import_prints_is_in_each_log(chain: Pipeline) -> None:
    """What the module prints while it is imported is in the log of each step that imports it, and on the terminal."""
    chain.write("steps/common.py", "import sys\nprint('imported')\nprint('grün', file=sys.stderr)\n")
    result = chain.doit()
    assert result.out.count("imported\n") == len(ALL)
    for name in ALL:
        assert {"imported", "grün"} <= set(chain.read(f".redoit/logs/{name}").split())


DRAW = "random.random()"


@pytest.mark.parametrize("seed", [7, None])
def test_random_numbers_are_those_of_a_fresh_process(chain: Pipeline, seed: int | None) -> None:
    """Numbers that the module has seeded are drawn as in a fresh process, and others differ from step to step."""
    chain.write("steps/common.py", f"import random\n{'' if seed is None else f'random.seed({seed})'}\n")
    for name, last in {"sort": "ordered.write_text(", "side": "total.write_text("}.items():
        chain.edit(f"steps/{name}.py", last, f"print('drew', common.{DRAW})\n    {last}")
    drawn = [line for line in chain.doit().out.splitlines() if line.startswith("drew")]
    chain.write("pyproject.toml", "")
    drawn += [line for line in chain.doit("-a").out.splitlines() if line.startswith("drew")]
    assert len(drawn) == 4
    assert len(set(drawn)) == (4 if seed is None else 1)


@pytest.mark.parametrize("arguments", [(), ("-n2",)], ids=["serial", "parallel"])
def test_an_import_that_lasts_is_the_steps_own_time(chain: Pipeline, arguments: tuple[str, ...]) -> None:
    """A step that waits for the import is ended in its time."""
    chain.write("steps/common.py", "import time\ntime.sleep(600)\n")
    result = chain.doit("make.time_limit=0.5", *arguments)
    assert "step steps.make: exceeded its time limit of 0.5 s and was killed; its log is" in result.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("arguments", [(), ("-n2",)], ids=["serial", "parallel"])
@pytest.mark.parametrize("common", ["import time; time.sleep(600)", "sum(range(10**12))"], ids=["sleeps", "counts"])
def test_who_imports_ends_with_doit(chain: Pipeline, number: int, arguments: tuple[str, ...], common: str) -> None:
    """Whoever imports ends with doit, whichever way that ends, also while native code is busy."""
    chain.write("steps/common.py", f"{COMMON}{common}\n")
    offspring = ChildProcesses(chain)
    process = chain.start(*arguments)
    until(lambda: chain.path("../imported").exists())
    process.send_signal(number)
    result = chain.finish(process)
    assert result.code == (-9 if number == signal.SIGKILL else 128 + number)
    assert offspring.left() == []


@pytest.mark.parametrize("arguments", [(), ("-n2",)], ids=["serial", "parallel"])
def test_who_imported_is_killed(chain: Pipeline, arguments: tuple[str, ...]) -> None:
    """A step whose origin is killed fails in one line, and those after it run in fresh processes."""
    chain.edit("steps/make.py", 'executed("make")', "import os, time; os.kill(os.getppid(), 9); time.sleep(600)")
    offspring = ChildProcesses(chain)
    result = chain.doit(*arguments)
    line = "step steps.make: its process was lost, because the process that it was forked from ended; its log is"
    assert f"Step make has failed. {line} .redoit/logs/make" in result.out
    assert offspring.left() == []
    chain.write("steps/make.py", CHAIN["steps/make.py"])
    again = chain.doit()
    assert (sorted(again.executed), again.code) == (sorted(ALL), 0)


def test_a_forked_step_whose_doit_is_gone_is_ended_by_the_next(chain: Pipeline) -> None:
    """A forked step that was too busy to end with its doit, and has left its group, is ended before the next begins."""
    chain.write(
        "steps/away.py",
        "import os, time\n\n\ndef go():\n    if not os.fork():\n        os.setsid()\n        time.sleep(600)\n",
    )
    chain.edit("steps/make.py", 'executed("make")', 'from steps import away; away.go(); executed("make")')
    offspring = ChildProcesses(chain)
    process = chain.start(DURING_make="kill -STOP $PPID; sleep 600")
    until(chain.executed)
    os.kill(process.pid, signal.SIGKILL)
    chain.finish(process)
    chain.write("steps/make.py", CHAIN["steps/make.py"])
    assert chain.doit().code == 0
    assert offspring.left() == []


BAD = {
    '"steps.common"': "found 'steps.common', expected a list of modules",
    "[1]": "found [1], expected a list of modules",
    '["steps.comon"]': "found 'steps.comon', expected a module of the project; name one that imports it",
    '["keras"]': "found 'keras', expected a module of the project; name one that imports it",
    '["../x"]': "found '../x', expected a module of the project",
    '[""]': "found '', expected a module of the project",
    '["steps..common"]': "found 'steps..common', expected a module of the project",
}


@pytest.mark.parametrize("value", BAD)
def test_what_is_no_module_of_the_project(chain: Pipeline, value: str) -> None:
    """What can't be imported for all is one line, before anything runs."""
    chain.write("pyproject.toml", f"[tool.redoit]\npreload = {value}\n")
    result = chain.doit()
    assert (result.executed, result.code) == ([], 3)
    assert result.err.startswith(f"ERROR: pyproject.toml: [tool.redoit] preload: {BAD[value]}")
