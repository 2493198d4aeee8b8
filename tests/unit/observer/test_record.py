"""Records are appended by many processes, each once and whole; a name is in scope or it is not."""

import multiprocessing
import os
from pathlib import Path

import pytest
from observed_process import RECORD, begun, names, recorded, touched

from redoit.execution import records
from redoit.observer.record import Recorder, line_of

FILE = Path(RECORD)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project, which is the working directory."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture
def recorder(project: Path) -> Recorder:
    """Return a recorder of this process."""
    return Recorder(begun())


def found() -> list[records.Record]:
    """Return the records so far, but for those that name processes."""
    return [record for record in records.read(FILE).records if record[0] != "process"]


def test_a_record_is_a_line_with_its_checksum() -> None:
    """Fields are separated by tabs, and escaped; a checksum of the rest comes first."""
    assert line_of("read", "a\tb", 7) == b"881c2369 read\ta\\tb\t7\n"


def test_a_record_is_appended_once(recorder: Recorder) -> None:
    """What was recorded is not recorded again; what differs in a field is."""
    for size in (1, 1, 2, 1):
        recorder.add("status", "file", size)
    assert found() == [("status", "file", "1"), ("status", "file", "2")]


def test_a_process_names_itself() -> None:
    """The first record of each process has its number, its parent's, and its command line."""
    process, *_ = touched("").records
    assert (process[0], process[2], process[4:]) == ("process", str(os.getpid()), ("-c", "import probe"))


def append_many(number: int) -> None:
    """Append records of one process."""
    recorder = Recorder(str(FILE.absolute()))
    for each in range(500):
        recorder.add("read", "x" * 500, number, each)


def test_processes_append_at_once() -> None:
    """Many processes append to one file: no record is lost and none torn."""
    begun()
    with multiprocessing.get_context("fork").Pool(4) as pool:
        pool.map(append_many, range(8), chunksize=1)
    assert len(found()) == len(set(found())) == 8 * 500


def test_nothing_is_recorded_without_a_scope(recorder: Recorder) -> None:
    """Where the file names no scope, or is gone, nothing is recorded."""
    records.begin(FILE, ())
    recorder.redirect(str(FILE.absolute()))
    recorder.add("read", "file")
    assert found() == []


def test_what_was_observed_goes_to_the_next_file(recorder: Recorder) -> None:
    """A process that was forked appends all that was observed before, and what follows, to its own file."""
    recorder.add("read", "before")
    own = Path("own")
    records.begin(own, (os.getcwd(),))
    recorder.redirect(str(own.absolute()))
    recorder.add("read", "after")
    assert list(records.read(own).of("read")) == [("before",), ("after",)]
    assert list(records.read(FILE).of("read")) == [("before",)]


def test_who_can_not_record_gives_up(recorder: Recorder) -> None:
    """A handler that fails empties the file, and the process goes on; one without a path to look at does not."""
    recorder.guard(os.rmdir)("gone")
    assert not records.read(FILE).torn
    recorder.guard({}.__getitem__)("gone")
    assert records.read(FILE).torn


def test_who_gave_up_tears_the_next_file(recorder: Recorder) -> None:
    """What a process lacks that gave up, one that is forked from it lacks as well."""
    recorder.give_up()
    own = Path("own")
    records.begin(own, (os.getcwd(),))
    recorder.redirect(str(own.absolute()))
    recorder.add("read", "after")
    assert records.read(own).torn


def test_what_code_of_the_step_raises_meanwhile_goes_on(recorder: Recorder) -> None:
    """An exception of a signal's handler, which Python may call anywhere, is not ours to swallow."""

    def handler() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        recorder.guard(handler)()
    assert not records.read(FILE).torn


def test_a_path_that_asks_for_itself() -> None:
    """A step whose path asks for itself without end fails as it does when it is not observed."""
    body = """
import os

class Path:
    def __fspath__(self):
        return str(os.path.exists(self))

try:
    os.path.exists(Path())
except RecursionError:
    open("failed", "w").close()
"""
    assert touched(body).torn
    assert os.path.exists("failed")


CLOSED = "os.closerange(3, 4096)"
FULL = "files = []\ntry:\n    while True: files.append(open(os.devnull))\nexcept OSError: pass"
LOW = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (8, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))"
DEEP = """
def deep():
    try: deep()
    except RecursionError: os.path.exists("asked")
deep()
"""
OTHER = "os.closerange(3, 4096); own = [os.open('own', os.O_RDWR | os.O_CREAT) for _ in range(9)]"


