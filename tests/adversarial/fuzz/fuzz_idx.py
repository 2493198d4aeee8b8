"""Fuzzes the IDX reader: what is read is written as the same bytes, and all else is one clear error."""

import gzip
import io
import sys
from pathlib import Path

import atheris
import numpy as np
from fuzzing import fuzz, told

sys.path.insert(0, str(Path(__file__).parents[3]))

with atheris.instrument_imports(include=["steps.idx"]):
    from steps import idx

LIMIT = 2**16  # bytes of content: little, so that attacks are quick
CONTENTS = [
    idx.encoded(np.arange(8, dtype=np.uint8)),
    idx.encoded(np.zeros((2, 28, 28), np.uint8)),
    idx.encoded(np.arange(60, dtype=np.uint8).reshape(3, 4, 5)),
]
EXAMPLES = [*CONTENTS, *map(gzip.compress, CONTENTS), gzip.compress(CONTENTS[0][:5]) + gzip.compress(CONTENTS[0][5:])]


@atheris.instrument_func
def attack(data: bytes) -> None:
    """Read one file."""
    try:
        content = idx.read_from(io.BytesIO(data), "some file", LIMIT)
    except ValueError as error:
        told(error)
        return
    assert idx.encoded(idx.decoded(content)) == content
    assert len(content) <= LIMIT + 16
    assert data.startswith(idx.GZIP_SIGNATURE) or content == data


if __name__ == "__main__":
    fuzz(attack, EXAMPLES)
