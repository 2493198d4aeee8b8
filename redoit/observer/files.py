"""Observes which files of the project are read, made, looked for and looked at, and which folders are listed.

    read, imported <path> <identity>     a file that is opened, by the import system alone if `imported`
    made <path>                          a file or folder that this process made, replaced or removed
    changed <path>                       a file of which it may change a part
    absent <path>                        looked for in vain
    status <path> <mode> <size>          what something is; how large and executable, if whoever asks can see that
    link <path> <target> <asked>         where a link leads, and whether the project asked for that
    folder <path> <name>...              what is in a folder
    distribution <folder>                metadata of an installed package that is read

Sees what raises an audit event, and the family of `os.stat`, which raises none. What C code opens is not seen here.
"""

from __future__ import annotations  # what they name is not imported

import os
import posix as system  # not os, as in `record`
import sys

from redoit.observer.frames import REDOIT, STANDARD, caller, is_import, is_installed, is_of, is_standard
from redoit.observer.record import Recorder, target_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

    from redoit.observer.record import AnyPath

TYPE, FILE, FOLDER, EXECUTABLE = 0o170000, 0o100000, 0o040000, 0o100  # bits of a mode
SOURCES = (".py", ".pyc", ".pyi", ".so")
LOADERS = ("importlib/util.py", "runpy.py")  # what executes sources by path
# Functions that ask what something is, and not how large it is.
WITHOUT_SIZE = {"exists", "lexists", "isfile", "isdir", "islink", "is_file", "is_dir", "is_symlink", "_joinrealpath"}


