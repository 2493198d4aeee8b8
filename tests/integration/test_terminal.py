"""What a terminal shows while stages run: real doits in pseudo-terminals."""

import json
import os
import re
import signal
from collections.abc import Callable
from dataclasses import replace

import pytest
from projects import Pipeline
from terminals import Opener, Terminal

from redoit.model import Stage
from redoit.state.workspace import Workspace
from redoit.storage.serialize import trace_name

BAR = r'''
import sys
import time
from pathlib import Path

GO = Path("go")


def bar(name):
    """Print as Keras does, and stay in the middle of the bar until there is a file `go`."""
    print(f"Epoch 1/1 of {name}")
    width = 0
    for number in range(1, 11):
        text = f"\x1b[1m{number}/10\x1b[0m \x1b[32m" + number * "━" + "\x1b[0m\x1b[37m" + (10 - number) * "━"
        text += f"\x1b[0m \x1b[1m{10 - number}s\x1b[0m 52ms/step - accuracy: 0.9{number} of {name} - loss: 0.1"
        sys.stdout.write("\b" * width + "\r" + text)
        sys.stdout.flush()
        width = len(text)
        while number == 5 and not GO.exists():
            time.sleep(0.01)
    sys.stdout.write("\n")
    print("warning of", name, file=sys.stderr)
'''


@pytest.fixture
def barred(built: Pipeline) -> Pipeline:
    """Return the chain; its two steps in the middle print a bar and wait in it."""
    built.write("steps/bars.py", BAR)
    for name in ("sort", "side"):
        built.edit(f"steps/{name}.py", "from steps.witness", "from steps.bars import bar\nfrom steps.witness")
        built.edit(f"steps/{name}.py", f'executed("{name}")', f'executed("{name}")\n    bar("{name}")')
    return built


def go(pipeline: Pipeline) -> None:
    """Let the bars go on."""
    pipeline.write("go", "")


def rows_of(screen: str, start: str) -> list[str]:
    """Return the rows of a screen that begin so."""
    return [row for row in screen.split("\n") if row.startswith(start)]


def took(pipeline: Pipeline, seconds: float) -> None:
    """Set the duration of the latest run of the stage `side`."""
    workspace, stage = Workspace(pipeline.root), Stage("side", "steps.side", {}, {})
    trace = workspace.latest(stage)
    assert trace is not None
    for one in workspace.store.traces(trace.action.key):
        pipeline.path(f".redoit/traces/{one.action.key}/{trace_name(one)}.json").unlink()
    other = replace(trace, seconds=seconds, name="")
    workspace.store.append(other)
    workspace.remember(stage, other)


def cursor_shown(terminal: Terminal) -> bool:
    """Tell whether the cursor is visible."""
    return 25 << 5 in terminal.screen.mode  # as pyte counts private modes


ANOTHER = {"COLUMNS": "200", "LINES": "50"}  # what a shell exports, or a program that has read a line in it


@pytest.mark.parametrize(("columns", "size"), [(40, {}), (120, {}), (40, ANOTHER)], ids=["40", "120", "not-200"])
def test_a_bar_of_keras(barred: Pipeline, columns: int, size: dict[str, str], open_terminal: Opener) -> None:
    """A stage that runs has one line, and below it the step's bar; in the end the display is gone, the bar stands."""
    terminal = open_terminal(barred, "side", columns=columns, **size)
    screen = terminal.until(lambda text: "  5/10 ━━━━━━━━━━ 5s" in text)
    assert re.fullmatch(r"side  \d+\.\d s (of ~.*|running.*)", rows_of(screen, "side")[0])
    assert rows_of(screen, "Epoch 1/1 of side") == ["Epoch 1/1 of side"]
    assert screen.split("\n")[-1].startswith("  5/10 ")  # the rest of a narrow one is cropped, not wrapped
    assert screen.count("/10 ") == 1
    go(barred)
    text = terminal.finish()
    assert terminal.process.returncode == 0
    assert rows_of(text, "side") == []
    assert "accuracy: 0.910 of side" in text.replace("\n", "")
    assert text.count("/10 ") == 1
    assert "Step side has finished in " in text
    assert re.search(r"2 steps: 1 ran, 1 kept in [\d.]+s, [\d.]+s saved\.$", text.replace("\n", ""))
    assert cursor_shown(terminal)
    assert "accuracy: 0.910 of side" in barred.read(".redoit/logs/side")


