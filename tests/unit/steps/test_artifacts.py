"""HDF5 and JSON files: what is damaged or missing is one clear error."""

import json
import os
import random
import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from steps import artifacts


@pytest.fixture
def path(tmp_path):
    """Return an HDF5 file with one dataset of 300 rows."""
    path = tmp_path / "values.h5"
    with artifacts.writing(path, source="here") as file:
        artifacts.write_array(file, "train/values", np.arange(300 * 7, dtype=np.uint16).reshape(300, 7))
    return path


def test_stored_values_are_read_whole_or_in_part(path):
    """Rows come back as they were stored."""
    with artifacts.reading(path) as file:
        values = artifacts.find_dataset(file, "train/values", np.uint16, (7,))
        assert artifacts.read_text(file, "source") == "here"
        assert artifacts.read_rows(values).shape == (300, 7)
        assert artifacts.read_rows(values, 299)[0, 0] == 299 * 7


def test_flipped_bit_is_an_error(path):
    """A single flipped bit among the values is found when they are read."""
    data = bytearray(path.read_bytes())
    place = data.find(np.arange(1000, 1010, dtype=np.uint16).tobytes())
    data[place] ^= 1
    path.write_bytes(data)
    with (
        artifacts.reading(path) as file,
        pytest.raises(ValueError, match=r"values\.h5: found damaged values in '/train/values', expected"),
    ):
        artifacts.read_rows(artifacts.find_dataset(file, "train/values", np.uint16, (7,)))


def test_foreign_or_truncated_file_is_an_error(path):
    """A file that is not HDF5, or only part of one, is an error that names it."""
    for data in (path.read_bytes()[:-500], b"something else", b""):
        path.write_bytes(data)
        with (
            pytest.raises(ValueError, match=r"values\.h5: found a damaged or foreign file, expected intact HDF5; make"),
            artifacts.reading(path),
        ):
            pass


def test_missing_file_dataset_and_attribute_are_named(path, tmp_path):
    """The error says what is missing, and what is there instead."""
    with pytest.raises(FileNotFoundError, match=r"absent\.h5: no such file"), artifacts.reading(tmp_path / "absent.h5"):
        pass
    with artifacts.reading(path) as file:
        with pytest.raises(ValueError, match=r"found \['train', 'train/values'\], expected a dataset 'train'; make"):
            artifacts.find_dataset(file, "train", np.uint16, (7,))
        with pytest.raises(ValueError, match="found attribute 'classes' None, expected a text of 200 characters"):
            artifacts.read_text(file, "classes")


@pytest.mark.parametrize(("kind", "row"), [(np.uint8, (7,)), (np.uint16, (8,)), (np.uint16, ()), (np.float32, (7,))])
def test_values_of_another_type_or_shape_are_an_error(path, kind, row):
    """Type and shape are those that a step expects, or the error says what was found."""
    with (
        artifacts.reading(path) as file,
        pytest.raises(ValueError, match=r"found uint16 \(300, 7\) in 'train/values', expected .*; make it again"),
    ):
        artifacts.find_dataset(file, "train/values", kind, row)


def test_chunks_are_whole_rows(path):
    """A dataset is chunked along its first axis, with checksums and no compression."""
    with h5py.File(path) as file:
        values = file["train/values"]
        assert (values.chunks, values.fletcher32, values.compression) == ((256, 7), True, None)


def test_json_is_sorted_and_has_no_nan(tmp_path):
    """Equal values give equal bytes, and what is no number is refused."""
    artifacts.write_json(tmp_path / "values.json", {"b": 1, "a": {"d": 0.5, "c": None}})
    text = (tmp_path / "values.json").read_text()
    assert list(json.loads(text)) == ["a", "b"]
    with pytest.raises(ValueError, match="not JSON compliant"):
        artifacts.write_json(tmp_path / "values.json", {"a": float("nan")})


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("nothing")])
def test_what_is_not_a_file_counts_as_missing(tmp_path, make):
    """A folder, a pipe or a broken link in the place of a file is the same error as no file, at once."""
    make(tmp_path / "values.h5")
    with (
        pytest.raises(FileNotFoundError, match=r"values\.h5: no such file"),
        artifacts.reading(tmp_path / "values.h5"),
    ):
        pass


def test_dataset_above_the_size_limit_is_an_error(tmp_path):
    """A shape of more than four gigabytes is refused before anything is allocated."""
    with artifacts.writing(tmp_path / "values.h5") as file:
        file.create_dataset("values", (2**40, 7), np.uint16, chunks=(256, 7))
    with (
        artifacts.reading(tmp_path / "values.h5") as file,
        pytest.raises(ValueError, match="in 'values', expected 4,294,967,296 bytes at most; make it again"),
    ):
        artifacts.find_dataset(file, "values", np.uint16, (7,))


def test_damage_anywhere_is_a_clear_error_or_harmless(path):
    """Each of 200 files with a flipped bit gives the values that were stored, or one line that names the file."""
    whole, rng, errors = path.read_bytes(), random.Random(7), []
    for _ in range(200):
        data = bytearray(whole)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        try:
            with artifacts.reading(path) as file:
                values = artifacts.read_rows(artifacts.find_dataset(file, "train/values", np.uint16, (7,)))
        except ValueError as error:
            errors.append(str(error))
        else:
            np.testing.assert_array_equal(values, np.arange(300 * 7).reshape(300, 7))
    assert errors
    assert all(re.fullmatch(r".*values\.h5: found .+, expected .+; make it again .+", text) for text in errors)
