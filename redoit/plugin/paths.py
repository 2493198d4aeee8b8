"""Paths of files as dodo.py writes them: their form in a project, which of them name one file, and which are taken."""

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from redoit.engine.inspector import Inspector
from redoit.engine.snapshot import Settings
from redoit.errors import DeclarationError, RedoitError
from redoit.model import Stage

MAX_LINKS = 40  # on the way to a file, as in the kernel


def project_path(path: str) -> str:
    """Return a path without `.` and `..`, from the project's folder where it lies inside, else as it is written."""
    normal = os.path.normpath(path)
    if not normal.startswith((os.sep, os.pardir)):
        return normal
    whole = Path(os.path.abspath(path))
    for folder in (whole, *whole.parents):
        with contextlib.suppress(OSError, ValueError):  # the project's folder may be written through a link
            if os.path.samefile(folder, os.curdir):
                return os.path.relpath(whole, folder)
    return normal


class Places:
    """Tells which paths name one file. Follows links, as they are when dodo.py loads, and each path once."""

    def __init__(self) -> None:
        self._real = cache(_real_folder)
        self.of_output, self.of_input = cache(self._of_output), cache(self._of_input)

    def _of_output(self, path: str) -> str:
        """Return the place of a file that a task makes. A link at its end does not count: the file replaces it."""
        folder, _, name = os.path.normpath(path).rpartition(os.sep)
        return os.path.join(self._real(folder or (os.sep if path.startswith(os.sep) else "")), name)

    def _of_input(self, path: str) -> list[str]:
        """Return the place of a file that a task reads, then that of each link on the way to its content."""
        places = [self.of_output(path)]
        with contextlib.suppress(OSError, ValueError):  # no link
            while len(places) < MAX_LINKS:
                target = os.readlink(places[-1])
                places.append(self.of_output(os.path.join(os.path.dirname(places[-1]), target)))
        return places


def _real_folder(folder: str) -> str:
    """Return a folder without links on the way to it."""
    try:
        return os.path.realpath(folder)
    except ValueError:  # no path at all; whoever opens it says so
        return folder


def check_outputs(
    inspector: Inspector,
    stages: Sequence[tuple[Stage, Callable[[], Settings]]],
    read_by_doit: Iterable[str],
    places: Places,
) -> None:
    """Refuse outputs that would replace what no stage makes: source, settings, an own input, a folder of files.

    `stages`: each with what returns its settings. Raises: DeclarationError.
    """
    reserved = dict.fromkeys(read_by_doit, "a file that doit reads")
    for step in {stage.step for stage, _ in stages}:
        reserved[inspector.snapshot.project.locate(step) or ""] = f"the source of {step}"
    if any(path.endswith(".py") for stage, _ in stages for path in stage.outputs.values()):
        for stage, settings in stages:  # to find all source takes longer
            with contextlib.suppress(RedoitError):  # which is met when the stage is built
                paths = inspector.source_files(stage, settings())
                reserved = dict.fromkeys(paths, f"source that {stage.step} reaches") | reserved
    check_paths([stage for stage, _ in stages], reserved, places)


def check_paths(stages: Iterable[Stage], reserved: Mapping[str, str], places: Places) -> None:
    """Check outputs against paths with words for what is there, inputs, and folders. Raises: DeclarationError."""
    taken = {place: what for path, what in reserved.items() for place in places.of_input(path)}
    folders: dict[str, str] = {}
    for path in (*reserved, *(path for stage in stages for path in stage.files.values())):
        folder = places.of_output(path)
        while (folder := os.path.dirname(folder)) not in folders:
            folders[folder] = path
    for stage in stages:
        inputs = {place for path in stage.inputs.values() for place in places.of_input(path)}
        for path in stage.outputs.values():
            place = places.of_output(path)
            what = taken.get(place) or ("its input" if place in inputs else "")
            if place in folders:
                what = what or f"the folder of {folders[place]}"
            if what:
                raise DeclarationError(stage.name, f"its output {path} is {what}", "give the output another path")
