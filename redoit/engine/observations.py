"""Turns what an execution touched into the observations of its trace: all that counts beyond what it was given.

Code that was executed and that reading does not reach becomes a root of the fingerprint; the parts that this adds are
the observations. What reading resolved counts by reading's rules, what only an import by name, a script or a plug-in
executed counts whole.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from redoit import digest
from redoit.engine.inspector import ActionWithSource
from redoit.engine.surroundings import NEVER, Surroundings, copied_names, status_digest
from redoit.execution.records import Touched
from redoit.model import Observation, Stage
from redoit.source.environ_copies import is_for_processes
from redoit.source.names import bindings
from redoit.state.stat_cache import Identity, identity

PYTHON = re.compile(r"python[\d.]*")
MAX_ROUNDS = 4  # of reading what was executed: each can only add parts
# Variables that count although only libraries ask for them: they change results, and seldom change themselves.
OF_LIBRARIES = frozenset({
    "JAX_ENABLE_X64", "KERAS_BACKEND", "KERAS_FLOATX", "MPLBACKEND", "NUMBA_DISABLE_JIT", "TF_DETERMINISTIC_OPS",
    "TF_ENABLE_ONEDNN_OPTS", "TF_USE_LEGACY_KERAS", "XLA_FLAGS",
})  # fmt: skip


class Observed(NamedTuple):
    """The observations of one execution, in the order of their kinds, and files that changed while it ran."""

    rows: tuple[Observation, ...] = ()
    changed: tuple[str, ...] = ()


def observed(
    stage: Stage,
    before: ActionWithSource,
    touched: Touched,
    around: Surroundings,
    *,
    staging: Iterable[str] = (),
    named: Iterable[str] = (),
) -> Observed:
    """Return what an execution touched. `staging`: its folders; `named`: paths that its settings name.

    Raises: SourceError.
    """
    if stage.policy.impure:  # its outputs count, whatever the outside world was
        return Observed()
    if not touched.observed:
        return Observed((Observation("unobserved", "", "0" * 64),))
    files = _Files(stage, touched, around, staging, (*named, *before.files))
    code = _Executed(stage, before, touched, around)
    rows = {
        *files.rows(code.files),
        *code.rows(),
        *_variables(stage, touched, around),
        *_packages(before, touched, around, code),
    }
    return Observed(tuple(sorted(rows, key=lambda row: row[:2])), tuple(sorted(files.changed | code.changed)))


class _Files:
    """Files and folders that were read, looked for or listed."""

    def __init__(
        self, stage: Stage, touched: Touched, around: Surroundings, staging: Iterable[str], known: Iterable[str]
    ) -> None:
        self.touched, self.around = touched, around
        self.root = os.path.realpath(os.getcwd())
        self.given = set(map(os.path.realpath, (*staging, *stage.inputs.values(), *stage.uses)))
        self.outputs = set(map(os.path.realpath, stage.outputs.values()))
        self.known = set(map(os.path.realpath, known))
        self.made = {path for (path,) in touched.of("made")}
        self.changed: set[str] = set()

    def rows(self, sources: Iterable[str]) -> Iterator[Observation]:
        """Yield what counts. `sources`: files of which the code counts, as far as it is executed."""
        read = dict(self._reads())
        for path, found in read.items():
            if not _is_below(path, self.given):
                yield self._content("content" if _is_below(path, self.known) else "file", path, found)
        known = {*read, *self.given, *self.known, *self.outputs, *sources}
        around_known = {folder for path in known for folder in map(str, Path(path).parents)}
        for kind, path, seen in self._looked_at():
            if path not in known and path not in around_known and not _is_below(path, self.made):
                yield Observation(kind, self._name(path), seen)
        yield from self._listings()
        yield from self._opened(known | {path for path, *_ in self.touched.of("imported")} | self.made)

    def _opened(self, known: set[str]) -> Iterator[Observation]:
        """Yield what C code and other programs may have read; who runs neither is not concerned."""
        programs = list(self.touched.of("program"))
        if not programs and not any(self.touched.of("native")):
            return
        if not self.touched.watched:
            yield Observation("unwatched", "", None)
        # An editor and a linter open source that no program of the step reads.
        opened = {path for path in self.touched.opened if programs or not path.endswith(".py")}
        for path in opened.union(*map(_arguments, programs)) - known:
            if not _is_below(path, self.given) and path.startswith(f"{self.root}/") and (found := identity(path)):
                yield self._content("opened", path, found)
        observed = {number for process in self.touched.of("process") for number in process[:1]}
        for number, _, program, *_ in programs:
            if number not in observed and PYTHON.fullmatch(os.path.basename(program)):
                yield Observation("foreign", os.path.basename(program), None)

    def _reads(self) -> Iterator[tuple[str, Identity]]:
        """Yield each file that was read before the step itself made it, and how it was then."""
        made: set[str] = set()
        for kind, path, *fields in self.touched.records:
            if kind == "made":
                made.add(path)
            elif kind == "read" and path not in made:
                yield path, Identity(*map(int, fields))

    def _content(self, kind: str, path: str, found: Identity) -> Observation:
        name = self._name(path)
        content = self.around.find(kind, name)
        if identity(path) != found and path not in self.made:
            self.changed.add(name)
        return Observation(kind, name, content)

    def _looked_at(self) -> Iterator[tuple[str, str, str | None]]:
        """Yield kind, path and digest of what was found, or None, where somebody looked; the first look counts."""
        seen: set[tuple[str, str]] = set()
        for kind, path, *fields in self.touched.records:
            if kind in ("absent", "status"):
                size = int(fields[1]) if kind == "status" and fields[1] else None
                found = status_digest(int(fields[0]), size) if kind == "status" else None
                row = "status" if size is None else "size", path, found
            elif kind == "link":
                row = "link", path, digest.of_value(fields[0])
            else:
                continue
            if row[:2] not in seen:
                seen.add(row[:2])
                yield row

    def _listings(self) -> Iterator[Observation]:
        seen: set[str] = set()
        for path, *names in self.touched.of("folder"):
            if path in seen or _is_below(path, self.made) or _is_below(path, self.given):
                continue
            seen.add(path)
            folder = self._name(path)
            made = {self._name(each) for each in self.made if os.path.dirname(each) == path}
            yield from (Observation("made", each, None) for each in made)
            yield Observation("folder", folder, self.around.digest_of_names(folder, names, made))

    def _name(self, path: str) -> str:
        """Return a path from the project's root, if it lies there."""
        inside = path == self.root or path.startswith(f"{self.root}/")
        return os.path.relpath(path, self.root) if inside else path


