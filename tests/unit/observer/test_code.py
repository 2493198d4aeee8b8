"""Which code of the project is executed, which packages are imported; and that no stale byte code is executed."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from examples import write
from observed_process import recorded, touched

from redoit.execution.records import Touched

MODULE = """
import functools

def called(): return [inner() for inner in [lambda: 1]]
def uncalled(): return 2
def generator(): yield 3
async def coroutine(): return 4
class Thing:
    value = 5
    def method(self): return 6
    @property
    def shown(self): return 7
    def unused(self): return 8
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with a module, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, mine__code=MODULE, mine__plugin="def hook(): return 1\n")
    return tmp_path


def executed(found: Touched) -> dict[str, set[str]]:
    """Return file -> qualified names of the code that was executed."""
    files: dict[str, set[str]] = {}
    for path, name, *_ in found.of("code"):
        files.setdefault(os.path.relpath(path), set()).add(name)
    return files


@pytest.mark.parametrize("statement", ["import mine.code", "from mine.code import called", "from mine import code"])
def test_a_module_that_is_imported(project: Path, statement: str) -> None:
    """A module that is executed is recorded with the file whose import statement did it."""
    code = {path: importer for path, name, _, importer in touched(statement).of("code") if name == "<module>"}
    assert code[str(project / "mine/code.py")] == str(project / "probe.py")


def test_a_module_that_is_imported_by_a_computed_name(project: Path) -> None:
    """What `importlib.import_module` executes is by no statement's doing."""
    body = "import importlib\nimportlib.import_module('mine.' + 'code')\n"
    code = {path: importer for path, name, _, importer in touched(body).of("code") if name == "<module>"}
    assert code[str(project / "mine/code.py")] == ""


