r"""Appends records of what a process does to a file that many processes share, each in one write, without a lock.

    <CRC-32 of the rest> <kind>\t<field>\t...        each field escaped as in a Python string

The first record is the scope: the project's folder, and other paths of which the content counts; without any, nothing
is observed. A record that can't be written empties the file: no record is better than one that lacks something.
"""

from __future__ import annotations  # what they name is not imported

import os
import posix as system  # not os, of which the step may replace any function by one that calls us
import sys
from _thread import get_ident
from binascii import crc32
from fcntl import F_DUPFD_CLOEXEC, fcntl
from genericpath import samestat

from redoit.observer.frames import OBSERVER, is_installed, is_standard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType
    from typing import Any

    AnyPath = str | bytes | os.PathLike[str]

OBSERVE = "REDOIT_OBSERVE"  # the variable that names the record file
UNOBSERVED = {".git", ".hg", "__pycache__", "site-packages", "dist-packages"}  # folders
MAX_LINKS = 40  # on the way to a file, as in Linux
MAX_NUMBER = 1024  # of an open file, as `select` takes it
OWN_DEPTH = 200  # calls within the observer where the step has none left


def is_unobserved(name: str) -> bool:
    """Tell whether what has a name, or lies in a folder that has it, never counts."""
    return name in UNOBSERVED or name.startswith(".redoit")


def line_of(kind: str, *fields: object) -> bytes:
    """Return a record."""
    payload = b"\t".join(str(field).encode("unicode_escape") for field in (kind, *fields))
    return b"%08x %s\n" % (crc32(payload), payload)


