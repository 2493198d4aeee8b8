"""Where a step writes: a folder beside each target, so that an output takes its place in one rename.

Until then what was there stays as it was. A folder is named for its stage, so that what a crash left is found, and is
swept when the stage is realised next, whatever comes of it.
"""

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

from redoit.errors import DiskError, StepError
from redoit.execution import orphans
from redoit.model import Stage
from redoit.storage import disk


def make_staging(stage: Stage, roles: Iterable[str]) -> dict[str, Path]:
    """Make the staging folders, empty, and return role -> path to write to. File names are those of the targets.

    Raises: StepError if a folder can't be made.
    """
    # The paths are those that a killed doit gave to its step: a process of it that lives on would write to them.
    orphans.kill_orphans(stage.name)
    remove_staging(stage)
    paths = {role: _folder(stage, role) / Path(stage.outputs[role]).name for role in roles}
    for role, path in paths.items():
        try:
            disk.make_folders(path.parent)
        except DiskError as error:
            found = f"no folder can be made for it ({error.subject}: {error.found})"
            raise StepError(stage.outputs[role], found, "make room for it") from error
    return paths


def remove_orphaned_staging(stage: Stage) -> None:
    """Remove the staging folders that a killed doit left, and end who may still write to them."""
    if any(os.path.lexists(_folder(stage, role)) for role in stage.outputs):
        orphans.kill_orphans(stage.name)
        remove_staging(stage)


def remove_staging(stage: Stage) -> None:
    """Remove the staging folders and all that is left in them."""
    for role in stage.outputs:
        with contextlib.suppress(OSError):
            _folder(stage, role).unlink()  # a link, or a file: somebody else put it there
        shutil.rmtree(_folder(stage, role), ignore_errors=True)


def check_output(stage: Stage, role: str, path: Path, log: Path) -> None:
    """Hold a step to its promise of an output, which shares its content with no other file from now on.

    Raises: StepError if the output is not a regular file, DiskError.
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
    target = stage.outputs[role]
    raise StepError(
        f"step {stage.step}", f"{found} as '{role}', expected a file for {target}", f"its log is {os.path.relpath(log)}"
    )


def check_targets(stage: Stage) -> None:
    """Refuse outputs whose places are taken by folders. Raises: StepError."""
    for path in stage.outputs.values():
        if os.path.isdir(path) and not os.path.islink(path):
            raise StepError(stage.name, f"{path} is a folder, expected a file there", "move the folder away")


def place_outputs(stage: Stage, paths: Mapping[str, Path]) -> None:
    """Move staged files onto their targets, whole and on the disk."""
    for path in paths.values():
        disk.fsync(path)
    check_targets(stage)  # all are looked at before the first is moved: all take their places, or none
    for role, path in paths.items():
        path.replace(stage.outputs[role])
    for folder in {Path(stage.outputs[role]).parent for role in paths}:
        disk.fsync(folder)


def _unshare(path: Path) -> None:
    """Let a file have no other name: who edits an output must not edit an input as well."""
    if path.lstat().st_nlink > 1:
        with disk.temporary(path.parent) as copy:
            with path.open("rb") as reader:
                disk.clone(copy, reader)
            copy.replace(path)


def _folder(stage: Stage, role: str) -> Path:
    return Path(stage.outputs[role]).parent / f".redoit-{quote(stage.name, safe='')}"
