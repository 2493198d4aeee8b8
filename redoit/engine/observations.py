"""Turns what an execution touched into the observations of its trace: all that counts beyond what it was given."""

import os
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from redoit import digest
from redoit.engine.executed import Executed, foreign_pythons, packages
from redoit.engine.inspector import ActionWithSource
from redoit.engine.places import folders, from_root, is_below, is_within, places
from redoit.engine.surroundings import NEVER_FOUND, UNCOUNTED, Surroundings, copied_names, named_paths, status_digest
from redoit.errors import SourceError
from redoit.execution.records import Touched
from redoit.model import Observation, Stage
from redoit.source.environ_copies import is_for_processes
from redoit.state.stat_cache import Identity, identity

# Variables that count although only libraries ask for them: they change results, and seldom change themselves.
OF_LIBRARIES = frozenset({
    "JAX_ENABLE_X64", "KERAS_BACKEND", "KERAS_FLOATX", "MPLBACKEND", "NUMBA_DISABLE_JIT", "TF_DETERMINISTIC_OPS",
    "TF_ENABLE_ONEDNN_OPTS", "TF_USE_LEGACY_KERAS", "XLA_FLAGS",
})  # fmt: skip


class Observed(NamedTuple):
    """The observations of one execution, sorted, and what changed while it ran, in words.

    `written`: absolute paths of what the execution may have changed itself.
    """

    rows: tuple[Observation, ...] = ()
    changed: str = ""
    written: Container[str] = frozenset()

    @property
    def code(self) -> list[str]:
        """The parts of the code that were executed, and that reading alone does not reach."""
        return [row.name for row in self.rows if row.kind == "code"]


def observed(
    stage: Stage, before: ActionWithSource, touched: Touched, around: Surroundings, staged: Iterable[Path]
) -> Observed:
    """Return what an execution touched. `staged`: its outputs in their staging folders."""
    if stage.policy.impure:  # its outputs count, whatever the outside world was
        return Observed()
    if not touched.observed:
        return Observed((Observation("unobserved", "", NEVER_FOUND),))
    staging = (str(path.parent) for path in staged)
    files = _Files(stage, touched, around, staging, before)
    try:
        code = Executed(stage, before, touched, around)
        rows = {
            *files.rows(code.files),
            *code.rows(),
            *_variables(stage, touched, around),
            *packages(before, touched, around, code),
        }
    except SourceError as error:  # it could be read before
        return Observed(changed=f"{error.subject} changed ({error.found})")
    imported = {path for path, *fields in touched.of("imported") if identity(path) != Identity(*map(int, fields))}
    imported = {path for path in imported if not is_within(path, files.written)}
    changed = ", ".join(sorted(files.changed | set(map(from_root, imported & code.files))))
    words = f"{changed} changed" if changed else "a record of what it touched was lost" if touched.torn else ""
    by_programs = touched.created | touched.modified if any(touched.of("program")) else frozenset()
    return Observed(tuple(sorted(rows, key=lambda row: row[:2])), words, files.written | by_programs)