def test_progress_against_the_last_duration(barred: Pipeline, open_terminal: Opener) -> None:
    """A stage that ran before shows how much of that time has passed; where more has, it says so."""
    go(barred)
    assert barred.doit("side").code == 0
    for seconds, shown in (
        (36_000.0, r"of ~10 h 0 min +\d+ %  ━\S+"),
        (0.001, r"running, longer than last time \(0\.0 s\)"),
    ):
        took(barred, seconds)
        barred.path("enough").unlink(missing_ok=True)
        terminal = open_terminal(barred, "-a", "side", DURING_side="until [ -e enough ]; do sleep 0.02; done")
        terminal.until(
            lambda text, shown=shown: re.search(rf"^side  (\d+\.\d s|\d+ min \d+ s) {shown}$", text, re.MULTILINE)
        )
        barred.write("enough", "")
        terminal.finish()


def test_two_at_once(barred: Pipeline, open_terminal: Opener) -> None:
    """With -n 2, each stage has its line and its bar, and a finished line begins with its stage."""
    terminal = open_terminal(barred, "-n", "2", columns=100)
    screen = terminal.until(lambda text: text.count("  5/10 ") == 2)
    rows = screen.split("\n")[-4:]
    assert {row.split()[0] for row in rows[::2]} == {"side", "sort"}
    for line, bar in zip(rows[::2], rows[1::2], strict=True):
        assert f"accuracy: 0.95 of {line.split()[0]}" in bar
    go(barred)
    text = terminal.finish()
    for name in ("side", "sort"):
        assert rows_of(text, f"{name} | Epoch") == [f"{name} | Epoch 1/1 of {name}"]
        assert rows_of(text, f"{name} | warning") == [f"{name} | warning of {name}"]
        assert len(rows_of(text, f"{name} | 10/10 ")) == 1
    assert rows_of(text, "side | adding") == ["side | adding up to 180"]


def test_two_at_once_without_a_terminal(barred: Pipeline) -> None:
    """With -n 2 and no terminal, lines are whole, and each begins with its stage."""
    for name in ("side", "sort"):
        barred.edit(
            f"steps/{name}.py",
            f'bar("{name}")',
            f'import sys, time\n    for _ in range(30):\n        for part in ("one ", "line ", "of {name}\\n"):\n'
            "            print(part, end='', flush=True)\n            time.sleep(0.002)",
        )
    result = barred.doit("-n", "2")
    for name in ("side", "sort"):
        assert result.out.count(f"\n{name} | one line of {name}\n") >= 15  # lines between two others are not counted
        assert len(re.findall(rf"^{name} \| one line of {name}$", result.out, re.MULTILINE)) == 30
    assert "\x1b" not in result.text


@pytest.mark.parametrize("verbosity", ["0", "1", "2"])
def test_verbosity(barred: Pipeline, verbosity: str, open_terminal: Opener) -> None:
    """Whatever a step may print, its line is there: -v 0 shows no output, -v 1 the errors alone."""
    terminal = open_terminal(barred, "-v", verbosity, "side")
    terminal.until(lambda text: re.search(r"^side  \d+\.\d s", text, re.MULTILINE))
    go(barred)
    text = terminal.finish()
    assert ("Epoch" in text) == (verbosity == "2")
    assert ("warning of side" in text) == (verbosity != "0")
    assert "warning of side" in barred.read(".redoit/logs/side")


def test_no_colour(barred: Pipeline, open_terminal: Opener) -> None:
    """With NO_COLOR the display is there, without colours, those of the step included."""
    terminal = open_terminal(barred, "side", NO_COLOR="1")
    terminal.until(lambda text: "  5/10 " in text)
    go(barred)
    terminal.finish()
    assert re.findall(rb"\x1b\[[0-9;]*[34][0-9;]*m", terminal.raw) == []


