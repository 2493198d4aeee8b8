"""Observes a process of a step: what it executes, reads, looks for and asks for, and which programs it starts.

Each Python process starts this by `redoit.pth`, if the variable OBSERVE names a record file. A record is
appended when it is made, in one write, so a process that is killed has told all, and processes need no lock:

    <CRC-32 of the rest> <kind>\t<field>\t...        each field escaped as in a Python string

The first record is the scope: the project's folder, and other paths of which the content counts; or nothing, then only
stale byte code is kept out. A record that can't be written empties the file: no record is better than half of it.

Imports nothing heavy and nothing of redoit, and never fails the step. Does not know what is declared, nor what counts.
"""

from __future__ import annotations  # what they name is not imported

import os
import sys
from _frozen_importlib_external import SourceFileLoader
from _thread import get_ident
from binascii import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType
    from typing import Any

OBSERVE, TAG = "REDOIT_OBSERVE", "REDOIT_STEP"  # variables that each process must inherit
VENV = os.path.join(sys.prefix, "") if sys.prefix != sys.base_prefix else "\0"
STANDARD = os.path.join(os.path.dirname(os.__file__), "")
REDOIT = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")
UNOBSERVED = {".git", ".hg", "__pycache__", "site-packages", "dist-packages"}  # folders
SOURCES = (".py", ".pyc", ".pyi", ".so")
# What CPython's own modules open without an audit event.
OPENERS = {"_sqlite3", "_ctypes", "_dbm", "_gdbm", "_ssl", "readline", "_curses", "_tkinter"}
# Functions that ask what something is, and not how large it is.
WITHOUT_SIZE = {"exists", "lexists", "isfile", "isdir", "islink", "is_file", "is_dir", "is_symlink", "_joinrealpath"}
TOOL_IDS = (4, 3, 5, 2, 1, 0)  # of sys.monitoring, which others take by name
MAX_FRAMES = 12  # between an event and who caused it
MAX_ARGUMENT_BYTES = 1 << 16  # of a program that is started

stat, lstat, access, readlink = os.stat, os.lstat, os.access, os.readlink  # those that record nothing
if TYPE_CHECKING:
    AnyPath = str | bytes | os.PathLike[str]
OBSERVERS: list[Observer] = []  # at most one
CODE = type((lambda: 0).__code__)


def start() -> None:
    """Observe this process from now on, if that is asked for and not done yet."""
    path = os.environ.get(OBSERVE)
    if path and not OBSERVERS:
        OBSERVERS.append(Observer(path))
        OBSERVERS[0].start()


def redirect(path: str) -> None:
    """Append to another record file from now on, and first all that was observed so far: this process was forked."""
    os.environ[OBSERVE] = path
    if OBSERVERS:
        OBSERVERS[0].redirect(path)
    else:
        start()


def line_of(kind: str, *fields: object) -> bytes:
    """Return a record."""
    payload = b"\t".join(str(field).encode("unicode_escape") for field in (kind, *fields))
    return b"%08x %s\n" % (crc32(payload), payload)


