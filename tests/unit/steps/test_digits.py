"""The embedded digits: the same bytes on any machine, enlarged to the size of MNIST's."""

import numpy as np
import pytest

from steps import dataset, digits, idx


def test_embedded_digits_have_their_pinned_content():
    """The embedded default is the same bytes on any machine, with any version of scikit-learn."""
    contents = digits.contents()
    assert {role: dataset.sha256(content) for role, content in contents.items()} == dataset.DIGITS
    assert dataset.name(contents) == "scikit-learn digits"


def test_contents_are_a_data_set():
    """The four contents belong together: images of 28x28 with a label each, the last 360 of them for the test."""
    found = {role: idx.decoded(content) for role, content in digits.contents().items()}
    assert {role: len(values) for role, values in found.items()} == {
        "train_images": 1437, "train_labels": 1437, "test_images": 360, "test_labels": 360,
    }  # fmt: skip
    for part in ("train", "test"):
        dataset.check(found[f"{part}_images"], found[f"{part}_labels"], "images", "labels")


def test_enlarged_image_interpolates_and_spans_the_intensities():
    """Scaling keeps flat images flat, from 0 to 255, and makes a slope a slope."""
    flat = np.stack([np.full((8, 8), value) for value in (0, 16)])
    assert [np.unique(image).tolist() for image in digits.enlarged(flat)] == [[0], [255]]
    slope = digits.enlarged(np.tile(np.arange(8), (1, 8, 1)))[0]
    assert slope.shape == (28, 28)
    assert (np.diff(slope[0].astype(int)) >= 0).all()
    np.testing.assert_array_equal(slope, np.tile(slope[0], (28, 1)))


@pytest.mark.parametrize(("old", "new"), [(1, 28), (2, 3), (8, 28), (28, 28), (28, 8)])
def test_interpolation_adds_up(old, new):
    """Each new pixel is a weighted mean of at most two old ones, and both ends are treated alike."""
    weights = digits.interpolation(old, new)
    assert weights.shape == (new, old)
    assert weights.dtype == np.int64
    assert (weights.sum(axis=1) == 2 * new).all()
    assert ((weights > 0).sum(axis=1) <= 2).all()
    assert (weights >= 0).all()
    np.testing.assert_array_equal(weights, weights[::-1, ::-1])


def test_interpolation_to_the_same_size_changes_nothing():
    """As many pixels as before are the pixels from before."""
    np.testing.assert_array_equal(digits.interpolation(5, 5), 10 * np.eye(5))
