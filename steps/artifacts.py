"""The files that steps hand to each other: HDF5 and JSON, with equal bytes for equal values.

Datasets are chunked by whole rows, so that reading and writing run along the first axis, and each chunk has a
checksum (fletcher32), so that a flipped bit is an error and not a strange image. Not compressed: reading is four
times faster. Keras's own files are in `backend`, since importing Keras takes seconds.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

ROWS = 256  # per chunk
AGAIN = "make it again with the step it comes from"


@contextmanager
def reading(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file to read it.

    Raises: FileNotFoundError; ValueError if it is no intact HDF5 file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file, expected HDF5; run the step that makes it first")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
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


def dataset(file: h5py.File, name: str) -> h5py.Dataset:
    """Return a dataset of an open file.

    Raises: ValueError if there is none of this name.
    """
    if not (name in file and isinstance(file[name], h5py.Dataset)):
        names: list[str] = []
        file.visit(names.append)
        listing = ", ".join(f"'{item}'" for item in names) or "nothing"
        raise ValueError(f"{file.filename}: no dataset '{name}', found {listing}; {AGAIN}")
    return file[name]


def rows(values: h5py.Dataset, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Read rows of a dataset, all of them by default.

    Raises: ValueError if what lies on disk does not match its checksum.
    """
    try:
        return np.asarray(values[start:stop])
    except OSError as error:
        fault = f"found damaged values in '{values.name}', expected them to match their checksum"
        raise ValueError(f"{values.file.filename}: {fault}; {AGAIN}") from error


def attribute(file: h5py.File, name: str) -> str:
    """Return an attribute of an open file, as text.

    Raises: ValueError if there is none of this name.
    """
    if name not in file.attrs:
        raise ValueError(f"{file.filename}: no attribute '{name}', found {sorted(file.attrs)}; {AGAIN}")
    return str(file.attrs[name])


def write_json(path: Path, values: Mapping[str, object]) -> None:
    """Write values as JSON with sorted keys.

    Raises: ValueError for a value that is not a number (NaN).
    """
    path.write_text(json.dumps(values, indent=2, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")
