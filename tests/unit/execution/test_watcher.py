"""Which files of a project C code and other programs open while a window is open."""

import ctypes
import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from projects import until

from redoit.execution.watcher import Watcher, Window
from redoit.observer.record import line_of

LIBC = ctypes.CDLL(None)
LIBC.fopen.restype = ctypes.c_void_p
LIBC.fclose.argtypes = [ctypes.c_void_p]


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with two files, which is the working directory."""
    root = tmp_path / "project"
    (root / "data").mkdir(parents=True)
    (root / "params.yaml").write_text("epochs: 3")
    (root / "data/raw.csv").write_text("1,2")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def watcher(root: Path) -> Iterator[Watcher]:
    """Return a watcher of the project."""
    watcher = Watcher(str(root))
    yield watcher
    watcher.close()


def shell(commands: str) -> None:
    """Run commands in a shell, without output."""
    subprocess.run(["sh", "-c", commands], check=True, stdout=subprocess.DEVNULL)


def names(window: Window) -> set[str]:
    """Return what was opened, from the project; a window that missed nothing."""
    assert window.watched
    return {os.path.relpath(path) for path in window.opened}


def opened(watcher: Watcher, act: Callable[[], object]) -> set[str]:
    """Return what was opened while a function is called."""
    with watcher.window(Path("record"), ()) as window:
        act()
    return names(window)


def fopen(path: str, mode: str = "r") -> None:
    """Open and close a file by C code, in this process."""
    LIBC.fclose(LIBC.fopen(path.encode(), mode.encode()))


def attach(path: str) -> None:
    """Read a database of SQLite that a connection attaches."""
    connection = sqlite3.connect(":memory:")
    connection.execute("attach ? as other", (path,))
    connection.execute("select * from other.rows").fetchall()
    connection.close()


def test_what_another_program_reads(watcher: Watcher) -> None:
    """A file that a program opens is told, in the project's folder and below; what it does not open is not."""
    assert opened(watcher, lambda: shell("cat data/raw.csv")) == {"data/raw.csv"}
    assert opened(watcher, lambda: shell("cat params.yaml")) == {"params.yaml"}
    assert opened(watcher, lambda: shell("ls . data; stat params.yaml; test -r params.yaml")) == set()


def test_what_c_code_reads(watcher: Watcher) -> None:
    """A file that C code opens in this process is told, too: no audit event names it."""
    assert opened(watcher, lambda: fopen("params.yaml")) == {"params.yaml"}


def test_a_program_that_is_executed(watcher: Watcher) -> None:
    """A script of the project that is executed is told."""
    Path("tool").write_text("#!/bin/sh\n")
    Path("tool").chmod(0o755)
    assert opened(watcher, lambda: shell("./tool")) == {"tool"}


def test_byte_code_stands_for_its_source(watcher: Watcher) -> None:
    """A Python that can't be observed opens byte code where it could open source: that is what counts."""
    Path("data/tool.py").write_text("")
    run = [sys.executable, "-S", "-E", "-c", "import sys; sys.path.append('data'); import tool"]
    subprocess.run(run, check=True)
    assert opened(watcher, lambda: subprocess.run(run, check=True)) == {"data/tool.py"}


def test_a_database_that_is_attached(watcher: Watcher) -> None:
    """A file that is opened for reading and writing, and not modified, is told."""
    with sqlite3.connect("rows.db") as connection:
        connection.execute("create table rows (x)")
    connection.close()
    assert opened(watcher, lambda: attach("rows.db")) == {"rows.db"}
    assert opened(watcher, lambda: fopen("params.yaml", "r+")) == {"params.yaml"}


WRITTEN = [
    "echo new > new.txt; cat new.txt",
    "echo new > data/.tmp; mv data/.tmp params.yaml; cat params.yaml",
    "echo 4 > params.yaml; cat params.yaml",
    "cat params.yaml; echo 4 >> params.yaml",
    "cat params.yaml; rm params.yaml",
    "cp params.yaml /dev/null; : > params.yaml",
    "mkdir -p new/inner; echo 1 > new/inner/file; cat new/inner/file",
    "mkdir ../made; echo 1 > ../made/file; mv ../made made; cat made/file",
]


@pytest.mark.parametrize("commands", WRITTEN)
def test_what_changed_is_not_told(watcher: Watcher, commands: str) -> None:
    """A file that was made, modified or removed in the window is not told, though it was read before or after."""
    assert opened(watcher, lambda: shell(commands)) == set()


def test_a_file_that_is_replaced_after_it_was_read(watcher: Watcher) -> None:
    """What a program read counts, though an editor then puts another file in its place."""
    commands = "cat params.yaml; echo new > .params.swp; mv .params.swp params.yaml"
    assert opened(watcher, lambda: shell(commands)) == {"params.yaml"}