def _arguments(program: Sequence[str]) -> set[str]:
    """Return the paths that arguments of a program may name."""
    _, folder, *arguments = program
    words = {word for text in arguments for word in (text, *re.split(r"[\s'\";=<>|&()]+", text))}
    return {os.path.realpath(os.path.join(folder, word)) for word in words if word and "\0" not in word}


def _is_below(path: str, known: set[str]) -> bool:
    """Tell whether a path is known, or a folder around it."""
    return path in known or not known.isdisjoint(map(str, Path(path).parents))


class _Executed:
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
            elif name == "<module>":
                self.odd |= set() if importer else {module}
            else:
                called |= self._definitions(module, name, int(line))
        for module, name in (*self.touched.of("unpickled"), *self.touched.of("function")):
            if self.project.locate(module):
                self.modules.setdefault(module, set()).add(name.partition(".")[0])
        self.named = {module for module, _ in self.touched.of("unpickled")}

    def _module(self, file: str) -> str | None:
        """Return the module that a file is, if it is one of the project; note what else it is."""
        path = self.project.path
        name = path.name_of(file)
        if name and not self.project.locate(name):
            self.installed.add(name.partition(".")[0])
            return None
        self.files.add(file)
        if name is None:
            self.unnamed.add(file)
        return name

    def _definitions(self, module: str, qualified: str, line: int) -> set[str]:
        """Return the top-level names that a function belongs to: of a lambda in a statement, what that binds."""
        name = qualified.partition(".")[0]
        found = self.project.module(module)
        if found is None or name in (names := bindings(found).names):
            return {name}
        return {
            each
            for each, binders in names.items()
            for binder in binders
            if binder.statement.lineno <= line <= (binder.statement.end_lineno or line)
        } or {"<module>"}

    def rows(self) -> Iterator[Observation]:
        """Yield the parts of the code that reading alone does not reach, and files that are executed by path alone."""
        for file in self.unnamed:
            yield Observation("content", file_name := _short(file), self.around.find("content", file_name))
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
                self.changed.add(_short(path))


def _short(path: str) -> str:
    """Return a path from the project's root, if it lies there."""
    relative = os.path.relpath(path, os.path.realpath(os.getcwd()))
    return path if relative.startswith("..") else relative


def _variables(stage: Stage, touched: Touched, around: Surroundings) -> Iterator[Observation]:
    copied = {
        name
        for file, line in touched.of("environment")
        if not is_for_processes(_bytes_of(file), int(line))
        for name in copied_names()
    }
    asked = {name for name, library in touched.of("variable") if not library}
    ambient = copied | {name for name, _ in touched.of("variable") if name in OF_LIBRARIES}
    for kind, names in (("variable", asked), ("ambient", ambient - asked)):
        for name in names - set(stage.environ):
            if not NEVER.fullmatch(name):
                yield Observation(kind, name, around.find(kind, name))
    if copied:
        yield Observation("names", "", around.find("names", ""))


def _bytes_of(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError:
        return b"\0"


def _packages(
    before: ActionWithSource, touched: Touched, around: Surroundings, code: _Executed
) -> Iterator[Observation]:
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
