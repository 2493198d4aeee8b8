"""The normaliser: intensities in [0, 1], a stratified split, and no more memory than a block needs."""

import tracemalloc

import h5py
import numpy as np
import pytest

from steps import artifacts, normalizer


@pytest.fixture
def normalized(tmp_path):
    """Return the path of the file to be written."""
    return tmp_path / "normalized.h5"


def test_each_image_lands_in_exactly_one_part_with_its_label(raw, normalized):
    """Training and validation together are the raw training set, in its order; the test set is the test set."""
    counts = normalizer.run(raw, normalized, validation=0.2)
    assert counts == {"train_images": 1150, "validation_images": 287, "test_images": 360}
    with h5py.File(raw) as before, h5py.File(normalized) as after:
        chosen = normalizer.validation_mask(before["train/labels"][...], 0.2, seed=7)
        for part, images, labels in [
            ("train", before["train/images"][...][~chosen], before["train/labels"][...][~chosen]),
            ("validation", before["train/images"][...][chosen], before["train/labels"][...][chosen]),
            ("test", before["test/images"][...], before["test/labels"][...]),
        ]:
            np.testing.assert_array_equal(after[f"{part}/images"][...], images / np.float32(255))
            np.testing.assert_array_equal(after[f"{part}/labels"][...], labels)
            assert after[f"{part}/images"].dtype == np.float32
            assert after[f"{part}/images"].fletcher32
        assert after.attrs["source"] == "scikit-learn digits"


def test_scale_becomes_one_and_so_does_anything_brighter():
    """Whatever the scale, intensities are in [0, 1]."""
    images = np.array([[[0, 64, 128, 255]]], np.uint8)
    np.testing.assert_array_equal(normalizer.normalized_from(images, 128.0), [[[0, 0.5, 1, 1]]])
    assert normalizer.normalized_from(images, 255.0).max() == 1


def test_split_is_stratified_and_depends_on_the_seed_alone():
    """Each class gives its share, to within one sample, and another seed makes another choice."""
    labels = np.random.default_rng(0).choice(10, 10_000, p=[0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.03, 0.01, 0.01])
    chosen = normalizer.validation_mask(labels, 0.1, seed=1)
    assert chosen.sum() == 1000
    assert np.abs(np.bincount(labels[chosen]) - 0.1 * np.bincount(labels)).max() <= 1
    np.testing.assert_array_equal(chosen, normalizer.validation_mask(labels, 0.1, seed=1))
    assert (chosen != normalizer.validation_mask(labels, 0.1, seed=2)).any()


@pytest.mark.parametrize("share", [-0.1, 0.0, 1.0, 1.5, float("nan")])
def test_share_that_leaves_a_side_empty_is_an_error(raw, normalized, share):
    """A validation share must leave something to train on, and to validate with."""
    with pytest.raises(ValueError, match=r"validation: found .* expected a share between 0 and 1"):
        normalizer.run(raw, normalized, validation=share)


@pytest.mark.parametrize("scale", [0.0, -255.0, float("nan"), float("inf")])
def test_scale_must_be_a_positive_number(raw, normalized, scale):
    """A scale that makes no intensities is an error."""
    with pytest.raises(ValueError, match=r"scale: found .* expected a finite number above 0"):
        normalizer.run(raw, normalized, scale=scale)


def test_memory_holds_a_block_and_not_the_set(tmp_path, normalized):
    """A set of 78 MB as float32 is normalised with less than a fifth of that in memory."""
    raw = tmp_path / "raw.h5"
    count = 25_000
    with artifacts.writing(raw, source="made up", classes=10) as file:
        for part, size in (("train", count), ("test", 10)):
            artifacts.write_array(file, f"{part}/images", np.ones((size, 28, 28), np.uint8))
            artifacts.write_array(file, f"{part}/labels", (np.arange(size) % 10).astype(np.uint8))
    tracemalloc.start()
    try:
        normalizer.run(raw, normalized)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < count * 28 * 28 * 4 / 5
