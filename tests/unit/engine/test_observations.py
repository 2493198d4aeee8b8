"""What an execution touched becomes the observations of its trace, and only what counts does."""

import os
import sys
from pathlib import Path

import pytest
from examples import named, write

from redoit import digest
from redoit.engine.observations import Observed, observed
from redoit.engine.surroundings import status_digest
from redoit.execution.records import Record, Touched
from redoit.model import Observation, Policy, Setting, Stage
from redoit.plugin.checkout import make_engine
from redoit.state.stat_cache import identity

STAGE = Stage(
    "make", "steps.make", {"source": "source.txt"}, {"made": "data/made.txt"}, uses=("used.txt",), environ=("DECLARED",)
)
STAGING = "data/.redoit-abc"
FILE, FOLDER = str(0o100000), str(0o040000)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASKED", "1")
    write(tmp_path, steps__make="from steps import helper\ndef run(source, made, *, table=None):\n    helper.help()\n")
    write(tmp_path, steps__helper="def help():\n    pass\n")
    for name in ("source.txt", "used.txt", "extra.txt", "table.csv", "folder/one", f"{STAGING}/made.txt"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)
    return tmp_path


def at(name: str) -> str:
    """Return the absolute path of a file of the project."""
    return os.path.join(os.getcwd(), name)


def read(name: str, kind: str = "read") -> Record:
    """Return the record of a file that is read."""
    return (kind, at(name), *map(str, identity(name) or ()))


def found(*records: Record, stage: Stage = STAGE, **touched: object) -> Observed:
    """Return what is observed of an execution with these records."""
    engine = make_engine(Path())
    engine.workspace.open()
    engine.around.targets = lambda: {"data/made.txt": "make", "folder/output": "other"}
    settings = (Setting("table", "path", "table.csv"),)
    before = engine.inspector.action_with_source(stage, settings)
    return observed(stage, before, Touched(records, **touched), engine.around, [Path(STAGING, "made")])  # type: ignore[arg-type]


def rows(*records: Record, **touched: object) -> list[tuple[str, str]]:
    """Return kind and name of what is observed of an execution with these records."""
    return [row[:2] for row in found(*records, **touched).rows]


def test_an_undeclared_file() -> None:
    """A file that was read and not given is observed with its content."""
    assert found(read("extra.txt")) == Observed((Observation("file", "extra.txt", named("extra.txt")),))


@pytest.mark.parametrize("name", ["source.txt", "used.txt", f"{STAGING}/made.txt"])
def test_what_was_given_is_no_observation(name: str) -> None:
    """Inputs, uses, and what lies where the step writes, are given."""
    assert rows(read(name), ("status", at(name), FILE, "1")) == []
    assert rows(("folder", at(STAGING), "made.txt")) == []


@pytest.mark.parametrize("name", ["table.csv", "steps/make.py", "steps/helper.py"])
def test_what_need_not_be_declared(name: str) -> None:
    """A file that a setting names, or that is the step's source, is observed with its content and never said."""
    assert found(read(name)).rows == (Observation("content", name, digest.of_bytes(Path(name).read_bytes())),)


def test_what_the_step_made_first_is_its_own() -> None:
    """A file that the step made before it read it is no observation; one that it made afterwards is."""
    made = ("made", at("extra.txt"))
    assert rows(made, read("extra.txt")) == []
    assert rows(read("extra.txt"), made) == [("file", "extra.txt")]
    Path("new").write_text("new")
    assert rows(("absent", at("new")), ("made", at("new")), ("status", at("new"), FILE, "3")) == []


def test_what_the_step_removed_counts_if_it_comes_back() -> None:
    """What the step looked for and left removed is observed as absent; what it did not look for is not."""
    look = ("status", at("gone"), FILE, "3")
    assert found(look, ("made", at("gone"))).rows == (Observation("size", "gone", None),)
    assert rows(("made", at("gone")), ("made", at("scratch"))) == []


