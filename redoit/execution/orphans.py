"""Finds and kills the processes that a step left behind, whatever session or parent they have by now.

Each process that a step starts inherits a tag in its environment (as with Jenkins's BUILD_ID). All tags of a stage
have one prefix, so a later doit finds the orphans of a killed one. Without `/proc` only the process group is killed.
"""

import contextlib
import os
import re
import signal
from collections.abc import Callable

TAG_VARIABLE = "REDOIT_STEP"  # the environment variable
OWNER = re.compile(r"\d+:\d+:[^:\s]*:")
MAX_ROUNDS = 20  # a process may start another while we search


def new_tag(stage: str) -> str:
    """Return a new tag for an execution of a stage of the project that is the working directory."""
    return f"{owner_of(stage)}{os.urandom(16).hex()}"


def owner_of(stage: str) -> str:
    """Return how all tags of a stage begin: equal for a project that was moved, another for a copy."""
    from redoit.state.stage_file import stage_filename  # which a worker, who makes no tag, need not import

    folder = os.stat(".")
    return f"{folder.st_dev}:{folder.st_ino}:{stage_filename(stage)}:"


def kill_tagged(tag: str) -> list[str]:
    """Kill all other processes that carry a tag, and those they start meanwhile; return their command lines."""
    variable = f"{TAG_VARIABLE}={tag}".encode()
    return _kill(lambda each: each == variable)


def kill_orphans(stage: str, *owners: str) -> list[str]:
    """Kill likewise what any execution of a stage left behind, or of other owners. None may be under way."""
    prefixes = (owner_of(stage), *filter(OWNER.fullmatch, owners))  # nothing else, whatever a file says
    begins = tuple(f"{TAG_VARIABLE}={prefix}".encode() for prefix in prefixes)
    return _kill(lambda each: each.startswith(begins))


def read_proc(number: int | str, name: str) -> bytes:
    """Return a file of a process below `/proc`, empty if it can't be read."""
    try:
        with open(f"/proc/{number}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def _kill(is_tag: Callable[[bytes], bool]) -> list[str]:
    killed: dict[int, str] = {}
    for _ in range(MAX_ROUNDS):
        # A dead process has no environment.
        found = [number for number in _others() if any(map(is_tag, read_proc(number, "environ").split(b"\0")))]
        if not found:
            break
        for number in found:
            command = read_proc(number, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()
            killed.setdefault(number, command)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(number, signal.SIGKILL)
    return list(killed.values())


def _others() -> list[int]:
    """Return the numbers of all processes but this one."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal() and int(name) != os.getpid()]
    except OSError:
        return []
