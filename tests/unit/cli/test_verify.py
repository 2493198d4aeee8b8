"""`doit verify`: which stages it runs again, what it says of each, and its exit status."""

import re

import pytest
from commands import call
from in_process import TIMES, build
from projects import Pipeline

POLICIES = {"volatile": "volatile=True", "impure": "impure=True", "impure, volatile": "impure=True, volatile=True"}
MORE = """

def task_plain():
    return {"actions": ["true"]}


def task_pair():
    for size in ("big", "small"):
        yield {**step("steps.side", inputs={"made": "data/made.txt"}, outputs={"total": f"data/{size}.txt"}),
               "name": size}


def task_tests():
    yield {"name": "unit", "actions": ["true"]}
"""


def verified(chain: Pipeline, *arguments: str) -> tuple[int, list[str]]:
    """Return the exit status and the lines of the command, with a word for each time."""
    result = call(chain.root, "verify", *arguments)
    assert result.err == ""
    return result.code, [re.sub(r"\d+\.\d{3}s", "SECONDS", line) for line in result.lines]


def test_stages_run_again_beside_their_outputs(chain: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each named stage runs again, and the first byte that differs is named; its outputs and its traces stay."""
    chain.edit("steps/sort.py", '" ".join', '"  ".join')
    assert build(chain.root, TIMES) == ["sort"]  # without that edit, so that the step makes other bytes than before
    monkeypatch.setenv("EXECUTED", str(chain.witness))
    chain.witness.write_text("")
    before, recorded = chain.outputs(), call(chain.root, "cache").out
    assert verified(chain, "side", "sort") == (
        1,
        [
            "Step side is reproducible (data/total.txt; SECONDS).",
            "Step sort is not reproducible: data/ordered.txt differs at byte 3.",
        ],
    )
    assert chain.executed() == ["side", "sort"]
    assert (chain.outputs(), call(chain.root, "cache").out) == (before, recorded)


def test_nothing_to_verify_is_a_success(fresh: Pipeline) -> None:
    """Without stages that can be verified, each is named with its policy and the exit status is 0."""
    for output in ("made", "ordered", "total", "report"):
        fresh.edit("dodo.py", f'data/{output}.txt"}})', f'data/{output}.txt"}}, volatile=True)')
    names = ("join", "make", "side", "sort")
    code, lines = verified(fresh)
    assert code == 0
    assert sorted(lines) == [f"Step {name} is not verified: it is volatile." for name in names]


def test_what_is_not_up_to_date_is_not_run(chain: Pipeline) -> None:
    """A stage that a run would run, or restore, is a line that says so; the exit status is 1."""
    chain.write("data/total.txt", "9")
    code, lines = verified(chain, "side", "join")
    assert code == 1
    assert lines == [
        "Step side can't be verified. data/total.txt: not up to date; run it first, with: doit side",
        "Step join can't be verified. data/report.txt: not up to date; run it first, with: doit join",
    ]
    assert chain.read("data/total.txt") == "9"


@pytest.mark.parametrize(("words", "policy"), POLICIES.items(), ids=POLICIES)
def test_without_names_only_restorable_stages_are_verified(chain: Pipeline, words: str, policy: str) -> None:
    """A stage that depends on more than its action is left out with the reason, unless it is named."""
    for output in ("made", "ordered", "total"):
        chain.path(f"data/{output}.txt").unlink()
    chain.edit("dodo.py", 'outputs={"report": "data/report.txt"}', f'outputs={{"report": "data/report.txt"}}, {policy}')
    code, lines = verified(chain)
    assert code == 1
    assert lines[-1] == f"Step join is not verified: it is {words}."
    assert all(" can't be verified. " in line for line in lines[:-1])
    assert " can't be verified. " in verified(chain, "join")[1][0]


ERRORS = {
    "srot": "srot: no such task; did you mean sort?",
    "data/made.txt": "data/made.txt: no such task; known: join, make, pair, pair:big, pair:small, plain, ",
    "plain": "plain: found an ordinary task, expected a stage; leave it out",
    "tests": "tests: found an ordinary task, expected a stage; leave it out",
    "sort plain": "plain: found an ordinary task, expected a stage; leave it out",
    "sort --no-wait": "--no-wait: found behind a task, expected before; say: doit verify --no-wait ...",
}


@pytest.mark.parametrize("arguments", ERRORS)
def test_a_name_of_no_stage_is_an_error_before_anything_runs(chain: Pipeline, arguments: str) -> None:
    """What names no stage is one line, also behind one that does; no step is executed."""
    chain.write("dodo.py", chain.read("dodo.py") + MORE)
    result = call(chain.root, "verify", *arguments.split())
    assert (result.code, result.out) == (3, "")
    assert result.err.startswith(f"ERROR: {ERRORS[arguments]}")
    assert result.err.count("\n") == 1


NAMES = {
    "pair": ["pair:big", "pair:small"],
    "pair:small pair": ["pair:small", "pair:big"],
    "p*": ["pair:big", "pair:small"],
    "*:s*": ["pair:small"],
}


@pytest.mark.parametrize("arguments", NAMES)
def test_a_pattern_names_each_stage_once(chain: Pipeline, arguments: str) -> None:
    """A group stands for its stages, a pattern for those that it matches, in the order of the command line."""
    chain.write("dodo.py", chain.read("dodo.py") + MORE)
    code, lines = verified(chain, *arguments.split())
    assert code == 1
    assert [line.split()[1] for line in lines] == NAMES[arguments]
