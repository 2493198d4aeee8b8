"""Reads one file at a time in a process with limits, and reports the result and the files it touched.

A worker imports what reads files of a kind, once, and forks for each file: `Limited("idx").read(path)`. Run as a
script, this is the worker. Work is counted, and not timed, so that a busy machine changes nothing: calls of functions,
bytes that were read, memory on top of what the imports take. Who would never end is killed.
"""

import cProfile
import json
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
MEMORY = 300 * 2**20  # bytes
CALLS, CALLS_PER_BYTE = 2_000_000, 0.1  # of functions, Python's and C's; to look at all installed packages takes some
READ, READ_PER_BYTE = 2**24, 4
LARGEST = 2**26  # bytes: a sparse file counts as no more
ENDLESS = 60  # seconds of processor time after which a process is killed
PATIENCE = 300  # seconds after which it is killed, however busy the machine is
CLEAR = re.compile(r"[^\n\r]+: [^\n\r]+(; |, expected )[^\n\r]+")
EVENTS = ("open", "import", "os.system", "subprocess.", "socket.", "exec", "os.rename", "os.remove", "shutil.")


class Outcome(NamedTuple):
    """How the reading of a file ended.

    `kind`: `result`, `error` (one that is documented), or what it should not be. `touched`: what it opened, imported
    or started. `calls`: of functions; `read`: bytes; `memory`: bytes at most.
    """

    kind: str
    text: str
    touched: list[list[str]]
    calls: int
    read: int
    memory: int


class Limited:
    """A worker for files of one kind."""

    def __init__(self, kind: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, kind],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def read(self, path: Path) -> Outcome:
        """Read a file, and return any result."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        return Outcome(**json.loads(self._process.stdout.readline()))

    def check(self, path: Path) -> Outcome:
        """Read a file, and check that the result is a value or one clear error, within the limits."""
        outcome = self.read(path)
        assert outcome.kind in ("result", "error"), outcome
        if outcome.kind == "error":
            assert CLEAR.fullmatch(outcome.text), outcome.text
            assert len(outcome.text) < 1000, outcome.text
        size = sum(min(each.stat().st_size, LARGEST) for each in (path, *path.rglob("*")) if each.is_file())
        assert outcome.calls < CALLS + CALLS_PER_BYTE * size, outcome
        assert outcome.read < READ + READ_PER_BYTE * size, outcome
        assert outcome.memory < MEMORY, outcome
        strange = [event for event in outcome.touched if not _harmless(*event, str(path.parent))]
        assert strange == [], (strange, outcome)
        return outcome

    def end(self) -> None:
        """End the worker."""
        self._process.communicate(timeout=PATIENCE)


def _harmless(event: str, subject: str, folder: str) -> bool:
    """Tell whether an event belongs to the reading of a file in a folder, or to Python itself."""
    python = (f"{sys.prefix}/lib", f"{sys.base_prefix}/lib")
    if event == "open":  # a relative name belongs to a folder that was opened before
        inside = not subject.startswith("/") and ".." not in subject
        around = Path(folder).is_relative_to(subject)  # a folder around it, which is forced to the disk
        return inside or around or subject.startswith((folder, os.devnull, *python))
    if event == "exec":
        return any(f'file "{place}' in subject for place in python)
    if event == "import":
        return subject.startswith("encodings.")
    return subject.startswith(folder)


def work(read: Callable[[Path], object], expected: tuple[type[Exception], ...]) -> None:
    """Read the files whose paths come in, each in a process of its own."""
    touched: list[list[str]] = []
    sys.addaudithook(lambda event, given: touched.append(note(event, given)) if event.startswith(EVENTS) else None)
    for line in sys.stdin:
        touched.clear()
        source, sink = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            limit()
            calls, before = cProfile.Profile(), bytes_read()
            touched.clear()
            calls.enable()
            kind, text = attempt(read, expected, Path(line.rstrip("\n")))
            calls.disable()
            found = touched[:20]
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
            made = sum(entry.callcount for entry in calls.getstats())
            os.write(sink, json.dumps([kind, text[:2000], found, made, bytes_read() - before]).encode())
            os._exit(0)
        os.close(sink)
        with open(source, "rb") as told:
            data = told.read()
        _, status, used = os.wait4(child, 0)
        fields = json.loads(data) if data else [f"ended by signal {os.waitstatus_to_exitcode(status)}", "", [], 0, 0]
        outcome = Outcome(*fields, used.ru_maxrss * 1024)
        print(json.dumps(outcome._asdict()), flush=True)


def attempt(read: Callable[[Path], object], expected: tuple[type[Exception], ...], path: Path) -> tuple[str, str]:
    """Read one file; return how that ended."""
    try:
        return "result", repr(read(path))
    except expected as error:
        return "error", str(error)
    except BaseException as error:  # noqa: BLE001 - whatever escapes is told
        return f"escaped: {type(error).__name__}", str(error)


def limit() -> None:
    """Limit this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CPU, (ENDLESS, ENDLESS))
    signal.alarm(PATIENCE)


def bytes_read() -> int:
    """Return how many bytes this process has read so far."""
    return int(Path("/proc/self/io").read_text().split()[1])


def note(event: str, given: tuple[object, ...]) -> list[str]:
    """Return an event and what it is about, as texts."""
    first = given[0] if given else ""
    return [event, os.fsdecode(first) if isinstance(first, str | bytes | os.PathLike) else str(first)]


if __name__ == "__main__":
    import readers

    work(*readers.READERS[sys.argv[1]]())
