"""Links on the way to files: who makes a file is found whatever way leads to it."""

import pytest
from commands import call
from projects import Pipeline

DODO = """
from redoit import step


def task_a_last():
    return step("steps.copy", inputs={"source": "READ"}, outputs={"made": "last.txt"})


def task_b_first():
    return step("steps.copy", inputs={"source": "source.txt"}, outputs={"made": "MADE"})
"""
COPY = "def run(source, made):\n    made.write_text(source.read_text())\n"


def linked(fresh: Pipeline, read: str, made: str) -> Pipeline:
    """Return a project whose second stage makes what the first reads, each by its own path."""
    fresh.write("dodo.py", DODO.replace("READ", read).replace("MADE", made))
    fresh.write("steps/copy.py", COPY)
    fresh.write("data/mid.txt", "old\n")
    fresh.path("link").symlink_to("data")
    fresh.path("mid.txt").symlink_to("link/mid.txt")
    fresh.path("absolute.txt").symlink_to(fresh.path("mid.txt"))
    return fresh


@pytest.mark.parametrize(
    ("read", "made"),
    [
        ("link/mid.txt", "data/mid.txt"),
        ("data/mid.txt", "link/mid.txt"),
        ("mid.txt", "data/mid.txt"),
        ("absolute.txt", "./data/mid.txt"),
        ("../project/data/mid.txt", "data//mid.txt"),
    ],
)
def test_a_stage_runs_after_the_maker_of_its_input(fresh: Pipeline, read: str, made: str) -> None:
    """The order holds, a plan expects the change, and `doit lineage` and `doit why` do not fail."""
    pipeline = linked(fresh, read, made)
    assert pipeline.doit().code == 0
    assert pipeline.read("last.txt") == pipeline.read("source.txt")
    pipeline.write("source.txt", "new\n")
    planned = dict(line.split()[:2] for line in call(pipeline.root, "plan").lines[:-1])
    assert planned == {"b_first": "run", "a_last": "run?"}
    assert [call(pipeline.root, command).code for command in ("why", "lineage")] == [0, 0]
    assert pipeline.doit("-n", "2").code == 0
    assert pipeline.read("last.txt") == "new\n"


@pytest.mark.parametrize(
    ("read", "made", "fault"),
    [
        ("source.txt", "link/../last.txt", "last.txt: is made by both a_last and b_first; let one stage make it, once"),
        ("last.txt", "data/mid.txt", "stage of steps.copy: 'made' and 'source' are both last.txt"),
    ],
)
def test_one_file_has_one_maker(fresh: Pipeline, read: str, made: str, fault: str) -> None:
    """Two makers, and a stage that reads what it makes, are found through the forms of a path."""
    result = call(linked(fresh, read, made).root, "list")
    assert (result.code, result.err.startswith(f"ERROR: {fault}"), result.err.count("\n")) == (3, True, 1), result.err


def test_a_stage_that_reads_its_output_by_a_link(fresh: Pipeline) -> None:
    """An input that is a link to the stage's own output is a cycle."""
    pipeline = linked(fresh, "source.txt", "data/mid.txt")
    pipeline.edit(
        "dodo.py", '{"source": "source.txt"}, outputs={"made": "data', '{"source": "mid.txt"}, outputs={"made": "data'
    )
    error = "ERROR: dodo.py: found a cycle of dependencies (b_first -> b_first); remove one of them\n"
    assert call(pipeline.root, "list") == (3, "", error)
