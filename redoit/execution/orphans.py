"""Finds and kills the processes that a step left behind, whatever session or parent they have by now.

Each process that a step starts inherits a tag in its environment (as with Jenkins's BUILD_ID). All tags of a stage
have one prefix, so a later doit finds the orphans of a killed one. Without `/proc` only the process group is killed.

Helpers end by themselves: a resource tracker of Python that is killed leaves shared memory behind, a tracer its record
unfinished.
"""

import contextlib
import os
import re
import signal
import time
from collections.abc import Callable

TAG_VARIABLE = "REDOIT_STEP"  # the environment variable
PADDED_TAG_BYTES = 1000  # the room in an environment where a tag will be replaced by another
OWNER = re.compile(r"\d+:\d+:[^:\s]*:")
HELPERS = (b"strace\0-D\0", b".resource_tracker ", b"multiprocessing.forkserver import ")  # in their command lines
EXEC_SECONDS = 0.05  # for a helper that was just forked to get its own command line: until then it has the step's
HELPER_SECONDS = 3.0  # for them to end; also the limit for a process that starts others while we search


def new_tag(stage: str) -> str:
    """Return a new tag for an execution of a stage of the project that is the working directory."""
    return f"{owner_of(stage)}{os.urandom(16).hex()}"


def owner_of(stage: str) -> str:
    """Return how all tags of a stage begin: equal for a project that was moved, another for a copy."""
    from redoit.state.stage_file import stage_filename  # which a worker, who makes no tag, need not import

    folder = os.stat(".")
    return f"{folder.st_dev}:{folder.st_ino}:{stage_filename(stage)}:"


def kill_left(tag: str, group: int, *, wait: bool = True) -> list[str]:
    """Kill all other processes that carry a tag or are in a process group, and those they start meanwhile.

    Return their command lines. Helpers end by themselves, with `wait` before we return, and clean up.
    """
    if not _others():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    variable = f"{TAG_VARIABLE}={tag}".encode()
    return _kill(lambda number: _group(number) == group or variable in _variables(number), wait=wait)


def kill_orphans(stage: str, *owners: str) -> list[str]:
    """Kill likewise what any execution of a stage left behind, or of other owners. None may be under way."""
    prefixes = (owner_of(stage), *filter(OWNER.fullmatch, owners))  # nothing else, whatever a file says
    begins = tuple(f"{TAG_VARIABLE}={prefix}".encode() for prefix in prefixes)
    return _kill(lambda number: any(each.startswith(begins) for each in _variables(number)))


def is_step_of_project() -> bool:
    """Tell whether this process was started by a step of the project that is the working directory."""
    return os.environ.get(TAG_VARIABLE, "").startswith(owner_of("").removesuffix(":"))


def read_proc(number: int | str, name: str) -> bytes:
    """Return a file of a process below `/proc`, empty if it can't be read."""
    try:
        with open(f"/proc/{number}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def _kill(is_left: Callable[[int], bool], *, wait: bool = True) -> list[str]:
    killed: dict[int, bytes] = {}
    # A tracer or a tracker ends once all that use it have ended; a fork server, once the step has.
    for spared in (HELPERS, HELPERS[:2], ()) if wait else (HELPERS,):
        end = time.monotonic() + HELPER_SECONDS
        while found := [number for number in _others() if is_left(number)]:
            if wait and not killed:
                time.sleep(EXEC_SECONDS)
            commands = {number: read_proc(number, "cmdline").strip(b"\0 ") for number in found}
            due = {number: each for number, each in commands.items() if not any(one in each for one in spared)}
            killed |= {number: command for number, command in due.items() if command}  # else it ends already
            for number in due:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(number, signal.SIGKILL)
            if time.monotonic() > end or not (due or wait):
                break
            time.sleep(0.001 if due else 0.01)
        if not found:
            break
    return [command.replace(b"\0", b" ").decode(errors="replace") for command in killed.values()]


def _variables(number: int) -> list[bytes]:
    """Return the environment of a process; a dead one has none."""
    return read_proc(number, "environ").split(b"\0")


def _group(number: int) -> int | None:
    """Return the process group of a process, None if it is dead."""
    fields = read_proc(number, "stat").rpartition(b")")[2].split()
    return int(fields[2]) if fields and fields[0] not in b"ZX" else None


def _others() -> list[int]:
    """Return the numbers of all processes but this one."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal() and int(name) != os.getpid()]
    except OSError:
        return []