class Observer:
    """Observes one process, and those forked from it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.scope: tuple[str, ...] = ()
        self.temporary = ""
        self.seen: dict[bytes, None] = {}
        self.own: set[str] = set()  # files and folders that this process made or changed
        self.folders: dict[str, str] = {}  # folder -> the same without links, empty if nothing in it counts
        self.code_files: dict[str, bool] = {}
        self.listed: set[str] = set()
        self.tops: dict[str, bool] = {}  # top-level module -> whether code of the project asked for it
        self.busy: set[int] = set()  # threads that are in here: what we do is not observed
        self.iterated: tuple[int, int] | None = None  # where os.environ was copied last

    def start(self) -> None:
        """Begin, and never end: an audit hook can't be removed."""
        _compile_from_source(self)
        _inherit(self)
        if not self._read_scope():
            return
        self.add("process", os.getpid(), os.getppid(), *sys.orig_argv)
        handlers = {
            "open": self.on_open, "sqlite3.connect": self.on_connect, "import": self.on_import, "exec": self.on_exec,
            "os.listdir": self.on_list, "os.scandir": self.on_list, "os.mkdir": self.on_made, "os.rename": self.on_moved,
            "os.link": self.on_moved, "os.symlink": self.on_moved, "pickle.find_class": self.on_class,
            "object.__getattr__": self.on_attribute, "os.system": self.on_system, "os.exec": self.on_replaced, "cpython.run_file": self.on_script,
        }  # fmt: skip
        guarded = {event: self.guard(handler) for event, handler in handlers.items()}
        get = guarded.get

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            handler = get(event)
            if handler is not None:
                handler(*arguments)

        _wrap_lookups(self)
        _wrap_environment(self)
        sys.addaudithook(hook)
        if sys.version_info >= (3, 12):
            _monitor(self)

    def redirect(self, path: str) -> None:
        """Append to another file from now on, and first all that was observed so far."""
        self.path = path
        if self._read_scope():
            self._append(b"".join(self.seen))
            self.add("process", os.getpid(), os.getppid(), *sys.orig_argv)

    def _read_scope(self) -> bool:
        """Return whether this process is to be observed, and within which scope."""
        try:
            with open(self.path, "rb") as file:
                self.scope = tuple(field.decode("unicode_escape") for field in file.readline()[9:-1].split(b"\t")[1:])
        except OSError:
            return False
        self.temporary = os.path.join(os.path.realpath(os.environ.get("TMPDIR") or "/tmp"), "")  # noqa: S108 - is not used
        return bool(self.scope)

    def guard(self, function: Callable[..., None]) -> Callable[..., None]:
        """Return a function that does not observe itself and never raises."""

        def guarded(*arguments: Any) -> None:
            thread = get_ident()
            if thread in self.busy or not self.scope:
                return
            self.busy.add(thread)
            try:
                function(*arguments)
            except (OSError, ValueError, TypeError):  # no path that could be opened
                return
            except Exception:  # what was not recorded must not count as not done
                self._give_up()
            finally:
                self.busy.discard(thread)

        return guarded

    def add(self, kind: str, *fields: object) -> None:
        """Append a record, once."""
        line = line_of(kind, *fields)
        if line not in self.seen:
            self._append(line)
            self.seen[line] = None

    def _append(self, data: bytes) -> None:
        # Opened each time: a step may close all files of its process, and then open its own under our number.
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            try:
                complete = os.write(handle, data) == len(data)
            finally:
                os.close(handle)
        except OSError:
            complete = False
        if not complete:
            self._give_up()

    def _give_up(self) -> None:
        try:
            os.truncate(self.path, 0)
        except OSError:
            return  # the step has ended

    def place(self, path: AnyPath) -> str:
        """Return the absolute path of what is in scope, without links; an empty text for all else."""
        text = os.fsdecode(path)
        if not text.startswith("/"):
            text = f"{os.getcwd()}/{text}"
        folder, _, name = text.rpartition("/")
        if name in ("", ".", ".."):
            text = os.path.realpath(text)
            folder, _, name = text.rpartition("/")
        if folder not in self.folders:
            self.folders[folder] = "" if _is_installed(f"{folder}/") else os.path.realpath(folder)
        real = self.folders[folder]
        if not real:
            return ""
        found = f"{real}/{name}" if real != "/" else f"/{name}"
        if os.path.islink(found):
            target = os.path.realpath(found)
            found = target if self.is_in_scope(target) else found  # a link that leads out is itself in scope
        return found if self.is_in_scope(found) else ""

    def is_in_scope(self, path: str) -> bool:
        """Tell whether a path counts, if it has no links."""
        root = next((each for each in self.scope if f"{path}/".startswith(f"{each}/")), None)
        if root is None:
            return False
        if path.startswith(self.temporary) and not f"{root}/".startswith(self.temporary):
            return False
        parts = path[len(root) :].split("/")
        return UNOBSERVED.isdisjoint(parts) and not any(part.startswith(".redoit") for part in parts) and not _is_installed(path)

    def is_own(self, path: str) -> bool:
        """Tell whether this process made a file, or a folder around it."""
        while path not in self.own:
            path = os.path.dirname(path)
            if len(path) < 2:  # noqa: PLR2004 - the root of all paths
                return False
        return True

    # Files ------------------------------------------------------------------------------------------------------------

    def on_open(self, path: AnyPath | int, _mode: object, flags: int) -> None:
        if isinstance(path, int) or not (name := self.place(path)):
            if isinstance(path, str) and path.endswith(("/METADATA", "/PKG-INFO")):
                self.add("distribution", os.path.basename(os.path.dirname(path)))
            return
        access_mode = flags & os.O_ACCMODE
        found = _status(name)
        if access_mode != os.O_WRONLY and not flags & os.O_TRUNC:
            if found and found.st_mode & 0o170000 == 0o100000:
                self.on_read(name, found)
            elif found is None and not flags & os.O_CREAT:
                self.add("absent", name)
        if access_mode != os.O_RDONLY:
            self.made(name)

    def on_read(self, name: str, found: os.stat_result) -> None:
        """Record a file that is read; also if the import system does, which alone is no reading."""
        reader = _caller(lambda file: file.endswith("/tokenize.py"))
        if reader is None:
            return
        file, kind = reader.f_code.co_filename, "read"
        if file.endswith("/linecache.py"):
            self.on_source(reader)
            kind = "imported"
        elif name.endswith(SOURCES) and (_is_import(file) or file.endswith(("/runpy.py", "/importlib/util.py"))):
            kind = "imported"
        if kind == "imported" or not self.is_own(name):
            identity = found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_mode
            self.add(kind, name, *identity)

    def on_source(self, frame: FrameType | None) -> None:
        """Record the definition of which somebody reads the source; a traceback or a warning reads none."""
        for _ in range(MAX_FRAMES):
            if frame is None:
                return
            if frame.f_code.co_name == "findsource":
                item = frame.f_locals.get("object")
                code = getattr(item, "f_code", getattr(item, "tb_frame", item))
                if isinstance(code, CODE):
                    self.on_code(code)
                elif isinstance(getattr(item, "__qualname__", None), str):
                    self.add("function", item.__module__, item.__qualname__)  # type: ignore[union-attr]
                elif isinstance(file := getattr(item, "__file__", None), str):
                    self.add("code", os.path.abspath(file), "*", 1, "")
                return
            frame = frame.f_back

    def on_connect(self, path: AnyPath) -> None:
        self.add("native", "")
        name = self.place(path)
        found = _status(name) if name else None
        if found:
            self.on_read(name, found)
        elif name:
            self.made(name)

    def made(self, name: str) -> None:
        self.own.add(name)
        self.add("made", name)

    def on_made(self, path: AnyPath, *_: object) -> None:
        if name := self.place(path):
            self.made(name)

    def on_moved(self, _source: object, path: AnyPath, *_: object) -> None:
        self.on_made(path)

    def on_list(self, path: AnyPath | int | None) -> None:
        lister = _caller(lambda file: file == "<frozen os>")
        file = lister.f_code.co_filename if lister else ""
        if not lister or _is_import(file) or "/importlib/metadata/" in file or file.endswith("/pkgutil.py"):
            return
        text = readlink(f"/proc/self/fd/{path}") if isinstance(path, int) else os.fsdecode(path or ".")
        name = self.place(f"{text}/.")
        if name and name not in self.listed and not self.is_own(name):
            self.listed.add(name)
            self.add("folder", name, *sorted(os.listdir(name)))

    def on_lookup(self, path: AnyPath | int, with_size: bool) -> None:  # noqa: FBT001 - by position, for speed
        """Record what a path is, for who asks whether something is there."""
        name = "" if isinstance(path, int) else self.place(path)
        if not name or self.is_own(name) or _caller(_is_standard) is None:
            return
        found = _status(name)
        if found is None:
            self.add("absent", name)
        else:
            kind = found.st_mode & 0o170000
            self.add("status", name, kind, found.st_size if with_size and kind == 0o100000 else "")

    def on_link(self, path: AnyPath) -> None:
        text = os.fsdecode(path)
        folder, _, name = os.path.abspath(text).rpartition("/")
        if (place := self.place(f"{folder}/.")) and os.path.islink(f"{place}/{name}"):
            self.add("link", f"{place}/{name}", readlink(f"{place}/{name}"))

    # Code and packages ------------------------------------------------------------------------------------------------

    def is_code(self, file: str) -> bool:
        """Tell whether a file's code may be the project's: neither the standard library's, nor installed, nor ours."""
        if file not in self.code_files:
            self.code_files[file] = not (file.startswith(("<", REDOIT)) or _is_installed(os.path.abspath(file)))
        return self.code_files[file]

    def on_code(self, code: CodeType) -> None:
        """Record a function that is called for the first time; the body of a class counts with its definition."""
        if code.co_flags & 1 and self.is_code(code.co_filename):
            self.add("code", os.path.realpath(code.co_filename), code.co_qualname, code.co_firstlineno, "")

    def on_exec(self, code: object) -> None:
        """Record a module that is executed, or the top-level module that it belongs to if it is installed."""
        if not isinstance(code, CODE) or code.co_name != "<module>":
            return
        if self.is_code(code.co_filename):
            self.add("code", os.path.realpath(code.co_filename), code.co_name, 1, _importer())
        elif "-packages/" in code.co_filename:
            top = code.co_filename.rpartition("-packages/")[2].partition("/")[0].partition(".")[0]
            if top not in self.tops and _caller(_is_import):
                self.tops[top] = False
                self.add("module", top, "")

    def on_script(self, path: AnyPath, *_: object) -> None:
        if self.is_code(file := os.path.realpath(os.fsdecode(path))):
            self.add("code", file, "<module>", 1, "")

    def on_import(self, name: str, file: str | None, *_: object) -> None:
        top = name.partition(".")[0]
        if file and (top in OPENERS or not file.startswith(STANDARD)):
            self.add("native", "")
        if name != top or self.tops.get(top) or top in sys.stdlib_module_names:
            return
        asker = _caller(_is_import)
        if asker and self.is_code(asker.f_code.co_filename):
            self.tops[top] = True
            self.add("module", top, "asked")

    def on_class(self, module: str, name: str) -> None:
        if module.partition(".")[0] not in sys.stdlib_module_names:
            self.add("unpickled", module, name)

    def on_attribute(self, item: object, name: str, *_: object) -> None:
        """Record a function whose code somebody takes, to compile it or to send it elsewhere."""
        if name == "__code__" and (module := getattr(item, "__module__", None)):
            file = getattr(sys.modules.get(module), "__file__", None)
            if isinstance(file, str) and self.is_code(file):
                self.add("function", module, getattr(item, "__qualname__", ""))

    # Variables and programs -------------------------------------------------------------------------------------------

    def on_variable(self, name: str) -> None:
        asker = _caller(_is_standard)
        if asker is None or (id(asker), asker.f_lasti) == self.iterated:
            return  # a copy asks once for each name
        file = asker.f_code.co_filename
        self.add("variable", name, "" if self.is_code(file) else "library")

    def on_copy(self) -> None:
        asker = _caller(_is_standard)
        if asker is not None:
            self.iterated = id(asker), asker.f_lasti
            if self.is_code(asker.f_code.co_filename):
                self.add("environment", os.path.realpath(asker.f_code.co_filename), asker.f_lineno)

    def on_program(self, number: int, folder: AnyPath | None, *arguments: AnyPath) -> None:
        texts = [os.fsdecode(each) for each in arguments]
        self.add("program", number, os.fsdecode(folder) if folder else os.getcwd(), *_short(texts))

    def on_system(self, command: AnyPath) -> None:
        self.on_program(0, None, "sh", "-c", command)

    def on_replaced(self, path: AnyPath, arguments: list[AnyPath], *_: object) -> None:
        self.on_program(os.getpid(), None, path, *arguments[1:])


