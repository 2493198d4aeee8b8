"""`doit tabcompletion`: the script of each shell, and the offers for a line in a project's folder."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import call
from doit.cmd_base import Command
from doit.task import Task
from in_process import STAGES
from projects import Pipeline

from redoit.cli.tabcompletion import FILES, LINE_VARIABLE, TEMPLATES, Line, split
from redoit.plugin.stage_task import StageTask

SHELLS = ("bash", "zsh", "fish")
COMMANDS = ["cache", "clean", "dumpdb", "forget"]  # the first ones
ENUMERATED = '''
import enum
from pathlib import Path
from typing import Literal

from steps.witness import executed


def run(made: Path, ordered: Path, *, mode: Literal["fast", "slow"] = "fast", size: Literal[1, 2] | None = None,
        reverse: bool = False, strict: bool | None = None, rate: float = 0.5) -> None:
    """Sort.

    mode: how to sort
    """
    executed("sort")
'''


Offers = Callable[[Path, str], dict[str, str]]


@pytest.fixture
def offers(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Offers:
    """Return a function: what the command offers, word by word, with descriptions, for a line in a folder."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # the command sets it, for a process of its own

    def offered(folder: Path, line: str) -> dict[str, str]:
        monkeypatch.setenv(LINE_VARIABLE, line)
        kept = [os.dup(descriptor) for descriptor in (1, 2)]
        assert call(folder, "tabcompletion") == (0, "", "")
        for descriptor, copy in zip((1, 2), kept, strict=True):  # the command has discarded both
            os.dup2(copy, descriptor)
            os.close(copy)
        out, err = capfd.readouterr()
        assert err == ""
        return dict(row.split("\t") for row in out.splitlines())

    return offered


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_has_a_script(tmp_path: Path, shell: str) -> None:
    """The script of a shell is printed as it is in its file, without a project; it asks through the environment."""
    result = call(tmp_path, "tabcompletion", "-s", shell)
    assert result == (0, (TEMPLATES / f"completion.{shell}").read_text(), "")
    assert LINE_VARIABLE in result.out


def test_the_default_shell_is_bash(tmp_path: Path) -> None:
    """Without an option the script is that of bash; an unknown shell is an error that names those there are."""
    assert call(tmp_path, "tabcompletion") == call(tmp_path, "tabcompletion", "--shell", "bash")
    result = call(tmp_path, "tabcompletion", "-s", "csh")
    assert (result.code, result.out) == (3, "")
    assert all(f"'{shell}'" in result.err for shell in SHELLS)


def test_a_closed_standard_output_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the shell has closed standard output, one line says so."""
    monkeypatch.setattr(sys, "__stdout__", None)
    error = "ERROR: standard output: found closed, expected a shell or a file that takes the script\n"
    assert call(tmp_path, "tabcompletion") == (3, "", error)


LIMIT = "seconds that it may run [default: None]"
LINES = {
    "doit s": {"strace": "use strace to list file_deps and targets", "sort": "Sort them.", "side": "Add them up."},
    "doit make --t": {"--times": "[default: 3]", "--time-limit": LIMIT},
    "doit make.t": {"make.times=": "[default: 3]", "make.time_limit=": LIMIT},
}


@pytest.mark.parametrize("line", LINES)
def test_words_are_offered_with_descriptions(chain: Pipeline, offers: Offers, line: str) -> None:
    """A command, a task and a setting is offered with what it says of itself."""
    assert offers(chain.root, line) == LINES[line]


VALUES = {
    "doit sort --mode ": ["fast", "slow"],
    "doit sort.mode=s": ["sort.mode=slow"],
    "doit sort --size=": ["--size=1", "--size=2", "--size=none"],
    "doit sort.reverse=": ["sort.reverse=true", "sort.reverse=false"],
    "doit sort.strict=": ["sort.strict=true", "sort.strict=false", "sort.strict=none"],
    "doit sort.rate=": [],
}


@pytest.mark.parametrize("line", VALUES)
def test_the_values_of_a_known_set_are_offered(chain: Pipeline, offers: Offers, line: str) -> None:
    """Literals, truth values and none are offered where the setting's type has them, and nothing for a number."""
    chain.write("steps/sort.py", ENUMERATED)
    assert list(offers(chain.root, line)) == VALUES[line]


