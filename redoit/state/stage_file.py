"""Small JSON files in `.redoit/`, each with a few fields about one stage. Others may be able to write there."""

import json
from pathlib import Path
from urllib.parse import quote

from redoit import digest
from redoit.storage import disk

SAFE = str.maketrans("", "", "_.-:")  # usual in the names of stages, beside letters and digits
MAX_FILENAME_BYTES = 140  # some file systems allow no more


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
    """Return the name of a stage's file: the stage's name, quoted; with a digest if it is long or has capital letters.

    No two stages have one file, also where letters of both cases are equal.
    """
    if stage.translate(SAFE).isalnum() and stage.isascii() and stage.islower() and len(stage) < MAX_FILENAME_BYTES // 3:
        quoted = stage.replace(":", "%3A")  # as almost all are: `quote` takes ten times longer
    else:
        quoted = quote(stage, safe="", errors="surrogatepass").replace("~", "%7E")
        if len(quoted) > MAX_FILENAME_BYTES or stage != stage.lower():
            quoted = f"{quoted[: MAX_FILENAME_BYTES // 2]}~{digest.of_bytes(stage.encode(errors='surrogatepass'))[:32]}"
    return f"%2E{quoted[1:]}" if quoted.startswith(".") else quoted  # which could name a folder, or a temporary file
