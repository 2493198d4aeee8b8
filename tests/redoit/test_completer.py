"""What may stand next on the command line."""

import pytest

from redoit.cli.completer import FILES, Command, Option, Project, Task, offers, split

RUN = Command(
    (
        Option(("-f", "--file"), valued=True, files=True),
        Option(("-n", "--process"), valued=True),
        Option(("-r", "--reporter"), valued=True, values=("json", "zero")),
    ),
    "[TASK/TARGET...]",
)
COMMANDS = {
    "run": RUN,
    "list": Command((Option(("-s", "--status")),), "[TASK ...]"),
    "cache": Command(verbs={"gc": ("--dry-run",), "check": ()}),
    "why": Command(usage="[TASK/TARGET...]"),
    "help": Command(usage="[TASK] [COMMAND]"),
    "lineage": Command((Option(("-o", "--output"), valued=True, files=True),), "[FILE]"),
}
TRAIN = Task(
    "train",
    options=(Option(("--epochs",), valued=True), Option(("--mode",), valued=True, values=("fast", "slow"))),
    variables=(Option(("train.epochs",)), Option(("train.mode",), values=("fast", "slow"))),
    targets=("data/model.keras", "data/plots/loss.svg", "data/plots/scores.svg"),
)
TASKS = [
    TRAIN,
    Task("trim"),
    Task("sweep"),
    Task("sweep:small", group="sweep"),
    Task("sweep:big", group="sweep", variables=(Option(("sweep:big.rate",)),)),
    Task("_hidden"),
]
PROJECT = Project(dict.fromkeys(COMMANDS, ""), COMMANDS.__getitem__, {task.name: task for task in TASKS})
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
    "doit -": ["-f", "--file", "-n", "--process", "-r", "--reporter"],
    "doit -r ": ["json", "zero"],
    "doit --reporter=j": ["--reporter=json"],
    "doit list -": ["-s", "--status"],
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
    assert [offer.word for offer in offers(*split(line), PROJECT)] == expected


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
