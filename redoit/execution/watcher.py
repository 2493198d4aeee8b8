"""Tells which files of the project C code and other programs open while a step runs: inotify, in doit's own process.

inotify names no process, so what it saw is a possible read. What doit opened and other stages claim does not count, nor
what changed meanwhile: the step's programs may have written it. An event is in the kernel's queue before the call that
causes it returns, so whoever drains the queue at the end of a window misses nothing. Imported only when a step runs.
"""

import contextlib
import ctypes
import os
import re
import select
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

is_excluded = re.compile(r"\.git|\.hg|__pycache__|node_modules|site-packages|\.redoit.*", re.DOTALL).fullmatch
MAX_WATCHES = 20_000  # a link may lead to a whole disk
MODIFIED, CLOSED, OPENED, MOVED_HERE, CREATED = 0x2, 0x10, 0x20, 0x80, 0x100  # of inotify(7)
OVERFLOW, REMOVED, IS_FOLDER = 0x4000, 0x8000, 0x4000_0000
MASK = MODIFIED | CLOSED | OPENED | MOVED_HERE | CREATED  # CLOSED, so that the kernel does not merge two openings
CHUNK_BYTES = 32_768  # parsed before the queue is read again
RECORDED_PATHS = (b"R", b"W", b"I", b"C", b"A")  # kinds of records whose second field is a path


class Window:
    """What was opened while a step ran, once it has ended: regular files, by absolute paths without links.

    `complete`: inotify worked, and lost nothing. The other attributes are the watcher's.
    """

    def __init__(self, record: Path, declared: Collection[str], overlapping: "list[Window]") -> None:
        self.opened, self.complete = frozenset[str](), True
        self.opens, self.own_opens = Counter[str](), list[str]()
        self.created, self.modified = set[str](), set[str]()
        self._record, self._declared, self.overlapping = record, declared, overlapping

    def end(self) -> None:
        """Keep what counts of what was opened, and what this stage claims from windows that are still open."""
        own = Counter(map(os.path.realpath, self.own_opens))
        claimed = self.modified.union(*(window.claims() for window in self.overlapping))
        paths = [path for path, times in self.opens.items() if times > own[path] and os.path.isfile(path)]
        within = {path: set(map(str, Path(path).parents)) for path in paths}
        self.opened = frozenset(p for p in paths if not within[p] & self.created and not {p, *within[p]} & claimed)
        self._declared, self._record, self.overlapping = self.claims(), Path(os.devnull), []

    def claims(self) -> set[str]:
        """Return what the stage declares, and what the record of its step names by now."""
        content = self._record.read_bytes() if self._record.exists() else b""
        fields = [line[9:].split(b"\t") for line in content.splitlines() if b"\t" in line]
        names = [path.decode("unicode_escape", "replace") for kind, path, *_ in fields if kind in RECORDED_PATHS]
        return set(map(os.path.realpath, [*self._declared, *names]))


class Watcher:
    """Watches a project for the windows of one run, from any thread. `root`: its path without links."""

    def __init__(self, root: str) -> None:
        self._root, self._complete, self._lock = root, True, threading.RLock()
        self._inotify: Any = None
        self._paths: dict[int, str] = {}  # watch -> what is watched
        self._chunks, self._windows = deque[bytes](), list[Window]()

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
                window.end()
                window.complete &= self._complete

    def close(self) -> None:
        """Watch nothing any more: the windows that are open now, and later ones, are not complete."""
        with self._lock:
            inotify, self._inotify, self._complete = self._inotify, None, False
            if inotify is not None:
                inotify.close()

    def _drain(self, *paths: str) -> None:
        """Take in what happened so far, then watch more."""
        try:
            if self._inotify is None and self._complete:
                self._start()
            self._read()
            for _ in range(len(self._chunks)):
                for event in self._parse(self._chunks.popleft()):
                    self._on_event(*event)
                self._read()
            self._watch(*paths)
        except (ImportError, AttributeError, OSError):  # there is no inotify, or no more of it
            self._complete = False

    def _read(self) -> None:
        """Empty the kernel's queue, which takes 16,384 events. They are parsed later: that takes longer."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._chunks.append(os.read(self._inotify.fileno(), CHUNK_BYTES))

    def _start(self) -> None:
        import inotify_simple

        self._parse = inotify_simple.parse_events
        inotify_simple._libc = ctypes.CDLL(None, use_errno=True)  # noqa: SLF001 - it would start ldconfig to find it
        self._inotify = inotify_simple.INotify(nonblocking=True)
        sys.addaudithook(self._on_audit)
        threading.Thread(target=self._keep_draining, args=(self._inotify,), daemon=True).start()

    def _keep_draining(self, inotify: Any) -> None:
        poll = select.poll()
        poll.register(inotify)
        while self._inotify is inotify:
            if poll.poll(1000):
                time.sleep(0.002)  # in which events gather
                with self._lock:
                    self._drain()

    def _watch(self, *paths: str) -> None:
        """Watch files, and folders with those below and where links lead. Watches first, then lists: misses nothing."""
        pending = list(paths)
        while pending and self._complete:
            path = pending.pop()
            try:
                if os.path.islink(path):
                    path = os.path.realpath(path)
                    if self._is_near(path) or is_excluded(os.path.basename(path)):
                        continue
                watch = self._inotify.add_watch(path, MASK)
                if self._paths.get(watch) != path:
                    self._paths[watch] = path
                    pending += self._listed(path, watch) if os.path.isdir(path) else []
            except OSError:  # it is gone, or shut for steps as well; else there are too many
                self._complete = not (os.access(path, os.R_OK) or os.access(path, os.X_OK))
            self._complete &= len(self._paths) <= MAX_WATCHES
            self._read()  # listing makes events, too

    def _is_near(self, folder: str) -> bool:
        """Tell if this is the project, in it, or around it."""
        folder, root = os.path.join(folder, ""), os.path.join(self._root, "")
        return folder.startswith(root) or root.startswith(folder)

    def _listed(self, folder: str, watch: int) -> list[str]:
        """Return the folders and links in a folder; in a virtual environment nothing, and it is watched no more."""
        with os.scandir(folder) as listing:
            entries = [entry for entry in listing if not is_excluded(entry.name)]
        if folder != self._root and any(entry.name == "pyvenv.cfg" for entry in entries):
            del self._paths[watch]
            self._inotify.rm_watch(watch)
            return []
        return [entry.path for entry in entries if entry.is_symlink() or entry.is_dir()]

    def _on_event(self, watch: int, event: int, _: int, name: str) -> None:
        if event & OVERFLOW:
            for window in self._windows:
                window.complete = False
            self._paths.clear()
            self._watch(self._root)  # the event of a new folder may be lost
        elif watch in self._paths and not is_excluded(name):
            path = os.path.join(self._paths[watch], name) if name else self._paths[watch]
            for window in self._windows:
                if event & (CREATED | MOVED_HERE):
                    window.created.add(path)
                elif event & MODIFIED:
                    window.modified.add(path)
                elif event & OPENED and not event & IS_FOLDER and path not in window.created:
                    window.opens[path] += 1
            if event & REMOVED:
                del self._paths[watch]
            if event & REMOVED or (event & (CREATED | MOVED_HERE) and (event & IS_FOLDER or os.path.islink(path))):
                self._watch(path)  # also a file that was replaced

    def _on_audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and self._windows:
            with contextlib.suppress(OSError, ValueError, TypeError):  # a hook that raises would fail the opening
                path = os.path.abspath(os.fsdecode(arguments[0]))
                for window in self._windows:
                    window.own_opens.append(path)