@pytest.mark.parametrize(
    ("folder", "line", "words"),
    [
        (".", "doit data/", ["data/made.txt", "data/ordered.txt", "data/total.txt", "data/report.txt"]),
        ("data", "doit m", ["make", "made.txt"]),
        ("steps", "doit ../data/t", ["../data/total.txt"]),
    ],
)
def test_targets_are_named_from_the_current_folder(
    chain: Pipeline, offers: Offers, folder: str, line: str, words: list[str]
) -> None:
    """In a folder below the project's, a target is offered as that folder's shell names it."""
    assert list(offers(chain.root / folder, line)) == words


BROKEN = {
    "a syntax error": "def (",
    "an exception": "import os\nos.write(1, b'noise')\nos.write(2, b'noise')\nraise RuntimeError('no')",
    "an exit": "raise SystemExit(7)",
    "no tasks": "",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_without_tasks_commands_are_offered(tmp_path: Path, offers: Offers, text: str) -> None:
    """If dodo.py can't be loaded, there are doit's commands, and no word of its error or of what it prints."""
    (tmp_path / "dodo.py").write_text(text)
    found = list(offers(tmp_path, "doit "))
    assert found[:4] == COMMANDS
    assert list(offers(tmp_path, "doit x")) == []


def test_a_name_that_no_shell_takes_is_not_offered(chain: Pipeline, offers: Offers) -> None:
    """A word with control characters is left out; a description is its first line, escaped."""
    tasks = """

def task_group():
    yield {"name": "a\\tb", "actions": []}
    yield {"name": "good", "actions": [], "doc": "\\x1b[2J",
           "params": [{"name": "size", "long": "size", "default": "", "help": "First line.\\nSecond line."}]}
"""
    chain.write("dodo.py", chain.read("dodo.py") + tasks)
    assert offers(chain.root, "doit group:") == {"group:good": "\\x1b[2J"}
    assert offers(chain.root, "doit group:good --s") == {"--size": "First line."}


def test_another_file_is_taken_where_the_line_names_one(chain: Pipeline, offers: Offers) -> None:
    """Behind `-f` or `--file=`, the tasks are those of that file."""
    chain.write("other.py", "def task_other():\n    return {'actions': []}\n")
    assert list(offers(chain.root, "doit -f other.py o")) == ["other"]
    assert list(offers(chain.root, "doit --file=other.py o")) == ["other"]
    assert list(offers(chain.root, "doit o")) == []


def option(name: str, short: str = "", **fields: Any) -> dict[str, Any]:
    """Return an option as doit takes it."""
    return {"name": name, "long": name, "short": short, "default": "", **fields}


def command(usage: str = "", *options: dict[str, Any], **fields: Any) -> Command:
    """Return a command of doit."""
    return type("Sample", (Command,), {"doc_usage": usage, "cmd_options": options, **fields})()


FAKED = {
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
EPOCHS, MODE = option("epochs"), option("mode", choices=[("fast", ""), ("slow", "")])
TARGETS = ["data/model.keras", "data/plots/loss.svg", "data/plots/scores.svg"]
TASKS = [
    Task("train", None, uptodate=[StageTask(STAGES["make"], {}, ())], params=[EPOCHS, MODE], targets=TARGETS),
    Task("trim", None),
    Task("sweep", None),
    Task("sweep:small", None, subtask_of="sweep"),
    Task("sweep:big", None, subtask_of="sweep", uptodate=[StageTask(STAGES["make"], {}, ())], params=[option("rate")]),
    Task("_hidden", None),
]
TOP = ["train", "trim", "sweep"]
WORDS = {
    "doit ": [*FAKED, *TOP],
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


@pytest.mark.parametrize(("line", "expected"), WORDS.items(), ids=WORDS)
def test_what_may_follow(line: str, expected: list[str]) -> None:
    """What is offered fits the place and what is written of it."""
    tasks = {task.name: task for task in TASKS}
    words, current = split(line)
    assert list(Line(words, FAKED, tasks).offers(current)) == expected


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