def test_what_was_written_in_an_earlier_window(watcher: Watcher) -> None:
    """A file that was made in one window, in a new folder, counts when it is read in the next."""
    assert opened(watcher, lambda: shell("mkdir -p new/inner; echo 1 > new/inner/file")) == set()
    assert opened(watcher, lambda: shell("cat new/inner/file")) == {"new/inner/file"}


def test_a_folder_that_appears_between_windows(watcher: Watcher) -> None:
    """A folder that is made, or renamed, while no window is open is watched in the next, under its name."""
    assert opened(watcher, lambda: None) == set()
    shell("mkdir -p new/inner; echo 1 > new/inner/file; mv data moved")
    assert opened(watcher, lambda: shell("cat new/inner/file moved/raw.csv")) == {"new/inner/file", "moved/raw.csv"}


def own_opens() -> None:
    """Open files in this process, in the ways of Python."""
    Path("params.yaml").read_text()
    os.close(os.open(b"data/../data/raw.csv", os.O_RDONLY))
    shutil.copyfile("link", os.devnull)


def test_what_this_process_opens_is_not_told(watcher: Watcher) -> None:
    """What Python opens in doit's process is not told, however it is named."""
    Path("target").write_text("x")
    Path("link").symlink_to("target")
    assert opened(watcher, own_opens) == set()


def test_what_this_process_opens_as_well(watcher: Watcher) -> None:
    """A file that both doit and a program open is told, though the kernel merges equal events in its queue."""

    def both() -> None:
        with watcher._lock:  # nobody drains the queue meanwhile
            Path("params.yaml").read_text()
            shell("cat params.yaml")

    assert opened(watcher, both) == {"params.yaml"}


def test_links(watcher: Watcher, tmp_path: Path) -> None:
    """What a link of the project leads to is watched, and told by its own name; one to a folder above leads nowhere."""
    (tmp_path / "outside/inner").mkdir(parents=True)
    for name in ("outside/inner/file", "alone", "late"):
        (tmp_path / name).write_text("x")
    for link, target in {"linked": "outside", "file": "alone", "above": "", "broken": "absent"}.items():
        Path(link).symlink_to(tmp_path / target)
    Path("data/loop").symlink_to("../data")
    commands = "cat linked/inner/file file data/loop/raw.csv above/late"
    outside = {"../outside/inner/file", "../alone"}
    assert opened(watcher, lambda: shell(commands)) == outside | {"data/raw.csv"}


def test_a_link_that_appears(watcher: Watcher, tmp_path: Path) -> None:
    """What a new link leads to is watched from the next window on."""
    (tmp_path / "late").write_text("x")
    assert opened(watcher, lambda: Path("new").symlink_to(tmp_path / "late")) == set()
    assert opened(watcher, lambda: shell("cat new")) == {"../late"}
    shell("echo y > ../later; mv ../later ../late")
    assert opened(watcher, lambda: shell("cat new")) == {"../late"}


def test_extra(watcher: Watcher, tmp_path: Path) -> None:
    """Files and folders outside of the project are watched where a window asks for them."""
    (tmp_path / "outside").mkdir()
    for name in ("outside/file", "alone", "other"):
        (tmp_path / name).write_text("x")
    with watcher.window(Path("record"), (), [str(tmp_path / "outside"), str(tmp_path / "alone")]) as window:
        shell("cat ../outside/file ../alone ../other")
    assert names(window) == {"../outside/file", "../alone"}


EXCLUDED = [".git", ".hg", "__pycache__", "node_modules", "lib/site-packages", ".redoit", "data/.redoit-1f", "venv"]


def test_what_is_not_watched(watcher: Watcher, tmp_path: Path) -> None:
    """What lies in folders of tools and virtual environments is not told; they may be there, appear, or be links."""
    for folder in EXCLUDED:
        Path(folder).mkdir(parents=True)
        Path(folder, "file").write_text("x")
    Path("venv/pyvenv.cfg").write_text("home = /usr")
    Path("venv/lib").mkdir()
    Path("venv/lib/file").write_text("x")
    (tmp_path / "state").mkdir()
    (tmp_path / "state/file").write_text("x")
    Path(".redoit-state").symlink_to(tmp_path / "state")
    Path("data/.redoit-1f.lock").write_text("x")
    commands = "cat */file */*/file .git/file .hg/file .redoit*/file data/.redoit-1f/file data/.redoit-1f.lock"
    assert opened(watcher, lambda: shell(commands)) == set()
    Path("data/.git").mkdir()
    Path("data/.git/file").write_text("x")
    assert opened(watcher, lambda: shell("cat data/.git/file")) == set()


def record(path: str, *lines: tuple[str, ...]) -> Path:
    """Write a record as the observer does."""
    Path(path).write_bytes(b"".join(line_of(*fields) for fields in (("scope",), *lines)))
    return Path(path)


