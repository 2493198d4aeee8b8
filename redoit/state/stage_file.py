"""Small JSON files in `.redoit/`, each with a few fields about one stage. Others may be able to write there."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from redoit.storage import disk

SAFE = str.maketrans("", "", "_.-~:")  # what stands beside letters and digits in the names of stages


def read_stage_file(root: Path, folder: str, name: str, *, must_read: bool = False) -> dict[str, Any]:
    """Return what a note says, nothing if it says nothing that we could have written.

    Raises: DiskError if it can't be read, where we are to be sure.
    """
    try:
        fields = json.loads(disk.read(root, folder, name))
    except OSError as error:
        if must_read and error.errno not in disk.ABSENT:
            raise disk.disk_error(error, root / folder / name) from error
        return {}
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def stage_filename(stage: str) -> str:
    """Return a stage's name as that of a file."""
    if stage.isascii() and stage.translate(SAFE).isalnum():  # as almost all are: what quote does takes ten times longer
        return stage.replace(":", "%3A")
    return quote(stage, safe="")
