"""The importer: from four IDX files to raw.h5."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from steps import idx, importer


def test_raw_holds_images_labels_and_where_they_come_from(raw, digits_folder, paths_in):
    """raw.h5 has four datasets, chunked by rows with checksums, the source and the counts."""
    with h5py.File(raw) as file:
        assert dict(file.attrs) == {
            "source": "scikit-learn digits",
            "classes": 10,
            "train_count": 1437,
            "test_count": 360,
        }
        for name, path in zip(
            ["train/images", "train/labels", "test/images", "test/labels"], paths_in(digits_folder), strict=True
        ):
            np.testing.assert_array_equal(file[name][...], idx.decoded(idx.read(path)))
            assert file[name].dtype == np.uint8
            assert file[name].fletcher32
        assert file["train/images"].chunks == (256, 28, 28)


def test_mnist_is_named_by_its_content(tmp_path, mnist, paths_in):
    """The real files, wherever they lie, are imported as MNIST."""
    assert importer.run(*paths_in(mnist), tmp_path / "raw.h5") == {"train_images": 60000, "test_images": 10000}
    with h5py.File(tmp_path / "raw.h5") as file:
        assert file.attrs["source"] == "MNIST"
        assert file["train/labels"][:5].tolist() == [5, 0, 4, 1, 9]


def test_a_few_images_are_a_data_set(tmp_path, outputs):
    """Fewer images than a chunk are fine, and their source is unknown."""
    for path, values in zip(outputs, [np.zeros((2, 28, 28), np.uint8), np.zeros(2, np.uint8)] * 2, strict=True):
        idx.write(path, idx.encoded(values))
    importer.run(*outputs, tmp_path / "raw.h5")
    with h5py.File(tmp_path / "raw.h5") as file:
        assert file.attrs["source"].startswith("unknown: ")


def test_files_of_different_sets_are_refused_before_anything_is_written(tmp_path, digits_folder, paths_in):
    """Training labels in the place of test labels are an error that names the file, and there is no raw.h5."""
    train_images, train_labels, test_images, _ = paths_in(digits_folder)
    with pytest.raises(ValueError, match=r"train-labels-idx1-ubyte\.gz: found 1,437 labels, expected .* 360 images"):
        importer.run(train_images, train_labels, test_images, train_labels, tmp_path / "raw.h5")
    assert not (tmp_path / "raw.h5").exists()


CHAIN = """
from pathlib import Path
import sys
from steps import importer, normalizer
*files, raw, normalized = map(Path, sys.argv[1:])
importer.run(*files, raw)
normalizer.run(raw, normalized)
slow = {"keras", "tensorflow", "sklearn", "pooch", "requests"} & set(sys.modules)
assert not slow, slow
"""


def test_two_processes_write_equal_bytes_and_import_nothing_slow(tmp_path, digits_folder, paths_in):
    """raw.h5 and normalized.h5 depend on their inputs alone, not on the process or the content of memory."""
    made = []
    for filler in ("17", "203"):
        outputs = [tmp_path / f"raw{filler}.h5", tmp_path / f"normalized{filler}.h5"]
        subprocess.run(
            [sys.executable, "-c", CHAIN, *paths_in(digits_folder), *outputs],
            check=True,
            cwd=Path(importer.__file__).parents[1],
            env=os.environ | {"MALLOC_PERTURB_": filler},
        )
        made.append([path.read_bytes() for path in outputs])
    assert made[0] == made[1]
