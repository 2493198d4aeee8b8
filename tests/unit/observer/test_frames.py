"""Whose code it is: by its file, and by the frames that lead to an event."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from observed_process import names, recorded

import redoit
from redoit.observer.frames import is_import, is_installed, is_of, is_standard

LIBRARY = sysconfig.get_path("stdlib")
PACKAGES = sysconfig.get_path("purelib")

KINDS = {
    f"{LIBRARY}/json/decoder.py": (True, True, False),
    f"{LIBRARY}/importlib/__init__.py": (True, True, True),
    f"{PACKAGES}/numpy/core.py": (True, False, False),
    "/usr/lib/python3/dist-packages/numpy.py": (True, False, False),
    f"{sys.prefix}/bin/tool": (sys.prefix != sys.base_prefix, False, False),
    f"{sys.prefix}/src/project/steps/train.py": (False, False, False),
    f"{sys.prefix}/src/project/site-packages/a.py": (True, False, False),
    "<frozen importlib._bootstrap>": (False, True, True),
    "<frozen os>": (False, True, False),
    "<string>": (False, False, False),
    "/project/steps/train.py": (False, False, False),
    "/project/lib-site-packages/a.py": (False, False, False),
}


@pytest.mark.parametrize(("file", "kinds"), KINDS.items())
def test_whose_code_a_file_is(file: str, kinds: tuple[bool, bool, bool]) -> None:
    """A file is installed, of the standard library, of the import system, or none of these."""
    assert (is_installed(file), is_standard(file), is_import(file)) == kinds


@pytest.mark.parametrize("module", ["tokenize.py", "linecache.py", "importlib/__init__.py", "pkgutil.py"])
def test_a_file_named_as_one_of_python(module: str) -> None:
    """Code is of a module of the standard library by where it lies, not by its name."""
    assert is_of(f"{LIBRARY}/{module}", module)
    assert not is_of(f"/project/steps/{module}", module)
    assert not is_import(f"/project/steps/{module}")


@pytest.fixture
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a project with a file, and a library."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASKED", "1")
    library = tmp_path / "lib/site-packages/library.py"
    library.parent.mkdir(parents=True)
    library.write_text("import os\nvalue = os.environ.get('ASKED')\nos.stat('file')\n")
    Path("file").touch()


@pytest.mark.usefixtures("_project")
@pytest.mark.parametrize(
    "body",
    [
        "import os; os.path.expanduser('~')",
        "from pathlib import Path; Path.home(); Path('~/x').expanduser()",
        "import tempfile; tempfile.gettempdir()",
    ],
)
def test_where_a_home_or_temporary_folder_lies_is_not_asked(body: str) -> None:
    """To look up the home folder, or that for temporary files, asks for no variable that counts."""
    assert set(names("variable", recorded(body))) <= {"TMPDIR", "TEMP", "TMP"}


@pytest.mark.usefixtures("_project")
def test_a_library_asks_for_itself() -> None:
    """What an installed library asks for is recorded as such; a file that it looks at counts as anybody's."""
    found = recorded("import sys; sys.path.append('lib/site-packages'); import library")
    assert [record for record in found if record[0] == "variable"] == [("variable", "ASKED", "library")]
    assert names("status", found) == ["file"]


@pytest.mark.usefixtures("_project")
def test_what_redoit_itself_does_is_not_observed() -> None:
    """What redoit's own code reads in the process of a step, and asks for, is not what the step does."""
    body = "from redoit.source.search_path import SearchPath; SearchPath('.').find_own('probe')"
    assert [record for record in recorded(body) if record[0] not in ("native", "folder")] == []


def test_to_observe_imports_little(tmp_path: Path) -> None:
    """A process that is observed has imported the observer, and nothing of the standard library or of redoit else."""
    code = "import sys, {}; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(Path(redoit.__file__).parents[1])}

    def modules(name: str) -> set[str]:
        command = [sys.executable, "-S", "-c", code.format(name)]
        return set(subprocess.check_output(command, env=environment, cwd=tmp_path, text=True).split())

    names_ = ("code", "environment", "files", "processes", "record", "frames")
    usual = modules("os, stat, posixpath, binascii, fcntl")
    added = modules(", ".join(f"redoit.observer.{name}" for name in names_)) - usual
    assert added == {"__future__", "redoit", "redoit.observer", *(f"redoit.observer.{name}" for name in names_)}
