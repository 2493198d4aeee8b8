"""`doit why`: each kind of reason in words, with its details below it."""

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from commands import call, working_in
from in_process import STAGES
from projects import Pipeline

from redoit.plugin.checkout import engine

MADE = "TIME on HOST in SECONDS"


def why(chain: Pipeline, *arguments: str) -> list[str]:
    """Return the lines that the command prints, with words for all that differs from run to run."""
    result = call(chain.root, "why", *arguments)
    assert (result.code, result.err) == (0, "")
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME", result.out)
    text = re.sub(r"(?<=, )(<|~)\d+\.\d s\b", "ESTIMATE", text)
    text = re.sub(r" on \S+ in \d+\.\d{3}s", " on HOST in SECONDS", text)
    return re.sub(r"\b[0-9a-f]{12}\b", "DIGEST", text).splitlines()


def make_with_old_python(chain: Pipeline) -> None:
    """Let the only result of a stage be one of an earlier Python."""
    with working_in(chain.root):
        workspace, stage = engine().workspace, STAGES["side"]
        found = workspace.latest(stage)
        assert found
        earlier = replace(
            found,
            action=replace(found.action, environment=found.action.environment._replace(python="3.0")),
            name="",
        )
        workspace.store.trace_path(found.action.key, found.name).unlink()
        workspace.store.append(earlier)
        workspace.remember(stage, earlier)
        workspace.save_caches()


CHANGES: dict[str, tuple[str, Callable[[Pipeline], object], list[str]]] = {
    "kept": ("make", lambda _: None, ["make: keep", f"  made {MADE}, with times 3"]),
    "an edited output": (
        "side",
        lambda chain: chain.write("data/total.txt", "9"),
        [
            "side: restore",
            "  output data/total.txt changed: DIGEST -> DIGEST",
            "    not what its stage wrote: changed by hand, or corrupt",
            f"  made {MADE}",
        ],
    ),
    "a setting": (
        "make",
        lambda chain: chain.write("doit.cfg", "[task:make]\ntimes = 4\n"),
        [
            "make: run, ESTIMATE",
            "  setting times 3 -> 4, from doit.cfg",
            f"  compared with the result made {MADE}, with times 3",
        ],
    ),
    "a source file": (
        "make",
        lambda chain: chain.write("source.txt", "4\n"),
        [
            "make: run, ESTIMATE",
            "  input source.txt changed: DIGEST -> DIGEST",
            "    no stage makes it",
            f"  compared with the result made {MADE}, with times 3",
        ],
    ),
    "an input that is rebuilt": (
        "side",
        lambda chain: chain.write("source.txt", "4\n"),
        [
            "side: run?, ESTIMATE, unless make rebuilds data/made.txt with the same content",
            "  input data/made.txt is rebuilt by make",
            "    make runs: input source.txt changed",
            f"  compared with the result made {MADE}",
        ],
    ),
    "code that another module has": (
        "make",
        lambda chain: chain.edit("steps/constants.py", "FACTOR = 2", "FACTOR = 3"),
        [
            "make: run, ESTIMATE",
            "  code of steps.constants:FACTOR changed",
            "    reached by steps.make:run -> steps.helper:scale -> steps.deep:weight -> steps.constants:FACTOR",
            "    --- before",
            "    +++ now",
            "    @@ -1 +1 @@",
            "    -FACTOR = 2",
            "    +FACTOR = 3",
            f"  compared with the result made {MADE}, with times 3",
        ],
    ),
    "Python": (
        "side",
        make_with_old_python,
        ["side: run, ESTIMATE", "  Python 3.0 -> VERSION", f"  compared with the result made {MADE}"],
    ),
    "forgotten": (
        "side",
        lambda chain: call(chain.root, "forget", "side"),
        ["side: run, ESTIMATE", "  forgotten", "    by: COMMAND, TIME", f"  last made {MADE}"],
    ),
}


@pytest.mark.parametrize(("stage", "change", "lines"), CHANGES.values(), ids=CHANGES)
def test_a_reason_is_shown_with_its_details(
    chain: Pipeline, stage: str, change: Callable[[Pipeline], object], lines: list[str]
) -> None:
    """A stage is its status, each reason with what is known of it, and the result that is kept or compared with."""
    change(chain)
    found = [re.sub(r"(?<=Python 3\.0 -> )[\d.]+", "VERSION", line) for line in why(chain, stage)]
    assert [re.sub(r"(?<=by: ).*(?=, TIME)", "COMMAND", line) for line in found] == lines


def test_lines_that_changed_in_two_parts_are_shown_once(chain: Pipeline) -> None:
    """A diff whose changed lines have been shown already is replaced by a remark."""
    chain.edit("steps/helper.py", "    return [", "    times = times + 0\n    return [")
    chain.edit("steps/make.py", "    scaled =", "    times = times + 0\n    scaled =")
    lines = why(chain, "make")
    assert [line for line in lines if line.startswith("  code of")] == [
        "  code of steps.helper:scale changed",
        "  code of steps.make:run changed",
    ]
    assert lines.count("    +    times = times + 0") == 1
    assert lines.count("    the same lines as above") == 1


def test_a_maker_of_two_inputs_is_explained_once(chain: Pipeline) -> None:
    """Why an input will be rebuilt is said once for each stage that rebuilds some."""
    chain.write("source.txt", "4\n")
    lines = why(chain, "join")
    assert lines[1:5] == [
        "  input data/ordered.txt is rebuilt by sort",
        "    sort runs: input data/made.txt is rebuilt",
        "  input data/total.txt is rebuilt by side",
        "    side runs: input data/made.txt is rebuilt",
    ]


def test_what_can_not_run_has_the_error(chain: Pipeline) -> None:
    """A stage without an input has the error of a run, and a stage that needs it is not run."""
    chain.path("source.txt").unlink()
    lines = why(chain, "make", "side")
    assert lines[0] == "make: fail"
    assert lines[1].startswith("  source.txt: not there, expected the input 'source' of make")
    assert lines[2:] == ["side: not run", "  it needs make"]


def test_an_ordinary_task_is_one_line(chain: Pipeline) -> None:
    """Of a task that is no stage, there is its status; for programs it is left out."""
    chain.write("dodo.py", chain.read("dodo.py") + "\n\ndef task_plain():\n    return {'actions': ['true']}\n")
    assert why(chain, "plain") == ["plain: run, an ordinary task of doit"]
    assert json.loads(call(chain.root, "why", "--json", "plain").out) == []


def test_programs_get_the_selected_stages(chain: Pipeline) -> None:
    """JSON explains the stages that are named, and no others."""
    chain.edit("steps/sort.py", "key=int", "key=float")
    found = {each["stage"]: each for each in json.loads(call(chain.root, "why", "--json", "sort", "join").out)}
    assert list(found) == ["sort", "join"]
    (reason,) = found["sort"]["reasons"]
    assert [reason["kind"], reason["subject"], reason["via"]] == ["code", "steps.sort:run", ["steps.sort:run"]]