def _status(path: str) -> os.stat_result | None:
    """Return what is at a path, None if nothing is."""
    try:
        return stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _is_installed(path: str) -> bool:
    """Tell whether a path belongs to Python or to what is installed for it."""
    return "/site-packages/" in path or "/dist-packages/" in path or path.startswith((STANDARD, VENV))


def _caller(passed: Callable[[str], bool]) -> FrameType | None:
    """Return the frame that caused an event, behind those whose file is passed; None if that is redoit's own."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - there is no other way
    while frame is not None and ((file := frame.f_code.co_filename) == __file__ or passed(file)):
        if frame.f_code.co_name == "expanduser":  # where the home folder lies makes no result
            return None
        frame = frame.f_back
    return None if frame is None or frame.f_code.co_filename.startswith(REDOIT) else frame


def _is_import(file: str) -> bool:
    return file.startswith("<frozen importlib") or file.endswith("/importlib/__init__.py")


def _is_standard(file: str) -> bool:
    return file.startswith("<frozen ") or (file.startswith(STANDARD) and "-packages/" not in file)


def _importer() -> str:
    """Return the file whose import statement executes a module, empty if it is not executed by a statement."""
    frame = _caller(lambda file: file.startswith("<frozen importlib"))
    file = frame.f_code.co_filename if frame else "<"
    return "" if file.startswith("<") or _is_standard(file) else os.path.realpath(file)


def _short(texts: list[str]) -> Iterator[str]:
    room = MAX_ARGUMENT_BYTES
    for text in texts:
        room -= len(text)
        if room > 0:
            yield text


def _compile_from_source(observer: Observer) -> None:
    """Never execute byte code of the project: it may be of other source, of equal size and time."""
    usual = SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, fullname: str) -> CodeType | None:
        path = loader.get_filename(fullname)
        if not observer.is_code(path):
            return usual(loader, fullname)
        return loader.source_to_code(loader.get_data(path), path)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign,assignment]  # the only way to all loaders


def _inherit(observer: Observer) -> None:
    """Let each process that is started inherit our variables, whatever environment it is given; record it."""
    import _posixsubprocess

    started = observer.guard(observer.on_program)

    def inherited() -> list[tuple[str, str]]:
        return [(name, os.environ[name]) for name in (OBSERVE, TAG) if name in os.environ]

    fork_exec, posix_spawn = _posixsubprocess.fork_exec, os.posix_spawn

    def observed_fork_exec(*arguments: Any) -> int:
        given = list(arguments)
        if given[5] is not None:
            names = {bytes(each).partition(b"=")[0] for each in given[5]}
            given[5] = [*given[5], *(os.fsencode(f"{name}={value}") for name, value in inherited() if name.encode() not in names)]
        number: int = fork_exec(*given)
        if observer.scope:
            started(number, given[4], *given[0])
        return number

    def observed_posix_spawn(path: AnyPath, argv: Any, env: Any, /, **options: Any) -> int:
        number = posix_spawn(path, argv, {**dict(inherited()), **env}, **options)
        if observer.scope:
            started(number, None, *argv)
        return number

    _posixsubprocess.fork_exec = observed_fork_exec  # type: ignore[assignment]
    os.posix_spawn = observed_posix_spawn  # type: ignore[assignment]
    if (loaded := sys.modules.get("subprocess")) and hasattr(loaded, "_fork_exec"):
        loaded._fork_exec = observed_fork_exec  # noqa: SLF001 - which it has imported by name


def _wrap_lookups(observer: Observer) -> None:
    """Record who asks whether a file is there: this raises no audit event."""
    look, link = observer.guard(observer.on_lookup), observer.guard(observer.on_link)

    def asked(function: Any, record: Callable[[Any], object]) -> Any:
        def observed(path: Any, *arguments: Any, **options: Any) -> Any:
            if not options.get("dir_fd") and get_ident() not in observer.busy:
                record(path)
            return function(path, *arguments, **options)

        observed.__name__ = observed.__qualname__ = function.__name__
        observed.__module__, observed.__doc__ = function.__module__, function.__doc__
        for supported in (os.supports_dir_fd, os.supports_effective_ids, os.supports_fd, os.supports_follow_symlinks):
            supported |= {observed} if function in supported else set()
        return observed

    def lookup(path: Any) -> None:
        frame = sys._getframe(2)  # noqa: SLF001 - there is no other way
        file = frame.f_code.co_filename
        if file.endswith("/linecache.py"):
            observer.guard(observer.on_source)(frame)
        elif not (_is_import(file) or file.endswith(("/inspect.py", "/pkgutil.py"))):
            look(path, frame.f_code.co_name not in WITHOUT_SIZE)

    os.stat, os.lstat = asked(stat, lookup), asked(lstat, lookup)
    os.access, os.readlink = asked(access, lookup), asked(readlink, link)


def _wrap_environment(observer: Observer) -> None:
    """Record each variable that is asked for, and each copy of all."""
    environment = type(os.environ)
    get, put, iterate = environment.__getitem__, environment.__setitem__, environment.__iter__
    set_here: set[str] = set()  # these tell nothing of the outside
    asked, copied = observer.guard(observer.on_variable), observer.guard(observer.on_copy)

    def getitem(this: os._Environ[str], key: str) -> str:
        if (name := key if isinstance(key, str) else os.fsdecode(key)) not in set_here:
            asked(name)
        return get(this, key)

    def setitem(this: os._Environ[str], key: str, value: str) -> None:
        put(this, key, value)
        set_here.add(os.fsdecode(key))

    def iterator(this: os._Environ[str]) -> Iterator[str]:
        copied()
        return iterate(this)

    environment.__getitem__ = getitem  # type: ignore[method-assign]  # each way to read it passes here
    environment.__setitem__ = setitem  # type: ignore[method-assign]
    environment.__iter__ = iterator  # type: ignore[method-assign]


def _monitor(observer: Observer) -> None:
    """Record each function that is called, once: from Python 3.12 on, at no cost that can be measured."""
    monitoring: Any = sys.monitoring
    record = observer.guard(observer.on_code)

    def called(code: CodeType, _offset: int) -> object:
        record(code)
        return monitoring.DISABLE

    for number in TOOL_IDS:
        if monitoring.get_tool(number) is None:
            monitoring.use_tool_id(number, "redoit")
            monitoring.register_callback(number, monitoring.events.PY_START, called)
            monitoring.set_events(number, monitoring.events.PY_START)
            return
    observer._give_up()  # noqa: SLF001 - all are taken
