"""What a step reads is noted: files of the project, and environment variables that its code asks for."""

import os
import sys
from pathlib import Path

import pytest
from examples import write
from forked_steps import Execute
from fresh_process import finished

from redoit.execution.executor import StepCall, StepResult
from redoit.execution.executor import execute as fresh

execute: Execute = fresh


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project, which is the working directory."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("ASKED", "1")
    return tmp_path / "project"


@pytest.fixture(autouse=True)
def ways(executing: Execute, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test be in a fresh process, and in a fork."""
    monkeypatch.setattr(sys.modules[__name__], "execute", executing)


def noted(body: str) -> StepResult:
    """Execute a step with this body, and return what was noted."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    write(Path(), mine__one=f"import common, os, subprocess\nfrom pathlib import Path\n\ndef run():\n{lines}\n")
    return execute(StepCall("mine.one", {}, ()), Path("log"), None, None)


IMPORTED = {"common.py", "mine/one.py"}


def test_only_a_folder_of_installed_packages_is_left_out() -> None:
    """A file is of the project though its name resembles such a folder's; what lies in one is not."""
    Path("site-packages.txt").write_text("content")
    Path("lib/site-packages").mkdir(parents=True)
    Path("lib/site-packages/file").write_text("content")
    body = "open('site-packages.txt').read()\nopen('lib/site-packages/file').read()"
    assert set(noted(body).files_read) == {"site-packages.txt", *IMPORTED}


READS = ["open('file')", "Path('sub/../file').read_bytes()", "os.open('file', os.O_RDONLY)", "open('file', 'r+')"]


@pytest.mark.parametrize("body", READS)
def test_a_file_of_the_project_is_noted(body: str) -> None:
    """A file that is opened to be read is noted by its path from the project, however it is named."""
    Path("file").write_text("content")
    Path("sub").mkdir()
    assert set(noted(body).files_read) == {"file", *IMPORTED}


OTHERS = [
    "open('file', 'w').write('x')\nopen('file').read()",
    "open('new', 'w').close()\nos.rename('new', 'other')\nopen('other').read()",
    "open('../outside').read()",
    "os.listdir('.')",
    "try: open('absent')\nexcept OSError: pass",
    "os.chdir('..')\nopen('outside').read()",
    "open(os.dup(0))",
]


@pytest.mark.parametrize("body", OTHERS)
def test_what_is_not_noted(body: str) -> None:
    """What the step wrote itself, what is outside of the project or not there, is not noted."""
    Path("file").write_text("content")
    Path("../outside").write_text("content")
    assert set(noted(body).files_read) == IMPORTED


ASKS = ["os.environ['ASKED']", "os.environ.get('ASKED')", "os.getenv('ASKED')", "'ASKED' in os.environ",
        "os.environb[b'ASKED']", "os.environ.setdefault('ASKED', '2')"]  # fmt: skip


@pytest.mark.parametrize("body", ASKS)
def test_a_variable_is_noted(body: str) -> None:
    """An environment variable that code of the project asks for is noted, however it asks."""
    assert noted(body).variables_read == ("ASKED",)


def test_what_an_import_asks_for_is_noted() -> None:
    """What a module reads and asks for while it is imported counts for each step that imports it."""
    Path("common.py").write_text("import os\nos.environ.get('ASKED')\nopen('../outside')\n")
    Path("../outside").write_text("content")
    first, second = noted("pass"), noted("pass")
    assert first == second == StepResult({}, tuple(sorted(IMPORTED)), ("ASKED",))


NEVER = [
    "subprocess.run(['true'], env={**os.environ, 'MORE': '1'})",
    "dict(os.environ)",
    "os.environ.copy()",
    "os.environ['NEW'] = '1'",
    "import tempfile\ntempfile.gettempdir()",
]


@pytest.mark.parametrize("body", NEVER)
def test_a_variable_that_no_code_reads(body: str) -> None:
    """To pass the environment on, to set a variable, or what a library asks for, is not noted."""
    assert noted(body).variables_read == ()


def test_the_tag_of_a_step_is_in_its_environment() -> None:
    """Processes that a step starts have a tag, which redoit's own processes have not."""
    assert noted("assert os.environ['REDOIT_STEP']").warnings == ()
    assert "REDOIT_STEP" not in os.environ


def test_what_redoit_asks_for_is_not_the_projects() -> None:
    """Where redoit itself lies in the project, as in its repository, what it reads is not what the step reads."""
    code = """if True:
        import json
        from pathlib import Path
        from redoit.execution.access_audit import AccessAudit
        audit = AccessAudit(Path.cwd())
        from redoit.source.search_path import SearchPath
        SearchPath(Path.cwd()).find_own("steps.train")
        print(json.dumps(audit.variables_read))
    """
    assert finished(code).facts == []