def test_overlapping_windows(watcher: Watcher, root: Path) -> None:
    """What another stage declares, or its observer recorded, is not told, whether its window is still open or not."""
    for name in ("declared", "known", "tree/file", "späte", "mine"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("x")
    everything = "cat declared known tree/file späte mine"
    declared = [str(root / "declared"), str(root / "tree")]
    notes = ("read", str(root / "known"), "1"), ("made", str(root / "späte")), ("variable", str(root / "mine"))
    with watcher.window(Path("absent"), ()) as long:
        with watcher.window(record(".redoit-1", *notes), declared) as short:
            shell(everything)
        Path(".redoit-1").unlink()
        with watcher.window(record(".redoit-2", ("read", str(root / "params.yaml"))), ()) as second:
            shell("cat params.yaml data/raw.csv")
    assert names(long) == {"mine", "data/raw.csv"}
    assert names(short) == {"declared", "known", "tree/file", "späte", "mine"}
    assert names(second) == {"params.yaml", "data/raw.csv"}


def test_windows_of_two_threads(watcher: Watcher, root: Path) -> None:
    """Windows of several threads that open at once each tell what was opened in them."""
    barrier, told = threading.Barrier(8, timeout=60), {}

    def stage(number: int) -> None:
        own = root / f"file{number}"
        barrier.wait()
        with watcher.window(Path("absent"), [str(own)]) as window:
            barrier.wait()
            shell(f"cat {own}")
            barrier.wait()
        told[number] = names(window)

    for number in range(8):
        (root / f"file{number}").write_text("x")
    threads = [threading.Thread(target=stage, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == {number: {f"file{number}"} for number in range(8)}


def flood(opens: int) -> None:
    """Let a program open two files in turn, which makes two events each time."""
    code = f"import os\nfor _ in range({opens // 2}):\n    for name in 'ab': os.close(os.open(name, os.O_RDONLY))"
    subprocess.run([sys.executable, "-c", code], check=True)


def is_drained(watcher: Watcher) -> bool:
    """Tell whether the kernel's queue is empty."""
    return not int.from_bytes(fcntl.ioctl(watcher._inotify, termios.FIONREAD, bytes(4)), sys.byteorder)


@pytest.fixture
def two_files() -> None:
    """Make the files of `flood`."""
    for name in "ab":
        Path(name).write_text("x")


@pytest.mark.usefixtures("two_files")
def test_a_queue_that_overflows(watcher: Watcher) -> None:
    """A window in which the kernel lost events is not complete; the next one is, also in a folder made meanwhile."""
    with watcher.window(Path("absent"), ()) as window, watcher._lock:  # nobody drains the queue
        flood(20_000)
        shell("mkdir new; echo x > new/file")
    assert not window.watched
    assert opened(watcher, lambda: shell("cat new/file params.yaml")) == {"new/file", "params.yaml"}


@pytest.mark.usefixtures("two_files")
def test_many_events(watcher: Watcher) -> None:
    """The queue is drained while a window is open: more events than it takes are no loss."""
    with watcher.window(Path("absent"), ()) as window:
        for _ in range(3):
            flood(6000)
            until(lambda: is_drained(watcher))
    assert names(window) == {"a", "b"}


def test_more_folders_than_the_limit(watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    """A window is not complete where a project has more folders than are watched."""
    monkeypatch.setattr("redoit.execution.watcher.MAX_WATCHES", 1)
    with watcher.window(Path("absent"), ()) as window:
        pass
    assert not window.watched


@pytest.mark.parametrize("content", [b"", b"\n\t\n", b"00000000 read\t/x\n", b"00000000 r"])
def test_a_record_that_is_torn(watcher: Watcher, content: bytes) -> None:
    """A record of another stage that is torn claims nothing."""
    Path(".redoit-record").write_bytes(line_of("scope") + content)
    with watcher.window(Path("absent"), ()) as window, watcher.window(Path(".redoit-record"), ()):
        shell("cat params.yaml")
    assert names(window) == {"params.yaml"}


@pytest.mark.parametrize("name", ["\0", "\ud800"])
def test_a_record_that_names_no_path(watcher: Watcher, name: str) -> None:
    """Where the record of another stage names what can't be a path, a window is not complete, and nothing raises."""
    with watcher.window(Path("absent"), ()) as window, watcher.window(record(".redoit-1", ("read", name)), ()):
        shell("cat params.yaml")
    assert not window.watched


FEW = """
import resource, sys
from pathlib import Path
from redoit.execution.watcher import Watcher
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
with Watcher(sys.argv[1]).window(Path("absent"), ()) as window:
    pass
print(window.watched, window.opened)
"""


def test_inotify_that_fails(root: Path) -> None:
    """Where no file can be opened, a window is not complete, and nothing raises."""
    done = subprocess.run([sys.executable, "-c", FEW, root], check=True, capture_output=True, text=True)
    assert done.stdout == "False frozenset()\n"


def test_after_it_was_closed(watcher: Watcher) -> None:
    """A window that is open when the watcher is closed is not complete."""
    with watcher.window(Path("absent"), ()) as window:
        watcher.close()
    assert not window.watched
