"""One process at a time realises stages in a checkout; the others wait, and say for whom.

The kernel gives the lock back when its holder dies, however it dies, so a stale lock can't be. (filelock would do as
well; to import it takes half as long as a whole run with nothing to do.)
"""

import contextlib
import fcntl
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def held(path: Path, say: Callable[[str], object]) -> Iterator[None]:
    """Hold the lock; `say` is told once if another process holds it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 200, 0).decode(errors="replace") or "another process"
            say(f"Waiting for {holder} to finish.")
            fcntl.flock(handle, fcntl.LOCK_EX)
        command = shlex.join([os.path.basename(sys.argv[0]), *sys.argv[1:]])
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"'{command[:150]}' (process {os.getpid()})".encode(errors="replace"), 0)
        yield
    finally:
        os.close(handle)
