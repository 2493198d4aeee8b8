"""Finds and ends the processes that a step left behind, whatever session or parent they have by now.

Each process that a step starts inherits a mark in its environment (as Jenkins does it with its BUILD_ID). Needs
`/proc`: elsewhere a step's process group is all that ends with it. Imports nothing of the engine.
"""

import contextlib
import os
import signal

MARK = "REDOIT_STEP"  # the environment variable
ROUNDS = 20  # a process may start another while we look


def end(mark: str) -> list[str]:
    """Kill all other processes that carry a mark, and those they start meanwhile; return their command lines."""
    ended: dict[int, str] = {}
    for _ in range(ROUNDS):
        found = [number for number in _numbers() if number != os.getpid() and _carries(number, mark)]
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


def _carries(number: int, mark: str) -> bool:
    """Tell whether a process carries a mark; one that is dead already has no environment."""
    return f"{MARK}={mark}".encode() in _read(number, "environ").split(b"\0")


def _command(number: int) -> str:
    return _read(number, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()


def _read(number: int, what: str) -> bytes:
    try:
        with open(f"/proc/{number}/{what}", "rb") as file:
            return file.read()
    except OSError:
        return b""
