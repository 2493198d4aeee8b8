"""Tells which code was executed that reading does not reach, and which packages it came from.

It becomes a root of the fingerprint; the parts that this adds are the observations. What an import statement executed
that reading resolves counts by reading's rules; what else executed a module, a script or a plug-in, counts whole. Where
calls may be unseen, all counts that would count if none was observed.
"""

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from redoit.engine.inspector import ActionWithSource
from redoit.engine.places import from_root, is_temporary, is_within
from redoit.engine.snapshot import SEES_CALLS
from redoit.engine.surroundings import Surroundings
from redoit.execution.records import Touched
from redoit.model import Observation, Stage
from redoit.observer.frames import is_installed
from redoit.source.distributions import normal_name
from redoit.source.names import Function, bindings, methods
from redoit.source.search_path import file_of

PYTHON = re.compile(r"python[\d.]*")
SKIPS = re.compile(r"-\w*S\w*")  # an option of Python: to import no `site`
MAX_TEXT_BYTES = 1 << 20  # of a file, to look for names in it
MAX_ROUNDS = 4  # of reading what was executed: each can only add parts


class Executed:
    """Code that was executed. `files`: those that it is in; `installed`: modules that are none of the project."""

    def __init__(self, stage: Stage, before: ActionWithSource, touched: Touched, around: Surroundings) -> None:
        self.stage, self.settings = stage, before.action.settings
        self.inspector = around.inspector
        self.project = around.inspector.snapshot.project_of(stage.step)
        self.read = {*before.code.modules}
        self.parts = {part.name for part in before.code.parts}
        self.touched, self.around = touched, around
        self.files: set[str] = set()
        self.installed: set[str] = set()
        self.unnamed: set[str] = set()  # files that no module's name leads to
        self.modules: dict[str, set[str]] = {}  # executed module -> its functions that were called
        self.named: set[str] = set()  # modules that an unpickler asked for
        self.odd: set[str] = set()  # modules that no import statement executed
        self.scripts: set[str] = set()  # modules that were executed as one, with what imports leave out
        self._collect_code()
        self._collect_names()

    def _collect_code(self) -> None:
        made = set[str]()
        for kind, file, *fields in self.touched.records:
            if kind == "made":
                made.add(file)
            if kind != "code" or is_within(file, made):
                continue
            name, line, importer = fields
            for module in self._modules_in(file):
                called = self.modules.setdefault(module, set())
                if name == "*":
                    self.odd.add(module)
                    called |= self._functions(module)
                elif name == "<script>":
                    self.scripts.add(module)
                elif name == "<module>":
                    self.odd |= set() if importer else {module}
                else:
                    called |= self._definitions(module, name, int(line))

    def _collect_names(self) -> None:
        for module, name in self.touched.of("function"):
            if self.project.locate(module):
                inner = {each for each in self._functions(module) if each.startswith(f"{name}.")}
                self.modules.setdefault(module, set()).update(inner, self._definitions(module, name))
        for module, name in self.touched.of("unpickled"):
            if self.project.locate(module):
                self.modules.setdefault(module, set()).add(name.partition(".")[0])
                self.named.add(module)

    def _modules_in(self, file: str) -> set[str]:
        """Return the modules that a file is, also by way of links, if it is of the project; note what else it is."""
        name = self.project.path.name_of(file)
        found = self._read_from.get(file, set()) | ({name} if name and self.project.locate(name) else set())
        if name and not found:
            self.installed.add(name.partition(".")[0])
            return set()
        self.files.add(file)
        if not found and not is_temporary(file):
            self.unnamed.add(file_of(file) or file)  # an archive
        return found

    @cached_property
    def _read_from(self) -> dict[str, set[str]]:
        """File, without links -> the modules that were read from it."""
        modules: dict[str, set[str]] = {}
        for module in self.read:
            if place := self.project.locate(module):
                modules.setdefault(os.path.realpath(place), set()).add(module)
        return modules

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
        binders = [(each, binder.statement) for each, found_here in names.items() for binder in found_here]
        binders += [(each, item) for each, items in methods(found).items() for item in items]
        around = {each for each, item in binders if item.lineno <= line <= (item.end_lineno or line)}
        return around or {"<module>"}

    def rows(self) -> Iterator[Observation]:
        """Yield the parts of the code that reading alone does not reach, and files that are executed by path alone."""
        for file in self.unnamed:
            yield Observation("content", file_name := from_root(file), self.around.find("content", file_name))
        odd = {f"{module}:*" for module in self.odd - self.read - self.named | self.scripts}
        called = {f"{module}:{name}" for module, names in self.modules.items() for name in names}
        called |= {f"{module}:<module>" for module in self.named if module in self.modules}
        called |= set(self._named())
        roots = odd | called - self.parts
        roots |= self._unseen(roots)
        roots |= {f"{module}:*" for module in self.modules.keys() - self._imported(odd, called | roots)}
        rows: Mapping[str, str] = {}
        for _ in range(MAX_ROUNDS):  # what is found must be what its names alone will find
            found = self.inspector.observed_code(self.stage, self.settings, roots) if roots else {}
            if found == rows:
                break
            rows, roots = found, set(found)
        yield from (Observation("code", name, content) for name, content in rows.items())

    def _imported(self, odd: set[str], called: set[str]) -> set[str]:
        """Return the modules that code imports which reading reaches: from the step, odd code, and what was called.

        Others were executed by an import that reading can't resolve, as of folders that the step adds to Python's path:
        that one of their functions was called does not tell what else counts.
        """
        found, earlier = {*self.read, *self.named}, set[str]()
        while self.modules.keys() - found and found != earlier:
            earlier = found
            roots = odd | {root for root in called if root.partition(":")[0] in found} - self.parts
            found = found | set(self.inspector.snapshot.code(self.stage, self.settings, roots).modules)
        return found

    def _unseen(self, roots: set[str]) -> set[str]:
        """Return the functions that may have been called unseen: those that would count if no call was observed."""
        is_seen = sees_calls(self.touched)
        if not SEES_CALLS or (is_seen and not self._hidden):
            return set()
        unobserved = self.stage._replace(policy=self.stage.policy._replace(observe=False))
        found = set[str]()
        for part in self.inspector.snapshot.code(unobserved, self.settings, roots).parts:
            module, _, name = part.name.partition(":")
            if not is_seen or module in self._hidden:
                found |= {
                    f"{module}:{each}" for each in self._functions(module) if name in ("*", each, each.split(".")[0])
                }
        return found - self.parts

    def _named(self) -> Iterator[str]:
        """Yield the parts that a text names which the step was given or found: by it a library may find them."""
        known = sorted({*self.read, *self.modules}, reverse=True)  # `steps.model` before `steps`
        named = re.compile(rf"(?<![\w.])({'|'.join(map(re.escape, known))})[.:](\w+)")
        tops = {name.partition(".")[0].encode() for name in known}
        for text in (text for text in self._texts() if any(top in text for top in tops)):
            for module, name in {*named.findall(text.decode(errors="replace"))}:
                if (found := self.project.module(module)) and name in bindings(found).names:
                    yield f"{module}:{name}"

    def _texts(self) -> Iterator[bytes]:
        """Yield the settings, the variables that were asked for, and the content of each file that was read."""
        yield from (str(setting.value).encode() for setting in self.settings)
        yield from (os.environb.get(os.fsencode(name), b"") for name, _ in self.touched.of("variable"))
        for path in {path for path, *_ in self.touched.of("read")}:
            with contextlib.suppress(OSError):
                if os.path.getsize(path) <= MAX_TEXT_BYTES:
                    yield Path(path).read_bytes()

    @cached_property
    def _hidden(self) -> set[str]:
        """The modules that lie where the observer takes code for installed, and records no calls."""
        places = {module: self.project.locate(module) for module in {*self.read, *self.modules}}
        return {module for module, place in places.items() if place and is_installed(os.path.abspath(place))}


