"""In each process of a step: observes what it executes, reads, looks for and asks for, and which programs it starts.

`redoit.pth` starts it in each Python process whose variable OBSERVE names a record file. What is observed is appended
there when it happens, so what a killed process did is on record. Project code is always compiled from its source here:
no stale byte code is executed. Imports nothing heavy and nothing else of redoit, and never fails the step. Does not
know what is declared, nor what counts.
"""

import os

from redoit.observer.record import OBSERVE as OBSERVE
from redoit.observer.record import Recorder

RECORDERS: list[Recorder] = []  # at most one


def start() -> None:
    """Observe this process from now on, if that is asked for and not done yet."""
    path = os.environ.get(OBSERVE)
    if not path or RECORDERS:
        return
    from redoit.observer import code, environment, files, making, processes

    recorder = Recorder(path)
    RECORDERS.append(recorder)
    environment.Environment(recorder)
    of_files = files.Files(recorder)
    parts = (processes.Processes(recorder), code.Code(recorder), of_files, making.Making(recorder, of_files))
    if recorder.scope:
        recorder.observe(handler for part in parts for handler in part.handlers().items())


def redirect(path: str) -> None:
    """Append to another record file from now on, and first all that was observed so far: this process was forked."""
    os.environ[OBSERVE] = path
    RECORDERS[0].redirect(path)
