"""What could make a result stale without a word: changes that undo themselves, forgotten results, odd declarations."""

import os

import pytest
from projects import ALL, Pipeline

BACK_AND_FORTH = "cp source.txt kept.txt; echo 9 > source.txt"


def test_an_input_that_changed_and_changed_back_is_not_recorded(fresh: Pipeline) -> None:
    """A step that may have read something else in between leaves no trace, though its input is what it was."""
    fresh.edit("steps/make.py", "return {", "import os; os.system('mv kept.txt source.txt'); return {")
    result = fresh.doit("make", DURING_make=BACK_AND_FORTH)
    assert fresh.read("source.txt") == "3 1 2\n"
    assert fresh.read("data/made.txt") == "270"
    assert "source.txt changed while it ran" in result.out
    assert not fresh.path(".redoit/traces").exists()


BYTE_CODE = {"PYTHONDONTWRITEBYTECODE": ""}


@pytest.mark.parametrize("place", ["project", "site-packages/project"])
@pytest.mark.parametrize(
    ("file", "old", "new"), [("dodo.py", "names.SOURCE", "names.OTHERS"), ("names.py", '"source.txt"', '"others.txt"')]
)
def test_byte_code_of_the_pipeline_is_not_trusted(built: Pipeline, file: str, old: str, new: str, place: str) -> None:
    """An edit of dodo.py, or of a module that it imports, counts though the file's size and time stay the same."""
    root = built.root.parent / place
    root.parent.mkdir(exist_ok=True)
    pipeline = Pipeline(built.root.rename(root))
    pipeline.write("names.py", 'SOURCE = "source.txt"\nOTHERS = "others.txt"\n')
    pipeline.edit("dodo.py", "from redoit import", "import names\nfrom redoit import")
    pipeline.edit("dodo.py", '"source": "source.txt"', '"source": names.SOURCE')
    assert pipeline.doit(**BYTE_CODE).code == 0
    time = pipeline.path(file).stat().st_mtime_ns
    pipeline.edit(file, old, new)
    os.utime(pipeline.path(file), ns=(time, time))
    assert "others.txt" in pipeline.doit(**BYTE_CODE).text


def test_a_volatile_result_is_never_restored(built: Pipeline) -> None:
    """What a stage made while it was volatile does not serve it when it no longer is."""
    built.edit("dodo.py", 'outputs={"made": "data/made.txt"}', 'outputs={"made": "data/made.txt"}, volatile=True')
    built.edit("steps/constants.py", "FACTOR = 2", "FACTOR = 4")
    assert built.doit("make").executed == ["make"]
    built.edit("dodo.py", ", volatile=True", "")
    built.path("data/made.txt").unlink()
    assert built.doit("make").executed == ["make"]


@pytest.mark.parametrize("field", ["actions=[]", "file_dep=['x']", "uptodate=[True]", "params=[]", "getargs={}"])
def test_a_field_of_doit_that_a_step_has_is_refused(built: Pipeline, field: str) -> None:
    """What decides about a stage can't be replaced from dodo.py."""
    built.edit("dodo.py", 'outputs={"made": "data/made.txt"}', f'outputs={{"made": "data/made.txt"}}, {field}')
    result = built.doit()
    assert (result.executed, result.code) == ([], 3)
    assert f"found '{field.partition('=')[0]}', which redoit sets itself" in result.err
    assert "Traceback" not in result.text


def test_a_delayed_stage_is_refused(built: Pipeline) -> None:
    """A stage that doit makes too late to be configured fails, instead of ignoring its configuration."""
    built.edit("dodo.py", "def task_join", "@create_after(executed='sort')\ndef task_join")
    built.edit("dodo.py", "from redoit import", "from doit import create_after\nfrom redoit import")
    result = built.doit()
    assert result.code != 0
    assert "join: declared too late to be configured" in result.text


def test_invalidation_follows_a_wildcard(built: Pipeline) -> None:
    """A stage that names what it needs by a pattern is a dependent like any other."""
    built.edit("dodo.py", '"data/total.txt"})', '"data/total.txt"}, task_dep=["sor*"])')
    built.doit()
    assert built.doit("sort", "--no-cache").executed == ["sort"]
    assert built.doit().executed == ["side", "join"]


PLAIN = """

def task_plain():
    return {"actions": ["true"], "file_dep": ["data/made.txt"]}
"""
GROUP = """

def task_more():
    yield {"name": "one", **step("steps.make", inputs={"source": "source.txt"}, outputs={"made": "data/one.txt"})}
"""


def test_forget_names_stages_alone(built: Pipeline) -> None:
    """An ordinary task that uses a stage's output is decided by doit, and is never invalidated."""
    built.write("dodo.py", built.read("dodo.py") + PLAIN)
    result = built.doit("forget", "make")
    assert "plain" not in result.out
    assert not built.path(".redoit/invalidations/plain").exists()
    assert built.doit().executed == ALL


@pytest.mark.parametrize("where", ["variable", "file"])
def test_a_group_has_no_settings(built: Pipeline, where: str) -> None:
    """A setting for a group of stages is an error that names the stages, not a setting that does nothing."""
    built.write("dodo.py", built.read("dodo.py") + GROUP)
    if where == "file":
        built.write("doit.cfg", "[task:more]\ntimes = 4\n")
    result = built.doit(*(["more.times=4"] if where == "variable" else []))
    assert (result.executed, result.code) == ([], 3)
    assert "no stage 'more'; did you mean more:one?" in result.err


def test_a_folder_that_cannot_be_made_is_one_line(built: Pipeline) -> None:
    """A file where a folder is needed fails the stage with one clear line."""
    built.doit("clean")
    assert not built.path("data").exists()
    built.write("data", "a file")
    result = built.doit()
    assert result.code != 0
    assert "data/made.txt: its staging folder can't be created" in result.text
    assert "Traceback" not in result.text
