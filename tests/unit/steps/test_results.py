"""What training and evaluation found, read from their files: whole, or refused."""

import numpy as np
import pytest
from reports import evaluated, write

from steps import artifacts, results

LABELS = (np.arange(30) % 10).astype(np.uint8)
IMAGES = np.linspace(0, 1, 30 * 28 * 28, dtype=np.float32).reshape(30, 28, 28)


@pytest.fixture
def folder(tmp_path):
    """Return a folder with the results of 3 epochs and 6 mistakes in 30 images."""
    return write(tmp_path, IMAGES, LABELS, wrong=6, epochs=3, source="some")


def test_history_has_all_curves(folder):
    """Each curve is read with a number for each epoch."""
    found = results.read_history(folder / "history.h5")
    assert tuple(found) == results.CURVES
    np.testing.assert_allclose(found["loss"], [0.5, 0.3, 0.1])
    np.testing.assert_allclose(found["val_accuracy"], [0.5, 0.7, 0.9])


@pytest.mark.parametrize("value", [-0.1, np.nan, np.inf])
def test_a_loss_is_finite_and_not_negative(tmp_path, value):
    """A curve that no training gives is an error that names the file and the curve."""
    with artifacts.writing(tmp_path / "history.h5") as file:
        for name in results.CURVES:
            artifacts.write_array(file, name, np.array([0.5, value if name == "val_loss" else 0.5]))
    with pytest.raises(ValueError, match=r"history\.h5: found .* in 'val_loss', expected finite numbers from 0 on"):
        results.read_history(tmp_path / "history.h5")


def test_results_are_what_was_evaluated(folder):
    """Source, labels, predictions and confidence are read, and the accuracy is the share of hits."""
    found = results.read_results(folder / "evaluation.h5")
    assert (found.source, found.hits, found.accuracy) == ("some", 24, 0.8)
    np.testing.assert_array_equal(found.labels, LABELS)
    np.testing.assert_array_equal(found.predicted != LABELS, np.arange(30) < 6)
    np.testing.assert_allclose(found.confidence, np.linspace(0.6, 0.95, 30), rtol=1e-6)
    assert tuple(found.scores) == results.SCORES_PER_CLASS


def test_the_test_images_are_those_that_were_evaluated(folder):
    """The images come without their channel, in the order of the labels."""
    found = results.read_test_images(folder / "normalized.h5", results.read_results(folder / "evaluation.h5"))
    np.testing.assert_array_equal(found, IMAGES)


@pytest.mark.parametrize("change", [{"source": "other"}, {"labels": LABELS[::-1]}])
def test_images_of_another_evaluation_are_refused(folder, tmp_path, change):
    """Images of another data set, or with other labels, are not shown with these results."""
    found = results.read_results(folder / "evaluation.h5")
    other = {"source": "some", "labels": LABELS} | change
    write(tmp_path, IMAGES, other["labels"], wrong=6, epochs=3, source=other["source"])
    with pytest.raises(ValueError, match=r"normalized\.h5: found 30 test images of .* that were evaluated"):
        results.read_test_images(tmp_path / "normalized.h5", found)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, ""),
        (
            {"labels": LABELS[:9]},
            "found 30 predictions and 30 rows of probabilities, expected one for each of 9",
        ),
        ({"predicted": LABELS[:9]}, "found 9 predictions and 30 rows of probabilities"),
        ({"labels": LABELS + np.uint8(1)}, "found label 10, expected 0 to 9"),
        ({"probabilities": np.zeros((30, 10), np.float32)}, "found rows that are not probabilities"),
        ({"probabilities": np.full((30, 10), np.nan, np.float32)}, "found rows that are not probabilities"),
        ({"predicted": LABELS[::-1]}, "found predictions that are not the most probable classes"),
    ],
)
def test_faults_of_predictions(change, fault):
    """Predictions that contradict their labels or probabilities have a fault in words; others an empty one."""
    given = {"labels": LABELS, "predicted": LABELS, "probabilities": evaluated(LABELS, 0)} | change
    found = results.fault_of_predictions(**given)
    assert found.startswith(fault)
    assert bool(found) == bool(fault)


def test_probabilities_may_be_rounded():
    """Rows whose sum differs from 1 by what float32 rounds are probabilities; by more they are not."""
    probabilities = evaluated(LABELS, 0)
    assert results.fault_of_predictions(LABELS, LABELS, probabilities * np.float32(1.0009)) == ""
    assert results.fault_of_predictions(LABELS, LABELS, probabilities * np.float32(1.002)) != ""


def test_confusion_counts_true_by_predicted():
    """A row is the true class, a column the predicted one; classes without an image have zeros."""
    found = results.confusion_from(np.array([0, 0, 9], np.uint8), np.array([0, 3, 9], np.uint8))
    assert found.shape == (10, 10)
    assert found.dtype == np.int64
    assert {(row, column): found[row, column] for row, column in np.argwhere(found)} == {
        (0, 0): 1,
        (0, 3): 1,
        (9, 9): 1,
    }
