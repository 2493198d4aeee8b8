"""The check of HDF5 files sees what the HDF5 library sees, in all that our steps write."""

import h5py
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from steps import artifacts, hdf5

NAMES = st.text("abcé 1.-_", min_size=1, max_size=40).filter(lambda name: name.strip(".") and name == name.strip())
SHAPES = st.lists(st.sampled_from([1, 2, 7, 300]), min_size=1, max_size=3).map(tuple)
KINDS = st.sampled_from([np.uint8, np.int64, np.float32, np.float64, np.uint32])
DATASETS = st.dictionaries(NAMES, st.tuples(SHAPES, KINDS, st.booleans()), max_size=40)
ATTRIBUTES = st.dictionaries(
    NAMES.filter(str.isascii), st.integers(0, 2**31) | st.text("aé\n", max_size=300), max_size=12
)


@settings(max_examples=50, deadline=None)
@given(DATASETS, ATTRIBUTES)
def test_what_steps_write_is_found_sound(tmp_path_factory, datasets, attributes):
    """Groups of any size, chunked and whole datasets, numbers and texts: all is found, and nothing is refused."""
    path = tmp_path_factory.mktemp("hdf5") / "values.h5"
    with artifacts.writing(path, **attributes) as file:
        for name, (shape, kind, chunked) in datasets.items():
            values = np.zeros(shape, kind)
            if chunked:
                artifacts.store(file, f"group/{name}", values)
            else:
                file.create_dataset(f"group/{name}", data=values)
    with path.open("rb") as opened:
        found = hdf5.contents(opened, "values.h5")
    expected = {f"group/{name}": (shape, np.dtype(kind).name) for name, (shape, kind, _) in datasets.items()}
    assert {name: tuple(values) for name, values in found.items()} == expected


def test_many_chunks_and_many_names_are_found_sound(tmp_path):
    """Trees of several levels, of chunks and of names, are walked to their leaves."""
    path = tmp_path / "values.h5"
    with artifacts.writing(path) as file:
        file.create_dataset("chunks", (9000,), np.uint8, chunks=(1,), fletcher32=True)[...] = 1
        for number in range(600):
            file[f"names/{number}"] = number
    with path.open("rb") as opened:
        found = hdf5.contents(opened, "values.h5")
    with h5py.File(path) as file:
        assert len(found) == 1 + len(file["names"])
    assert found["chunks"] == ((9000,), "uint8")
