"""Files that are read, made, looked for and looked at, and folders that are listed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from observed_process import names, recorded, touched

from redoit.execution.records import Record
from redoit.state.stat_cache import identity


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with a file, a link and a folder, which is the working directory."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    Path("file").write_text("1 2 3\n")
    Path("link").symlink_to("file")
    for name in ("folder/inside", "package/__init__.py"):
        Path(name).parent.mkdir()
        Path(name).touch()
    return tmp_path / "project"


def of(body: str) -> list[Record]:
    """Return what a process records that has imported the usual modules, and then executes this."""
    usual = "import glob, io, linecache, os, shutil, sqlite3, threading\nfrom pathlib import Path\n"
    return [record for record in recorded(usual + body + "\n") if record[0] != "native"]


READS = {
    "open": "open('file').read()",
    "bytes": "open(b'file', 'rb').read()",
    "to be changed": "open('file', 'r+').close()",
    "a buffer": "io.FileIO('file').read()",
    "io.open_code": "io.open_code(os.path.abspath('file')).read()",
    "pathlib": "Path('file').read_text()",
    "os.open": "os.open('file', os.O_RDONLY)",
    "another name of it": "open('folder/../file').read()",
    "a link": "open('link').read()",
    "from another folder": "os.chdir('folder'); open('../file').read()",
    "copied": "shutil.copyfile('file', '../copy')",
    "moved into a database": "sqlite3.connect('file')",
    "a line": "linecache.getline('file', 1)",
    "in a thread": "thread = threading.Thread(target=Path('file').read_text); thread.start(); thread.join()",
    "numpy": "import numpy; numpy.loadtxt('file')",
    "memory": "import mmap; mmap.mmap(os.open('file', os.O_RDONLY), 0, prot=mmap.PROT_READ)",
    "fileinput": "import fileinput; list(fileinput.input(['file']))",
    "csv": "import csv; list(csv.reader(open('file')))",
    "tokenize": "import tokenize; tokenize.open('file').read()",
    "configparser": "import configparser; configparser.RawConfigParser().read_file(['[a]', *open('file')][:1])",
    "gzip": "import gzip; gzip.open('file').close()",
    "append, then read": "file = open('file', 'a+'); file.seek(0); file.read()",
    "importlib.resources": "import importlib.resources as r; r.files('package').joinpath('../file').read_text()",
    "dir_fd": "os.read(os.open('file', os.O_RDONLY, dir_fd=os.open('.', os.O_RDONLY)), 1)",
}


@pytest.mark.parametrize("way", READS)
def test_a_file_that_is_read(way: str) -> None:
    """A file that is opened to be read is recorded as it is then, however it is opened."""
    found = [record for record in of(READS[way]) if record[0] == "read"]
    changed = way in ("to be changed", "append, then read")
    assert [record[1] for record in found] == ["file"]
    assert changed or found[0][2:] == tuple(map(str, identity("file") or ()))


def test_a_file_is_recorded_before_it_is_changed() -> None:
    """What a file was when it was read first is recorded, though the process then writes it."""
    before = tuple(map(str, identity("file") or ()))
    found = of("open('file').read(); open('file', 'w').write('other'); open('file').read()")
    assert [record for record in found if record[0] == "read"] == [("read", "file", *before)]
    assert names("made", found) == ["file"]


OWN = {
    "written": "open('new', 'w').write('x'); open('new').read()",
    "renamed": "open('new', 'w').close(); os.rename('new', 'other'); open('other').read()",
    "replaced": "open('../new', 'w').close(); os.replace('../new', 'other'); open('other').read()",
    "made a folder": "os.mkdir('made'); Path('made/x').write_text('x'); Path('made/x').read_text(); os.listdir('made')",
    "made folders": "os.makedirs('made/deep'); os.path.exists('made/deep/no'); os.stat('made')",
    "a database": "sqlite3.connect('new.db').execute('create table a (b)'); open('new.db', 'rb').read()",
    "a copied tree": "shutil.copytree('folder', 'copy'); list(Path('copy').rglob('*')); open('copy/inside').read()",
}


@pytest.mark.parametrize("body", OWN.values(), ids=OWN)
def test_what_the_process_made_is_its_own(body: str) -> None:
    """What a process made, or moved there, it may read, look at and list."""
    made = set()
    for kind, path, *_ in of(body):
        if kind == "made":
            made.add(path)
        elif kind in ("read", "status", "folder"):
            assert not {path, *map(str, Path(path).parents)} & made
    assert made


ABSENT = {
    "open": "try: open('no')\nexcept OSError: pass",
    "os.open": "try: os.open('no', os.O_RDONLY)\nexcept OSError: pass",
    "exists": "os.path.exists('no')",
    "pathlib": "Path('no').exists()",
    "is_file": "Path('no').is_file()",
    "stat": "try: os.stat('no')\nexcept OSError: pass",
    "lstat": "try: os.lstat('no')\nexcept OSError: pass",
    "access": "os.access('no', os.R_OK)",
    "isdir": "os.path.isdir('no')",
    "glob": "glob.glob('no')",
    "in a thread": "thread = threading.Thread(target=os.path.exists, args=('no',)); thread.start(); thread.join()",
}


@pytest.mark.parametrize("body", ABSENT.values(), ids=ABSENT)
def test_what_is_looked_for_in_vain(body: str) -> None:
    """What is not there when somebody looks for it is recorded, however it is looked for."""
    assert names("absent", of(body)) == ["no"]


def test_what_is_there() -> None:
    """Who asks whether a file is there learns its type, and only who sees its status its size."""
    kind = str(0o100000)
    assert of("os.path.exists('file')") == [("status", "file", kind, "")]
    assert of("Path('file').is_file()") == [("status", "file", kind, "")]
    assert of("os.path.getsize('file')") == [("status", "file", kind, "6")]
    assert of("os.stat('file')") == [("status", "file", kind, "6")]
    assert of("os.stat('folder')") == [("status", "folder", str(0o040000), "")]


@pytest.mark.parametrize("body", ["os.readlink('link')", "Path('link').readlink()", "Path('link').resolve()"])
def test_where_a_link_leads(body: str) -> None:
    """Where a link leads is recorded for who reads it, or resolves a path."""
    assert ("link", "link", "file", "asked") in of(body)


LISTS = {
    "os.listdir": "os.listdir('folder')",
    "a number": "os.listdir(os.open('folder', os.O_RDONLY))",
    "os.scandir": "list(os.scandir('folder'))",
    "os.walk": "list(os.walk('folder'))",
    "iterdir": "list(Path('folder').iterdir())",
    "glob": "glob.glob('folder/*')",
    "pathlib's glob": "list(Path('folder').glob('*'))",
    "rglob": "list(Path('folder').rglob('*'))",
    "the working directory": "os.chdir('folder'); os.listdir()",
    "in a thread": "thread = threading.Thread(target=os.listdir, args=('folder',)); thread.start(); thread.join()",
}


@pytest.mark.parametrize("body", LISTS.values(), ids=LISTS)
def test_a_folder_that_is_listed(body: str) -> None:
    """A folder that is listed is recorded with its names, however it is listed."""
    assert [record for record in of(body) if record[0] == "folder"] == [("folder", "folder", "inside")]


def test_what_the_import_system_lists_is_not_recorded() -> None:
    """Imports list the folders that they search, and look for files there: neither is the step's doing."""
    body = """
import importlib.metadata
import package
try:
    import package.absent
except ImportError:
    pass
try:
    importlib.metadata.version("absent")
except importlib.metadata.PackageNotFoundError:
    pass
"""
    assert [record for record in recorded(body) if record[0] in ("folder", "absent", "status", "read")] == []


