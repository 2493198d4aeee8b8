"""Fuzzes the check of HDF5 files: what it lets through, the HDF5 library reads, without a crash, as the check says."""

import io
import sys
from pathlib import Path

import atheris
import h5py
import numpy as np
from fuzzing import fuzz, told

sys.path.insert(0, str(Path(__file__).parents[2]))

with atheris.instrument_imports(include=["steps.hdf5"]):
    from steps import hdf5


def example(*, chunked: bool) -> bytes:
    """Return a small file with groups, numbers and texts."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs.update({"source": "somewhere", "classes": 10})
        for number in range(3):
            options = {"chunks": (2, 2), "fletcher32": True} if chunked else {}
            file.create_dataset(f"part/{number}", data=np.full((3, 2), number, np.float32), **options)
    return buffer.getvalue()


@atheris.instrument_func
def attack(data: bytes) -> None:
    """Check one file, and read all of it if it passes."""
    try:
        found = hdf5.contents(io.BytesIO(data), "some file")
    except ValueError as error:
        told(error)
        return
    with h5py.File(io.BytesIO(data)) as file:
        dict(file.attrs)
        for name, values in found.items():
            assert (file[name].shape, file[name].dtype) == tuple(values)
            try:
                file[name][...]
            except OSError:  # a wrong checksum
                continue


if __name__ == "__main__":
    fuzz(attack, [example(chunked=True), example(chunked=False)])
