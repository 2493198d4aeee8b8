"""Tells which files of the project C code and other programs open while a step runs: inotify, in doit's own process.

inotify names no process, so what it saw is a possible read. What doit opened and other stages claim does not count, nor
what changed meanwhile: the step's programs may have written it. An event is in the kernel's queue before the call that
causes it returns, so whoever drains the queue at the end of a window misses nothing. Imported only when a step runs.
"""

import contextlib
import ctypes
import os
import select
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from redoit.execution import records
from redoit.observer.record import is_unobserved

BYTE_CODE = "__pycache__"  # a Python that can't be observed opens this instead of source
MAX_WATCHES = 20_000  # a link may lead to a whole disk
MODIFIED, CLOSED, OPENED, APPEARED = 0x2, 0x10, 0x20, 0x80 | 0x100  # of inotify(7): created, or moved here
OVERFLOW, REMOVED, IS_FOLDER = 0x4000, 0x8000, 0x4000_0000
MASK = MODIFIED | CLOSED | OPENED | APPEARED  # CLOSED, so that the kernel does not merge two openings into one event
CLAIMS = {"read": 1, "made": 1, "changed": 1, "moved": 2, "imported": 1, "code": 1, "absent": 1}  # kind -> files named


class Window:
    """What was opened while a step ran, once it has ended: regular files, by absolute paths without links.

    `created`, `modified`: what appeared or changed meanwhile. `links`: those that lead anywhere. `watched`: inotify
    worked, and lost nothing. All else is the watcher's.
    """

    def __init__(self, record: Path, declared: Collection[str], overlapping: "list[Window]") -> None:
        self.opened: frozenset[str] = frozenset()
        self.created: frozenset[str] = frozenset()
        self.modified: frozenset[str] = frozenset()
        self.links: frozenset[str] = frozenset()
        self.watched = True
        self.opens, self.own_opens = Counter[str](), list[str]()
        self._created, self._modified = set[str](), set[str]()
        self._record, self._declared, self.overlapping = record, declared, overlapping

    def on_event(self, path: str, event: int) -> None:
        """Take in what happened to a file or folder."""
        if event & APPEARED:
            self._created.add(path)
        elif event & MODIFIED:
            self._modified.add(path)
        elif event & OPENED and not event & IS_FOLDER and path not in self._created:
            self.opens[path] += 1

    def end(self) -> None:
        """Keep what counts of what was opened, and what this stage claims from windows that are still open."""
        own = Counter(map(os.path.realpath, self.own_opens))
        of_others = set[str]().union(*(window.claims() for window in self.overlapping))
        self.created, self.modified = frozenset(self._created - of_others), frozenset(self._modified - of_others)
        claimed = self._modified | of_others
        paths = [path for path, times in self.opens.items() if times > own[path] and os.path.isfile(path)]
        within = {path: set(map(str, Path(path).parents)) for path in paths}
        self.opened = frozenset(p for p in paths if not within[p] & self._created and not {p, *within[p]} & claimed)
        self._declared, self._record, self.overlapping = self.claims(), Path(os.devnull), []

    def claims(self) -> set[str]:
        """Return what the stage declares, and what the record of its step names by now."""
        found = records.read(self._record).records
        names = [name for kind, *fields in found for name in fields[: CLAIMS.get(kind, 0)] if name]
        return set(map(os.path.realpath, [*self._declared, *names]))


def _is_excluded(name: str) -> bool:
    return name != BYTE_CODE and (is_unobserved(name) or name == "node_modules")


