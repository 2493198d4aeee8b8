"""The chain, built in this process: redoit's own engine, with steps called in-process.

For attacks that need thousands of builds, each of which takes milliseconds here.
"""

import contextlib
from pathlib import Path
from typing import Any, TextIO

from projects import ALL

from redoit.execution.executor import StepCall, StepResult
from redoit.model import Setting, Stage
from redoit.plugin.checkout import make_engine

TIMES, OTHER_TIMES = 3, 9
STAGES = {
    "make": Stage("make", "steps.make", {"source": "source.txt"}, {"made": "data/made.txt"}),
    "sort": Stage("sort", "steps.sort", {"made": "data/made.txt"}, {"ordered": "data/ordered.txt"}),
    "side": Stage("side", "steps.side", {"made": "data/made.txt"}, {"total": "data/total.txt"}),
    "join": Stage(
        "join",
        "steps.join",
        {"ordered": "data/ordered.txt", "total": "data/total.txt"},
        {"report": "data/report.txt"},
    ),
}


def called(call: StepCall, log: Path, stdout: TextIO | None, stderr: TextIO | None, _later_stages: Any) -> StepResult:
    """Do what the chain's step of that name does."""
    texts = {role: Path(path).read_text() for role, path in call.paths.items() if Path(path).is_file()}
    settings = {setting.name: setting.value for setting in call.settings}
    metrics: dict[str, float] = {}
    match call.step:
        case "steps.make":
            numbers = [int(word) * settings["times"] * 10 for word in texts["source"].split()]
            made, metrics = " ".join(map(str, numbers)), {"count": float(len(numbers))}
        case "steps.sort":
            made = " ".join(sorted(texts["made"].split(), key=int))
        case "steps.side":
            total = sum(map(int, texts["made"].split()))
            made, metrics = str(total), {"total": float(total)}
        case _:
            made = f"{texts['ordered']} = {texts['total']}\n"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    output = next(path for role, path in call.paths.items() if role not in texts)
    Path(output).write_text(made)
    return StepResult(metrics)


def settings_of(stage: str, times: int) -> tuple[Setting, ...]:
    """Return the settings of a stage of the chain."""
    found = {"make": [Setting("times", "int", times)], "sort": [Setting("reverse", "bool", value=False)]}
    return tuple(found.get(stage, ()))


def build(root: Path, times: int) -> list[str]:
    """Build the chain in a folder; return what was executed."""
    with contextlib.chdir(root):
        engine = make_engine(Path(), execute=called)
        engine.workspace.open()
        verdicts = {name: engine.build(STAGES[name], settings_of(name, times)).status for name in ALL}
    return [name for name, verdict in verdicts.items() if verdict == "ran"]
