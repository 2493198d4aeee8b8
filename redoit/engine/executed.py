"""Tells which code was executed that reading does not reach, and which packages it came from.

It becomes a root of the fingerprint; the parts that this adds are the observations. What an import statement executed
that reading resolves counts by reading's rules; what else executed a module, a script or a plug-in, counts whole.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping

from redoit.engine.inspector import ActionWithSource
from redoit.engine.surroundings import Surroundings
from redoit.execution.records import Touched
from redoit.model import Observation, Stage
from redoit.source.names import Function, bindings, methods
from redoit.source.search_path import file_of
from redoit.state.stat_cache import Identity, identity

PYTHON = re.compile(r"python[\d.]*")
SKIPS = re.compile(r"-\w*S\w*")  # an option of Python: to import no `site`
MAX_ROUNDS = 4  # of reading what was executed: each can only add parts


class Executed:
    """Code that was executed. `files`: those that it is in; `installed`: modules that are none of the project."""

    def __init__(self, stage: Stage, before: ActionWithSource, touched: Touched, around: Surroundings) -> None:
        self.stage, self.settings = stage, before.action.settings
        self.inspector = around.inspector
        self.project = around.inspector.project(stage)
        self.read = {*before.code.modules}
        self.parts = {part.name for part in before.code.parts}
        self.touched, self.around = touched, around
        self.files: set[str] = set()
        self.installed: set[str] = set()
        self.changed: set[str] = set()
        self.unnamed: set[str] = set()  # files that no module's name leads to
        self.modules: dict[str, set[str]] = {}  # executed module -> its functions that were called
        self.named: set[str] = set()  # modules that an unpickler asked for
        self.odd: set[str] = set()  # modules that no import statement executed
        self._collect()

    def _collect(self) -> None:
        for file, name, line, importer in self.touched.of("code"):
            module = self._module(file)
            if module is None:
                continue
            called = self.modules.setdefault(module, set())
            if name == "*":
                self.odd.add(module)
                called |= self._functions(module)
            elif name == "<module>":
                self.odd |= set() if importer else {module}
            else:
                called |= self._definitions(module, name, int(line))
        for module, name in self.touched.of("function"):
            if self.project.locate(module):
                inner = {each for each in self._functions(module) if each.startswith(f"{name}.")}
                self.modules.setdefault(module, set()).update(inner, self._definitions(module, name))
        for module, name in self.touched.of("unpickled"):
            if self.project.locate(module):
                self.modules.setdefault(module, set()).add(name.partition(".")[0])
                self.named.add(module)
        for module in self.read if foreign_pythons(self.touched) else ():  # nobody knows what these execute of it
            self.modules.setdefault(module, set()).update(self._functions(module))

    def _module(self, file: str) -> str | None:
        """Return the module that a file is, if it is one of the project; note what else it is."""
        path = self.project.path
        name = path.name_of(file)
        if name and not self.project.locate(name):
            self.installed.add(name.partition(".")[0])
            return None
        self.files.add(file)
        if name is None:
            self.unnamed.add(file_of(file) or file)  # an archive
        return name

    def _functions(self, module: str) -> set[str]:
        """Return the names of all functions of a module, and of those in its classes."""
        found = self.project.module(module)
        top = found.tree.body if found else []
        return {item.name for item in top if isinstance(item, Function)} | (methods(found).keys() if found else set())

    def _definitions(self, module: str, qualified: str, line: int = 0) -> set[str]:
        """Return the names of the parts that a function belongs to: of a lambda in a statement, what that binds."""
        found, inner = self.project.module(module), qualified.partition(".<locals>")[0]
        name = inner.partition(".")[0]
        if found is None or name in (names := bindings(found).names):
            return {inner if found and inner in methods(found) else name}
        return {
            each
            for each, binders in names.items()
            for binder in binders
            if binder.statement.lineno <= line <= (binder.statement.end_lineno or line)
        } or {"<module>"}

    def rows(self) -> Iterator[Observation]:
        """Yield the parts of the code that reading alone does not reach, and files that are executed by path alone."""
        for file in self.unnamed:
            yield Observation("content", file_name := from_root(file), self.around.find("content", file_name))
        odd = {f"{module}:*" for module in self.odd - self.read - self.named}
        called = {f"{module}:{name}" for module, names in self.modules.items() for name in names}
        called |= {f"{module}:<module>" for module in self.named if module in self.modules}
        roots = odd | called - self.parts
        code = self.inspector.code(self.stage, self.settings, roots)
        roots |= {f"{module}:*" for module in self.modules.keys() - set(code.modules)}
        rows: Mapping[str, str] = {}
        for _ in range(MAX_ROUNDS):  # what is found must be what its names alone will find
            found = self.inspector.observed_code(self.stage, self.settings, roots) if roots else {}
            if found == rows:
                break
            rows, roots = found, set(found)
        self._check_unchanged()
        yield from (Observation("code", name, content) for name, content in rows.items())

    def _check_unchanged(self) -> None:
        for path, *fields in self.touched.of("imported"):
            if path in self.files and identity(path) != Identity(*map(int, fields)):
                self.changed.add(from_root(path))


def foreign_pythons(touched: Touched) -> set[str]:
    """Return the names of the programs that are Python and were not observed.

    One of ours that was not observed has executed nothing yet, unless it was told to skip what starts the observer.
    """
    observed = {number for process in touched.of("process") for number in process[:1]}
    names = set()
    for number, _, program, *arguments in touched.of("program"):
        name, is_ours = (
            os.path.basename(program),
            program == sys.executable and not any(map(SKIPS.fullmatch, arguments)),
        )
        if number not in observed and PYTHON.fullmatch(name) and not is_ours:
            names.add(name)
    return names


def from_root(path: str) -> str:
    """Return a path from the project's root, if it lies there."""
    root = os.path.join(os.getcwd(), "")  # the system's own path: it has no links
    return path.removeprefix(root) if path.startswith(root) else "." if os.path.join(path, "") == root else path


def packages(before: ActionWithSource, touched: Touched, around: Surroundings, code: Executed) -> Iterator[Observation]:
    """Yield the versions of what provides modules that were imported, and those that were asked for."""
    reached = before.action.environment.packages
    asked = {name for name, by in touched.of("module") if by}
    for module in asked | code.installed | {name for name, _ in touched.of("module")}:
        version = around.find("package", module)
        known = dict(each.rsplit(" ", 1) for each in (version or "").split(", ") if " " in each)
        is_known = reached.get(module) == "absent" or (known and known.items() <= reached.items())
        if not is_known and not code.project.locate(module) and (version or module in asked):
            yield Observation("package", module, version)
    names = {name.lower().replace("-", "_") for name in reached}
    for (folder,) in touched.of("distribution"):
        name = folder.removesuffix(".dist-info").removesuffix(".egg-info").partition("-")[0]
        if name.lower() not in names:
            yield Observation("distribution", name, around.find("distribution", name))