class Watcher:
    """Watches a project for the windows of one run, from any thread. `root`: its path without links."""

    def __init__(self, root: str) -> None:
        self._root, self._complete, self._lock = root, True, threading.RLock()
        self._inotify: Any = None
        self._paths: dict[int, str] = {}  # watch -> what is watched
        self._links = set[str]()
        self._events, self._windows = deque[Any](), list[Window]()

    @contextlib.contextmanager
    def window(self, record: Path, declared: Collection[str], extra: Sequence[str] = ()) -> Iterator[Window]:
        """Yield a window. `record`: of the step's observer. `extra`: watched besides the project from now on."""
        with self._lock:
            self._drain(self._root, *map(os.path.realpath, extra))
            window = Window(record, declared, self._windows[:])
            for other in self._windows:
                other.overlapping.append(window)
            self._windows.append(window)
        try:
            yield window
        finally:
            with self._lock:
                self._drain()
                self._windows.remove(window)
                complete, window.watched = window.watched and self._complete, False
                with contextlib.suppress(OSError, ValueError):  # a record that can't be read, or names no path
                    window.end()
                    window.links = frozenset(self._links)
                    window.watched = complete

    def close(self) -> None:
        """Watch nothing any more: the windows that are open now, and later ones, are not complete."""
        with self._lock:
            inotify, self._inotify, self._complete = self._inotify, None, False
            if inotify is not None:
                inotify.close()

    def _drain(self, *paths: str) -> None:
        """Take in what happened so far, then watch more; no window is complete where there is not enough of inotify."""
        try:
            if self._inotify is None and self._complete:
                import inotify_simple

                inotify_simple._libc = ctypes.CDLL(None, use_errno=True)  # noqa: SLF001 - else it starts ldconfig
                self._inotify = inotify_simple.INotify(nonblocking=True)
                sys.addaudithook(self._on_audit)
                threading.Thread(target=self._keep_draining, args=(self._inotify,), daemon=True).start()
            self._events.extend(self._inotify.read(0))
            while self._events:
                self._on_event(*self._events.popleft())
            self._watch(*paths)
        except (ImportError, AttributeError, OSError, RuntimeError, ValueError):
            self._complete = False

    def _keep_draining(self, inotify: Any) -> None:
        poll = select.poll()
        poll.register(inotify)
        while self._inotify is inotify:
            if poll.poll(1000):
                time.sleep(0.002)  # in which events gather: the queue takes 16,384
                with self._lock:
                    self._drain()

    def _watch(self, *paths: str) -> None:
        """Watch files, and folders with those below and where links lead. Watches first, then lists: misses nothing."""
        pending = list(paths)
        while pending and self._complete:
            link = pending.pop()
            path = os.path.realpath(link) if os.path.islink(link) else link
            self._links |= {link} - {path}
            if path != link and os.path.commonpath([path, self._root]) in (path, self._root):
                continue  # in the project, which is watched anyway, or around it
            excluded = _is_excluded(os.path.basename(path)) or _is_excluded(os.path.basename(link))
            if path != self._root and (excluded or os.path.exists(os.path.join(path, "pyvenv.cfg"))):
                continue
            try:
                watch = self._inotify.add_watch(path, MASK)
                if self._paths.get(watch) != path:
                    with contextlib.suppress(NotADirectoryError), os.scandir(path) as entries:
                        pending += [entry.path for entry in entries if entry.is_symlink() or entry.is_dir()]
                self._paths[watch] = path
            except OSError:  # it is gone, or shut for steps as well; else there are too many
                self._complete = not (os.access(path, os.R_OK) or os.access(path, os.X_OK))
            self._complete &= len(self._paths) <= MAX_WATCHES
            if not len(self._paths) % 500:
                self._events.extend(self._inotify.read(0))  # listing makes events, too: four a folder

    def _on_event(self, watch: int, event: int, _: int, name: str) -> None:
        if event & OVERFLOW:
            for window in self._windows:
                window.watched = False
            self._paths.clear()
            self._watch(self._root)  # the event of a new folder may be lost
        elif watch in self._paths and not _is_excluded(name):
            path = os.path.join(self._paths[watch], name) if name else self._paths[watch]
            folder, file = os.path.split(path)
            if os.path.basename(folder) == BYTE_CODE:
                path, event = f"{os.path.dirname(folder)}/{file.partition('.')[0]}.py", event & (OPENED | IS_FOLDER)
            for window in self._windows:
                window.on_event(path, event)
            if event & REMOVED:
                del self._paths[watch]
            if event & REMOVED or (event & APPEARED and (event & IS_FOLDER or os.path.islink(path))):
                self._watch(path)  # also a file that was replaced

    def _on_audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and self._windows:
            with contextlib.suppress(OSError, ValueError, TypeError):  # a hook that raises would fail the opening
                path = os.path.abspath(os.fsdecode(arguments[0]))
                for window in tuple(self._windows):  # another thread may end one
                    window.own_opens.append(path)