class Files:
    """Observes files and folders of one process."""

    def __init__(self, recorder: Recorder) -> None:
        self._add, self._place, self._is_in_scope = recorder.add, recorder.place, recorder.is_in_scope
        self._own: dict[str, bool] = {}  # what this process made, replaced or removed; False: what it moved there
        self._listed: set[str] = set()
        self._wrap(recorder)

    def handlers(self) -> dict[str, Callable[..., None]]:
        """Return audit event -> what to do at it."""
        return {
            "open": self._on_open,
            "sqlite3.connect": self._on_connect,
            "os.listdir": self.on_list,
            "os.scandir": self.on_list,
            "os.chdir": lambda path: None if isinstance(path, int) else self.on_lookup(path, with_size=False),
        }

    def _on_open(self, path: AnyPath | int, _: object, flags: int, *__: object, **___: object) -> None:
        if isinstance(path, int):
            return
        name = self._place(path)
        if not name:
            if os.fsdecode(path).endswith(("/METADATA", "/PKG-INFO")) and caller(is_standard):
                self._add("distribution", os.path.basename(os.path.dirname(path)))
            return
        access, found = flags & os.O_ACCMODE, status_of(name)
        if found is None:
            if flags & os.O_CREAT:
                self.made(name)
            else:
                self._add("absent", name)
            return
        if access != os.O_WRONLY and not flags & os.O_TRUNC and found.st_mode & TYPE == FILE:
            self.on_read(name, found)
        if is_folder(found) or (flags & os.O_CREAT and flags & os.O_EXCL):  # it fails, or makes what has no name
            self.on_lookup(name, with_size=False)
        elif access != os.O_RDONLY and flags & os.O_TRUNC:
            self.made(name)
        elif access != os.O_RDONLY:
            self._add("changed", name)

    def on_read(self, name: str, found: os.stat_result) -> None:
        """Record that a file is read, and how it is then."""
        reader, asker = caller(lambda file: is_of(file, "tokenize.py")), caller(is_standard)
        if reader is None:
            return
        file, is_shown = reader.f_code.co_filename, _shows_source(reader, name)
        if is_shown:
            self._on_source(reader)
        is_loaded = name.endswith(SOURCES) and (
            _is_loading(reader) or is_of(file, *LOADERS) or file in ("<frozen runpy>", "<frozen zipimport>")
        )
        # Python asks whether the script that it is to run is an archive.
        is_script = asker is not None and asker.f_code.co_filename == "<frozen zipimport>"
        kind = "imported" if is_shown or is_loaded or is_script else "read"
        if kind == "imported" or (asker and not self.is_made_here(name)):
            identity = found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_mode
            self._add(kind, name, *identity)

    def _on_source(self, frame: FrameType | None) -> None:
        """Record the definition of which somebody reads the source; a traceback or a warning reads none."""
        while frame and frame.f_code.co_name != "findsource":  # which itself asks `linecache`
            frame = frame.f_back if is_standard(frame.f_code.co_filename) else None
        item = frame.f_locals.get("object") if frame else None
        code: Any = getattr(item, "f_code", getattr(getattr(item, "tb_frame", None), "f_code", item))
        if is_installed(getattr(code, "co_filename", "")):
            return
        if hasattr(code, "co_qualname"):
            self._add("code", os.path.realpath(code.co_filename), code.co_qualname, code.co_firstlineno, "")
        elif isinstance(name := getattr(item, "__qualname__", None), str):
            self._add("function", getattr(item, "__module__", ""), name)
        elif isinstance(file := getattr(item, "__file__", None), str):
            self._add("code", os.path.realpath(file), "*", 1, "")

    def _on_connect(self, path: AnyPath) -> None:
        self._add("native", "")
        name = self._place(path)
        found = status_of(name) if name else None
        if found and found.st_mode & TYPE == FILE:
            self.on_read(name, found)
            self._add("changed", name)
        elif name and found is None:
            self.made(name)

    def entry(self, path: AnyPath, folder: int | None = None) -> str:
        """Return the place of a name in a folder, be it that of a link; an empty text if it does not count."""
        text = os.fsdecode(at(path, folder)).rstrip("/")
        around, name = os.path.split(text)
        if name in ("", ".", ".."):
            return self._place(text or "/")
        found = os.path.join(self._place(f"{around or '.'}/."), name)
        return found if self._is_in_scope(found) else ""

    def made(self, name: str) -> None:
        """Record what this process makes, if there is a folder for it."""
        if status_of(folder := os.path.dirname(name)) is None:
            self.on_lookup(folder, with_size=False)
        else:
            self._own[name] = True
            self._add("made", name)

    def moved(self, name: str, target: str) -> None:
        """Record what has another name from now on, and was made by nobody, or by another process."""
        self._own[target] = False
        self._add("moved", name, target)

    def is_made_here(self, path: str) -> bool:
        """Tell whether this process made a file, or a folder around it; who makes a link makes nothing behind it."""
        place = path
        while place not in self._own and place not in ("", "/"):
            place = os.path.dirname(place)
        return self._own.get(place, False) and (place == path or not target_of(place))

    def on_list(self, path: AnyPath | int | None) -> None:
        """Record the names in a folder."""
        lister = caller(lambda file: file == "<frozen os>")
        file = lister.f_code.co_filename if lister else "<frozen importlib"
        if is_import(file) or is_of(file, "importlib/metadata/"):
            return
        text = system.readlink(f"/proc/self/fd/{path}") if isinstance(path, int) else os.fsdecode(path or ".")
        name = self._place(f"{text}/.")
        if is_of(file, "pkgutil.py"):
            asker = caller(is_standard)
            if not asker or is_installed(asker.f_code.co_filename):
                if name in map(os.path.realpath, sys.path):  # a library looks for modules, as each may
                    return
            elif not name:
                self._add("distribution", "*")
        if name and name not in self._listed and not self.is_made_here(name):
            self._listed.add(name)
            try:
                self._add("folder", name, *sorted(system.listdir(name)))
            except OSError:
                self.on_lookup(name, with_size=False)

    def on_lookup(self, path: AnyPath, with_size: bool) -> None:
        """Record what something is, for who asks whether it is there."""
        name = self._place(path)
        if not name or self.is_made_here(name) or caller(is_standard) is None:
            return
        found = status_of(name)
        if found is None:
            self._add("absent", name)
        elif with_size and found.st_mode & TYPE == FILE:
            self._add("status", name, found.st_mode & (TYPE | EXECUTABLE), found.st_size)
        else:
            self._add("status", name, found.st_mode & TYPE, "")

    def on_link(self, path: AnyPath, folder: int | None = None) -> bool:
        """Record where a link leads, and return whether it is one."""
        name = self.entry(path, folder)
        target = target_of(name) if name else ""
        if target and (asker := caller(is_standard)):
            self._add("link", name, target, "" if is_installed(asker.f_code.co_filename) else "asked")
        return bool(target)

    def _on_readlink(self, path: AnyPath, *_: object, **__: object) -> None:
        if not self.on_link(path):
            self.on_lookup(path, with_size=False)

    def _wrap(self, recorder: Recorder) -> None:
        """Call us for what raises no audit event, or one that does not tell the folder."""
        guard = recorder.guard
        os.stat, os.lstat = _calling(os.stat, guard(self._on_stat)), _calling(os.lstat, guard(self._on_lstat))
        os.access, os.open = _calling(os.access, guard(self._on_access)), _calling(os.open, guard(self._on_open))
        os.readlink = _calling(os.readlink, guard(self._on_readlink))

    def _on_stat(self, path: AnyPath, frame: FrameType, *_: object, follow_symlinks: bool = True, **__: object) -> None:
        while frame.f_code.co_name in ("stat", "lstat") and is_standard(frame.f_code.co_filename) and frame.f_back:
            frame = frame.f_back  # of pathlib
        file = frame.f_code.co_filename
        if _shows_source(frame, os.fsdecode(path)):
            self._on_source(frame)
        elif is_of(file, "importlib/metadata/"):
            self._on_search(frame)
        elif not is_of(file, "inspect.py", "pkgutil.py"):
            if not follow_symlinks:
                self.on_link(path)
            self.on_lookup(path, frame.f_code.co_name not in WITHOUT_SIZE or not is_standard(file))

    def _on_lstat(self, path: AnyPath, frame: FrameType, *_: object, **__: object) -> None:
        self._on_stat(path, frame, follow_symlinks=False)

    def _on_search(self, frame: FrameType | None) -> None:
        """Record the distribution that the project looks for, perhaps in vain; `*` if it goes through all."""
        while frame is not None and frame.f_code.co_name != "from_name":
            frame = frame.f_back
        asker = caller(is_standard)
        if asker and not is_installed(asker.f_code.co_filename):
            self._add("distribution", str(frame.f_locals["name"]) if frame else "*")

    def _on_access(self, path: AnyPath, _: FrameType, mode: int, *__: object, **___: object) -> None:
        self.on_lookup(path, mode & os.X_OK != 0)


