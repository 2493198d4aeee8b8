"""The files that steps hand to each other: HDF5 and JSON, with equal bytes for equal values.

Datasets are chunked by whole rows, so that reading and writing run along the first axis, and each chunk has a
checksum (fletcher32), so that a flipped bit is an error and not a strange image. Not compressed: reading is four
times faster. What is read is checked first, by `hdf5` and for its type, shape and size, since anybody may have made it.
Keras's own files are in `backend`, since importing Keras takes seconds.
"""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from steps import hdf5
from steps.hdf5 import AGAIN

ROWS = 256  # per chunk
LIMIT = 2**32  # bytes of a dataset; 1.3 million images of 28x28 float32
FEW = 12  # names in a message
WORDS = 200  # characters of an attribute


@contextmanager
def reading(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file to read it.

    Raises: FileNotFoundError; ValueError if it is no intact HDF5 file, or has more in it than `hdf5` allows.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file, expected HDF5; run the step that makes it first")
    with path.open("rb") as opened:
        hdf5.contents(opened, str(path))
    try:
        file = h5py.File(path, "r")
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{path}: found a damaged or foreign file, expected HDF5; {AGAIN}") from error
    with file:
        yield file


@contextmanager
def writing(path: Path, **attributes: str | int) -> Iterator[h5py.File]:
    """Open a new HDF5 file to write it; `attributes` go to its root."""
    with h5py.File(path, "w") as file:
        file.attrs.update(attributes)
        yield file


def create(file: h5py.File, name: str, shape: tuple[int, ...], dtype: type) -> h5py.Dataset:
    """Create an empty dataset, chunked along its first axis."""
    chunks = (min(ROWS, shape[0]), *shape[1:])
    return file.create_dataset(name, shape, dtype, chunks=chunks, fletcher32=True, fillvalue=0)


def store(file: h5py.File, name: str, values: np.ndarray) -> None:
    """Write a whole array as a dataset, chunked along its first axis."""
    create(file, name, values.shape, values.dtype.type)[...] = values


def dataset(file: h5py.File, name: str, kind: type, row: tuple[int, ...]) -> h5py.Dataset:
    """Return a dataset of an open file, before anything is allocated for it.

    Shapes: `kind` (n, *row), n at least 1.
    Raises: ValueError if there is none of this name, or it is of another type, another shape or too large.
    """
    if not (name in file and isinstance(file[name], h5py.Dataset)):
        names: list[str] = []
        file.visit(names.append)
        listing = ", ".join(f"'{item:.40}'" for item in names[:FEW]) or "nothing"
        more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
        raise ValueError(f"{file.filename}: no dataset '{name}', found {listing}{more}; {AGAIN}")
    values = file[name]
    if values.dtype != kind or values.shape[:1] < (1,) or values.shape[1:] != row:
        expected = f"expected {np.dtype(kind)} {('n', *row)}".replace("'", "")
        raise ValueError(f"{file.filename}: found {values.dtype} {values.shape} in '{name}', {expected}; {AGAIN}")
    if math.prod(values.shape) * values.dtype.itemsize > LIMIT:
        expected = f"expected {LIMIT:,} bytes at most"
        raise ValueError(f"{file.filename}: found shape {values.shape} in '{name}', {expected}; {AGAIN}")
    return values


def rows(values: h5py.Dataset, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Read rows of a dataset, all of them by default.

    Raises: ValueError if what lies on disk does not match its checksum.
    """
    try:
        return np.asarray(values[start:stop])
    except (OSError, RuntimeError) as error:
        fault = f"found damaged values in '{values.name}', expected them to match their checksum"
        raise ValueError(f"{values.file.filename}: {fault}; {AGAIN}") from error


def text(file: h5py.File, name: str) -> str:
    """Return an attribute of an open file.

    Raises: ValueError if there is none of this name, or it is no short and printable text.
    """
    if name not in file.attrs:
        raise ValueError(f"{file.filename}: no attribute '{name}', found {sorted(file.attrs)[:FEW]!r:.200}; {AGAIN}")
    found = file.attrs[name]
    if not (isinstance(found, str) and len(found) <= WORDS and found.isprintable()):
        expected = f"expected a text of {WORDS} characters at most"
        raise ValueError(f"{file.filename}: found attribute '{name}' {found!r:.80}, {expected}; {AGAIN}")
    return found


def write_json(path: Path, values: Mapping[str, object]) -> None:
    """Write values as JSON with sorted keys.

    Raises: ValueError for a value that is not a number (NaN).
    """
    path.write_text(json.dumps(values, indent=2, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")