BY_PATH = {
    "a spec": "import importlib.util as u; s = u.spec_from_file_location('x', 'mine/plugin.py');"
    " m = u.module_from_spec(s); s.loader.exec_module(m)",
    "a loader": "from importlib.machinery import SourceFileLoader as L; L('x', 'mine/plugin.py').load_module()",
    "runpy": "import runpy; runpy.run_path('mine/plugin.py')",
    "runpy of a module": "import runpy; runpy.run_module('mine.plugin')",
    "exec": "exec(compile(open('mine/plugin.py').read(), 'mine/plugin.py', 'exec'))",
    "a script": "import subprocess, sys; subprocess.run([sys.executable, 'mine/plugin.py'])",
    "-m": "import subprocess, sys; subprocess.run([sys.executable, '-m', 'mine.plugin'])",
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("body", BY_PATH.values(), ids=BY_PATH)
def test_a_file_that_is_executed(body: str) -> None:
    """A file that is executed in another way than by its module's name is recorded."""
    assert "<module>" in executed(touched(body))["mine/plugin.py"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="functions are seen from Python 3.12 on")
def test_functions_that_are_called() -> None:
    """From Python 3.12 on each function that is called is recorded, in whatever thread, and no other."""
    body = """
        import asyncio
        import threading
        from mine.code import Thing, called, coroutine, generator
        called()
        list(generator())
        asyncio.run(coroutine())
        thread = threading.Thread(target=lambda: Thing().method() + Thing().shown)
        thread.start()
        thread.join()
    """
    assert executed(touched(body))["mine/code.py"] == {
        "<module>", "called", "called.<locals>.<lambda>", "generator", "coroutine", "Thing.method", "Thing.shown",
    }  # fmt: skip


@pytest.mark.skipif(sys.version_info < (3, 12), reason="functions are seen from Python 3.12 on")
def test_what_is_called_while_an_event_is_observed() -> None:
    """A function that runs below the audit hook, as a finalizer may, is recorded."""
    body = """
        import sys
        class Place:
            def __fspath__(self):
                return "."
        sys.audit("os.listdir", Place())
    """
    assert "Place.__fspath__" in executed(touched(body))["probe.py"]


def test_what_an_unpickler_asks_for() -> None:
    """Classes and functions that an unpickler looks up are recorded by name, but those of the standard library."""
    body = """
        import collections, pickle, mine.code
        things = [mine.code.Thing(), mine.code.called, collections.OrderedDict()]
        pickle.loads(pickle.dumps(things))
        pickle._loads(pickle.dumps(mine.code.generator))
    """
    assert list(touched(body).of("unpickled")) == [
        ("mine.code", "Thing"), ("mine.code", "called"), ("mine.code", "generator"),
    ]  # fmt: skip


def test_a_function_whose_code_is_read() -> None:
    """A function that somebody compiles by its code is recorded, though it is not called, whatever it says it is."""
    found = touched("import mine.code as c; c.uncalled.__module__ = 'json'; c.uncalled.__code__; len.__call__")
    assert "uncalled" in executed(found)["mine/code.py"]


@pytest.mark.parametrize("work", ["sys.settrace(print)", "sys.setprofile(None)", "sys.addaudithook(lambda *_: None)"])
def test_calls_that_python_does_not_report(work: str) -> None:
    """Python reports no call below a trace function, a profiler or an audit hook of the step: that is recorded."""
    assert list(touched(f"import sys; {work}; sys.settrace(None)").of("unseen")) == [("",)]
    assert list(touched("import mine.code").of("unseen")) == []


def test_source_that_is_read() -> None:
    """A definition of which the source is read is recorded; a traceback and a warning read none."""
    body = """
        import inspect, linecache, traceback, warnings, mine.code
        inspect.getsource(mine.code.uncalled)
        inspect.getsource(mine.code.Thing)
        warnings.warn("shown")
        try:
            raise ValueError
        except ValueError:
            traceback.print_exc()
    """
    found = touched(body)
    named = {*(record[:2] for record in found.of("function")), *((Path(f).stem, n) for f, n, *_ in found.of("code"))}
    assert {("mine.code", "uncalled"), ("code", "uncalled")} & named
    assert ("mine.code", "Thing") in named
    assert [path for path, *_ in found.of("read")] == []


def test_packages_that_are_imported() -> None:
    """A package that the project asks for is told from one that another package needs, or that only is looked for."""
    for name, source in {"asked": "import needed\nimport absent_too\n", "needed": "", "unused": ""}.items():
        text = source.replace("import absent_too", "try:\n    import absent_too\nexcept ImportError:\n    pass")
        write(Path("lib/site-packages"), **{name: text})
    body = """
        import json, sys
        sys.path.append("lib/site-packages")
        import asked
        try:
            import absent
        except ImportError:
            pass
    """
    assert set(touched(body).of("module")) == {("asked", "asked"), ("needed", ""), ("absent", "asked")}


LOOKS = [
    "import no_such",
    "__import__('no_such')",
    "import importlib; importlib.import_module('no_such')",
    "import importlib.util; importlib.util.find_spec('no_such')",
    "import pkgutil; pkgutil.resolve_name('no_such')",
]


@pytest.mark.parametrize("body", LOOKS)
def test_a_module_that_is_not_there(body: str) -> None:
    """A module that the project looks for in vain is recorded, however it does."""
    found = recorded(f"try:\n    {body}\nexcept ImportError:\n    pass\n")
    assert [record for record in found if record[0] == "module"] == [("module", "no_such", "asked")]


NATIVE = {
    "import sqlite3": True,
    "import ctypes": True,
    "import numpy": True,
    "import json": False,
    "import math": False,
}


@pytest.mark.parametrize(("body", "native"), NATIVE.items())
def test_c_code_that_may_open_files(body: str, native: bool) -> None:
    """Who imports C code that can open files by itself is recorded as such."""
    assert any(touched(body).of("native")) is native


@pytest.mark.parametrize("way", ["import mine.plugin", "import runpy; runpy.run_module('mine.plugin')", "spec"])
def test_no_stale_byte_code_is_executed(way: str) -> None:
    """A source that was edited within its time and to an equal size is executed as it is, whatever byte code says."""
    source = Path("mine/plugin.py")
    source.write_text("open('said', 'w').write('old')\n")
    body = BY_PATH["a spec"] if way == "spec" else way
    touched(body, PYTHONDONTWRITEBYTECODE="")
    touched("import py_compile; py_compile.compile('mine/plugin.py')")
    before = source.stat()
    source.write_text("open('said', 'w').write('new')\n")
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert list(Path("mine/__pycache__").glob("plugin.*"))
    touched(body)
    assert Path("said").read_text() == "new"


def test_byte_code_of_a_package_is_used() -> None:
    """Byte code of what is installed stays in use: to compile it each time would take seconds."""
    write(Path("lib/site-packages"), package="value = 1\n")
    body = (
        "import sys; sys.path.append('lib/site-packages'); import package; open('said', 'w').write(str(package.value))"
    )
    touched(body, PYTHONDONTWRITEBYTECODE="")
    source = Path("lib/site-packages/package.py")
    before = source.stat()
    source.write_text("value = 2\n")
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    touched(body)
    assert Path("said").read_text() == "1"


def test_observing_does_not_hinder_coverage() -> None:
    """Where others have taken a number of `sys.monitoring`, another is used; a profile and a trace work."""
    body = """
        import sys, mine.code
        if sys.version_info >= (3, 12):
            sys.monitoring.use_tool_id(sys.monitoring.COVERAGE_ID, "coverage")
            sys.monitoring.use_tool_id(sys.monitoring.PROFILER_ID, "profiler")
        seen = []
        sys.setprofile(lambda frame, event, _: seen.append(frame.f_code.co_name))
        mine.code.called()
        sys.setprofile(None)
        assert "called" in seen
    """
    recorded(body)


def test_an_extension_of_the_project() -> None:
    """A module of C code that lies in the project is executed code, though no code object is executed."""
    folder = Path(os.__file__).parent / "lib-dynload"
    built = next(folder.glob("_heapq.*.so"), None)
    if built is None:
        pytest.skip("this Python has _heapq built in")
    shutil.copy(built, "_heapq.so")
    body = """
from importlib.util import module_from_spec, spec_from_file_location
module_from_spec(spec_from_file_location("_heapq", "_heapq.so"))
"""
    assert (os.path.abspath("_heapq.so"), "<module>", "1", "") in list(touched(body).of("code"))