@pytest.mark.parametrize("body", [CLOSED, FULL, LOW, DEEP, OTHER], ids=["closed", "full", "low", "deep", "other"])
def test_a_record_is_written_whatever_is_open(body: str) -> None:
    """A step may close all files, or open all that it can, or have no depth of calls left: nothing is lost."""
    found = touched(f"import os\n{body}\nos.path.exists('asked')\n")
    assert not found.torn
    assert (os.path.abspath("asked"),) in found.of("absent")
    assert not os.path.exists("own") or os.path.getsize("own") == 0


def test_what_the_observer_does_is_not_observed(recorder: Recorder) -> None:
    """A guarded function that is called while one is under way in the same thread does nothing."""
    calls: list[int] = []

    def call(depth: int) -> None:
        calls.append(depth)
        again(depth + 1)

    again = recorder.guard(call)
    again(0)
    again(7)
    assert calls == [0, 7]


IN_SCOPE = {
    "file": "file",
    "folder/../file": "file",
    "./folder//file": "folder/file",
    "folder/.": "folder",
    "absent/file": "absent/file",
    "site-packages.txt": "site-packages.txt",
    "../project/file": "file",
    "link": "file",  # where it leads
    "folder-link/file": "folder/file",
    "out-link": "out-link",
}


@pytest.mark.parametrize(("name", "place"), IN_SCOPE.items())
def test_what_is_in_scope(recorder: Recorder, project: Path, name: str, place: str) -> None:
    """What is in the project has an absolute path without links, however it is named."""
    Path("file").touch()
    Path("folder").mkdir()
    Path("folder/file").touch()
    Path("link").symlink_to("file")
    Path("folder-link").symlink_to("folder")
    Path("out-link").symlink_to(project.parent / "outside")
    assert recorder.place(name) == str(project / place)
    assert recorder.place(os.fsencode(project / name)) == str(project / place)


OUT_OF_SCOPE = [
    "../outside", "/etc/hosts", ".git/HEAD", ".redoit/blobs/1", "data/.redoit-abc/file", "pkg/__pycache__/a.pyc",
    "venv/lib/python3/site-packages/numpy/core.py", "../project2/file", os.__file__,
]  # fmt: skip


@pytest.mark.parametrize("name", OUT_OF_SCOPE)
def test_what_is_not_in_scope(recorder: Recorder, name: str) -> None:
    """What is outside, what redoit, git and Python keep, and what is installed does not count."""
    assert recorder.place(name) == ""


def test_what_a_link_of_the_project_leads_to(recorder: Recorder, project: Path) -> None:
    """What is out of scope counts by the link that was followed there, once it was; a link may lead elsewhere later."""
    outside = project.parent / "data"
    outside.mkdir()
    assert recorder.place(outside / "file") == ""
    (project / "data").symlink_to(outside)
    assert recorder.place(project / "data/file") == str(project / "data/file")
    assert recorder.place(outside / "file") == str(project / "data/file")
    (project / "data").unlink()
    (project / "data").symlink_to("folder")
    assert recorder.place(project / "data/file") == str(project / "folder/file")


def test_a_path_that_a_setting_names_is_in_scope(project: Path) -> None:
    """The content of what a setting names counts, wherever it lies."""
    outside = project.parent / "outside"
    outside.write_text("x")
    body = "open('../outside').read()\nopen('../other', 'w').close()\nopen('../other').read()\n"
    assert names("read", recorded(body, str(outside))) == [str(outside)]


def test_a_temporary_folder_in_the_project_is_not_in_scope() -> None:
    """What lies in the folder for temporary files does not count, also where that is inside the project."""
    Path("temporary").mkdir()
    body = "import tempfile\nopen(tempfile.mkstemp()[1]).read()\n"
    assert recorded(body, TMPDIR=str(Path("temporary").absolute())) == []


REPLACED = ("open", "write", "close", "stat", "lstat", "fstat", "access", "readlink", "listdir", "getcwd", "truncate")


@pytest.mark.parametrize("replaced", [(name,) for name in (*REPLACED, "ftruncate", "dup2")] + [REPLACED])
def test_functions_that_the_step_replaces(replaced: tuple[str, ...]) -> None:
    """A step may replace functions of `os` by its own, which call those that were there: all is recorded as before."""
    Path("read.txt").write_text("x")
    Path("link").symlink_to("read.txt")
    body = f"""
import os

def through(function):
    def called(*arguments, **options):
        return function(*arguments, **options)
    return called

for name in {replaced!r}:
    setattr(os, name, through(getattr(os, name)))
open("link").read(), os.path.exists("absent.txt"), os.listdir("."), os.path.realpath("link")
os.close(os.open("read.txt", os.O_RDONLY))
"""
    found = recorded(body)
    assert {"read.txt"} == set(names("read", found))
    assert names("absent", found) == ["absent.txt"]
    assert len(names("folder", found)) == 1
    assert "link" in names("link", found)