def test_a_folder_that_another_process_made() -> None:
    """A folder that is renamed is the step's own if one of its processes made it; else what is in it counts."""
    moved = ("moved", at("part"), at("folder"))
    assert rows(("made", at("part")), moved, read("folder/one")) == []
    assert rows(moved, read("folder/one")) == [("file", "folder/one"), ("file", "part/one")]


def test_a_file_that_changed_meanwhile() -> None:
    """A file that is another now than when it was read is named, unless the step changed it."""
    record = read("extra.txt")
    Path("extra.txt").write_text("other")
    assert found(record).changed == "extra.txt changed"
    assert found(record, ("made", at("extra.txt"))).changed == ""
    assert found(record, ("stamped", at("extra.txt"))).changed == ""


def test_source_that_changed_after_its_import() -> None:
    """A file of code that is another now than when it was imported is named; one that is no code of it is not."""
    imports = [read(name, "imported") for name in ("steps/helper.py", "extra.txt")]
    for name in ("steps/helper.py", "extra.txt"):
        Path(name).write_text("def help():\n    return 1\n")
    code = ("code", at("steps/helper.py"), "<module>", "1", "importer")
    assert found(*imports, code).changed == "steps/helper.py changed"


def test_a_file_that_was_replaced_meanwhile() -> None:
    """A file that was there before counts, though another took its name; one that its C code made does not."""
    began = os.stat("extra.txt").st_ctime_ns
    record, created = read("extra.txt"), frozenset({at("extra.txt")})
    assert found(record, ("native", ""), created=created, began=began) == Observed()
    os.replace("table.csv", "extra.txt")
    assert found(record, ("native", ""), created=created, began=began + 1).changed == "extra.txt changed"


def test_a_file_that_was_moved_meanwhile() -> None:
    """A file that the step moved and read counts by both names, unless a process of it made the file."""
    moved, new = ("moved", at("old"), at("extra.txt")), read("extra.txt")
    both, created = [("file", "extra.txt"), ("file", "old")], frozenset({at("extra.txt")})
    assert rows(moved, ("native", ""), new, created=created) == both
    assert rows(("made", at("old")), moved, ("native", ""), new, created=created) == []
    assert rows(("native", ""), moved, new, created=created | {at("old")}) == []
    for made in ("extra.txt", ""):  # it was removed before, or its folder made
        assert rows(("made", at(made)), moved, new) == both
    assert rows(moved, ("made", at("extra.txt")), new) == []


def test_a_file_that_was_moved_back() -> None:
    """A file that was read while it had another name counts by its first one."""
    new = ("read", at("aside"), *read("extra.txt")[2:])
    there, back = ("moved", at("extra.txt"), at("aside")), ("moved", at("aside"), at("extra.txt"))
    assert found(there, new, back).rows[1] == Observation("file", "extra.txt", named("extra.txt"))
    folder = ("moved", at("folder"), at("more")), ("read", at("more/one"), *read("folder/one")[2:])
    assert rows(*folder) == [("file", "folder/one"), ("file", "more/one")]


def test_what_was_lost() -> None:
    """Where a record may be missing, that is what changed."""
    assert found(torn=True).changed == "a record of what it touched was lost"


LOOKS: list[tuple[Record, Observation]] = [
    (("absent", "new"), Observation("status", "new", None)),
    (("status", "extra.txt", FILE, ""), Observation("status", "extra.txt", status_digest(0o100000, None))),
    (("status", "extra.txt", FILE, "9"), Observation("size", "extra.txt", status_digest(0o100000, 9))),
    (("status", "folder", FOLDER, ""), Observation("status", "folder", status_digest(0o040000, None))),
    (("link", "link", "extra.txt", ""), Observation("link", "link", digest.of_value("extra.txt"))),
]


@pytest.mark.parametrize(("record", "row"), LOOKS)
def test_what_was_looked_at(record: Record, row: Observation) -> None:
    """What is looked for or at is observed as it was, and the first look counts."""
    kind, name, *fields = record
    full = (kind, at(name), *fields)
    assert found(full).rows == (row,)
    assert found(full, (kind, at(name), *(fields and ["7", *fields[1:]]))).rows == (row,)


