"""Staging folders: a step writes into a folder beside each target, so an output takes its place in one rename.

Until then the earlier output stays as it was. A folder is named after the paths of the stage's outputs alone: a step
that writes down its path makes equal bytes in each checkout, and what a crash left is found by who builds next.

Several checkouts may share the folder of their outputs. So each staging folder has a lock beside it, in which its
owner stands: it is held as long as the folder is needed, the others fail. A lock without a holder, whose file is still
there, was left by a crash: its owner's processes are killed before anything else, since they would write there.
"""

import contextlib
import os
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from redoit import digest
from redoit.errors import BusyError, DiskError, StepError
from redoit.execution import orphans
from redoit.model import Stage
from redoit.state.rescued import set_aside
from redoit.storage import disk, locks
from redoit.text import first_few, join_names

NAME_DIGITS = 16  # of a digest


@contextlib.contextmanager
def staging(stage: Stage, roles: Iterable[str]) -> Iterator[dict[str, Path]]:
    """Yield role -> path to write to, in empty staging folders, which are removed at the end.

    File names are those of the targets. Raises: StepError if a folder can't be made, or another checkout uses it.
    """
    paths = {role: staging_folder(stage, role) / Path(stage.outputs[role]).name for role in roles}
    with contextlib.ExitStack() as owned:
        # Each folder once, whatever links lead there.
        for role in {os.path.realpath(path.parent): role for role, path in paths.items()}.values():
            try:
                owned.enter_context(_owned(stage, paths[role].parent))
            except BusyError as error:
                found = f"{error.subject} makes it now"
                raise StepError(stage.outputs[role], found, "let that finish, then run again") from error
            except DiskError as error:
                found = f"its staging folder can't be created ({error.subject}: {error.found})"
                raise StepError(stage.outputs[role], found, "move away what is in its place") from error
        yield paths


def remove_orphaned_staging(stage: Stage) -> None:
    """Remove the staging folders that a killed doit left, and kill the orphans that may still write to them."""
    for folder in {staging_folder(stage, role) for role in stage.outputs}:
        if os.path.lexists(folder) or os.path.lexists(_lock(folder)):
            with contextlib.suppress(BusyError, DiskError), _owned(stage, folder):
                pass  # it is empty now, and will be removed


@contextlib.contextmanager
def _owned(stage: Stage, folder: Path) -> Iterator[None]:
    """Own an empty staging folder, which is removed at the end. Raises: DiskError, BusyError."""
    disk.make_folders(folder.parent)
    details = f" in {os.getcwd()}\n{orphans.owner_of(stage.name)}"
    with locks.owned_lock(_lock(folder), wait=False, details=details) as left:
        # A killed doit gave the same paths to its step: orphans of it would write to them.
        orphans.kill_orphans(stage.name, left.partition("\n")[2])
        _remove(folder)
        try:
            disk.make_folders(folder)
            yield
        finally:
            _remove(folder)
            with contextlib.suppress(OSError):
                _lock(folder).unlink()  # while it is held: who opened it meanwhile takes another


def check_outputs(stage: Stage, paths: Mapping[str, Path], root: Path, log: Path) -> set[tuple[int, int]]:
    """Check that each output is a file, and that nothing that holds bytes was written beside them.

    A link to a file, or another name of one, becomes a copy: to edit an output must not edit an input as well.
    Returns device and inode of the files that were linked.
    Raises: StepError; what the step wrote is then set aside below the folder `root`. DiskError.
    """
    faults = {role: fault for role, path in paths.items() if (fault := _fault(path))}
    folders = {path.parent for path in paths.values() if not path.parent.is_symlink()}
    beside = sorted(path.name for folder in folders for path in _beside(folder, paths.values()))
    if not faults and not beside:
        return {linked for path in paths.values() if (linked := _unshare(path))}
    wrong = [f"wrote {fault} as '{role}', expected a file for {stage.outputs[role]}" for role, fault in faults.items()]
    todo = []
    if beside:
        wrong.append(f"wrote {first_few(beside)} beside its outputs, expected nothing else there")
        suffixed = (name for role in faults for name in beside if name.startswith(paths[role].name))
        for name in suffixed:
            todo = [f"a library added to the name: call the output {name}, or hand over an open file"]
        todo = todo or ["declare an output for each, or pack them into one"]
    kept = [os.path.relpath(set_aside(folder, root, "written")) for folder in folders if any(_beside(folder, ()))]
    todo += [f"what it wrote is in {join_names(kept)}"] if kept else []
    raise StepError(f"step {stage.step}", ", ".join(wrong), "; ".join([*todo, f"its log is {os.path.relpath(log)}"]))


def _fault(path: Path) -> str:
    """Return what was written instead of an output, in words; an empty text if it is a file, or a link to one."""
    if path.parent.is_symlink() or (path.is_symlink() and not path.is_file()):
        return "a link"
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "nothing"
    return "" if stat.S_ISREG(mode) else "a folder" if stat.S_ISDIR(mode) else "no file"


def _beside(folder: Path, outputs: Collection[Path]) -> Iterator[Path]:
    """Yield what a step wrote into a staging folder besides its outputs and that holds bytes.

    Empty files and folders are no loss, whoever needed them: locks, flags, temporary folders.
    """
    for path in [folder / name for name in disk.list_names(folder)]:
        if path not in outputs and any(map(_holds_bytes, (path, *path.rglob("*")))):
            yield path


def _holds_bytes(path: Path) -> bool:
    status = path.lstat()
    return stat.S_ISLNK(status.st_mode) or (stat.S_ISREG(status.st_mode) and status.st_size > 0)


def _unshare(path: Path) -> tuple[int, int] | None:
    """Replace a link, or one of several names of a file, by a copy; return device and inode of a file of many names."""
    status = path.lstat()
    if path.is_symlink() or status.st_nlink > 1:
        with disk.temporary(path.parent) as copy:
            with path.open("rb") as reader:
                disk.clone(copy, reader)
            copy.replace(path)
    return (status.st_dev, status.st_ino) if status.st_nlink > 1 else None


def _remove(folder: Path) -> None:
    """Remove a staging folder with its content."""
    with contextlib.suppress(OSError):
        folder.unlink()  # a link, or a file: somebody else put it there
    shutil.rmtree(folder, ignore_errors=True)


def staging_folder(stage: Stage, role: str) -> Path:
    """Return the staging folder of an output."""
    name = digest.of_value(sorted(stage.outputs.values()))[:NAME_DIGITS]
    return Path(stage.outputs[role]).parent / f".redoit-{name}"


def _lock(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
