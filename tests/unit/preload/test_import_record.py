"""What imports found, and which changes let a fresh process find something else."""

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
from examples import write
from isolated_imports import isolated_imports

from redoit.preload.import_record import UNCHECKABLE, ImportRecord

SOURCE = """
import tabnanny
from mine import value
try:
    import mine.absent
except ImportError:
    pass
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield a project, which is the working directory, with a module that imports others and misses one."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.delitem(sys.modules, "tabnanny", raising=False)
    write(Path(), mine__one=SOURCE, mine__value="VALUE = 1\n", space__inner__two="")
    Path("mine/__init__.py").touch()
    with isolated_imports("mine", "space", "tabnanny"):
        yield tmp_path / "project"


def recorded(*modules: str) -> ImportRecord:
    """Import modules from source; return what was found."""
    record = ImportRecord()
    record.start()
    for module in modules:
        importlib.import_module(module)
    return record


def test_what_was_found_is_recorded_by_its_path(project: Path) -> None:
    """The record has the bytes of each source, the file of each module, and what was looked for in vain."""
    found = recorded("mine.one").found
    for name in ("__init__", "one", "value"):
        path = project / f"mine/{name}.py"
        assert found[str(path)] == path.read_bytes()
    assert found[str(project / "mine")] == str(project / "mine/__init__.py")
    assert found[str(project / "mine/one")] == str(project / "mine/one.py")
    assert found[str(project / "mine/absent")] is found[str(project / "tabnanny")] is None


def test_a_folder_without_init_is_recorded_as_itself(project: Path) -> None:
    """A namespace package is where its folder is."""
    found = recorded("space.inner.two").found
    assert found[str(project / "space")] == str(project / "space")
    assert found[str(project / "space/inner/two")] == str(project / "space/inner/two.py")


CHANGES: dict[str, Callable[[], object]] = {
    "a source": lambda: Path("mine/value.py").write_text("VALUE = 2\n"),
    "a source that is gone": lambda: Path("mine/value.py").unlink(),
    "a package that is gone": lambda: shutil.rmtree("mine"),
    "what was not there": lambda: Path("mine/absent.py").touch(),
    "a package before a module": lambda: (Path("mine/value").mkdir(), Path("mine/value/__init__.py").touch()),
    "a module before a library": lambda: Path("tabnanny.py").touch(),
    "a folder before a library": lambda: Path("tabnanny").mkdir(),
    "a package in place of a folder": lambda: Path("space/__init__.py").touch(),
    "compiled code before source": lambda: Path(f"mine/value{EXTENSION_SUFFIXES[0]}").touch(),
}
OTHERS: dict[str, Callable[[], object]] = {
    "nothing": lambda: None,
    "a file that nobody imported": lambda: Path("mine/other.py").touch(),
    "data": lambda: Path("mine/absent.txt").touch(),
    "the same bytes again": lambda: shutil.move(shutil.copy("mine/value.py", "new"), "mine/value.py"),
    "a folder of byte code": lambda: Path("mine/__pycache__").mkdir(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_what_would_be_found_is_noticed(change: Callable[[], object]) -> None:
    """After a change that lets the same imports find something else, the record is not current."""
    record = recorded("mine.one", "space.inner.two")
    assert record.is_current()
    change()
    assert not record.is_current()


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS)
def test_other_changes_do_not_matter(change: Callable[[], object]) -> None:
    """A change of what the imports did not look for, or that leaves their bytes as they were, does not count."""
    record = recorded("mine.one", "space.inner.two")
    change()
    assert record.is_current()


def test_compiled_code_is_never_current() -> None:
    """A module of compiled code can't be compared later, so that its record is not current at once."""
    Path(f"mine/fast{EXTENSION_SUFFIXES[0]}").write_bytes(b"no library")
    record = ImportRecord()
    record.start()
    with pytest.raises(ImportError):
        importlib.import_module("mine.fast")
    assert not record.is_current()


@pytest.mark.parametrize(("first", "second"), [(b"1", b"2"), (None, "file"), ("file", None), (b"1", None)])
def test_a_path_that_was_found_twice_in_two_ways_is_never_current(
    first: bytes | str | None, second: bytes | str | None
) -> None:
    """What changed while it was imported can't be told from what would be found now."""
    record = ImportRecord()
    for found in (first, second, first):
        record.add("mine/value", found)
    assert record.found == {"mine/value": UNCHECKABLE}
    assert not record.is_current()


def test_nothing_imported_is_current() -> None:
    """Where nothing was looked for, nothing can have changed."""
    assert ImportRecord().is_current()