class Recorder:
    """The records of one process, and of those that are forked from it."""

    def __init__(self, path: str) -> None:
        self._file: os.stat_result  # which was opened last
        self._is_deep = False  # in calls for which the step has left no room
        self._seen: dict[bytes, None] = {}
        self._outside: dict[str, str] = {}  # folder that is never in scope -> the same without links
        self._led_to: dict[str, str] = {}  # what is out of scope, without links -> the link in scope that leads there
        self._busy: set[int] = set()  # threads that are in here: what we do is not observed
        os.register_at_fork(after_in_child=self._busy.clear)
        self.redirect(path)

    def observe(self, handlers: Iterable[tuple[str, Callable[..., None]]]) -> None:
        """Call handlers of audit events from now on: a hook can't be removed."""
        get = {event: self.guard(handler) for event, handler in handlers}.get

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            handler = get(event)
            if handler is None or (event == "object.__getattr__" and arguments[1] != "__code__"):  # by far the most
                return
            cause = sys._getframe().f_back  # noqa: SLF001 - there is no other way
            if cause is None or not cause.f_code.co_filename.startswith(OBSERVER):  # who has recorded it already
                handler(*arguments)

        if sys.version_info >= (3, 12):  # where calls are observed: else none below it is, such as that of a finalizer
            vars(hook)["__cantrace__"] = True
        sys.addaudithook(hook)

    def redirect(self, path: str) -> None:
        """Append to a file from now on, and first all that was observed so far."""
        self.path, self._handle = path, -1
        self.scope: tuple[str, ...] = ()
        self._temporary = os.path.join(os.path.realpath(os.environ.get("TMPDIR") or "/tmp"), "")  # noqa: S108 - not used
        try:
            with open(path, "rb") as file:
                scope = file.readline()
        except OSError:
            return
        self.scope = tuple(field.decode("unicode_escape") for field in scope[9:-1].split(b"\t")[1:])
        self._append(b"".join(self._seen))
        self.add("process", os.getpid(), os.getppid(), *sys.orig_argv)

    def add(self, kind: str, *fields: object) -> None:
        """Append a record, once."""
        line = line_of(kind, *fields)
        if self.scope and line not in self._seen:
            self._append(line)
            self._seen[line] = None

    def guard(self, function: Callable[..., None]) -> Callable[..., None]:
        """Return a function that does not observe itself and never raises."""

        def guarded(*arguments: Any, **options: Any) -> None:
            thread = get_ident()
            is_within = thread in self._busy
            if not self.scope or (is_within and _is_ours(sys._getframe(2))):  # noqa: SLF001 - who causes it
                return
            self._busy.add(thread)
            try:
                self._call(function, arguments, options)
            finally:
                if not is_within:
                    self._busy.discard(thread)

        return guarded

    def _call(self, function: Callable[..., None], arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        try:
            function(*arguments, **options)
        except RecursionError:
            if self._is_deep:  # it is we who go on and on
                return self.give_up()
            limit, self._is_deep = sys.getrecursionlimit(), True
            try:
                sys.setrecursionlimit(limit + OWN_DEPTH)
                self._call(function, arguments, options)
            finally:
                self._is_deep = False
                sys.setrecursionlimit(limit)
        except Exception as error:  # what was not recorded must not count as not done
            if _is_of_step(error):
                raise
            if not isinstance(error, OSError | ValueError | TypeError):  # no path that could be opened
                self.give_up()

    def give_up(self) -> None:
        """Empty the file, and record nothing more. The next file, of a process that is forked from now on, is torn."""
        self.scope, self._seen = (), {b"torn\n": None}
        try:
            system.ftruncate(self._open(), 0)
        except OSError:
            return  # the step has ended

    def place(self, path: AnyPath) -> str:
        """Return the absolute path of what is in scope, without links; an empty text for all else."""
        text = os.fsdecode(path)
        if not text.startswith("/"):
            text = f"{system.getcwd()}/{text}"
        folder, _, name = text.rpartition("/")
        if name in ("", ".", ".."):
            folder, name = text, ""
        real = self._outside.get(folder)
        if real is None:
            real = "" if is_installed(f"{folder}/") else self._follow(folder)
            if not (folder.startswith("/proc/") or self.is_in_scope(folder) or self.is_in_scope(real)):
                self._outside[folder] = real  # a step may make a link of another one
        if not real:
            return ""
        found = os.path.join(real, name) if name else real
        if name and target_of(found):
            found = self._follow(found)
        return found if self.is_in_scope(found) else self._by_link(found)

    def _by_link(self, path: str) -> str:
        """Return a path out of scope as one by a link in scope that was followed there, if there is one."""
        for target, link in self._led_to.items():
            if f"{path}/".startswith(f"{target}/"):
                return link + path[len(target) :]
        return ""

    def _follow(self, path: str) -> str:
        """Return an absolute path without links, save one that leads out of scope; record those that lead there."""
        real, rest, links, outside = "", path.split("/")[::-1], list[tuple[str, str]](), ""
        while rest:
            part = rest.pop()
            here = f"{real}/{part}"
            if part == "..":
                real = real.rpartition("/")[0]
            elif part not in ("", ".") and len(links) < MAX_LINKS and (target := target_of(here)):
                if self.is_in_scope(here):
                    outside = "/".join([here, *filter(None, rest[::-1])])
                links.append((here, target))
                real, rest = "" if target.startswith("/") else real, rest + target.split("/")[::-1]
            elif part not in ("", "."):
                real = here
        is_inside = not outside or self.is_in_scope(real)
        if not is_inside and real:
            self._led_to[real] = outside
        for link, target in links:
            if self.is_in_scope(link) and (is_inside or not outside.startswith(link)):
                self.add("link", link, target, "")
        return (real or "/") if is_inside else outside

    def is_in_scope(self, path: str) -> bool:
        """Tell whether a path counts, if it has no links."""
        root = next((each for each in self.scope if f"{path}/".startswith(f"{each}/")), None)
        if root is None or (path.startswith(self._temporary) and not f"{root}/".startswith(self._temporary)):
            return False
        return not (is_installed(path) or any(map(is_unobserved, path[len(root) :].split("/"))))

    def _append(self, data: bytes) -> None:
        try:
            complete = system.write(self._open(), data) == len(data)
        except OSError:
            complete = False
        if not complete:
            self.give_up()

    def _open(self) -> int:
        """Return the open file: a step may open all files that it can, go where ours has no path, or close it.

        Its number is far above those of the step, which may open its own under that once it has closed ours.
        """
        try:
            if samestat(system.fstat(self._handle), self._file):
                return self._handle
        except OSError:
            pass
        handle = system.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            self._file = system.fstat(handle)
            limit = min(system.sysconf("SC_OPEN_MAX"), MAX_NUMBER)  # -1 is none
            self._handle = fcntl(handle, F_DUPFD_CLOEXEC, max(limit // 2, handle))
        finally:
            system.close(handle)
        return self._handle


def target_of(path: str) -> str:
    """Return where a link leads, an empty text if it is none."""
    try:
        return system.readlink(path)
    except OSError:
        return ""


def _is_ours(frame: FrameType | None) -> bool:
    """Tell whether the observer acts, and not a signal's handler or a finalizer of the step: these run anywhere."""
    while frame is not None and is_standard(frame.f_code.co_filename):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith(OBSERVER)


def _is_of_step(error: Exception) -> bool:
    """Tell whether such a handler raised it, or a path's own method."""
    trace = error.__traceback__
    while trace is not None and ((file := trace.tb_frame.f_code.co_filename).startswith(OBSERVER) or is_standard(file)):
        trace = trace.tb_next
    return trace is not None
