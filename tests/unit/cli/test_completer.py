"""What may stand next on the command line."""

from typing import Any

import pytest
from doit.cmd_base import Command
from doit.cmdparse import CmdOption

from redoit.cli.completer import FILES, Task, offers, split


def option(name: str, short: str = "", **fields: Any) -> dict[str, Any]:
    """Return an option as doit takes it."""
    return {"name": name, "long": name, "short": short, "default": "", **fields}


def command(usage: str = "", *options: dict[str, Any], **fields: Any) -> Command:
    """Return a command of doit."""
    return type("Sample", (Command,), {"doc_usage": usage, "cmd_options": options, **fields})()


COMMANDS = {
    "run": command(
        "[TASK/TARGET...]",
        option("file", "f"),
        option("process", "n"),
        option("reporter", "r", choices=[("json", ""), ("zero", "")]),
    ),
    "list": command("[TASK ...]", option("status", "s", type=bool)),
    "cache": command(verbs={"gc": ("--dry-run",), "check": ()}),
    "why": command("[TASK/TARGET...]"),
    "help": command("[TASK] [COMMAND]"),
    "lineage": command("[FILE]", option("output", "o")),
}
EPOCHS, MODE = (
    CmdOption(option("epochs")),
    CmdOption(option("mode", choices=[("fast", ""), ("slow", "")])),
)
TRAIN = Task(
    "train",
    options=(EPOCHS, MODE),
    variables={"train.epochs": EPOCHS, "train.mode": MODE},
    targets=("data/model.keras", "data/plots/loss.svg", "data/plots/scores.svg"),
)
TASKS = [
    TRAIN,
    Task("trim"),
    Task("sweep"),
    Task("sweep:small", group="sweep"),
    Task("sweep:big", group="sweep", variables={"sweep:big.rate": EPOCHS}),
    Task("_hidden"),
]
TOP = ["train", "trim", "sweep"]
LINES = {
    "doit ": [*COMMANDS, *TOP],
    "doit tr": ["train", "trim"],
    "doit l": ["list", "lineage"],
    "doit train tr": ["trim"],
    "doit train l": [],
    "doit list tr": ["train", "trim"],
    "doit -n 2 l": [],
    "doit -f other.py l": ["list", "lineage"],
    "doit -": ["--file", "-f", "--process", "-n", "--reporter", "-r"],
    "doit -r ": ["json", "zero"],
    "doit --reporter=j": ["--reporter=json"],
    "doit list -": ["--status", "-s"],
    "doit train --e": ["--epochs"],
    "doit train --epochs ": [],
    "doit train --epochs 2 tr": ["trim"],
    "doit train --epochs=2 --m": ["--mode"],
    "doit train --mode ": ["fast", "slow"],
    "doit train --mode=s": ["--mode=slow"],
    "doit train trim --": [],
    "doit why train --e": ["--epochs"],
    "doit list train --": [],
    "doit train.": ["train.epochs=", "train.mode="],
    "doit train.mode=": ["train.mode=fast", "train.mode=slow"],
    "doit list train.m": ["train.mode="],
    "doit train.epochs=2 tr": ["train", "trim"],
    "doit train.epochs=2 l": ["list", "lineage"],
    "doit sw": ["sweep", "sweep:small", "sweep:big"],
    "doit sweep:": ["sweep:small", "sweep:big"],
    "doit sweep:big.": ["sweep:big.rate="],
    "doit _": ["_hidden"],
    "doit da": ["data/"],
    "doit data/": ["data/model.keras", "data/plots/"],
    "doit data/plots/l": ["data/plots/loss.svg"],
    "doit list da": [],
    "doit cache ": ["gc", "check"],
    "doit cache gc -": ["--dry-run"],
    "doit cache gc ": [],
    "doit help c": ["cache"],
    "doit help tri": ["trim"],
    "doit lineage ": [FILES],
    "doit lineage -o ": [FILES],
    "X=1 doit tri": ["trim"],
    "doit 'tri": ["trim"],
    'doit "tri': ["trim"],
}


@pytest.mark.parametrize(("line", "expected"), LINES.items(), ids=LINES)
def test_offers(line: str, expected: list[str]) -> None:
    """What is offered fits the place and what is written of it."""
    tasks = {task.name: task for task in TASKS}
    assert list(offers(*split(line), COMMANDS, tasks)) == expected


SPLIT = {
    "doit": ([], ""),
    "doit ": ([], ""),
    "doit a": ([], "a"),
    "doit a ": (["a"], ""),
    "doit 'a b' c": (["a b"], "c"),
    "doit a\\ b": ([], "a b"),
    "doit 'a b": ([], "a b"),
    "doit a.": ([], "a."),
    "": ([], ""),
}


@pytest.mark.parametrize(("line", "expected"), SPLIT.items(), ids=SPLIT)
def test_split(line: str, expected: tuple[list[str], str]) -> None:
    """A line is split as a shell does; quotes may be open."""
    assert split(line) == expected
