"""Staging folders: a step writes into a folder beside each target, so an output takes its place in one rename.

Until then the earlier output stays as it was. A folder is named after its stage, so what a crash left is found and
removed when the stage is built next.
"""

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from redoit.errors import DiskError, StepError
from redoit.execution import orphans
from redoit.model import Stage
from redoit.state.stage_file import stage_filename
from redoit.storage import disk


def make_staging(stage: Stage, roles: Iterable[str]) -> dict[str, Path]:
    """Make empty staging folders; return role -> path to write to. File names are those of the targets.

    Raises: StepError if a folder can't be made.
    """
    # A killed doit gave the same paths to its step: orphans of it would write to them.
    orphans.kill_orphans(stage.name)
    remove_staging(stage)
    paths = {role: _folder(stage, role) / Path(stage.outputs[role]).name for role in roles}
    for role, path in paths.items():
        try:
            disk.make_folders(path.parent)
        except DiskError as error:
            found = f"its staging folder can't be created ({error.subject}: {error.found})"
            raise StepError(stage.outputs[role], found, "move away what is in its place") from error
    return paths


def remove_orphaned_staging(stage: Stage) -> None:
    """Remove the staging folders that a killed doit left, and kill the orphans that may still write to them."""
    if any(os.path.lexists(_folder(stage, role)) for role in stage.outputs):
        orphans.kill_orphans(stage.name)
        remove_staging(stage)


def remove_staging(stage: Stage) -> None:
    """Remove the staging folders with their content."""
    for role in stage.outputs:
        with contextlib.suppress(OSError):
            _folder(stage, role).unlink()  # a link, or a file: somebody else put it there
        shutil.rmtree(_folder(stage, role), ignore_errors=True)


def check_output(stage: Stage, role: str, path: Path, log: Path) -> None:
    """Check that an output is a regular file, and make it one that has no other name.

    Raises: StepError if it is none, DiskError.
    """
    try:
        mode = (path if not path.parent.is_symlink() else path.parent).lstat().st_mode
    except FileNotFoundError:
        found = "wrote nothing"
    else:
        if stat.S_ISREG(mode):
            _unshare(path)
            return
        found = "wrote a folder" if stat.S_ISDIR(mode) else "wrote a link" if stat.S_ISLNK(mode) else "wrote no file"
    raise StepError.with_log(stage.step, f"{found} as '{role}', expected a file for {stage.outputs[role]}", log)


def check_targets(stage: Stage) -> None:
    """Check that no folder is where an output belongs. Raises: StepError."""
    for path in stage.outputs.values():
        if os.path.isdir(path) and not os.path.islink(path):
            raise StepError(stage.name, f"{path} is a folder, expected a file there", "move the folder away")


def place_outputs(stage: Stage, paths: Mapping[str, Path]) -> None:
    """Move staged files onto their targets, whole and fsynced."""
    for path in paths.values():
        disk.fsync(path)
    check_targets(stage)  # before the first is moved: all take their places, or none
    for role, path in paths.items():
        path.replace(stage.outputs[role])
    for folder in {Path(stage.outputs[role]).parent for role in paths}:
        disk.fsync(folder)


def _unshare(path: Path) -> None:
    """Replace a file that has several names by a copy: to edit an output must not edit an input as well."""
    if path.lstat().st_nlink > 1:
        with disk.temporary(path.parent) as copy:
            with path.open("rb") as reader:
                disk.clone(copy, reader)
            copy.replace(path)


def _folder(stage: Stage, role: str) -> Path:
    return Path(stage.outputs[role]).parent / f".redoit-{stage_filename(stage.name)}"
