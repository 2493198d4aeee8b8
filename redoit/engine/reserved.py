"""Refuses outputs that would replace what no stage makes: source, settings, a stage's own input, a folder of files."""

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache

from redoit.engine.inspector import Inspector, Settings
from redoit.errors import DeclarationError, RedoitError
from redoit.model import Stage


def check_outputs(
    inspector: Inspector, stages: Iterable[tuple[Stage, Callable[[], Settings]]], read_by_doit: Iterable[str]
) -> None:
    """Check the outputs of stages, each with what returns its settings. Raises: DeclarationError."""
    given = list(stages)
    reserved = dict.fromkeys(read_by_doit, "a file that doit reads")
    for step in {stage.step for stage, _ in given}:
        reserved[inspector.source_file(step)] = f"the source of {step}"
    if any(path.endswith(".py") for stage, _ in given for path in stage.outputs.values()):
        for stage, settings in given:  # to find all source takes longer
            with contextlib.suppress(RedoitError):  # which is met when the stage is built
                paths = inspector.source_files(stage, settings())
                reserved = dict.fromkeys(paths, f"source that {stage.step} reaches") | reserved
    check_paths([stage for stage, _ in given], reserved)


def check_paths(stages: Iterable[Stage], reserved: Mapping[str, str]) -> None:
    """Check outputs against paths with words for what is there, inputs, and folders. Raises: DeclarationError."""
    real_folder = cache(os.path.realpath)

    @cache
    def place_of(path: str) -> str:
        """Return a path without links, save at its end: a link in an output's place is replaced, not followed."""
        return os.path.join(real_folder(os.path.dirname(path)), os.path.basename(path))

    taken = {place: what for path, what in reserved.items() for place in (place_of(path), os.path.realpath(path))}
    folders: dict[str, str] = {}
    for path in (*reserved, *(path for stage in stages for path in stage.files.values())):
        folder = real_folder(os.path.dirname(path))
        while folder not in folders:
            folders[folder] = path
            folder = os.path.dirname(folder)
    for stage in stages:
        inputs = {os.path.realpath(path) if os.path.islink(path) else place_of(path) for path in stage.inputs.values()}
        for path in stage.outputs.values():
            place = place_of(path)
            what = taken.get(place) or ("its input" if place in inputs else "")
            if place in folders:
                what = what or f"the folder of {folders[place]}"
            if what:
                raise DeclarationError(stage.name, f"its output {path} is {what}", "give the output another path")