def test_each_look_that_asks_for_more() -> None:
    """Who asks whether a file is there, and then for its size, depends on both; a later look says nothing new."""
    there, sized = (("status", at("extra.txt"), FILE, size) for size in ("", "9"))
    assert rows(there, sized, there) == [("size", "extra.txt"), ("status", "extra.txt")]
    assert rows(sized, there) == [("size", "extra.txt")]
    assert rows(("absent", at("new")), ("status", at("new"), FILE, "9")) == [("status", "new")]


def test_what_a_setting_names_is_looked_at() -> None:
    """Whether the file that a setting names is there counts, also of one that nobody reads."""
    look = ("absent", at("table.csv"))
    assert rows(look) == [("status", "table.csv")]
    assert rows(read("table.csv"), look) == [("content", "table.csv")]


def test_what_is_read_need_not_be_looked_at() -> None:
    """Who reads a file, or is given it, has looked at it and at the folders around it, save where a link leads."""
    looks = [("status", at(name), FOLDER, "") for name in ("folder", "folder/one", "source.txt", "data")]
    assert rows(read("folder/one"), *looks) == [("file", "folder/one")]
    passed, asked = (("link", at("folder"), "elsewhere", by) for by in ("", "asked"))
    assert rows(read("folder/one"), passed) == [("file", "folder/one")]
    assert rows(read("folder/one"), passed, asked) == [("file", "folder/one"), ("link", "folder")]


def test_its_own_output_is_looked_at() -> None:
    """A step that asks for its own earlier output depends on what a clean build has not."""
    look = ("status", at("data/made.txt"), FILE, "")
    assert rows(("absent", at("data/made.txt"))) == rows(look) == [("status", "data/made.txt")]
    listing, sized = ("folder", at("data"), "made.txt"), ("status", at("data/made.txt"), FILE, "3")
    assert rows(listing, look) == [("folder", "data")]
    assert rows(listing, sized) == [("folder", "data"), ("size", "data/made.txt")]


def test_a_folder_that_is_wanted() -> None:
    """Who makes a folder that may be there does not depend on it; who looks for another one does."""
    wanted = [("wanted", at("folder")), *(("status", at(name), FOLDER, "") for name in ("folder", "steps/more"))]
    assert rows(*wanted) == [("status", "steps/more")]


def test_what_a_program_made() -> None:
    """What C code or a program made is in no listing; it counts if it was looked for in vain, or is gone."""
    looks = [
        ("absent", at("new")),
        ("status", at("folder/new"), FILE, "3"),
        ("folder", at("folder"), "new", "gone", "one"),
    ]
    Path("folder/new").write_text("new")
    created = frozenset(map(at, ("new", "folder/new", "folder/gone")))
    found_rows = found(("native", ""), *looks, created=created).rows
    made = [("made", "folder/gone"), ("made", "folder/new")]
    assert [row[:2] for row in found_rows] == [("folder", "folder"), *made, ("status", "new")]
    assert found_rows[0].digest == digest.of_value(["one"])


def test_a_link_by_which_a_program_read() -> None:
    """A link that leads to what was opened, or around it, counts; another one does not."""
    for name, to in (("link", "folder"), ("other", "steps")):
        Path(name).symlink_to(to)
    touched = {"opened": frozenset({at("folder/one")}), "links": frozenset(map(at, ("link", "other", "gone")))}
    assert rows(("native", ""), **touched) == [("link", "link"), ("opened", "folder/one")]


def test_a_folder_that_was_listed() -> None:
    """A listing is observed as it was, without what the step and others make there; each such name is kept."""
    folder, made = ("folder", at("folder"), "one", "output", "scratch"), ("made", at("folder/scratch"))
    listing = found(folder, made).rows
    assert [row[:2] for row in listing] == [("folder", "folder"), ("made", "folder/scratch")]
    assert listing[0].digest == digest.of_value(["one"])
    assert rows(("made", at("folder")), folder) == []


