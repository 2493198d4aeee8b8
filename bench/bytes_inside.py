"""What redoit does with the bytes of one large file, timed in a process of its own, which prints the seconds.

    python -m bench.bytes_inside digest FILE
    python -m bench.bytes_inside put FILE STORE
    python -m bench.bytes_inside restore FILE STORE TARGET
    python -m bench.bytes_inside clone FILE TARGET

`put` keeps a file's content; `restore` brings it back, verified, and forces it to the disk as a stage's outputs are.
"""

import os
import sys
import time
from pathlib import Path

from redoit import digest
from redoit.model import Artifact
from redoit.storage import disk
from redoit.storage.store import Store


def digested(file: Path) -> str:
    """Digest a file."""
    return digest.of_file(file)


def put(file: Path, store: Path) -> str:
    """Keep a file in a store, and return its digest."""
    return Store(store).put([file])[file].digest


def restored(file: Path, store: Path, target: Path) -> str:
    """Restore a file from a store; `file` is what it was, for its name."""
    artifact = Artifact((store / "name").read_text(), file.stat().st_size)
    Store(store).restore(artifact, target)
    disk.fsync(target)
    return artifact.digest


def cloned(file: Path, target: Path) -> str:
    """Make an independent copy, as cheap as the file system has it."""
    with file.open("rb") as reader:
        disk.clone(target, reader)
    return ""


VERBS = {"digest": digested, "put": put, "restore": restored, "clone": cloned}

if __name__ == "__main__":
    os.sync()  # so that earlier writes of others are not measured
    blake3 = digest.of_bytes(b"")  # the library is loaded
    verb, given = VERBS[sys.argv[1]], [Path(each) for each in sys.argv[2:]]
    began = time.perf_counter()
    name = verb(*given)
    print(time.perf_counter() - began, name)
