"""Paths of files as dodo.py writes them: their form in a project, which of them name one file, and which are taken."""

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
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
    root = os.getcwd()
    whole = os.path.normpath(os.path.join(root, normal))
    for folder in (whole, *map(str, Path(whole).parents)):
        with contextlib.suppress(OSError, ValueError):  # the project's folder may be written through a link
            if folder == root or os.path.samefile(folder, root):
                return os.path.relpath(whole, folder)
    return normal


class Places:
    """Tells which paths name one file. Follows links, as they are when dodo.py loads, and each path once."""

    def __init__(self) -> None:
        self._real: dict[str, str] = {}  # folder -> without links
        self._outputs: dict[str, str] = {}
        self._inputs: dict[str, list[str]] = {}

    def of_output(self, path: str) -> str:
        """Return the place of a file that a task makes. A link at its end does not count: the file replaces it."""
        if path not in self._outputs:
            folder, _, name = os.path.normpath(path).rpartition(os.sep)
            if folder not in self._real:
                try:
                    self._real[folder] = os.path.realpath(folder or (os.sep if path.startswith(os.sep) else ""))
                except ValueError:  # no path at all; whoever opens it says so
                    self._real[folder] = folder
            self._outputs[path] = os.path.join(self._real[folder], name)
        return self._outputs[path]

    def of_input(self, path: str) -> list[str]:
        """Return the place of a file that a task reads, then that of each link on the way to its content."""
        if path not in self._inputs:
            places = self._inputs[path] = [self.of_output(path)]
            try:
                while len(places) < MAX_LINKS:
                    target = os.readlink(places[-1])
                    places.append(self.of_output(os.path.join(os.path.dirname(places[-1]), target)))
            except (OSError, ValueError):  # no link
                pass
        return self._inputs[path]


def check_outputs(
    inspector: Inspector,
    stages: Iterable[tuple[Stage, Callable[[], Settings]]],
    read_by_doit: Iterable[str],
    places: Places,
) -> None:
    """Refuse outputs that would replace what no stage makes: source, settings, an own input, a folder of files.

    `stages`: each with what returns its settings. Raises: DeclarationError.
    """
    given = list(stages)
    reserved = dict.fromkeys(read_by_doit, "a file that doit reads")
    for step in {stage.step for stage, _ in given}:
        reserved[inspector.source_file(step)] = f"the source of {step}"
    if any(path.endswith(".py") for stage, _ in given for path in stage.outputs.values()):
        for stage, settings in given:  # to find all source takes longer
            with contextlib.suppress(RedoitError):  # which is met when the stage is built
                paths = inspector.source_files(stage, settings())
                reserved = dict.fromkeys(paths, f"source that {stage.step} reaches") | reserved
    check_paths([stage for stage, _ in given], reserved, places)


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