def test_a_source_that_is_executed_by_its_path_is_not_read() -> None:
    """A source that `runpy` opens, as an archive and then to execute it, counts as code: its comments are not read."""
    Path("folder/plugin.py").touch()
    records = touched("import runpy; runpy.run_path('folder/plugin.py')")
    assert [*records.of("read")] == []
    assert os.path.abspath("folder/plugin.py") in {path for path, *_ in records.of("imported")}


def test_what_a_traceback_shows_is_not_read() -> None:
    """Lines that tracebacks, warnings and logs show are read by nobody who decides by them."""
    body = """
import logging, traceback, warnings
warnings.warn("shown")
try:
    int("x")
except ValueError:
    traceback.print_exc()
    logging.exception("shown")
"""
    assert [record for record in recorded(body) if record[0] in ("read", "status", "absent", "folder")] == []


def test_metadata_that_is_read() -> None:
    """The distribution whose version is asked for is recorded: what is looked for, and the folder that is read."""
    found = touched("from importlib.metadata import version; version('doit')")
    assert {folder.partition("-")[0] for (folder,) in found.of("distribution")} == {"doit"}


def test_metadata_that_is_not_there() -> None:
    """A distribution whose version the project asks for in vain is recorded."""
    body = "import importlib.metadata as m\ntry: m.version('not-there')\nexcept m.PackageNotFoundError: pass\n"
    assert list(touched(body).of("distribution")) == [("not-there",)]
    body = "import importlib.metadata as m\nm.entry_points()\n"
    assert list(touched(body).of("distribution")) == [("*",)]


def test_wrapped_functions_behave() -> None:
    """Functions that are wrapped take what they took, and are among those that others ask about."""
    body = """
import os, shutil
assert os.stat(path="file").st_size == os.stat(os.open("file", os.O_RDONLY)).st_size == 6
assert os.stat("link", follow_symlinks=False).st_size == 4
assert os.access("file", os.R_OK, follow_symlinks=True)
assert os.readlink(b"link") == b"file"
assert {os.stat, os.access} <= os.supports_dir_fd and os.stat in os.supports_follow_symlinks
assert os.stat.__name__ == "stat" and shutil.rmtree.avoids_symlink_attacks
assert os.stat("inside", dir_fd=os.open("folder", os.O_RDONLY)).st_size == 0
for wrong in (None, 1.5, "nul\\0"):
    try:
        os.stat(wrong)
    except (TypeError, ValueError):
        pass
    else:
        raise AssertionError(wrong)
"""
    recorded(body)


def test_an_observer_without_a_file_does_no_harm(project: Path) -> None:
    """A process whose record file is gone, or can't be written, goes on."""
    code = "import os; os.close(os.open('file', 0)); os.listdir('.'); print(os.environ['REDOIT_OBSERVE'])"
    for record in ("gone/nowhere", "/proc/version", str(project)):
        environment = {**os.environ, "REDOIT_OBSERVE": record}
        command = [sys.executable, "-W", "error", "-c", code]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert (done.stdout, done.stderr) == (f"{record}\n", "")
