"""The exceptions that a user can act on, all of them RedoitError.

Each message reads *subject: found, expected; what to do*, with the three as attributes. It is one line of limited
length, whatever files and steps call themselves.
"""

import os
from pathlib import Path

from redoit.text import one_line, printable_lines


class RedoitError(Exception):
    """An error that the user can mend. Its text is one line."""

    def __init__(self, subject: str, found: str, todo: str = "") -> None:
        self.subject = subject
        self.found = found
        self.todo = todo
        super().__init__(subject, found, todo)

    def __str__(self) -> str:
        line = f"{one_line(self.subject)}: {one_line(self.found)}"
        return f"{line}; {one_line(self.todo)}" if self.todo else line


class DeclarationError(RedoitError):
    """A stage, step or setting is declared wrongly."""


class SourceError(RedoitError):
    """A project's source file can't be read or parsed."""


class InputError(RedoitError):
    """An input of a stage is missing or is not a file."""


class StepError(RedoitError):
    """A step failed, was killed, or broke its promise of outputs."""

    traceback = ""  # of the step's own frames, in printable lines

    @classmethod
    def with_log(cls, step: str, found: str, log: Path, traceback: str = "") -> "StepError":
        """Return the error of a step whose log tells more."""
        error = cls(f"step {step}", found, f"its log is {os.path.relpath(log)}")
        error.traceback = printable_lines(traceback)
        return error


class DiskError(RedoitError):
    """A file can't be read or written: no room, no permission, a failing disk."""


class BusyError(RedoitError):
    """Another process holds what this one needs."""


class StoreError(RedoitError):
    """The state under `.redoit/` can't be used."""


class CorruptError(StoreError):
    """A file in the store is missing, or does not match its digest."""
