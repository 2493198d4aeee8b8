"""Finds and ends the processes that a step left behind, whatever session or parent they have by now.

Each process that a step starts inherits a tag in its environment (as Jenkins does it with its BUILD_ID). All tags of
a stage begin alike, so that a later doit finds what a killed one left. A forked process shows the environment of the
one that it was forked from, until it writes its own tag over it. Needs `/proc`: elsewhere a step's process group
is all that ends with it. Imports nothing of the engine.
"""

import contextlib
import os
import signal
from collections.abc import Callable
from urllib.parse import quote

TAG_VARIABLE = "REDOIT_STEP"  # the environment variable
PADDED_TAG_BYTES = 1000  # bytes that the tag of a fork server leaves for the tags of those that are forked from it
ROUNDS = 20  # a process may start another while we look
FORKSERVER = "\n"  # in place of a stage, whose name is one line
START = 47  # place in /proc/self/stat, counted from the state on: where the environment lies in memory


def new_tag(stage: str) -> str:
    """Return a new tag for an execution of a stage of the project that is the working directory."""
    return f"{_family(stage)}{os.urandom(16).hex()}"


def padded_tag() -> str:
    """Return a tag for a process from which steps are forked."""
    return new_tag(FORKSERVER).ljust(PADDED_TAG_BYTES, ".")


def set_tag(tag: str) -> None:
    """Carry another tag instead of a roomy one: it is written over that, where the kernel lets others read it.

    Whoever is forked from us then carries it, too. Raises: ValueError, OSError if it can't be done.
    """
    import ctypes

    start = int(_read("self", "stat").rpartition(b")")[2].split()[START])
    environment = b"\0" + _read("self", "environ")
    place = environment.index(f"\0{TAG_VARIABLE}=".encode())
    room = environment.index(b"\0", place + 1) - place - 1
    worn = f"{TAG_VARIABLE}={tag}".encode()
    if len(worn) > room:
        raise ValueError(tag)
    ctypes.memmove(start + place, worn.ljust(room, b"\0"), room)


def kill_tagged(tag: str) -> list[str]:
    """Kill all other processes that carry a tag, and those they start meanwhile; return their command lines."""
    wanted = f"{TAG_VARIABLE}={tag}".encode()
    return _end(lambda variable: variable == wanted)


def kill_orphans(stage: str) -> list[str]:
    """Kill likewise whatever any execution of a stage left behind. None may be under way."""
    family = f"{TAG_VARIABLE}={_family(stage)}".encode()
    return _end(lambda variable: variable.startswith(family))


def _family(stage: str) -> str:
    """Return how the invalidations of a stage begin. A moved project has the same, a copy others."""
    here = os.stat(".")
    return f"{here.st_dev}:{here.st_ino}:{quote(stage, safe='')}:"


def _end(ours: Callable[[bytes], bool]) -> list[str]:
    ended: dict[int, str] = {}
    for _ in range(ROUNDS):
        found = [number for number in _numbers() if number != os.getpid() and _carries(number, ours)]
        if not found:
            break
        for number in found:
            ended.setdefault(number, _command(number))
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(number, signal.SIGKILL)
    return list(ended.values())


def _numbers() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:
        return []


def _carries(number: int, ours: Callable[[bytes], bool]) -> bool:
    """Tell whether a process carries such a tag; one that is dead already has no environment."""
    return any(ours(variable) for variable in _read(number, "environ").split(b"\0"))


def _command(number: int) -> str:
    return _read(number, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()


def _read(number: int | str, what: str) -> bytes:
    try:
        with open(f"/proc/{number}/{what}", "rb") as file:
            return file.read()
    except OSError:
        return b""
