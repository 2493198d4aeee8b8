"""Small JSON files in `.redoit/`, each with a few fields about one stage. Others may be able to write there."""

import json
from pathlib import Path
from urllib.parse import quote

from redoit.storage import disk

SAFE = str.maketrans("", "", "_.-~:")  # usual in the names of stages, beside letters and digits


def read_stage_file(root: Path, folder: str, name: str, *, must_read: bool = False) -> dict[str, object]:
    """Return the fields of a file, empty if it is missing or not as redoit would have written it.

    Raises: DiskError, with `must_read`, if it may be there and can't be read.
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
    """Return the name of a stage's file: the stage's name, quoted."""
    if stage.startswith("."):  # which could name the folder, the one above it, or a temporary file
        return f"%2E{quote(stage[1:], safe='')}"
    if stage.isascii() and stage.translate(SAFE).isalnum():  # as almost all are: `quote` takes ten times longer
        return stage.replace(":", "%3A")
    return quote(stage, safe="")
