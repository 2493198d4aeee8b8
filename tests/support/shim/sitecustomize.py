"""Stands between Python and the operating system, in a doit that a test has started: one I/O shim for several attacks.

Python imports a module of this name when it starts. `SHIM`, JSON in the environment, says what to do:

    roots   only what is done below these folders counts
    log     a file that gets one line of JSON for each operation: [verb, path, details]
    all     also stand in the steps' processes, and log what was written and said: enough to play it again
    here    stand in this very process, whatever it is
    number  the operation, counted from 1, that is to fail, with `error`: the name of an errno, or KILL

What BLAKE3 maps into memory is not seen here.
"""

import builtins
import errno
import fcntl
import io
import json
import os
import signal
import sys
import threading

SETTINGS = json.loads(os.environ.get("SHIM", "{}"))
ROOTS = tuple(os.path.join(root, "") for root in SETTINGS.get("roots", ()))
TRUE = {name: getattr(os, name) for name in ("open", "readlink", "lstat", "write", "getcwd", "kill")}
TRUE_OPEN = io.open
LOCK = threading.Lock()
CHANGES = {"fsync", "mkdir", "unlink", "rmdir", "rename", "link", "truncate", "write"}


class Counter:
    """Counts operations, writes them down, and lets one of them fail."""

    def __init__(self) -> None:
        self.number = 0
        self.log = TRUE["open"](SETTINGS["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        self.replayable = bool(SETTINGS.get("all"))

    def note(self, verb: str, path: str, *details: object) -> None:
        """Write an operation down."""
        TRUE["write"](self.log, json.dumps([verb, path, *details]).encode() + b"\n")

    def strike(self, verb: str, path: str) -> None:
        """Count an operation that is about to be made, and fail if it is its turn."""
        with LOCK:
            self.number += 1
            number = self.number
            if not self.replayable:
                self.note(verb, path)
        if number == SETTINGS.get("number"):
            if SETTINGS["error"] == "KILL":
                TRUE["kill"](os.getpid(), signal.SIGKILL)
            code = getattr(errno, SETTINGS["error"])
            raise OSError(code, os.strerror(code), path)


def place(path: object, folder: int | None = None) -> str:
    """Return where a path, or an open file, leads to, without following the last link; nothing if we don't care."""
    if isinstance(path, int):
        try:
            name = TRUE["readlink"](f"/proc/self/fd/{path}")
        except OSError:
            return ""
    else:
        name = os.fsdecode(path)
        if not os.path.isabs(name):
            try:
                above = TRUE["getcwd"]() if folder is None else TRUE["readlink"](f"/proc/self/fd/{folder}")
            except OSError:
                return ""
            name = os.path.normpath(os.path.join(above, name))
    return name if os.path.join(name, "").startswith(ROOTS) else ""


class Raw(io.FileIO):
    """A file whose reads and writes count."""

    def write(self, data):
        """Write, and count."""
        name = place(self.fileno())
        if name:
            COUNTER.strike("write", name)
            if COUNTER.replayable:
                COUNTER.note("write", name, self.tell(), bytes(data).hex())
        return super().write(data)

    def readinto(self, buffer):
        """Read, and count."""
        self._reads()
        return super().readinto(buffer)

    def readall(self):
        """Read all, and count."""
        self._reads()
        return super().readall()

    def _reads(self) -> None:
        name = place(self.fileno())
        if name:
            COUNTER.strike("read", name)


def opened(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):  # noqa: PLR0917 - as `open` has them
    """Be `open`."""
    name = place(file)
    if not name:
        return TRUE_OPEN(file, mode, buffering, encoding, errors, newline, closefd, opener)
    if not isinstance(file, int) and opener is None:
        COUNTER.strike("open" if mode.startswith("r") and "+" not in mode else "create", name)
        _note_creation(name, "r" not in mode, "w" in mode)
    raw = Raw(file, mode.replace("b", "").replace("t", ""), closefd, opener)
    if buffering == 0:
        return raw
    kind = io.BufferedRandom if "+" in mode else io.BufferedReader if "r" in mode else io.BufferedWriter
    buffer = kind(raw)
    if "b" in mode:
        return buffer
    text = io.TextIOWrapper(buffer, encoding, errors, newline, line_buffering=buffering == 1)
    text.mode = mode
    return text


def _note_creation(name: str, creates: bool, truncates: bool) -> None:
    if COUNTER.replayable and creates:
        try:
            TRUE["lstat"](name)
        except OSError:
            COUNTER.note("create", name)
        else:
            if truncates:
                COUNTER.note("truncate", name, 0)


def os_open(path, flags, mode=0o777, *, dir_fd=None):
    """Be `os.open`."""
    name = place(path, dir_fd)
    if name:
        COUNTER.strike("create" if flags & os.O_CREAT or flags & os.O_ACCMODE != os.O_RDONLY else "open", name)
        if not flags & getattr(os, "O_TMPFILE", 0) & ~os.O_DIRECTORY:
            _note_creation(name, bool(flags & os.O_CREAT), bool(flags & os.O_TRUNC))
    return TRUE["open"](path, flags, mode, dir_fd=dir_fd)


def counted(verb: str, true, details=lambda *_: ()):
    """Return a function of `os` that counts first, and is written down once it has succeeded."""

    def operation(*arguments, **named):
        path = arguments[0] if arguments else "."
        name = place(path, named.get("dir_fd", named.get("src_dir_fd")))
        if not name:
            return true(*arguments, **named)
        COUNTER.strike(verb, name)
        done = true(*arguments, **named)
        if COUNTER.replayable and verb in CHANGES:
            COUNTER.note(verb, name, *details(*arguments))
        return done

    for known in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
        if true in known:
            known.add(operation)
    return operation


def os_write(handle, data):
    """Be `os.write`."""
    name = place(handle)
    if name:
        COUNTER.strike("write", name)
        if COUNTER.replayable:
            COUNTER.note("write", name, os.lseek(handle, 0, os.SEEK_CUR), bytes(data).hex())
    return TRUE["write"](handle, data)


def ioctl(handle, request, *arguments):
    """Be `fcntl.ioctl`: of a reflink, what it wrote is noted."""
    name = place(handle if isinstance(handle, int) else handle.fileno())
    if not name:
        return TRUE_IOCTL(handle, request, *arguments)
    COUNTER.strike("ioctl", name)
    done = TRUE_IOCTL(handle, request, *arguments)
    if COUNTER.replayable:
        with TRUE_OPEN(f"/proc/self/fd/{arguments[0]}", "rb") as reader:
            COUNTER.note("write", name, 0, reader.read().hex())
    return done


class Teller(io.TextIOWrapper):
    """Standard output that is written down in the order of what happens to files."""

    def write(self, text):
        """Say a text, and write it down."""
        COUNTER.note("say", text)
        return super().write(text)


def stand() -> None:
    """Take the places of what Python's own code calls."""
    pairs = {"fsync": "fsync", "mkdir": "mkdir", "unlink": "unlink", "remove": "unlink", "rmdir": "rmdir"}
    pairs |= {"listdir": "list", "scandir": "list", "stat": "stat", "lstat": "stat", "utime": "utime"}
    for name, verb in pairs.items():
        setattr(os, name, counted(verb, getattr(os, name)))
    for name, verb in {"rename": "rename", "replace": "rename", "link": "link"}.items():
        setattr(os, name, counted(verb, getattr(os, name), lambda _, new: (place(new),)))
    os.ftruncate = counted("truncate", os.ftruncate, lambda _, size: (size,))
    os.pwrite = counted("write", os.pwrite, lambda _, data, offset: (offset, bytes(data).hex()))
    fcntl.flock = counted("flock", fcntl.flock)
    fcntl.ioctl = ioctl
    os.open, os.write = os_open, os_write
    builtins.open = io.open = opened
    if COUNTER.replayable and IS_DOIT:
        sys.stdout = Teller(sys.stdout.buffer, "utf-8", line_buffering=True)


IS_DOIT = [item for item in sys.orig_argv[1:] if item in ("-m", "doit")][:2] == ["-m", "doit"]
if SETTINGS and (IS_DOIT or SETTINGS.get("all") or SETTINGS.get("here")):
    TRUE_IOCTL = fcntl.ioctl
    COUNTER = Counter()
    stand()
