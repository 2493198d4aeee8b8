"""What a failing step's exception says: its first line, and its traceback without frames of redoit."""

import importlib
import os
import runpy
import traceback
from collections.abc import Sequence

# Where frames lie that a step is called through, and that its imports pass.
HIDDEN = (
    os.path.join(os.path.dirname(os.path.dirname(__file__)), ""),
    os.path.join(os.path.dirname(importlib.__file__), ""),
    runpy.__file__,
    "<frozen importlib",
    "<frozen runpy",
)
MAX_CHARACTERS = 1 << 20  # of a traceback


def first_line(error: BaseException) -> str:
    """Return the type of an exception and the first line of its text."""
    try:
        text = repr(error.code) if isinstance(error, SystemExit) else str(error)
    except BaseException:  # a step may define any exception
        text = "<exception str() failed>"
    if isinstance(error, SystemExit):
        return f"the step called exit({text})"
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def own_traceback(error: BaseException, roots: Sequence[str]) -> str:
    """Return a traceback from the first frame below a root, with causes, notes and groups. `roots`: of the project."""
    found = traceback.TracebackException.from_exception(error)
    waiting, own_folders = [found], tuple(os.path.join(root, "") for root in roots)
    while waiting:
        each = waiting.pop()
        frames = [frame for frame in each.stack if not frame.filename.startswith(HIDDEN)]
        own = [frame.filename.startswith(own_folders) and "site-packages" not in frame.filename for frame in frames]
        each.stack[:] = frames[own.index(True) if True in own else 0 :]
        if not each.stack:
            each.stack = None  # type: ignore[assignment]  # else there would be a heading of nothing
        waiting += filter(None, (each.__cause__, each.__context__, *(each.exceptions or ())))
    text = "".join(found.format())
    half = MAX_CHARACTERS // 2
    return text if len(text) <= 2 * half else f"{text[:half]}\n... {len(text) - 2 * half:,} characters\n{text[-half:]}"
