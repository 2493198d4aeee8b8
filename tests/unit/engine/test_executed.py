"""Which code was executed that reading does not reach, and which packages."""

import os
import sys
from pathlib import Path

import pytest
from examples import write

from redoit.engine.executed import Executed, packages
from redoit.engine.snapshot import SEES_CALLS
from redoit.execution.records import Record, Touched
from redoit.model import Observation, Stage
from redoit.plugin.checkout import make_engine

STAGE = Stage("make", "steps.make", {"source": "source.txt"}, {"made": "data/made.txt"})
SOURCES = {
    "steps__make": "from steps import helper\ndef run(source, made):\n    helper.help()\n",
    "steps__helper": "def help():\n    pass\ndef other():\n    return LIMIT\nLIMIT = 1\n",
    "plugins__one": "from plugins.base import twice\ndef hook():\n    return twice(1)\ndef unused():\n    pass\n",
    "plugins__base": "FACTOR = 2\ndef twice(x):\n    return x * FACTOR\ndef thrice(x):\n    return x * 3\n",
    "models": "class Base:\n    pass\nclass Model(Base):\n    size = 1\nclass Other:\n    pass\nkey = lambda x: x\n",
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a project."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, **SOURCES)
    Path("source.txt").touch()
    Path("plug.in.py").write_text("def hook():\n    pass\n")


def executed(*records: Record) -> Executed:
    """Return what was executed, by its records."""
    engine = make_engine(Path())
    engine.workspace.open()
    before = engine.inspector.action_with_source(STAGE, ())
    return Executed(STAGE, before, Touched(records), engine.around)


def code(file: str, name: str, line: int = 1, importer: str = "") -> Record:
    """Return the record of code that was executed."""
    return ("code", os.path.join(os.getcwd(), file), name, str(line), importer and os.path.join(os.getcwd(), importer))


def names(*records: Record) -> set[str]:
    """Return the names of the parts that are observed."""
    return {row.name for row in executed(*records).rows() if row.kind == "code"}


def test_what_reading_reaches_is_no_observation() -> None:
    """The step, and what it names, are part of its action."""
    assert names(code("steps/make.py", "<module>"), code("steps/helper.py", "help", importer="steps/make.py")) == set()


def test_a_function_that_reading_does_not_reach() -> None:
    """A function that was called without being named counts, with what it names, and not its neighbours."""
    assert names(code("steps/helper.py", "other", 3)) == {"steps.helper:other", "steps.helper:LIMIT"}


def test_a_module_that_no_statement_executed_counts_whole() -> None:
    """A plug-in counts with all it defines and imports; of what it imports, what it names."""
    found = names(code("plugins/one.py", "<module>"), code("plugins/base.py", "<module>", importer="plugins/one.py"))
    assert {"plugins.one:*", "plugins.base:twice", "plugins.base:FACTOR"} <= found
    assert "plugins.base:thrice" not in found


def test_what_an_unpickler_asks_for() -> None:
    """A class counts with its bases, and not its neighbours."""
    found = names(code("models.py", "<module>"), ("unpickled", "models", "Model"))
    assert {"models:Model", "models:Base"} <= found
    assert "models:Other" not in found


def test_a_lambda_counts_by_what_it_is_bound_to() -> None:
    """Code without a name of its own belongs to the statement that holds it."""
    found = names(code("models.py", "<lambda>", 7), ("unpickled", "models", "Model"))
    assert "models:key" in found
    assert "models:Other" not in found


def test_a_module_that_reading_finds_no_import_of_counts_whole() -> None:
    """What a folder that the step adds to Python's path holds counts whole, though one function of it was called."""
    records = code("models.py", "<module>", importer="steps/make.py"), code("models.py", "<lambda>", 7)
    assert "models:*" in names(*records)


def test_what_data_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A definition that a file or a variable names counts, of a module that the step imports."""
    for text in ("_target_: steps.helper.other", "!!python/name:steps.helper.other", '{"py": "steps.helper:other"}'):
        Path("conf.yaml").write_text(text)
        assert names(("read", os.path.abspath("conf.yaml"))) == {"steps.helper:other", "steps.helper:LIMIT"}
    monkeypatch.setenv("MODEL", "steps.helper:other")
    assert names(("variable", "MODEL", "")) == {"steps.helper:other", "steps.helper:LIMIT"}
    for text in ("steps.helper.no", "mysteps.helper.other", "a.steps.helper.other", "steps.helper"):
        Path("conf.yaml").write_text(text)
        assert names(("read", os.path.abspath("conf.yaml"))) == set()


def test_a_file_that_no_name_leads_to_counts_by_its_content() -> None:
    """A script with an odd name counts whole, comments included."""
    (row,) = executed(code("plug.in.py", "<module>")).rows()
    assert row[:2] == ("content", "plug.in.py")


def test_packages() -> None:
    """A package that is imported counts by its version; one that is not there only if the project asked for it."""
    engine = make_engine(Path())
    engine.workspace.open()
    before = engine.inspector.action_with_source(STAGE, ())
    modules = (
        ("module", "doit", ""),
        ("module", "no_such", "asked"),
        ("module", "nor_this", ""),
        ("module", "plugins", "asked"),
    )
    touched = Touched((*modules, ("distribution", "rich-13.0.dist-info")))
    rows = set(packages(before, touched, engine.around, Executed(STAGE, before, touched, engine.around)))
    version, rich = engine.around.find("package", "doit"), engine.around.find("distribution", "rich")
    assert version
    assert rows == {
        Observation("package", "doit", version),
        Observation("package", "no_such", None),
        Observation("distribution", "rich", rich),
    }


def test_a_module_that_is_read_by_a_link() -> None:
    """Python reports the file that a link leads to; the function counts in the module that reading found there."""
    Path("steps/helper.py").rename("steps/first.py")
    Path("steps/helper.py").symlink_to("first.py")
    assert "steps.helper:other" in names(code("steps/first.py", "other", 3))


def test_a_script_that_is_imported_as_well() -> None:
    """A module that is executed as a script counts whole, also what its import leaves out."""
    assert "steps.helper:*" in names(code("steps/helper.py", "<script>"))


NET = "class Net:\n    def fit(self):\n        pass\n    def show(self):\n        pass\n"
BODIES = {"steps.helper:Net.fit", "steps.helper:Net.show"} if SEES_CALLS else set()


@pytest.mark.parametrize(
    "record", [("unseen", ""), ("program", "7", "/", "git", "status"), ("program", "7", "/", sys.executable, "-S")]
)
def test_calls_that_may_be_unseen(record: Record) -> None:
    """Where calls may be unseen, a class counts with its bodies, as without observing; what nothing names does not."""
    Path("steps/helper.py").write_text(f"{NET}def help():\n    return Net\ndef other():\n    pass\n")
    assert names(record) == BODIES
    assert record[0] == "unseen" or names(record, ("process", "7", "1", "python")) == set()


def test_code_that_lies_where_the_observer_records_none() -> None:
    """A module of the project in a folder that is named as one of installed packages counts with its bodies."""
    write(Path("site-packages"), net=NET)
    Path("steps/make.py").write_text(
        "import sys\nsys.path.append('site-packages')\nimport net\ndef run(source, made):\n    net.Net\n"
    )
    assert {name.replace("net:", "steps.helper:") for name in names()} >= BODIES


def test_a_function_of_another_name_than_its_source_has() -> None:
    """A function whose name a loader has changed is found by its line, also in a class."""
    Path("steps/helper.py").write_text(f"{NET}def help():\n    return Net\n")
    assert names(code("steps/helper.py", "Made.fit", 2)) == BODIES & {"steps.helper:Net.fit"}