def test_a_terminal_that_has_not_all_letters(barred: Pipeline, open_terminal: Opener) -> None:
    """What the terminal's encoding lacks is escaped, in what is redrawn as in what stands, and nothing is lost."""
    barred.edit("steps/bars.py", "    width = 0\n", '    width = 0\n    sys.stdout.reconfigure(encoding="utf-8")\n')
    terminal = open_terminal(barred, "side", columns=250, PYTHONIOENCODING="ascii")
    terminal.until(lambda text: "  5/10 " + 10 * r"\u2501" in text)
    go(barred)
    text = terminal.finish()
    assert "\n10/10 " + 10 * r"\u2501" in text
    assert "adding up to 180" in text
    assert max(terminal.raw) < 128


def test_a_dumb_terminal(barred: Pipeline, open_terminal: Opener) -> None:
    """A terminal that can't move its cursor gets what the step prints, and no display."""
    terminal = open_terminal(barred, "side", TERM="dumb")
    terminal.until(lambda text: "5/10" in text)
    go(barred)
    terminal.finish()
    assert b"running" not in terminal.raw
    assert not re.search(rb"\x1b\[\d*[AJK]|\x1b\[\?", terminal.raw)


def test_interrupted(barred: Pipeline, open_terminal: Opener) -> None:
    """Ctrl-C takes the display away, leaves what the step had on the terminal, and the cursor."""
    terminal = open_terminal(barred, "side")
    terminal.until(lambda text: "  5/10 " in text)
    terminal.interrupt()
    text = terminal.finish()
    assert terminal.process.returncode == 128 + signal.SIGINT
    assert rows_of(text, "side ") == []
    assert len(rows_of(text, "5/10 ")) == 1
    assert text.endswith("Interrupted: finished stages are kept, the others run next time.")
    assert cursor_shown(terminal)


@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["one", "two"])
def test_a_failure(barred: Pipeline, arguments: tuple[str, ...], open_terminal: Opener) -> None:
    """A step that fails in its bar leaves the bar, its traceback, one line of error, and no display."""
    barred.edit("steps/side.py", "found = sum", "print('half', end='', flush=True)\n    raise ValueError('no luck')\n#")
    go(barred)
    terminal = open_terminal(barred, *arguments, "side")
    text = terminal.finish()
    assert terminal.process.returncode == 1
    assert re.search(
        r"^(side \| )?half\nTraceback(?s:.*)\nValueError: no luck\nStep side has failed\. step steps\.side: Val",
        text,
        re.MULTILINE,
    )
    assert rows_of(text, "side  ") == []
    assert cursor_shown(terminal)


@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["one", "two"])
def test_another_reporter(barred: Pipeline, arguments: tuple[str, ...], open_terminal: Opener) -> None:
    """With `-r json` there is valid JSON and no display, also on a terminal."""
    go(barred)
    terminal = open_terminal(barred, "-r", "json", *arguments, columns=10_000)
    text = terminal.finish()
    results = json.loads(text[text.index("{") :])["tasks"]
    assert {each["name"]: each["result"] for each in results}["side"] == "success"
    assert b"\x1b[" not in terminal.raw


HOSTILE = r"""
import sys
out = sys.stdout.buffer
out.write(b"\x1b[2J\x1b[H\x1b]0;owned\x07\x1b]2;owned\x1b\\\x1b[?1049h\x1b[8;3;9t\x1bcbefore\n")
out.write(b"\x1b[999Aup\x1b[999Bdown\n\xff\xfe invalid \xe2\x82\n" + 5000 * b"long " + b"\n")
out.write(b"[bold]no markup[/bold] :smile:\n\x1bPowned\x1b\\after\n\x1b[?25l\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\")
out.flush()
"""


