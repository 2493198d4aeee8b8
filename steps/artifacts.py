"""Reads and writes the files that steps hand to each other: HDF5 and JSON, with equal bytes for equal values.

Datasets are chunked by whole rows, because steps read and write along the first axis. Each chunk has a checksum
(fletcher32), so a flipped bit is an error and not a wrong image. Nothing is compressed: reading is four times faster.
What is read is checked for its type, shape and size. Keras's own files are in `backend`, since importing Keras takes
seconds.
"""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

CHUNK_ROWS = 256
MAX_DATASET_BYTES = 2**32  # 1.3 million images of 28x28 float32
MAX_TEXT_LENGTH = 200  # characters of an attribute
H5PY_ERRORS = (OSError, RuntimeError, KeyError, TypeError, ValueError)  # what h5py raises for a damaged file
MAKE_AGAIN = "make it again with the step it comes from"


def reading(path: Path) -> h5py.File:
    """Open an HDF5 file to read it, in a `with` statement.

    Raises: FileNotFoundError; ValueError if it is not an intact HDF5 file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file, expected HDF5; run the step that makes it first")
    with _named_damage(path):
        return h5py.File(path, "r")


@contextmanager
def writing(path: Path, **attributes: str | int) -> Iterator[h5py.File]:
    """Open a new HDF5 file to write it, in a `with` statement; `attributes` go to its root."""
    with h5py.File(path, "w") as file:
        file.attrs.update(attributes)
        yield file


def create_dataset(file: h5py.File, name: str, shape: tuple[int, ...], dtype: type) -> h5py.Dataset:
    """Create an empty dataset, chunked along its first axis."""
    chunks = (min(CHUNK_ROWS, shape[0]), *shape[1:])
    return file.create_dataset(name, shape, dtype, chunks=chunks, fletcher32=True, fillvalue=0)


def write_array(file: h5py.File, name: str, values: np.ndarray) -> None:
    """Write a whole array as a dataset, chunked along its first axis."""
    create_dataset(file, name, values.shape, values.dtype.type)[...] = values


def find_dataset(file: h5py.File, name: str, dtype: type, row_shape: tuple[int, ...]) -> h5py.Dataset:
    """Return a dataset of an open file without reading its values.

    Shapes: `dtype` (n, *row_shape), n at least 1.
    Raises: ValueError if it is missing, or has another type, another shape or more than `MAX_DATASET_BYTES`.
    """
    names: list[str] = []
    with _named_damage(file.filename):
        file.visit(names.append)
        values = file.get(name)
        found = (values.dtype, values.shape or ()) if isinstance(values, h5py.Dataset) else None
    if found is None:
        raise ValueError(f"{file.filename}: found {names!r:.200}, expected a dataset '{name}'; {MAKE_AGAIN}")
    found_dtype, shape = found
    if found_dtype != dtype or shape[1:] != row_shape or shape[:1] < (1,):
        expected = f"expected {np.dtype(dtype)} {('n', *row_shape)}".replace("'", "")
        raise ValueError(f"{file.filename}: found {found_dtype} {shape} in '{name}', {expected}; {MAKE_AGAIN}")
    if math.prod(shape) * found_dtype.itemsize > MAX_DATASET_BYTES:
        expected = f"expected {MAX_DATASET_BYTES:,} bytes at most"
        raise ValueError(f"{file.filename}: found shape {shape} in '{name}', {expected}; {MAKE_AGAIN}")
    return values


def read_array(file: h5py.File, name: str, dtype: type, row_shape: tuple[int, ...]) -> np.ndarray:
    """Read a whole dataset of an open file.

    Shapes: `dtype` (n, *row_shape), n at least 1.
    Raises: ValueError, see `find_dataset` and `read_rows`.
    """
    return read_rows(find_dataset(file, name, dtype, row_shape))


def read_rows(values: h5py.Dataset, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Read rows of a dataset, all of them by default.

    Raises: ValueError if the bytes on disk do not match their checksum.
    """
    with _named_damage(values.file.filename, f"damaged values in '{values.name}'"):
        return np.asarray(values[start:stop])


def read_text(file: h5py.File, name: str) -> str:
    """Return an attribute of an open file.

    Raises: ValueError if it is missing, or is not a short and printable text.
    """
    with _named_damage(file.filename):
        found = file.attrs.get(name)
    if not (isinstance(found, str) and len(found) <= MAX_TEXT_LENGTH and found.isprintable()):
        expected = f"expected a text of {MAX_TEXT_LENGTH} characters at most"
        raise ValueError(f"{file.filename}: found attribute '{name}' {found!r:.80}, {expected}; {MAKE_AGAIN}")
    return found


def write_json(path: Path, values: Mapping[str, object]) -> None:
    """Write values as JSON with sorted keys.

    Raises: ValueError for a number that JSON cannot hold (NaN, infinity).
    """
    path.write_text(json.dumps(values, indent=2, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")


@contextmanager
def _named_damage(subject: Path | str, found: str = "a damaged or foreign file") -> Iterator[None]:
    """Replace the errors that h5py raises for a damaged file with one that names the file.

    Raises: ValueError.
    """
    try:
        yield
    except H5PY_ERRORS as error:
        raise ValueError(f"{subject}: found {found}, expected intact HDF5; {MAKE_AGAIN}") from error