def sees_calls(touched: Touched) -> bool:
    """Tell whether all calls were seen: Python reported them, and no program that is not observed may have called."""
    return not any(touched.of("unseen")) and not any(_unobserved(touched))


def foreign_pythons(touched: Touched) -> set[str]:
    """Return the names of the programs that are Python and were not observed."""
    return {name for name in map(os.path.basename, _unobserved(touched)) if PYTHON.fullmatch(name)}


def _unobserved(touched: Touched) -> Iterator[str]:
    """Yield the programs that were started and not observed.

    A Python of ours that was not, though it was given what that takes, ended before it executed anything.
    """
    observed = {number for number, *_ in touched.of("process")}
    replaced = {number for (number,) in touched.of("replaced")}
    for number, _, program, *arguments in touched.of("program"):
        is_ours = _is_our_python(program) and number not in replaced and not any(map(SKIPS.fullmatch, arguments))
        if number not in observed and not is_ours:
            yield program


def _is_our_python(program: str) -> bool:
    """Tell whether a program is the Python that runs doit, or another name of it."""
    folder, name = os.path.split(program)
    return folder == os.path.dirname(sys.executable) and PYTHON.fullmatch(name) is not None


def packages(before: ActionWithSource, touched: Touched, around: Surroundings, code: Executed) -> Iterator[Observation]:
    """Yield the versions of what provides modules that were imported, and those that were asked for."""
    reached = before.action.environment.packages
    asked = {name for name, by in touched.of("module") if by}
    for module in asked | code.installed | {name for name, _ in touched.of("module")}:
        version = around.find("package", module)
        known = code.project.path.versions(module).items()
        is_known = reached.get(module) == "absent" or (known and known <= reached.items())
        if not is_known and not code.project.locate(module) and (version or module in asked):
            yield Observation("package", module, version)
    for name in {normal_name(name) for (name,) in touched.of("distribution")} - set(map(normal_name, reached)):
        yield Observation("distribution", name, around.find("distribution", name))
