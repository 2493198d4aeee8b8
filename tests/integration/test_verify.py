"""`doit verify`: whether a kept stage makes the same bytes again, and where not; nothing else changes."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import strace
from child_processes import ChildProcesses
from projects import ALL, FOR_EVER, Pipeline, Result, until

LOOKS = ("stat-cache", "installed", "lock", "logs", "observed", "doit.db")  # caches, who looked, what steps did
DODO = """
from redoit import DOIT_CONFIG, step


def task_make():
    return step("steps.make", inputs={{}}, outputs={{"made": "data/{name}"}})
"""
STEP = """
import os
import time
import zipfile
from pathlib import Path


def run(made: Path) -> None:
    now = str(time.time_ns())
    {body}
"""


def state(pipeline: Pipeline) -> dict[str, tuple[int, bytes]]:
    """Return all files of the project, with their times, save what was learnt by looking."""
    own = pipeline.path(".redoit")
    paths = (path for path in pipeline.root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    kept = (path for path in paths if not any(path.is_relative_to(own / name) for name in LOOKS))
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in kept}


def test_what_is_reproducible(built: Pipeline) -> None:
    """Each stage runs again, the bytes are the same, and neither outputs nor records change."""
    built.doit()
    before = state(built)
    result = built.doit("verify")
    assert (result.executed, result.code, result.err) == (ALL, 0, "")
    lines = [line.partition(";")[0] for line in result.out.splitlines()]
    files = {"make": "made", "sort": "ordered", "side": "total", "join": "report"}
    assert lines == [f"Step {name} is reproducible (data/{file}.txt" for name, file in files.items()]
    assert state(built) == before
    assert built.doit().executed == []


FORMATS = {
    "text": ("made.txt", "made.write_text('made at ' + now)", "at byte "),
    "numpy": ("made.npz", "import numpy; numpy.savez(made, one=[1], two=[time.time_ns()])", "of its member two.npy"),
    "keras": ("made.keras", "zipfile.ZipFile(made, 'w').writestr('model.weights.h5', now)", "member model.weights.h5"),
    "hdf5": ("made.h5", "import h5py; h5py.File(made, 'w').create_dataset('x', data=[1, time.time_ns()])", "at byte "),
}  # fmt: skip


@pytest.mark.parametrize(("name", "body", "where"), FORMATS.values(), ids=FORMATS)
def test_where_outputs_differ(project: Callable[[dict[str, str]], Pipeline], name: str, body: str, where: str) -> None:
    """A time in an output is located by file and byte, in archives by member; nothing else changes."""
    pipeline = project({"dodo.py": DODO.format(name=name), "steps/make.py": STEP.format(body=body)})
    assert pipeline.doit().code == 0
    pipeline.doit()
    before = state(pipeline)
    result = pipeline.doit("verify", "make")
    assert (result.code, result.err) == (1, "")
    assert result.out.startswith(f"Step make is not reproducible: data/{name} differs at byte ")
    assert where in result.out
    assert state(pipeline) == before
    assert pipeline.doit().told("kept") == ["make"]


def test_the_byte_is_the_first_that_differs(built: Pipeline) -> None:
    """The offset shown is that of the file in place."""
    built.edit("steps/join.py", 'executed("join")', 'executed("join")\n    import time')
    built.edit("steps/join.py", " = ", "{time.time_ns()}")
    built.edit("steps/join.py", '"{time', 'f"{time')
    built.doit()
    offset = int(built.doit("verify", "join").out.split("at byte ")[1].rstrip(".\n"))
    assert len("30 60 90") <= offset < len("30 60 90") + 19


def test_a_stage_whose_outputs_are_others(built: Pipeline) -> None:
    """What is not up to date can't be verified, and is not touched; the others are."""
    built.edit("data/ordered.txt", "30", "31")
    result = built.doit("verify", "sort", "side")
    assert (result.executed, result.code) == (["side"], 1)
    assert (
        "Step sort can't be verified. data/ordered.txt: not up to date; run it first, with: doit sort\n" in result.out
    )
    assert built.read("data/ordered.txt").startswith("31")


