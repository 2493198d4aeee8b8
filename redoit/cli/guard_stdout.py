"""Lets what a command says arrive, or tells in one line why it can't: the reader has gone, the disk is full."""

import os
import signal
import sys
from collections.abc import Callable

from doit.exceptions import InvalidDodoFile

OUTPUT = "standard output"
SIGNALLED = 128  # a shell adds the number of the signal that ended a command


def guard_stdout(work: Callable[[], int], blamed: str) -> int:
    """Do work that writes to standard output; return its exit status once all of that has arrived.

    `blamed`: whose failure it is if neither a file nor standard output can be named.
    Raises: InvalidDodoFile, which doit shows in one line, if standard output or another file fails.
    """
    try:
        status = work()
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever read what we say has gone
        _mute()
        return SIGNALLED + signal.SIGPIPE
    except OSError as error:  # no room, or no more open files, where doit itself looks
        subject = (blamed if _arrives() else OUTPUT) if error.filename is None else error.filename
        raise InvalidDodoFile(f"{subject}: {error.strerror or error}; mend that and run again") from None


def _arrives() -> bool:
    """Tell whether standard output takes what was said; if it does not, there is no more to say."""
    try:
        sys.stdout.flush()
    except OSError:
        _mute()
        return False
    return True


def _mute() -> None:
    """Let what is still to be written go nowhere: Python would complain of it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
