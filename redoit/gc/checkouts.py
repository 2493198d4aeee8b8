"""The checkouts that share a store: each leaves its record there, and what its outputs rest on are GC roots.

    checkouts/<digest of the folder>     {"folder": the `.redoit/` of a checkout}, in a store that is not its own

A record whose name is not the digest of its folder counts for nothing, nor does one of a folder that is gone.
"""

import contextlib
import os
import stat
from pathlib import Path

from redoit.digest import of_bytes
from redoit.state.stage_file import read_stage_file
from redoit.state.workspace import FOLDER, LATEST, Workspace, files_in_place
from redoit.storage import disk
from redoit.storage.serialize import canonical_json

CHECKOUTS = "checkouts"


def register(workspace: Workspace) -> None:
    """Leave a checkout's record in the store that it shares. Raises: DiskError."""
    store, folder = workspace.store.root, os.path.abspath(workspace.root)
    if workspace.shares_store and read_stage_file(store, CHECKOUTS, _record_name(folder)).get("folder") != folder:
        disk.write(disk.path_below(store, CHECKOUTS, _record_name(folder)), canonical_json({"folder": folder}))


def gc_roots(workspace: Workspace) -> set[str]:
    """Return the names of the traces that outputs of all checkouts rest on. Raises: DiskError, rather than miss one."""
    files = (
        read_stage_file(checkout, LATEST, name, must_read=True)
        for checkout in {workspace.root, *other_checkouts(workspace)}
        for name in disk.list_names(checkout / LATEST)
    )
    return {name for fields in files for name in (str(fields.get("trace")), *files_in_place(fields).values())}


def other_checkouts(workspace: Workspace) -> set[Path]:
    """Return `.redoit/` of each other one that may still be there. Raises: DiskError, rather than miss one."""
    store = workspace.store.root
    checkouts = {store} if store.name == FOLDER else set()  # the store of a checkout, which leaves no record there
    for name in disk.list_names(store / CHECKOUTS):
        folder = read_stage_file(store, CHECKOUTS, name, must_read=True).get("folder")
        with contextlib.suppress(ValueError):  # it can't be a folder
            if isinstance(folder, str) and _record_name(folder) == name and _may_exist(folder):
                checkouts.add(Path(folder))
    own = os.path.abspath(workspace.root)
    return {checkout for checkout in checkouts if os.path.abspath(checkout) != own}


def _record_name(folder: str) -> str:
    """Return the name of a checkout's record. Raises: ValueError."""
    return of_bytes(os.fsencode(folder))


def _may_exist(folder: str) -> bool:
    """Tell whether a folder exists; True as well if its permissions hide that."""
    try:
        return stat.S_ISDIR(os.stat(folder).st_mode)
    except OSError as error:
        return error.errno not in disk.ABSENT
