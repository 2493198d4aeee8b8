"""What doit remembers: a database that is replaced when it can't be used, and traces in place of it for stages."""

import contextlib
import os
import sqlite3
from functools import partial
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


def execute(path: Path, statement: str) -> None:
    """Change the database behind doit's back."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def test_what_is_stored_is_read_again(path: Path) -> None:
    """A value outlives the connection; what was never stored, or was removed, is absent."""
    database = opened(path)
    assert (database.get("task", "result:"), database.get("other", "result:")) == ("value", None)
    assert (database.in_("task"), database.in_("absent")) == (True, False)
    database.remove("task")
    database.dump()
    assert opened(path).get("task", "result:") is None


@pytest.mark.parametrize(
    "statement",
    ["create view more as select * from doit", "create table other (x)", "alter table doit rename to tasks"],
)
def test_a_database_of_another_shape_is_moved_aside(path: Path, statement: str) -> None:
    """A file with more or other tables than doit's one is renamed, and an empty database takes its place."""
    execute(path, statement)
    database = opened(path)
    assert database.get("task", "result:") is None
    database.set("task", "result:", "new")
    database.dump()
    assert opened(path).get("task", "result:") == "new"
    assert Path(f"{path}.corrupt").exists()


def test_what_is_no_database_is_moved_aside_with_its_log(path: Path) -> None:
    """A damaged file is kept under another name, and so are the files beside it that belong to it."""
    path.write_bytes(b"no database" * 999)
    Path(f"{path}-wal").write_bytes(b"its log")
    assert opened(path).get("task", "result:") is None
    assert Path(f"{path}.corrupt").read_bytes().startswith(b"no database")
    assert Path(f"{path}-wal.corrupt").read_bytes() == b"its log"


def test_a_locked_database_is_left_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process holds the database, this one remembers in memory, and the file stays as it is."""
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=0))  # else it waits for five seconds
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin exclusive")
        before = path.read_bytes()
        database = opened(path)
        database.set("task", "result:", "lost")
        database.dump()
    assert path.read_bytes() == before
    assert opened(path).get("task", "result:") == "value"


def test_a_link_or_a_pipe_in_its_place_is_removed(path: Path, tmp_path: Path) -> None:
    """A link is not followed to the user's own file, and a pipe is not waited for."""
    path.rename(tmp_path / "own")
    path.symlink_to(tmp_path / "own")
    os.mkfifo(f"{path}-wal")
    before = (tmp_path / "own").read_bytes()
    opened(path, task="new")
    assert not path.is_symlink()
    assert (tmp_path / "own").read_bytes() == before


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
    ["", "{", "[]", '"text"', "[" * 100_000, '{"_values_:": []}', '{"deps:": "a"}', '{"deps:": [1]}', "\udcff"],
)
def test_an_entry_that_is_not_doits_counts_as_absent(path: Path, data: str) -> None:
    """Data of a task that can't be parsed, or has other types than doit relies on, is as if the task never ran."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("update doit set task_data = ?", (data.encode("utf-8", "surrogateescape"),))
    database = opened(path)
    assert database.get("task", "result:") is None
    assert database.get("task", "deps:") is None


def test_a_database_that_can_not_be_written_costs_a_warning(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An error when the database is written is one line on standard error that says what is lost."""
    database = opened(path)
    database.set("task", "result:", "new")
    database._conn.execute("pragma query_only = true")
    database.dump()
    assert capsys.readouterr().err == (
        f"{path}: can't be written (attempt to write a readonly database); stages lose nothing, ordinary tasks run"
        " again next time\n"
    )


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
