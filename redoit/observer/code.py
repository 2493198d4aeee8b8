"""Observes which code of the project is executed, and which installed modules are imported. No stale byte code is.

    code <file> <qualified name> <line> <importer>    a function that is called, or of which code is compiled, sent or
                                                      read; a module: `<module>`, `<script>`, `*` with all that it has
    function <module> <qualified name>                one whose source is read
    unseen                                            calls that Python reports to nobody may follow
    unpickled <module> <name>                         what an unpickler asks for
    module <name> <asked>                             a top-level module that is installed, or asked for by the project
    native                                            C code that may open files by itself

Functions are seen from Python 3.12 on, by `sys.monitoring`, at no cost that can be measured; else modules alone.
"""

from __future__ import annotations  # what they name is not imported

import os
import sys
from _frozen_importlib_external import SourceFileLoader

from redoit.observer.frames import REDOIT, STANDARD, caller, is_import, is_installed, is_of, is_standard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

    from redoit.observer.record import AnyPath, Recorder

MODULE, SCRIPT = "<module>", "<script>"
IS_FUNCTION = 1  # bit of co_flags, which bodies of classes lack: these count with the definition of their class
OPENERS = {"_sqlite3", "_ctypes", "_dbm", "_gdbm", "_ssl", "readline", "_curses", "_tkinter"}  # open without an event
BLINDING = ("sys.settrace", "sys.setprofile", "sys.addaudithook", "sys.monitoring.register_callback")  # while these act
TOOL_IDS = (4, 3, 5, 2, 1, 0)  # of sys.monitoring: first those that nobody takes by its name


class Code:
    """Observes the code of one process."""

    def __init__(self, recorder: Recorder) -> None:
        self._add = recorder.add
        self._code_files: dict[str, str] = {}
        self._tops: dict[str, bool] = {}  # top-level module -> whether code of the project asked for it
        self._compile_from_source()
        sys.meta_path.append(_Missing(recorder.guard(self._on_asked)))
        if recorder.scope and sys.version_info >= (3, 12):
            _monitor(recorder.guard(self._on_call), recorder.give_up)

    def handlers(self) -> dict[str, Callable[..., None]]:
        """Return audit event -> what to do at it."""
        return {
            "import": self._on_import,
            "exec": self._on_exec,
            "cpython.run_file": self._on_script,
            "pickle.find_class": self._on_class,
            "object.__getattr__": self._on_attribute,
            **dict.fromkeys(BLINDING, lambda *_: self._add("unseen", "")),
        }

    def _code_file(self, file: str) -> str:
        """Return the absolute path of code that may be the project's, empty if it is standard, installed or ours.

        It is what was meant when code of that file was met first: the step may go to another folder.
        """
        if file not in self._code_files:
            path = os.path.abspath(file)
            self._code_files[file] = "" if file.startswith(("<", REDOIT)) or is_installed(path) else path
        return self._code_files[file]

    def _add_code(self, file: str, name: str, line: int = 1, importer: str = "") -> None:
        if path := self._code_file(file):
            self._add("code", os.path.realpath(path), name, line, importer)

    def _on_call(self, code: CodeType) -> None:
        if code.co_flags & IS_FUNCTION:
            self._add_code(code.co_filename, code.co_qualname, code.co_firstlineno)

    def _on_exec(self, code: CodeType) -> None:
        if getattr(code, "co_name", "") != MODULE:
            return
        if self._code_file(code.co_filename):
            self._add_code(code.co_filename, MODULE, 1, _importer())
        elif "-packages/" in code.co_filename and not code.co_filename.startswith(REDOIT):
            top = code.co_filename.rpartition("-packages/")[2].partition("/")[0].partition(".")[0]
            if top not in self._tops and caller(is_import):
                self._tops[top] = False
                self._add("module", top, "")

    def _on_script(self, path: AnyPath, *_: object) -> None:
        self._add_code(os.fsdecode(path), SCRIPT)

    def _on_import(self, name: str, file: str | None, *_: object) -> None:
        top = name.partition(".")[0]
        if file and (top in OPENERS or not file.startswith(STANDARD)):
            self._add("native", "")
            self._add_code(file, MODULE)  # no code object is executed
        self._on_asked(name)

    def _on_asked(self, name: str) -> None:
        """Record a top-level module that the project asks for, perhaps in vain."""
        if "." not in name and not self._tops.get(name) and name not in sys.stdlib_module_names:
            asker = caller(lambda file: is_import(file) or is_of(file, "importlib/", "pkgutil.py"))
            if asker and self._code_file(asker.f_code.co_filename):
                self._tops[name] = True
                self._add("module", name, "asked")

    def _on_class(self, module: str, name: str) -> None:
        if module.partition(".")[0] not in sys.stdlib_module_names:
            self._add("unpickled", module, name)

    def _on_attribute(self, item: Any, name: str, *_: object) -> None:
        code: Any = item.__code__ if name == "__code__" else None
        if hasattr(code, "co_qualname"):
            self._add_code(code.co_filename, code.co_qualname, code.co_firstlineno)

    def _compile_from_source(self) -> None:
        """Never execute byte code of the project: it may be of other source, of equal size and time."""
        usual = SourceFileLoader.get_code

        def get_code(loader: SourceFileLoader, fullname: str) -> CodeType | None:
            path = loader.get_filename(fullname)
            if not self._code_file(path):
                return usual(loader, fullname)
            return loader.source_to_code(loader.get_data(path), path)

        SourceFileLoader.get_code = get_code  # type: ignore[method-assign,assignment]  # the only way to all loaders


class _Missing:
    """The last finder of modules, asked for those that are not there: `importlib.import_module` raises no event."""

    def __init__(self, record: Callable[[str], None]) -> None:
        self._record = record

    def find_spec(self, name: str, *_: object) -> None:
        """Record that a module is not there."""
        self._record(name)


def _importer() -> str:
    """Return the file whose import statement executes a module, empty if it is not executed by a statement."""
    frame = caller(lambda file: file.startswith("<frozen importlib"))
    file = frame.f_code.co_filename if frame else "<"
    return "" if file.startswith("<") or is_standard(file) else os.path.realpath(file)


def _monitor(record: Callable[..., None], give_up: Callable[[], None]) -> None:
    """Call a function with each code object that is called, once."""
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]  # from 3.12 on

    def called(code: CodeType, _offset: int) -> object:
        record(code)
        return monitoring.DISABLE

    for number in TOOL_IDS:
        if monitoring.get_tool(number) is None:
            monitoring.use_tool_id(number, "redoit")
            monitoring.register_callback(number, monitoring.events.PY_START, called)
            monitoring.set_events(number, monitoring.events.PY_START)
            return
    give_up()  # others have all
