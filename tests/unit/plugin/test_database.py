"""What doit remembers: a database that is replaced when it can't be used, and traces in place of it for stages."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from doit.dependency import JSONCodec
from doit.task import Task
from doit_tasks import chain_tasks, database_of
from in_process import STAGES, TIMES, build

from redoit.errors import DeclarationError
from redoit.plugin.checkout import engine
from redoit.plugin.database import Database
from redoit.state.workspace import FOLDER
from redoit.storage.serialize import seal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a database that has one value of one task."""
    (tmp_path / FOLDER).mkdir()
    opened(tmp_path / FOLDER / "doit.db", task="value")
    return tmp_path / FOLDER / "doit.db"


def opened(path: Path, **values: str) -> Database:
    """Return the database at a path; with values, one that has stored them as results of tasks and is closed."""
    database = Database(str(path), JSONCodec())
    for name, value in values.items():
        database.set(name, "result:", value)
    if values:
        database.dump()
    return database


def test_what_is_stored_is_read_again(path: Path) -> None:
    """A value outlives the object; what was never stored, or was removed, is absent."""
    database = opened(path)
    assert (database.get("task", "result:"), database.get("other", "result:")) == ("value", None)
    assert (database.in_("task"), database.in_("absent")) == (True, False)
    database.remove("task")
    database.dump()
    assert opened(path).get("task", "result:") is None


DAMAGED = {
    "another file": lambda data: b"no database" * 999,
    "a part": lambda data: data[:-1],
    "a flipped bit": lambda data: data[:-3] + bytes([data[-3] ^ 1]) + data[-2:],
    "a sealed list": lambda data: seal([]),
}


@pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED)
def test_what_is_no_database_is_moved_aside(path: Path, damaged: Callable[[bytes], bytes]) -> None:
    """A damaged file is kept under another name, and an empty database takes its place."""
    path.write_bytes(damaged(path.read_bytes()))
    data = path.read_bytes()
    assert opened(path).get("task", "result:") is None
    assert Path(f"{path}.corrupt").read_bytes() == data
    opened(path, task="new")
    assert opened(path).get("task", "result:") == "new"


def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    """A file that `mktemp` has made for `--db-file` becomes the database."""
    path = tmp_path / "empty"
    path.touch()
    opened(path, task="new")
    assert opened(path).get("task", "result:") == "new"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_what_stands_in_its_place_is_moved_aside(path: Path, make: Callable[[Path], None]) -> None:
    """A pipe is not waited for, and neither it nor a folder is in the way of a new database."""
    path.unlink()
    make(path)
    opened(path, task="new")
    assert opened(path).get("task", "result:") == "new"


def test_a_link_in_its_place_is_not_followed(path: Path, tmp_path: Path) -> None:
    """A link is moved aside, and the user's own file behind it stays as it is."""
    path.rename(tmp_path / "own")
    path.symlink_to(tmp_path / "own")
    before = (tmp_path / "own").read_bytes()
    opened(path, task="new")
    assert not path.is_symlink()
    assert (tmp_path / "own").read_bytes() == before


def test_what_has_not_changed_is_not_written(path: Path) -> None:
    """A command that only reads leaves the file alone, so another's later changes stay."""
    reader = opened(path)
    opened(path, task="later")
    reader.dump()
    assert opened(path).get("task", "result:") == "later"


def test_a_task_may_leave_the_folder(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database with a relative name is written where it was read, wherever the process is then."""
    monkeypatch.chdir(tmp_path)
    database = Database(f"{FOLDER}/doit.db", JSONCodec())
    database.set("task", "result:", "new")
    monkeypatch.chdir("/")
    database.dump()
    assert opened(path).get("task", "result:") == "new"


def test_a_database_that_cannot_be_read_stays(path: Path, failing: Callable[[Path], None]) -> None:
    """A disk that fails to read the database is an error, and moves nothing."""
    failing(path)
    with pytest.raises(DeclarationError, match=r"can't be read \(Input/output error\)"):
        opened(path)
    assert path.exists()


@pytest.mark.parametrize("name", ["own.txt", "folder", "link"])
def test_what_is_not_redoits_is_left_alone(tmp_path: Path, name: str) -> None:
    """A file, a folder or a link elsewhere that is no database stays where it is, and is an error."""
    (tmp_path / "own.txt").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("own.txt")
    with pytest.raises(DeclarationError, match="found no database of doit; name another file by --db-file"):
        opened(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "link", "own.txt"]
    assert (tmp_path / "own.txt").read_text() == "mine"


@pytest.mark.parametrize(
    "data",
    [7, "", "{", "[]", '"text"', "[" * 100_000, '{"_values_:": []}', '{"deps:": "a"}', '{"deps:": [1]}', "\udcff"],
)
def test_a_database_with_an_entry_that_is_not_doits_is_moved_aside(path: Path, data: object) -> None:
    """Data of a task that can't be parsed, or has other types than doit relies on, was not written by redoit."""
    path.write_bytes(seal({"task": data}))
    database = opened(path)
    assert database.get("task", "result:") is None
    assert database.get("task", "deps:") is None
    assert Path(f"{path}.corrupt").read_bytes() == seal({"task": data})


def test_a_database_that_can_not_be_written_costs_a_warning(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An error when the database is written is one line on standard error that says what is lost."""
    database = opened(path)
    database.set("task", "result:", "new")
    path.unlink()
    path.parent.rmdir()
    database.dump()
    lost = "stages lose nothing, ordinary tasks run again next time"
    assert capsys.readouterr().err == f"{path}: can't be written (No such file or directory); {lost}\n"


def test_nothing_of_a_stage_is_stored(chain_folder: Path) -> None:
    """The success of an ordinary task is stored, that of a stage or of a group without actions is not."""
    plain = Task("plain", ["true"], ["source.txt"])
    group = Task("group", None, has_subtask=True)
    tasks = chain_tasks(plain=plain, group=group)
    database = database_of(tasks)
    for task in tasks.values():
        database.save_success(task)
    assert [name for name in tasks if database.backend.in_(name)] == ["plain"]
    database.remove_success(plain)
    assert not database.backend.in_("plain")


def test_the_values_of_a_stage_are_those_of_its_trace(chain_folder: Path) -> None:
    """What other tasks read of a stage are the metrics and digests of its latest trace, if there is one."""
    database = database_of(chain_tasks())
    assert (database.get_values("make"), database._in("make")) == ({}, False)
    build(chain_folder, TIMES)
    digests = engine().inspector.output_digests(STAGES["make"])
    assert database.get_values("make") == database.get_result("make") == {"count": 3.0, "outputs": digests}
    assert database._in("make")


def test_a_user_ignores_a_stage_in_the_database(chain_folder: Path) -> None:
    """That a stage is ignored is all that the database says of it, and a failure leaves it so."""
    tasks = chain_tasks()
    database = database_of(tasks)
    database.ignore(tasks["make"])
    database.remove_success(tasks["make"])
    assert database.status_is_ignore(tasks["make"])
    assert not database.status_is_ignore(tasks["sort"])
