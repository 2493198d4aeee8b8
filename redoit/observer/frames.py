"""Whose code causes an event: the project's, a library's, the standard library's or redoit's own."""

from __future__ import annotations  # what they name is not imported

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

STANDARD = os.path.join(os.path.dirname(os.__file__), "")
IMPORT = os.path.join(STANDARD, "importlib/__init__.py")
SITE = os.path.join(STANDARD, "site.py")
REDOIT = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")
OBSERVER = os.path.join(os.path.dirname(__file__), "")
CLONES = os.path.join(sys.prefix, "src", "")  # where pip clones what is installed to be edited
VENV = os.path.join(sys.prefix, "") if sys.prefix != sys.base_prefix else "\0"


def is_installed(path: str) -> bool:
    """Tell whether a path belongs to Python or to what is installed for it."""
    if path.startswith(VENV):
        return not path.startswith(CLONES) or "/site-packages/" in path
    return "/site-packages/" in path or "/dist-packages/" in path or path.startswith(STANDARD)


def is_standard(file: str) -> bool:
    """Tell whether code is the standard library's."""
    return file.startswith("<frozen ") or (file.startswith(STANDARD) and "-packages/" not in file)


def is_import(file: str) -> bool:
    """Tell whether code is the import system's."""
    return file.startswith("<frozen importlib") or file == IMPORT


def is_of(file: str, *modules: str) -> bool:
    """Tell whether code is that of modules of the standard library; a step may have files of these names."""
    return file.startswith(STANDARD) and file[len(STANDARD) :].startswith(modules)


def caller(passed: Callable[[str], bool]) -> FrameType | None:
    """Return the frame that causes what is observed, behind those whose file is passed; None if that is redoit's own.

    Where all are passed, as in `Thread(target=os.getenv)` or `python -m json.tool`, the outermost. None also while
    Python starts.
    """
    frame = sys._getframe(1)  # noqa: SLF001 - there is no other way
    while (file := frame.f_code.co_filename).startswith(OBSERVER) or passed(file):
        if _is_site(file):
            return None
        if frame.f_back is None:
            break
        frame = frame.f_back
    outer: FrameType | None = frame
    while outer is not None and outer.f_code.co_filename == "<string>":  # a line of a `.pth` file
        outer = outer.f_back
    is_start = outer is not None and _is_site(outer.f_code.co_filename)
    return None if is_start or file.startswith(REDOIT) else frame


def _is_site(file: str) -> bool:
    return file in ("<frozen site>", SITE)
