"""Observes which code of the project is executed, and which installed modules are imported. No stale byte code is.

    code <file> <qualified name> <line> <importer>    a function that is called, or a module: `<module>`
    function <module> <qualified name>                one whose code is compiled, sent elsewhere or read
    unpickled <module> <name>                         what an unpickler asks for
    module <name> <asked>                             a top-level module that is installed, or asked for by the project
    native                                            C code that may open files by itself

Functions are seen from Python 3.12 on, by `sys.monitoring`, at no cost that can be measured; else modules alone.
"""

from __future__ import annotations  # what they name is not imported

import os
import sys
from _frozen_importlib_external import SourceFileLoader

from redoit.observer.frames import REDOIT, STANDARD, caller, is_import, is_installed, is_standard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

    from redoit.observer.record import AnyPath, Recorder

MODULE = "<module>"
IS_FUNCTION = 1  # bit of co_flags, which bodies of classes lack: these count with the definition of their class
OPENERS = {"_sqlite3", "_ctypes", "_dbm", "_gdbm", "_ssl", "readline", "_curses", "_tkinter"}  # open without an event
TOOL_IDS = (4, 3, 5, 2, 1, 0)  # of sys.monitoring: first those that nobody takes by its name


class Code:
    """Observes the code of one process."""

    def __init__(self, recorder: Recorder) -> None:
        self._add = recorder.add
        self._code_files: dict[str, bool] = {}
        self._others: set[str] = set()  # modules that are not the project's
        self._tops: dict[str, bool] = {}  # top-level module -> whether code of the project asked for it
        self._compile_from_source()
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
        }

    def _is_code(self, file: str) -> bool:
        """Tell whether a file's code may be the project's: neither the standard library's, nor installed, nor ours."""
        if file not in self._code_files:
            self._code_files[file] = not (file.startswith(("<", REDOIT)) or is_installed(os.path.abspath(file)))
        return self._code_files[file]

    def _on_call(self, code: CodeType) -> None:
        if code.co_flags & IS_FUNCTION and self._is_code(code.co_filename):
            self._add("code", os.path.realpath(code.co_filename), code.co_qualname, code.co_firstlineno, "")

    def _on_exec(self, code: CodeType) -> None:
        if getattr(code, "co_name", "") != MODULE:
            return
        if self._is_code(code.co_filename):
            self._add("code", os.path.realpath(code.co_filename), MODULE, 1, _importer())
        elif "-packages/" in code.co_filename and not code.co_filename.startswith(REDOIT):
            top = code.co_filename.rpartition("-packages/")[2].partition("/")[0].partition(".")[0]
            if top not in self._tops and caller(is_import):
                self._tops[top] = False
                self._add("module", top, "")

    def _on_script(self, path: AnyPath, *_: object) -> None:
        if self._is_code(file := os.path.realpath(os.fsdecode(path))):
            self._add("code", file, MODULE, 1, "")

    def _on_import(self, name: str, file: str | None, *_: object) -> None:
        top = name.partition(".")[0]
        if file and (top in OPENERS or not file.startswith(STANDARD)):
            self._add("native", "")
            if self._is_code(file):  # no code object is executed
                self._add("code", os.path.realpath(file), MODULE, 1, "")
        if name == top and not self._tops.get(top) and top not in sys.stdlib_module_names:
            asker = caller(is_import)
            if asker and self._is_code(asker.f_code.co_filename):
                self._tops[top] = True
                self._add("module", top, "asked")

    def _on_class(self, module: str, name: str) -> None:
        if module.partition(".")[0] not in sys.stdlib_module_names:
            self._add("unpickled", module, name)

    def _on_attribute(self, item: object, name: str, *_: object) -> None:
        module = getattr(item, "__module__", None) if name == "__code__" else None
        if module is None or module in self._others:  # by far the most frequent event
            return
        file = getattr(sys.modules.get(module), "__file__", None)
        if isinstance(file, str) and self._is_code(file):
            self._add("function", module, getattr(item, "__qualname__", ""))
        elif file:
            self._others.add(module)

    def _compile_from_source(self) -> None:
        """Never execute byte code of the project: it may be of other source, of equal size and time."""
        usual = SourceFileLoader.get_code

        def get_code(loader: SourceFileLoader, fullname: str) -> CodeType | None:
            path = loader.get_filename(fullname)
            if not self._is_code(path):
                return usual(loader, fullname)
            return loader.source_to_code(loader.get_data(path), path)

        SourceFileLoader.get_code = get_code  # type: ignore[method-assign,assignment]  # the only way to all loaders


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