def test_hostile_output(built: Pipeline, open_terminal: Opener) -> None:
    """What a step prints can't clear, name, switch or scroll the terminal, nor hide its cursor; its text stands."""
    built.write("steps/hostile.py", "def shout():\n    " + HOSTILE.strip().replace("\n", "\n    ") + "\n")
    built.edit("steps/side.py", "from steps.witness", "from steps.hostile import shout\nfrom steps.witness")
    built.edit("steps/side.py", 'executed("side")', 'executed("side")\n    shout()')
    terminal = open_terminal(built, "side")
    text = terminal.finish()
    assert terminal.process.returncode == 0
    first, *_ = text.split("\n")
    assert first.startswith("Step make kept")
    assert len(rows_of(text, "before")) == 1
    assert "\ufffd\ufffd invalid \ufffd" in text
    assert text.count("long") == 5000
    assert "[bold]no markup[/bold] :smile:\nafter\nlinkadding up to 180\nStep side has finished" in text
    assert b"owned" not in terminal.raw
    assert b"?1049" not in terminal.raw
    assert b"\x1bc" not in terminal.raw
    assert cursor_shown(terminal)


def test_more_stages_than_rows(project: Callable[[dict[str, str]], Pipeline], open_terminal: Opener) -> None:
    """On a low terminal, the stages that there is no room for are counted."""
    dodo = "from redoit import DOIT_CONFIG, step\n\n\ndef task_many():\n    for number in range(8):\n"
    dodo += '        yield {"name": str(number), **step("steps.one", inputs={}, outputs={"made": f"data/{number}"})}\n'
    step = (
        "from pathlib import Path\nimport time\n\n\ndef run(made: Path) -> None:\n"
        "    while not Path('go').exists():\n        time.sleep(0.01)\n    made.write_text('x')\n"
    )
    pipeline = project({"dodo.py": dodo, "steps/one.py": step})
    terminal = open_terminal(pipeline, "-n", "8", rows=8, columns=50, **ANOTHER)
    terminal.until(lambda text: "and 3 more" in text)
    go(pipeline)
    text = terminal.finish()
    assert "8 steps: 8 ran" in text
    assert "more" not in text


ORDINARY = '''

def task_aside():
    """Print for a while."""
    def shout():
        for _ in range(20):
            print("one line aside", flush=True)
            __import__("time").sleep(0.03)
    return {"actions": [shout], "verbosity": 2}
'''


def test_an_ordinary_task_next_to_a_stage(barred: Pipeline, open_terminal: Opener) -> None:
    """An ordinary task that prints while a stage runs is not overwritten by the display."""
    barred.write("dodo.py", barred.read("dodo.py") + ORDINARY)
    terminal = open_terminal(barred, "-n", "2", "side", "aside", rows=60)
    terminal.until(lambda text: re.search(r"^side  .*\n  5/10 ", text, re.MULTILINE) and text.count("one line") == 20)
    go(barred)
    assert len(rows_of(terminal.finish(), "one line aside")) == 20


SITE = """
import atexit, os, sys
atexit.register(lambda: open(os.environ["LOADED"], "w").write(" ".join(sys.modules)))
"""


@pytest.mark.parametrize(
    ("lost", "verdict"), [((), "kept"), (("data/report.txt",), "restored")], ids=["kept", "restored"]
)
def test_nothing_to_run_draws_nothing(
    built: Pipeline, lost: tuple[str, ...], verdict: str, open_terminal: Opener
) -> None:
    """On a terminal as well, rich is not imported where nothing runs."""
    built.write("site/sitecustomize.py", SITE)
    for name in lost:
        built.path(name).unlink()
    loaded = built.path("loaded")
    terminal = open_terminal(built, columns=120, PYTHONPATH=str(built.path("site")), LOADED=str(loaded))
    assert f"Step join {verdict} in" in terminal.finish()
    assert "redoit.terminal.live" in loaded.read_text().split()
    assert not {"rich", "redoit.terminal.region"} & set(loaded.read_text().split())


def test_killed(barred: Pipeline, open_terminal: Opener) -> None:
    """Who kills doit is not left without a cursor."""
    terminal = open_terminal(barred, "side")
    terminal.until(lambda text: "  5/10 " in text)
    os.kill(terminal.process.pid, signal.SIGKILL)
    terminal.process.wait()
    assert cursor_shown(terminal)