def test_who_runs_no_other_code_opened_nothing() -> None:
    """What was opened meanwhile counts if the step runs programs, or C code that may open files: then no source."""
    opened = frozenset({at("extra.txt"), at("steps/other.py"), at("source.txt")})
    Path("steps/other.py").touch()
    assert rows(opened=opened) == []
    assert rows(("native", ""), opened=opened) == [("opened", "extra.txt")]
    program = ("program", "7", os.getcwd(), "cat")
    assert rows(program, opened=opened) == [("opened", "extra.txt"), ("opened", "steps/other.py")]
    assert rows(program, read("extra.txt"), opened=frozenset({at("extra.txt")})) == [("file", "extra.txt")]
    assert rows(program, ("made", at("extra.txt")), opened=frozenset({at("extra.txt")})) == []


@pytest.mark.parametrize("argument", ["extra.txt", "../{}/extra.txt", "--file=extra.txt", "cat 'extra.txt' > x"])
def test_arguments_of_a_program_that_name_files(project: Path, argument: str) -> None:
    """A file of the project that an argument of a program names counts as opened, whoever watches."""
    assert rows(("program", "7", os.getcwd(), "tool", argument.format(project.name))) == [("opened", "extra.txt")]


def test_what_is_not_watched_is_marked() -> None:
    """Where native reads were not observed, who may have read so is marked; others need no mark."""
    assert rows(("native", ""), watched=False) == [("unwatched", "")]
    assert rows(watched=False) == []


def test_a_python_program_that_is_not_observed() -> None:
    """A Python program without records is foreign, and any other program is not expected to have some."""
    python, other = ("program", "7", os.getcwd(), "/usr/bin/python3.11", "-S"), ("program", "8", os.getcwd(), "cat")
    assert rows(python, other) == [("foreign", "python3.11")]
    ended = ("program", "3", "/", sys.executable, "-c", "pass")  # before it executed anything
    assert rows(ended, (*ended[:3], str(Path(sys.executable).with_name("python")), "--version"), other) == []
    assert rows((*ended[:4], "-IS", *ended[4:])) == [("foreign", os.path.basename(sys.executable))]
    assert rows(python, ("process", "7", "1", "python3.11")) == []


def test_variables() -> None:
    """What the project asks for counts by name, what a library does only from a list, and never what is declared."""
    asked = [("variable", name, "") for name in ("ASKED", "UNSET", "DECLARED", "MY_TOKEN", "OMP_NUM_THREADS")]
    libraries = [("variable", name, "library") for name in ("KERAS_BACKEND", "ANY", "ASKED")]
    assert found(*asked, *libraries).rows == (
        Observation("ambient", "KERAS_BACKEND", None),
        Observation("variable", "ASKED", digest.of_value("1")),
        Observation("variable", "UNSET", None),
    )


def test_a_copy_of_the_environment() -> None:
    """A copy counts by each variable, unless its source shows that it only becomes the environment of processes."""
    Path("copies.py").write_text(
        "import os, subprocess\nprint(dict(os.environ))\nsubprocess.run(env=dict(os.environ))\n"
    )
    copied = rows(("environment", at("copies.py"), "2"), ("variable", "ASKED", ""))
    assert {("names", ""), ("variable", "ASKED")} <= set(copied)
    assert {kind for kind, _ in copied} == {"names", "ambient", "variable"}
    assert rows(("environment", at("copies.py"), "3")) == []


def test_an_impure_stage_has_no_observations() -> None:
    """What a download touched does not matter: its outputs count."""
    impure = STAGE._replace(policy=Policy(impure=True))
    assert found(read("extra.txt"), stage=impure) == Observed()


def test_who_is_not_observed_is_marked() -> None:
    """A stage with `observe=False` is marked, so that its trace does not count once it is observed."""
    assert found(observed=False).rows == (Observation("unobserved", "", "0" * 64),)
