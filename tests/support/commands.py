"""doit's commands in the test's own process, called as `doit` calls them: for what a command prints and decides.

A command that runs steps still starts their processes.
"""

import contextlib
import gc
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from doit import doit_cmd

from redoit.plugin import checkout


class Called(NamedTuple):
    """What a command returned and printed."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines of standard output."""
        return self.out.splitlines()


def call(folder: Path, *arguments: str) -> Called:
    """Call doit in a folder with the arguments of a command line.

    The reporter of `doit run` writes to the process's first standard output; `-o FILE` sends it elsewhere.
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with working_in(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = doit_cmd.DoitMain().run(list(arguments))
    return Called(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))


@contextlib.contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Make a folder the working directory, of which this process knows nothing yet, and nothing afterwards."""
    path, threshold, variables = sys.path[:], gc.get_threshold(), doit_cmd._CMDLINE_VARS
    checkout.forget_project()
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        checkout.forget_project()
        sys.modules.pop("dodo", None)
        sys.path[:], doit_cmd._CMDLINE_VARS = path, variables
        gc.set_threshold(*threshold)
        gc.unfreeze()