class _Files:
    """Files and folders that were read, looked for or listed."""

    def __init__(
        self, stage: Stage, touched: Touched, around: Surroundings, staging: Iterable[str], before: ActionWithSource
    ) -> None:
        self.touched, self.around = touched, around
        self.root = os.path.realpath(os.getcwd())
        self.given = places((*staging, *stage.inputs.values(), *stage.uses))
        self.outputs = places(stage.outputs.values())
        self.sources = places(before.files)
        self.named = places(named_paths(before.action.settings))
        self.native = any(kind in ("native", "program") for kind, *_ in touched.records)
        self.makers = {os.path.join(self.root, path) for path in around.makers}
        # Perhaps by its C code or its programs.
        self.created = {*touched.created} - self.makers if self.native else set()
        self.made, self.altered = set[str](), set[str]()
        self.moved: dict[str, str] = {}  # what the step did not make, by its new path -> its first path
        self.read: list[tuple[str, Identity]] = []
        self._collect()
        self.altered |= {*filter(os.path.isfile, self.moved)}
        self.written = self.made | self.altered
        self.stamped = {path for (path,) in touched.of("stamped")}
        self.changed: set[str] = set()

    def _collect(self) -> None:
        """Tell what the step's processes made, altered, moved, and read before they made it."""
        for kind, path, *fields in self.touched.records:
            if kind == "made":
                self.made.add(path)
                self.moved.pop(path, None)
            elif kind == "changed":
                self.altered.add(path)
            elif kind == "moved":
                targets = {*filter(None, fields)}
                is_own = is_within(path, self.made) or is_within(path, self.created)
                origin = self._origin(path) or path
                self.made = self.made | targets | {path} if is_own else self.made - targets | {path}
                self.moved |= {} if is_own else dict.fromkeys(targets, origin)
            elif kind == "read" and ((origin := self._origin(path)) or not is_within(path, self.made)):
                self.read += [(each, Identity(*map(int, fields))) for each in (path, origin) if each]

    def _origin(self, path: str) -> str:
        """Return where a file was before the step moved it, or a folder around it, which it had not made."""
        place = next((each for each in (path, *folders(path)) if each in self.moved), "")
        return self.moved[place] + path[len(place) :] if place else ""

    def rows(self, sources: Iterable[str]) -> Iterator[Observation]:
        """Yield what counts. `sources`: files of which the code counts, as far as it is executed."""
        read = dict(self._reads())
        for path, found in read.items():
            if not is_below(path, self.given):
                yield self._content("content" if is_below(path, self.sources | self.named) else "file", path, found)
        known = {*read, *self.given, *self.sources, *sources}
        around_known = {folder for path in known | self.outputs for folder in folders(path)}
        asked, made = {path for path, _, by in self.touched.of("link") if by}, self.makers | self.outputs
        wanted = {path for (path,) in self.touched.of("wanted")}
        listed = {path for path, *_ in self.touched.of("folder")}
        for kind, path, seen in self._looked_at():
            is_known = (path in known or path in around_known) and not (kind == "link" and path in asked)
            # A listing leaves out what stages make, and so does who asks what each name in it is.
            is_left_out = path in wanted or (path in made and os.path.dirname(path) in listed)
            is_known |= kind == "status" and seen is not None and is_left_out
            is_gone = not os.path.lexists(path)
            is_own = is_below(path, self.written) or (is_below(path, self.created) and (seen or is_gone))
            if not is_known and (is_gone or not is_own):
                yield Observation(kind, from_root(path), None if is_own else seen)
        yield from self._listings()
        read_otherwise = {os.path.realpath(path) for path in read} | {path for path, *_ in self.touched.of("imported")}
        yield from self._opened(known | self.outputs | read_otherwise | self.written)

    def _opened(self, known: set[str]) -> Iterator[Observation]:
        """Yield what C code and other programs may have read; who runs neither is not concerned."""
        programs = list(self.touched.of("program"))
        if not self.native:
            return
        if not self.touched.watched:
            yield Observation("unwatched", "", None)
        links: dict[str, list[str]] = {}  # place -> those that lead there
        for link in filter(os.path.islink, self.touched.links):
            links.setdefault(os.path.realpath(link), []).append(link)
        # An editor and a linter open source that no program of the step reads.
        opened = {path for path in self.touched.opened if programs or not path.endswith(".py")}
        arguments = set[str]().union(*map(_arguments, programs))
        for path in (opened | {each for each in arguments if each.startswith(f"{self.root}/")}) - known:
            if not is_below(path, self.given) and (found := identity(path)):
                yield self._content("content" if is_below(path, self.named) else "opened", path, found)
                for link in {link for place in (path, *folders(path)) for link in links.get(place, ())}:
                    yield Observation("link", from_root(link), digest.of_value(os.readlink(link)))
        yield from (Observation("foreign", name, None) for name in foreign_pythons(self.touched))

    def _reads(self) -> Iterator[tuple[str, Identity]]:
        """Yield each file that was read before the step itself made it, and how it was then."""
        for path, found in self.read:
            # What appeared meanwhile is taken for its own, by a program or C code; not what was there before, nor what
            # the step moved there.
            appeared = is_below(path, self.created) and found.ctime >= self.touched.began
            if not appeared or path in self.altered:
                yield path, found

    def _content(self, kind: str, path: str, found: Identity) -> Observation:
        name = from_root(path)
        content = self.around.find(kind, name)
        if identity(path) != found and not is_within(path, self.written) and path not in self.stamped:
            self.changed.add(name)
        return Observation(kind, name, content)

    def _looked_at(self) -> Iterator[tuple[str, str, str | None]]:
        """Yield kind, path and digest of what was found, or None, where somebody looked.

        The first look counts; after one that asked for the size, or found nothing, no other does.
        """
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
                is_last = row[0] == "size" or row == ("status", path, None)
                seen |= {("status", path), ("size", path)} if is_last else {row[:2]}
                yield row

    def _listings(self) -> Iterator[Observation]:
        seen, own = set[str](), self.made | self.created | self.given
        for path, *names in self.touched.of("folder"):
            if path in seen or is_within(path, own):
                continue
            seen.add(path)
            folder = from_root(path)
            made = {from_root(each) for each in self.made | self.created if os.path.dirname(each) == path}
            yield from (Observation("made", each, None) for each in made)
            yield Observation("folder", folder, self.around.digest_of_names(folder, names, made))


def _arguments(program: Sequence[str]) -> set[str]:
    """Return the paths that arguments of a program may name."""
    _, folder, *arguments = program
    words = {word for text in arguments for word in (text, *re.split(r"[\s'\";=<>|&()]+", text))}
    return {os.path.realpath(os.path.join(folder, word)) for word in words if word and "\0" not in word}


def _variables(stage: Stage, touched: Touched, around: Surroundings) -> Iterator[Observation]:
    copied = {
        name
        for file, line in touched.of("environment")
        if not is_for_processes(file, int(line))
        for name in copied_names()
    }
    asked = {name for name, library in touched.of("variable") if not library}
    ambient = copied | {name for name, _ in touched.of("variable") if name in OF_LIBRARIES}
    for kind, names in (("variable", asked), ("ambient", ambient - asked)):
        for name in names - set(stage.environ):
            if not UNCOUNTED.fullmatch(name):
                yield Observation(kind, name, around.find(kind, name))
    if copied:
        yield Observation("names", "", around.find("names", ""))