def _is_loading(frame: FrameType | None) -> bool:
    """Tell whether the import system reads a module to execute it, and not for `pkgutil.get_data` or `py_compile`."""
    while frame is not None and (is_import(file := frame.f_code.co_filename) or file.startswith(REDOIT)):
        if frame.f_code.co_name == "get_code":
            return True
        frame = frame.f_back
    return False


def _shows_source(frame: FrameType, file: str) -> bool:
    """Tell whether lines of a file are looked for to be shown: by a traceback, a warning, or who looks at code."""
    if not is_of(frame.f_code.co_filename, "linecache.py"):
        return False
    asker = caller(lambda file: is_of(file, "tokenize.py", "linecache.py"))
    name = asker.f_code.co_filename if asker else STANDARD
    return is_standard(name) or (is_installed(name) and file.endswith(SOURCES))


def _calling(function: Any, record: Callable[..., object]) -> Any:
    """Return a function that records its arguments first, and looks like the one that it calls."""

    def observed(path: Any, *arguments: Any, **options: Any) -> Any:
        frame = sys._getframe(1)  # noqa: SLF001 - there is no other way
        if not isinstance(path, int) and not is_import(frame.f_code.co_filename):
            record(at(path, options.get("dir_fd")), frame, *arguments, **options)
        return function(path, *arguments, **options)

    observed.__name__ = observed.__qualname__ = function.__name__
    observed.__module__, observed.__doc__ = "os", function.__doc__  # the first is where pickle finds it
    vars(observed)["__wrapped__"] = function
    for supported in (os.supports_dir_fd, os.supports_effective_ids, os.supports_fd, os.supports_follow_symlinks):
        if function in supported:
            supported.add(observed)
    return observed


def at(path: AnyPath, folder: int | None) -> AnyPath:
    """Return a path that is meant from an open folder; -1 is none."""
    try:
        return path if folder in (None, -1) else f"{system.readlink(f'/proc/self/fd/{folder}')}/{os.fsdecode(path)}"
    except (OSError, TypeError):
        return path


def is_folder(found: os.stat_result | None) -> bool:
    """Tell whether what was found is a folder."""
    return found is not None and found.st_mode & TYPE == FOLDER


def status_of(path: str, *, follow: bool = True) -> os.stat_result | None:
    """Return what is at a path, None if nothing is."""
    try:
        return system.stat(path, follow_symlinks=follow)
    except (FileNotFoundError, NotADirectoryError):
        return None
