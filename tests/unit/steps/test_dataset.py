"""Data sets get their names from their content, and must be consistent."""

import gzip
import hashlib

import numpy as np
import pytest

from steps import dataset, digits, idx

# As published, and known independently of our own digests.
MD5 = {
    "train_images": "6bbc9ace898e44ae57da46a324031adb",
    "train_labels": "a25bea736e30d166cdddb491f175f624",
    "test_images": "2646ac647ad5339dbf082846283269ea",
    "test_labels": "27ae3e4e09519cfbb04c329615203637",
}


def test_digests_are_those_of_the_files_whose_md5_is_published(mnist, paths_in):
    """The pinned SHA-256 digests belong to the content with the published MD5 digests."""
    for role, path in zip(dataset.FILES, paths_in(mnist), strict=True):
        content = gzip.decompress(path.read_bytes())
        assert hashlib.md5(content).hexdigest() == MD5[role]
        assert dataset.sha256(content) == dataset.MNIST[role]


def test_name_of_anything_else_is_unknown():
    """One changed pixel makes a data set unknown, and each unknown one has a name of its own."""
    contents = digits.contents()
    images = idx.decoded(contents["test_images"]).copy()
    images[0, 0, 0] ^= 1
    other = dataset.name(contents | {"test_images": idx.encoded(images)})
    images[0, 0, 1] ^= 1
    another = dataset.name(contents | {"test_images": idx.encoded(images)})
    assert other.startswith("unknown: ")
    assert another.startswith("unknown: ")
    assert other != another


IMAGES = np.zeros((3, 28, 28), np.uint8)
LABELS = np.array([0, 1, 9], np.uint8)

FAULTS = {
    "small images": (IMAGES[:, :20], LABELS, r"images: found shape \(3, 20, 28\)"),
    "labels for images": (LABELS, LABELS, r"images: found shape \(3,\), expected images"),
    "images for labels": (IMAGES, IMAGES, r"labels: found shape \(3, 28, 28\), expected labels"),
    "counts": (IMAGES, LABELS[:2], "labels: found 2 labels, expected one for each of 3 images"),
    "label 10": (IMAGES, LABELS + np.uint8(1), "labels: found label 10, expected 0 to 9"),
}


@pytest.mark.parametrize(("images", "labels", "fault"), FAULTS.values(), ids=FAULTS)
def test_files_that_do_not_belong_together_are_an_error(images, labels, fault):
    """Shapes, counts and labels must be those of one data set."""
    with pytest.raises(ValueError, match=fault):
        dataset.check(images, labels, "images", "labels")
