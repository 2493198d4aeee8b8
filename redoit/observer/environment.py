"""Observes which environment variables are asked for.

    variable <name> <library>      asked for by name; by code of the project if `library` is empty
    environment <file> <line>      all were copied there, by code of the project

Sees all that goes through `os.environ` and `os.environb`, not what C code asks for.
"""

from __future__ import annotations  # what they name is not imported

import os
import sys

from redoit.observer.frames import caller, is_installed, is_standard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType

    from redoit.observer.record import Recorder


ASKS = {"environ", "environb", "getenv"}  # whoever names these asks for variables
ASK_FOR_OTHERS = {"getenv", "getenvb", "expandvars"}  # functions of the standard library


class Environment:
    """Observes the variables of one process."""

    def __init__(self, recorder: Recorder) -> None:
        self._add = recorder.add
        self._copied: tuple[CodeType, int] | None = None  # where the environment was copied last
        self._wrap(recorder.guard(self._on_name), recorder.guard(self._on_copy))

    def _on_name(self, name: str) -> None:
        asker = _asker()
        if asker and (asker.f_code, asker.f_lasti) != self._copied:  # a copy asks once for each name
            file = asker.f_code.co_filename
            self._add("variable", name, "library" if is_installed(file) and not is_standard(file) else "")

    def _on_copy(self) -> None:
        if asker := _asker():
            self._copied = asker.f_code, asker.f_lasti
            if not is_installed(asker.f_code.co_filename):
                self._add("environment", os.path.realpath(asker.f_code.co_filename), asker.f_lineno)

    @staticmethod
    def _wrap(asked: Callable[..., None], copied: Callable[..., None]) -> None:
        """Call us for what raises no audit event; what the process set itself tells nothing of the outside."""
        environment = type(os.environ)
        get, put, iterate = environment.__getitem__, environment.__setitem__, environment.__iter__
        asked_for, set_here = set[str](), set[str]()  # whoever asked: who finds nothing may set a default

        def getitem(this: os._Environ[str], key: str) -> str:
            code = sys._getframe(1).f_code  # noqa: SLF001 - of a loop over all items, which is a copy
            is_loop = code.co_name == "__iter__" and code.co_filename == "<frozen _collections_abc>"
            if not is_loop and isinstance(key, str | bytes) and (name := os.fsdecode(key)) not in set_here:
                asked_for.add(name)
                asked(name)
            return get(this, key)

        def setitem(this: os._Environ[str], key: str, value: str) -> None:
            put(this, key, value)
            set_here.update({os.fsdecode(key)} - asked_for)

        def iterator(this: os._Environ[str]) -> Iterator[str]:
            copied()
            return iterate(this)

        environment.__getitem__ = getitem  # type: ignore[method-assign]  # each way to read it passes here
        environment.__setitem__ = setitem  # type: ignore[method-assign]  # likewise, to set it
        environment.__iter__ = iterator  # type: ignore[method-assign]  # likewise, to copy all


def _asker() -> FrameType | None:
    """Return who asks: who calls the standard library, unless that asks by itself, as for PATH to find a program."""
    asker, frame = caller(is_standard), sys._getframe(1)  # noqa: SLF001 - there is no other way
    while frame is not None and frame is not asker and frame.f_back is not None:
        code, frame = frame.f_code, frame.f_back
        if is_standard(code.co_filename) and code.co_name not in ASK_FOR_OTHERS and ASKS.intersection(code.co_names):
            return None
    return asker