def test_a_step_that_fails_now(built: Pipeline) -> None:
    """A step that fails when it runs again is one line that names its log; outputs and results stay."""
    before = built.outputs()
    result = built.doit("verify", "side", DURING_side="kill -9 $PPID")
    assert (result.code, result.err) == (1, "")
    log = ".redoit/logs/side%20verified"
    line = f"step steps.side: its process was killed by SIGKILL; its log is {log}"
    assert result.out == f"Step side can't be verified. {line}\n"
    assert built.outputs() == before
    assert built.doit().executed == []


def test_a_limit_holds(built: Pipeline) -> None:
    """`doit verify` keeps a stage's time limit."""
    built.write("doit.cfg", "[task:side]\ntime_limit = 0.2\n")
    assert "exceeded its time limit of 0.2 s" in built.doit("verify", "side", DURING_side=FOR_EVER).out


NAMES = {
    "trian": "ERROR: trian: no such task; known: ",
    "maek": "ERROR: maek: no such task; did you mean make?\n",
    "plain": "ERROR: plain: found an ordinary task, expected a stage; leave it out\n",
    "--epochs": "ERROR: --epochs: no such option; see: doit help verify\n",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_no_stage(built: Pipeline, name: str) -> None:
    """What names no stage is one line, and nothing runs."""
    built.write("dodo.py", built.read("dodo.py") + "\n\ndef task_plain():\n    return {'actions': ['true']}\n")
    result = built.doit("verify", name)
    assert (result.executed, result.code, result.out) == ([], 3, "")
    assert result.err.startswith(NAMES[name])
    assert result.err.count("\n") == 1


def test_an_option_behind_a_task(built: Pipeline) -> None:
    """An option after the names, which doit does not read, is an error that says where to put it."""
    line = "ERROR: --no-wait: found behind a task, expected before; say: doit verify --no-wait ...\n"
    assert built.doit("verify", "make", "--no-wait").err == line


MORE = """

def task_more():
    for name in ("one", "two"):
        files = {{"inputs": {{"source": "source.txt"}}, "outputs": {{"made": f"data/{{name}}.txt"}}}}
        yield {{"name": name, **step("steps.make", **files, {policy})}}
"""


def test_a_group_is_its_stages(built: Pipeline) -> None:
    """A group names its stages, a pattern those that it matches; each is verified once."""
    built.write("dodo.py", built.read("dodo.py") + MORE.format(policy=""))
    built.doit()
    result = built.doit("verify", "more", "more:o*")
    assert [line.split(" ")[1] for line in result.out.splitlines()] == ["more:one", "more:two"]


@pytest.mark.parametrize("policy", ["volatile=True", "impure=True"])
def test_what_depends_on_more_than_its_inputs(built: Pipeline, policy: str) -> None:
    """A stage that says that its result depends on more is verified only if it is named."""
    built.write("dodo.py", built.read("dodo.py") + MORE.format(policy=policy))
    built.doit()
    result = built.doit("verify")
    assert (result.executed, result.code) == (ALL, 0)
    assert f"Step more:one is not verified: it is {policy[:-5]}.\n" in result.out
    assert "Step more:one is reproducible (data/one.txt;" in built.doit("verify", "more:one").out


def test_from_a_folder_below(built: Pipeline) -> None:
    """It is found from any folder of the project."""
    assert built.doit("verify", "make", folder="steps").executed == ["make"]


def test_without_stages(project: Callable[[dict[str, str]], Pipeline]) -> None:
    """Where there are no stages, one line says so, and nothing is made."""
    pipeline = project({"dodo.py": "def task_plain():\n    return {'actions': ['true']}\n"})
    result = pipeline.doit("verify")
    assert result.code == 3
    assert result.err.startswith("ERROR: dodo.py: found no stage; ")
    assert not pipeline.path(".redoit").exists()


def test_an_interrupt_leaves_nothing(built: Pipeline) -> None:
    """Ctrl-C ends the step and leaves no scratch folder behind."""
    before = [path.name for path in built.path("data").iterdir()]
    process = built.start("verify", "side", DURING_side=FOR_EVER)
    until(lambda: built.executed() == ["side"])
    process.send_signal(signal.SIGINT)
    result = built.finish(process)
    assert (result.code, "Traceback" in result.text) == (130, False)
    assert [path.name for path in Path(built.path("data")).iterdir()] == before


TRACED = """import multiprocessing
    os.system(Path("../command").read_text())
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(abs, [-1]) == [1]
    made.write_text("made")"""


@pytest.fixture
def traced(project: Callable[[dict[str, str]], Pipeline]) -> Pipeline:
    """Return a project whose step, which can be traced, gives a command to the shell that a file outside holds."""
    files = dict.fromkeys(("extra.txt", "hidden/deep.txt", 'a "b"\n.txt'), "1")
    pipeline = project({**files, "dodo.py": DODO.format(name="made.txt"), "steps/make.py": STEP.format(body=TRACED)})
    if not strace.works(pipeline.root.parent):
        pytest.skip("strace is not here, or may not be used")
    pipeline.path("../command").write_text("true")
    assert pipeline.doit().code == 0
    return pipeline


def verified(pipeline: Pipeline, command: str) -> Result:
    """Verify the step under strace, which now gives another command to the shell."""
    pipeline.path("../command").write_text(command)
    return pipeline.doit("verify", "--strace", "make")


def test_a_step_that_touches_nothing_else(traced: Pipeline) -> None:
    """What Python, redoit and the shell do for a step is no finding, also where it starts other Pythons."""
    result = verified(traced, "true")
    assert (result.code, result.err) == (0, ""), result.text
    assert result.out.splitlines()[1:] == ["Step make touched nothing that is neither declared nor observed."]


CHILD = "cat extra.txt; cat hidden/no 2>&1; ls hidden; cd hidden; test -e deep.txt; cat < ../dodo.py"


def test_what_a_program_touches_unseen(traced: Pipeline) -> None:
    """What another program reads, looks up, looks for in vain and lists is found; what it writes first is not."""
    traced.doit()
    before = state(traced)
    result = verified(traced, f"({CHILD}; echo 1 > own.txt; cat own.txt; rm own.txt) > /dev/null")
    found = "neither declared nor observed; declare"
    assert (result.code, result.err) == (1, "")
    assert result.out.splitlines()[1:] == [
        f'Step make opened dodo.py, extra.txt, which are {found} them with uses=["dodo.py", "extra.txt"].',
        "Step make listed hidden, which is neither declared nor observed.",
        f'Step make looked up hidden/deep.txt, which is {found} it with uses=["hidden/deep.txt"].',
        "Step make looked in vain for hidden/no, which is neither declared nor observed.",
    ]
    assert state(traced) == before
    assert traced.doit().told("kept") == ["make"]


def test_a_name_that_must_be_quoted(traced: Pipeline) -> None:
    """The declaration to write has the name as Python reads it, in one line."""
    assert 'declare it with uses=["a \\"b\\"\\n.txt"].\n' in verified(traced, "cat a*").out


ENDS = {
    "a limit": (FOR_EVER, "exceeded its time limit of 2 s"),
    "a signal": ("kill -9 $PPID", "was killed by SIGKILL"),
    "what it leaves running": (f"{FOR_EVER} &", "Step make touched nothing"),
}


@pytest.mark.parametrize(("command", "said"), ENDS.values(), ids=ENDS)
def test_a_traced_step_ends_as_another(traced: Pipeline, command: str, said: str) -> None:
    """A tracer changes nothing about how a step ends, and nothing of it is left."""
    if "limit" in said:
        traced.write("doit.cfg", "[task:make]\ntime_limit = 2\n")
    children = ChildProcesses(traced)
    assert said in verified(traced, command).out
    assert children.left() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_traced_step_ends_with_doit(traced: Pipeline, number: signal.Signals) -> None:
    """When doit is interrupted or killed, the step that it traces ends, and the tracer."""
    children = ChildProcesses(traced)
    traced.path("../command").write_text(f"touch ../began; {FOR_EVER}")
    process = traced.start("verify", "--strace", "make")
    until(traced.path("../began").exists)
    process.send_signal(number)
    assert "Traceback" not in traced.finish(process).text
    assert children.left() == []


def test_without_strace(built: Pipeline) -> None:
    """Where strace is not installed, one line says so before anything runs."""
    result = built.doit("verify", "--strace", PATH=os.devnull)
    line = "ERROR: strace: not installed; install it, or leave out --strace\n"
    assert (result.executed, result.code, result.err) == ([], 3, line)
