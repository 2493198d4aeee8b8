"""A Python process that is observed as those of a step are, and what it records."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from redoit.execution import records
from redoit.execution.records import Record, Touched
from redoit.observer.record import OBSERVE

RECORD = ".redoit/observed/probe"
COLLECTED = ("process", "imported", "code")  # what each process records of its own beginning


def begun(*scope: str) -> str:
    """Return the path of an empty record file, whose scope is the working directory and further paths."""
    records.begin(Path(RECORD), (os.getcwd(), *scope))
    return str(Path(RECORD).absolute())


def touched(body: str, *scope: str, **variables: str) -> Touched:
    """Import a module `probe` of the working directory, which has this body, in an observed process."""
    record = begun(*scope)
    Path("probe.py").write_text(textwrap.dedent(body))
    env = {**os.environ, OBSERVE: record, **variables}
    subprocess.run([sys.executable, "-c", "import probe"], env=env, stdin=subprocess.DEVNULL, check=True)
    return records.read(Path(RECORD))


def recorded(body: str, *scope: str, **variables: str) -> list[Record]:
    """Return the records of such a process, but for those of its beginning; paths are given from here."""
    here = f"{os.getcwd()}/"
    found = [record for record in touched(body, *scope, **variables).records if record[0] not in COLLECTED]
    return [tuple(field.removeprefix(here) for field in record) for record in found]


def names(kind: str, found: list[Record]) -> list[str]:
    """Return the first field of each record of a kind."""
    return [record[1] for record in found if record[0] == kind]
