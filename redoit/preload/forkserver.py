"""The process that steps are forked from: imports some modules once, and then forks on request.

`main` is started with the arguments CONTROL MODULE..., where CONTROL is a socket. Sends READY once all is
imported; ends if an import fails, or did what can't be checked later. Then takes requests, one packet each:

    a tag, with files   a forked process sends its number on the first of them, and serves a call there; they are only
                        closed if a fresh process would import something else by now
    a number            the answer is the exit status of the forked process of that number, which has ended

Has no thread, runs nothing of the project but imports, and imports nothing heavy itself.

`multiprocessing`'s fork server will not do: it reaps a process the moment it ends, so its group can't be killed by a
number that is surely its own; ignores an ImportError; and outlives a killed parent for as long as it imports.
"""

import fcntl
import gc
import importlib
import os
import random
import signal
import socket
import sys
import threading
import warnings

from redoit import observer
from redoit.execution import orphans, worker
from redoit.preload.import_record import ImportRecord
from redoit.source import import_hook

MAX_PACKET_BYTES = 1 << 16
MAX_FILES = 8  # of a request
READY = b"ready"
ENVIRONMENT_START = 47  # field of /proc/self/stat, counted from the state on: the address of the environment


def main() -> None:
    """Import, tell the parent, and serve; a forked process goes on from here as a worker."""
    control, modules = socket.socket(fileno=int(sys.argv[1])), sys.argv[2:]
    _end_with_peer(control, enabled=True)
    printed = [os.memfd_create("stdout"), os.memfd_create("stderr")]  # by the imports, for the log of each step
    os.dup2(printed[0], 1)
    os.dup2(printed[1], 2)
    sys.argv[:], sys.orig_argv[:] = [""], [sys.executable]
    before = random.getstate()
    observer.start()
    record = ImportRecord()
    record.start()
    import_hook.standard_first().use(modules)
    for module in modules:
        importlib.import_module(module)
    if threading.active_count() > 1:
        return  # the imports did more than a fork takes along
    _end_with_peer(control, enabled=False)
    control.send(READY)
    seeded = random.getstate()
    gc.freeze()  # no collection writes to the memory that is shared with forked processes
    tag, (channel, result, *streams) = _serve(control, record)
    control.close()
    os.setsid()
    if seeded != before:  # Python reseeds in a forked process
        random.setstate(seeded)
    for memory, handle, stream in zip(printed, (1, 2), streams, strict=True):
        os.dup2(stream, handle)
        os.write(handle, os.pread(memory, os.fstat(memory).st_size, 0))
        os.close(stream)
        os.close(memory)
    os.environ[orphans.TAG_VARIABLE] = tag
    set_tag(tag)
    os.write(channel, str(os.getpid()).encode())
    worker.serve(channel, result)


def set_tag(tag: str) -> None:
    """Overwrite the padded tag where the kernel lets others read the environment; children inherit the new tag."""
    import ctypes

    start = int(orphans.read_proc("self", "stat").rpartition(b")")[2].split()[ENVIRONMENT_START])
    variable = f"\0{orphans.TAG_VARIABLE}=".encode()
    offset = (b"\0" + orphans.read_proc("self", "environ")).index(variable) + len(variable) - 1
    padded = tag.encode().ljust(orphans.PADDED_TAG_BYTES, b"\0")
    ctypes.memmove(start + offset, padded, len(padded))


def _serve(control: socket.socket, record: ImportRecord) -> tuple[str, list[int]]:
    """Handle requests until the parent is gone. Return only in a forked process: its tag and files."""
    while True:
        message, files, _, _ = socket.recv_fds(control, MAX_PACKET_BYTES, MAX_FILES, socket.MSG_CMSG_CLOEXEC)
        if not message:
            os._exit(0)
        if not files:
            control.send(str(os.waitstatus_to_exitcode(os.waitpid(int(message), 0)[1])).encode())
        elif record.is_current():
            with warnings.catch_warnings(action="ignore"):  # libraries with waiting threads of their own know of forks
                number = os.fork()
            if not number:
                return message.decode(), files
        for handle in files:
            os.close(handle)


def _end_with_peer(control: socket.socket, *, enabled: bool) -> None:
    """End when the parent closes the socket, even while a library imports: the kernel sends SIGIO. Needs no thread."""
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(control, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(control, fcntl.F_GETFL) & ~os.O_ASYNC
    fcntl.fcntl(control, fcntl.F_SETFL, flags | os.O_ASYNC if enabled else flags)
