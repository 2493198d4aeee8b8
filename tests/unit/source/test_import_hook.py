"""What is imported from its source, and what as Python would import it."""

import importlib
import os
import py_compile
import sys
import zipfile
from collections.abc import Iterator
from importlib.machinery import PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from examples import write
from isolated_imports import isolated_imports

from redoit.source.import_hook import import_from_source, project_roots


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield a project, which is the working directory, beside other folders."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    with isolated_imports("mine", "mine_too"):
        yield tmp_path / "project"


def stale_byte_code(path: Path) -> None:
    """Write a module with byte code that looks current and is not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("VALUE = 1\n")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert py_compile.compile(str(path), doraise=True)
    path.write_text("VALUE = 2\n")
    os.utime(path, (1_700_000_000, 1_700_000_000))


def test_the_roots_are_the_project_and_its_src(project: Path) -> None:
    """The project is imported from its folder, then from `src` if that is a folder."""
    assert project_roots() == [str(project)]
    (project / "src").touch()
    assert project_roots() == [str(project)]
    (project / "src").unlink()
    (project / "src").mkdir()
    assert project_roots() == [str(project), str(project / "src")]


def test_the_project_goes_before_what_is_installed(project: Path) -> None:
    """A module of the project is found before any other of its name, and its folder before `src`."""
    write(project, mine="PLACE = 'project'\n", src__mine="PLACE = 'src'\n")
    write(project.parent, other__mine="PLACE = 'other'\n")
    sys.path.insert(0, str(project.parent / "other"))
    import_from_source()
    assert sys.path[:3] == [str(project), str(project / "src"), str(project.parent / "other")]
    assert importlib.import_module("mine").PLACE == "project"


def test_byte_code_that_looks_current_is_not_used(project: Path) -> None:
    """A module that was edited within the second, at the same size, is compiled from its source."""
    stale_byte_code(project / "mine/old.py")
    import_from_source()
    assert importlib.import_module("mine.old").VALUE == 2


def test_no_module_leaves_byte_code(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on no import writes byte code, also of what is not the project's."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    write(project.parent, other__mine="VALUE = 1\n")
    sys.path.insert(0, str(project.parent / "other"))
    import_from_source()
    assert importlib.import_module("mine").VALUE == 1
    assert [path.name for path in (project.parent / "other").iterdir()] == ["mine.py"]


@pytest.mark.parametrize(
    ("folder", "value"),
    [
        ("project", 2),
        ("project/src", 2),
        ("project/steps/deep", 2),
        ("project/my-site-packages", 2),
        ("project/.venv/lib/site-packages", 1),
        ("project2", 2),
        (".", 2),
        ("given/site-packages", 1),
        ("given/with-metadata", 1),
    ],
)
def test_only_the_project_is_compiled_anew(
    project: Path, folder: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is installed, inside the checkout or outside, is imported as Python does it; all else from source."""
    (project.parent / "given/with-metadata/one-1.dist-info").mkdir(parents=True)
    monkeypatch.setenv("PYTHONPATH", f"{project.parent}/given/with-metadata")
    stale_byte_code(project.parent / folder / "mine.py")
    import_from_source()
    sys.path.insert(0, str(project.parent / folder))
    assert value == importlib.import_module("mine").VALUE


def test_a_project_may_lie_below_what_is_installed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project in a folder that is named as that of installed packages is compiled from source as any other."""
    stale_byte_code(project / "site-packages/project/mine.py")
    monkeypatch.chdir("site-packages/project")
    import_from_source()
    assert importlib.import_module("mine").VALUE == 2


def test_a_folder_that_was_looked_into_before(project: Path) -> None:
    """What Python knows of the project's folders from before does not let it read byte code."""
    stale_byte_code(project / "mine.py")
    assert PathFinder.find_spec("mine", [str(project)])
    import_from_source()
    assert importlib.import_module("mine").VALUE == 2


def test_who_wants_to_know_gets_each_source(project: Path) -> None:
    """The path and the bytes of each source of the project are handed on, of nothing else."""
    write(project, mine="import tabnanny\nVALUE = 1\n")
    read = []
    import_from_source(lambda *found: read.append(found))
    importlib.import_module("mine")
    assert read == [(str(project / "mine.py"), (project / "mine.py").read_bytes())]


def test_an_error_of_a_module_is_its_own(project: Path) -> None:
    """A module that can't be compiled raises what Python raises, with its file and line."""
    write(project, mine="VALUE = 1\nodd odd\n")
    import_from_source()
    with pytest.raises(SyntaxError) as caught:
        importlib.import_module("mine")
    assert (caught.value.filename, caught.value.lineno) == (str(project / "mine.py"), 2)


def test_byte_code_of_the_project_elsewhere_is_not_used(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module on PYTHONPATH, and one that the finder of an editable install gives a loader, are compiled, too."""
    stale_byte_code(project.parent / "other/mine/one.py")
    stale_byte_code(project.parent / "mine/two.py")
    monkeypatch.setenv("PYTHONPATH", f"{project.parent}/other")
    sys.path.append(f"{project.parent}/other")
    import_from_source()
    assert importlib.import_module("mine.one").VALUE == 2
    spec = spec_from_file_location("mine.two", project.parent / "mine/two.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.VALUE == 2


def test_byte_code_without_source_and_archives_are_imported(project: Path) -> None:
    """What has no source is imported as Python does it."""
    write(project, mine__one="VALUE = 1\n")
    py_compile.compile("mine/one.py", "mine/two.pyc", doraise=True)
    with zipfile.ZipFile("lib.zip", "w") as archive:
        archive.writestr("mine_too.py", "VALUE = 3\n")
    import_from_source()
    sys.path.append("lib.zip")
    assert [importlib.import_module(name).VALUE for name in ("mine.one", "mine.two", "mine_too")] == [1, 1, 3]
