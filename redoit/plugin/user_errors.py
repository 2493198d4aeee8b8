"""Errors of the user's own files, which doit would show with its own traceback.

An error that passed through code of the user is shown from its first own frame on, any other by what it says. Importing
this is cheap: each doit does, by `redoit.pth`.
"""

import contextlib
import os
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType

from doit.cmdparse import CmdParseError
from doit.exceptions import InvalidCommand, InvalidDodoFile, InvalidTask

from redoit.errors import RedoitError

EMPTY_ARGUMENT = "found an empty argument, which doit can't take; write it behind its option: --name="
STDLIB = os.path.join(os.path.dirname(os.__file__), "")


@contextlib.contextmanager
def clear_errors(subject: str, *, own_only: bool = False) -> Iterator[None]:
    """Raise InvalidDodoFile, which doit shows without a traceback of its own, instead of an error that nobody expects.

    `own_only`: an error of redoit's code that the user's did not call is a fault of redoit, and stays as it is.
    """
    try:
        yield
    except (RedoitError, InvalidCommand, InvalidDodoFile, InvalidTask, CmdParseError):
        raise
    except Exception as error:
        # The system refuses if an OSError has no type of its own: too many open files, no space.
        if type(error) is OSError or (own_only and not is_foreign(error)):
            raise
        raise InvalidDodoFile(in_words(subject, error)) from None


def in_words(subject: str, error: BaseException) -> str:
    """Return an error that a subject, a file, causes: with its own traceback, if it has one."""
    shown = traceback.TracebackException.from_exception(error)
    part: traceback.TracebackException | None = shown
    while part:
        part.stack = traceback.StackSummary.from_list(_own_frames(part.stack))
        part = part.__cause__ or part.__context__
    text = "".join(shown.format()).rstrip()
    return f"{subject} can't be loaded\n{text}" if "\n" in text else f"{subject}: {text}"


def is_foreign(error: BaseException) -> bool:
    """Tell whether an error passed through the user's code, or comes from doit's: from what dodo.py says."""
    packages = [_package(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    return "own" in packages or [each for each in packages if each != "stdlib"][-1:] == ["doit"]


def _own_frames(frames: list[traceback.FrameSummary]) -> list[traceback.FrameSummary]:
    """Return the frames from the first own one to the last that is neither doit's nor redoit's."""
    packages = [_package(frame.filename) for frame in frames]
    own = [place for place, package in enumerate(packages) if package == "own"]
    last = [place for place, package in enumerate(packages) if package in ("own", "stdlib")]
    return frames[own[0] : last[-1] + 1] if own else []


def _package(file: str) -> str:
    """Return whose a file is: of `doit`, `redoit`, `stdlib`, or the user's `own`."""
    for package in ("doit", "redoit"):
        if file.startswith(os.path.join(os.path.dirname(str(sys.modules[package].__file__)), "")):
            return package
    if file.startswith("<frozen ") or (file.startswith(STDLIB) and "site-packages" not in file):
        return "stdlib"
    return "own"


def install() -> None:
    """Show errors of doit outside its commands in one line: of configuration files, plug-ins and arguments."""
    sys.excepthook = _show


def _show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    frames = [frame for frame, _ in traceback.walk_tb(trace)]
    if not isinstance(error, Exception) or not is_foreign(error):
        sys.__excepthook__(kind, error, trace)
        return
    files = [frame.f_locals["config_filename"] for frame in frames if "config_filename" in frame.f_locals]
    text = EMPTY_ARGUMENT if frames[-1].f_code.co_name == "process_args" else " ".join(str(error).split())
    if isinstance(error, AttributeError | TypeError | AssertionError):
        text = f"found another structure than doit reads ({text or 'plugins'}); mend it"
    sys.stderr.write(f"ERROR: {''.join(map(str, files[-1:])) or 'doit'}: {text}\n")
