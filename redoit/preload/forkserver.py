"""The process that steps are forked from: imports what is slow to import, once, and then forks on request.

Started as `python -m redoit.preload.forkserver CONTROL LIFE FOUND MODULE...`, where CONTROL is a socket and LIFE a pipe
that ends with the parent. Writes to the file FOUND what the imports found, says so, and then takes requests, one packet
each:

    {"fork": mark}, and the files that a call needs     the forked process says its number on one of them, and answers
    {"reap": number}                                    a forked process has ended: the answer is its exit status

Has no thread, and runs nothing of the project but imports, so that what is forked from it is as good as a fresh
process that has imported the same. Imports nothing heavy itself.
"""

import contextlib
import fcntl
import gc
import importlib
import json
import os
import random
import signal
import socket
import sys
import threading
import warnings
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from redoit.execution import import_hook, orphans, worker
from redoit.execution.access_audit import MANY, AccessAudit

LONGEST = 1 << 16  # bytes of a request
READY = b"ready"


@dataclass(frozen=True)
class ForkRequest:
    """What a forked process is to be. Open files: `call` and `answer` are those of `child`, `told` takes its number."""

    mark: str
    call: int
    answer: int
    told: int
    stdout: int
    stderr: int


def main() -> None:
    """Import, say what came of it, and serve; a forked process goes on from here as a step's."""
    control, life, found = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
    modules = sys.argv[4:]
    _end_with(life)
    printed = [_kept(handle) for handle in (1, 2)]
    mark = type(os.environ).__setitem__  # the witness takes what is set by that for the step's doing
    sys.argv[:] = [str(worker.__file__)]
    before = random.getstate()
    witness = AccessAudit(Path.cwd())
    imported = import_hook.import_from(import_hook.roots())
    for module in modules:
        importlib.import_module(module)
    with open(found, "w", encoding="utf-8") as file:
        json.dump(_told(imported, witness), file)
    control.send(READY)
    seeded = random.getstate()
    gc.freeze()  # no collection writes to the memory that is shared with those who are forked
    request = _serve(control)
    control.close()
    os.close(life)
    os.setsid()
    if seeded != before:  # Python gives whoever is forked new random numbers
        random.setstate(seeded)
    for handle, taken, text in zip((1, 2), (request.stdout, request.stderr), printed, strict=True):
        os.dup2(taken, handle)
        os.close(taken)
        _say_again(text, handle)
    mark(os.environ, orphans.TAG_VARIABLE, request.mark)
    orphans.set_tag(request.mark)
    os.write(request.told, str(os.getpid()).encode())
    os.close(request.told)
    worker.answer(request.call, request.answer, witness, worker.called)


def _serve(control: socket.socket) -> ForkRequest:
    """Do what is asked for, for as long as somebody may ask. Return only in a forked process, what it is to be."""
    while True:
        message, handles, _, _ = socket.recv_fds(control, LONGEST, len(fields(ForkRequest)), socket.MSG_CMSG_CLOEXEC)
        if not message:
            os._exit(0)
        asked = json.loads(message)
        if "reap" in asked:
            control.send(str(os.waitstatus_to_exitcode(os.waitpid(asked["reap"], 0)[1])).encode())
            continue
        if not _forked():
            return ForkRequest(asked["fork"], *handles)
        for handle in handles:
            os.close(handle)


def _forked() -> int:
    """Fork; return 0 in the new process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # libraries that wait for work in threads of their own know of forks
        return os.fork()


def _told(imported: import_hook.ImportRecord, witness: AccessAudit) -> dict[str, Any]:
    """Return what must still be so when a step is forked; `usable`: nothing else can have mattered."""
    reads = {os.path.abspath(path) for path in witness.reads}
    known = {os.path.realpath(path) for path in imported.sources}
    usable = not imported.odd and reads <= known and len(reads) < MANY and threading.active_count() == 1
    return {"usable": usable, "digests": imported.digests, "found": imported.found}


def _end_with(life: int) -> None:
    """End when the parent is gone, at once, even while a library imports: the kernel sends SIGIO. Needs no thread."""
    fcntl.fcntl(life, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | os.O_ASYNC)
    signal.signal(signal.SIGIO, signal.SIG_DFL)


def _kept(handle: int) -> int:
    """Let what is printed be kept from now on, for all steps that are forked later; return where."""
    kept = os.memfd_create("printed")
    os.dup2(kept, handle)
    return kept


def _say_again(kept: int, handle: int) -> None:
    with contextlib.suppress(OSError):
        size = os.fstat(kept).st_size
        os.write(handle, os.pread(kept, size, 0))
    os.close(kept)


if __name__ == "__main__":
    main()
