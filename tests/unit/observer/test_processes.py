"""Programs that a process starts are recorded, and Python among them is observed in turn."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from observed_process import recorded, touched

PYTHON = f'"{sys.executable}"'
CHILD = "open('read-by-child').read()\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("read-by-child").write_text("x")
    Path("child.py").write_text(CHILD)
    Path("folder").mkdir()
    Path("folder/read-by-child").write_text("x")
    return tmp_path


WAYS = {
    "script": f"subprocess.run([{PYTHON}, 'child.py'])",
    "-m": f"subprocess.run([{PYTHON}, '-m', 'child'])",
    "-c": f"subprocess.run([{PYTHON}, '-c', 'import child'])",
    "isolated": f"subprocess.run([{PYTHON}, '-I', 'child.py'])",
    "no variables": f"subprocess.run([{PYTHON}, 'child.py'], env={{}})",
    "variables of its own": f"subprocess.run([{PYTHON}, 'child.py'], env={{'A': '1'}})",
    "in another folder": f"subprocess.run([{PYTHON}, '../child.py'], cwd='folder')",
    "shell": f"subprocess.run({sys.executable!r} + ' child.py', shell=True)",
    "a shell with no variables": f"subprocess.run({sys.executable!r} + ' child.py', shell=True, env={{}})",
    "os.system": f"os.system({sys.executable!r} + ' child.py')",
    "os.popen": f"os.popen({sys.executable!r} + ' child.py').read()",
    "standard input": f"subprocess.run([{PYTHON}, '-'], input=open('child.py', 'rb').read())",
    "posix_spawn": f"os.waitpid(os.posix_spawn({PYTHON}, [{PYTHON}, 'child.py'], {{}}), 0)",
    "posix_spawnp": f"os.waitpid(os.posix_spawnp({PYTHON}, [{PYTHON}, 'child.py'], os.environ), 0)",
    "spawnv": f"os.spawnv(os.P_WAIT, {PYTHON}, [{PYTHON}, 'child.py'])",
    "fork": "os.fork() or (exec(open('child.py').read()), os._exit(0)); os.wait()",
    "exec": f"os.fork() or os.execv({PYTHON}, [{PYTHON}, 'child.py']); os.wait()",
    "a grandchild": f"subprocess.run([{PYTHON}, '-c', 'import subprocess, sys;"
    ' subprocess.run([sys.executable, "child.py"], env={})\'])',
    "asyncio": f"async def main():\n    await (await asyncio.create_subprocess_exec({PYTHON}, 'child.py')).wait()\n"
    "asyncio.run(main())",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_python_child_is_observed(project: Path, way: str) -> None:
    """A Python process that is started, in whatever way, records what it reads."""
    body = f"import asyncio, os, subprocess\n{WAYS[way]}\n"
    folder = "folder/" if way == "in another folder" else ""
    assert str(project / f"{folder}read-by-child") in {path for path, *_ in touched(body).of("read")}


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_are_observed(project: Path, method: str) -> None:
    """Worker processes record what they execute and read."""
    Path("work.py").write_text(f"def read(name):\n    {CHILD}")
    body = f"""
        import multiprocessing
        import work
        if __name__ == "probe":
            with multiprocessing.get_context({method!r}).Pool(1) as pool:
                pool.map(work.read, ["x"])
    """
    found = touched(body)
    assert str(project / "read-by-child") in {path for path, *_ in found.of("read")}
    assert not found.torn


def test_a_program_is_recorded_with_its_folder_and_arguments() -> None:
    """A program's number, folder and arguments are recorded; of a command line that a shell gets, the text."""
    body = "import os, subprocess\nsubprocess.run(['cat', 'read-by-child'], cwd='folder')\nos.system('true a')\n"
    programs = [record for record in recorded(body) if record[0] == "program"]
    assert [record[2:] for record in programs] == [
        ("folder", shutil.which("cat"), "read-by-child"),
        (os.getcwd(), "sh", "-c", "true a"),
    ]
    assert int(programs[0][1]) > 0


def test_a_program_is_the_one_that_is_executed(project: Path) -> None:
    """A program is recorded by its path, as the PATH that it is given finds it."""
    (project / "bin").mkdir()
    (project / "bin/python3").symlink_to("/bin/true")
    ways = (
        f"subprocess.run(['python3'], env={{'PATH': '{project}/bin'}})",
        "subprocess.run(['x'], executable='/bin/true')",
    )
    found = recorded("import subprocess\n" + "\n".join(ways) + "\n")
    assert [record[3] for record in found if record[0] == "program"] == ["bin/python3", "/bin/true"]


def test_a_python_child_is_known_by_its_number() -> None:
    """A child that was observed has a process record of the number that the program was started with."""
    found = touched(f"import subprocess\nsubprocess.run([{PYTHON}, 'child.py'])\n")
    (program,) = (number for number, *_ in found.of("program"))
    assert program in {number for number, *_ in found.of("process")}


def test_a_child_that_is_not_observed_has_no_process() -> None:
    """Python without site-packages is not observed: of it there is only the program."""
    found = touched(f"import subprocess\nsubprocess.run([{PYTHON}, '-S', 'child.py'])\n")
    (program,) = (number for number, *_ in found.of("program"))
    assert program not in {number for number, *_ in found.of("process")}


def test_all_arguments_are_recorded() -> None:
    """However many arguments a program has, all are recorded: each may name a file."""
    body = "import subprocess\nsubprocess.run(['true', *(['x' * 1000] * 1000)])\n"
    (program,) = (record for record in recorded(body) if record[0] == "program")
    assert program[3:] == (shutil.which("true"), *(["x" * 1000] * 1000))


def test_who_is_killed_has_told_all() -> None:
    """What a process did before it was killed is recorded."""
    child = "open('read-by-child').read(), os.kill(os.getpid(), signal.SIGKILL)"
    found = touched(f"import os, signal\nos.fork() or ({child})\nos.wait()\n")
    assert [Path(path).name for path, *_ in found.of("read")] == ["read-by-child"]
    assert not found.torn


def test_a_child_that_changes_its_open_files_records() -> None:
    """A process that closes all its files, as daemons do, still appends to the record."""
    found = recorded("import os\nos.closerange(3, 256)\nopen('read-by-child').read()\n")
    assert [record[:2] for record in found] == [("read", "read-by-child")]
