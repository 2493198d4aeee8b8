"""What the terminal shows: the shapes of the lines, the reasons, and errors in declarations."""

import re

import pytest
from projects import ALL, Pipeline

SECONDS = r"\d+\.\d{3}s"
RAN = rf"\(ran {SECONDS} on \d{{4}}-\d\d-\d\d\)"


def test_the_lines_of_a_first_run(fresh: Pipeline) -> None:
    """A stage that runs is announced with its reason, and closed with its time and metrics; so is the run."""
    lines = fresh.doit("make").out.splitlines()
    assert lines[0] == "Step make has started. (never run before)"
    assert re.fullmatch(rf"Step make has finished in {SECONDS}\. \(count 3\)", lines[1])
    assert re.fullmatch(rf"1 step: 1 ran in {SECONDS}\.", lines[2])
    assert len(lines) == 3


def test_the_lines_of_what_was_not_run(built: Pipeline) -> None:
    """Lines of kept and restored stages show the time saved; without a terminal there are no colours."""
    built.path("data/made.txt").unlink()
    result = built.doit()
    lines = result.out.splitlines()
    assert re.fullmatch(rf"Step make restored in {SECONDS} {RAN}\.", lines[0])
    for name, line in zip(ALL[1:], lines[1:4], strict=True):
        assert re.fullmatch(rf"Step {name} kept in {SECONDS} {RAN}\.", line)
    assert re.fullmatch(rf"4 steps: 1 restored, 3 kept in {SECONDS}, {SECONDS} saved\.", lines[4])
    assert "\033" not in result.text
    assert result.err == ""


REASONS = {
    "code": ("steps/helper.py", "number * times", "number + times", "code of steps.helper:scale changed"),
    "constant": ("steps/constants.py", "FACTOR = 2", "FACTOR = 3", "code of steps.constants:FACTOR changed"),
    "input": ("source.txt", "3", "4", "input source.txt changed"),
}


@pytest.mark.parametrize(("name", "old", "new", "reason"), REASONS.values(), ids=REASONS)
def test_reasons(built: Pipeline, name: str, old: str, new: str, reason: str) -> None:
    """The line of a running stage names what changed."""
    built.edit(name, old, new)
    out = built.doit().out
    assert f"Step make has started. ({reason})\n" in out
    assert "Step sort has started. (input made.txt changed)\n" in out


def test_the_reason_of_a_setting(built: Pipeline) -> None:
    """A changed setting is shown with its old and new value."""
    assert "Step make has started. (times 3 -> 4)\n" in built.doit("make.times=4").out


def test_a_failure_is_one_line(built: Pipeline) -> None:
    """A stage that fails names the error and its log, and is counted."""
    built.edit("steps/side.py", "found = sum", "raise ValueError('no luck')\n    found = sum")
    result = built.doit()
    assert "Step side has failed. step steps.side: ValueError: no luck; its log is .redoit/logs/side" in result.out
    assert "1 failed" in result.out.splitlines()[-1]
    assert "no luck" in built.read(".redoit/logs/side")


def test_a_long_failure_is_one_line(built: Pipeline) -> None:
    """An error of any length and content is one short line that each terminal can show."""
    built.edit("steps/side.py", "found = sum", "raise ValueError('\\x1b[2J' + 10_000 * 'long ')\n    found = sum")
    line = next(line for line in built.doit().out.splitlines() if "failed." in line)
    assert "ValueError: \\x1b[2Jlong" in line
    assert line.endswith("...; its log is .redoit/logs/side")
    assert len(line) < 1000


@pytest.mark.parametrize("name", ["\ud800", "a\nb", "\x1b[2J"], ids=["surrogate", "two lines", "escape"])
def test_a_metric_is_shown_in_one_line(built: Pipeline, name: str) -> None:
    """A metric's name that a terminal can't show as it is, is shown escaped."""
    built.edit("steps/side.py", '"total"', repr(name))
    result = built.doit()
    assert (result.executed, result.code) == (["side"], 0)
    assert f"({name.encode('unicode_escape').decode()} 180)\n" in result.out


def test_a_terminal_that_has_not_all_letters(built: Pipeline) -> None:
    """What the terminal's encoding lacks is shown escaped."""
    built.edit("steps/side.py", '"total"', repr("Größe"))
    result = built.doit(PYTHONIOENCODING="ascii")
    assert result.code == 0
    assert "(Gr\\xf6\\xdfe 180)\n" in result.out


DECLARATIONS = {
    "unknown role": (
        ("dodo.py", '"made": "data/made.txt"})', '"maid": "data/made.txt"})'),
        "run has no path parameter 'maid'",
    ),
    "missing role": (("dodo.py", ', "total": "data/total.txt"}', "}"), "found no file for 'total' of run"),
    "missing step": (("dodo.py", "steps.side", "steps.sied"), "did you mean steps.side?"),
    "no run": (("steps/side.py", "def run", "def walk"), "no function 'run'"),
    "no default": (("steps/make.py", "times: int = 3", "times: int"), "has no default"),
    "strange type": (("steps/make.py", "times: int = 3", "times: dict = 3"), "found the type dict"),
    "two producers": (("dodo.py", "data/total.txt", "data/ordered.txt"), "is made by both sort and side"),
    "one file twice": (
        ("dodo.py", '"total": "data/total.txt"},', '"total": "data/report.txt"},'),
        "both data/report.txt",
    ),
    "cycle": (("dodo.py", '"source": "source.txt"', '"source": "data/report.txt"'), "found a cycle of dependencies"),
    "outside": (("dodo.py", "data/report.txt", "../report.txt"), "keep outputs inside the project"),
    "no outputs": (("dodo.py", '{"report": "data/report.txt"}', "{}"), "found no file for 'report' of run"),
}


@pytest.mark.parametrize(("edit", "message"), DECLARATIONS.values(), ids=DECLARATIONS)
def test_a_wrong_declaration_is_one_line(built: Pipeline, edit: tuple[str, str, str], message: str) -> None:
    """A wrong declaration is an error of one line when the file loads, and nothing runs."""
    built.edit(*edit)
    result = built.doit()
    assert (result.executed, result.code) == ([], 3)
    assert message in result.text
    assert result.text.startswith("ERROR: ")
    assert len(result.text.strip().splitlines()) == 1
