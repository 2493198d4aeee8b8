"""What training and evaluation have found, read from their files and checked for contradictions.

Knows nothing of how the report shows it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from steps import artifacts, normalizer
from steps.dataset import CLASSES

CURVES = ("loss", "accuracy", "val_loss", "val_accuracy")
SCORES_PER_CLASS = ("precision", "recall", "f1")
SUM_TOLERANCE = 1e-3  # by which probabilities in float32 may differ from a sum of 1
EVALUATE_AGAIN = "evaluate the model again"


@dataclass(frozen=True)
class Results:
    """What the evaluation found.

    Shapes: `labels` and `predicted`: uint8 (n,); `confidence`: float32 (n,), the probability of the prediction;
    `confusion`: int64 (classes, classes), true by predicted; each of `scores`: float64 (classes,).
    """

    source: str
    labels: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    confusion: np.ndarray
    scores: dict[str, np.ndarray]

    @property
    def hits(self) -> int:
        """The number of correct predictions."""
        return int(self.confusion.trace())

    @property
    def accuracy(self) -> float:
        """The share of correct predictions."""
        return self.hits / len(self.labels)


def read_history(path: Path) -> dict[str, np.ndarray]:
    """Return the losses and accuracies of each epoch, by name.

    Shapes: each float64 (epochs,).
    Raises: FileNotFoundError; ValueError for any other file.
    """
    with artifacts.reading(path) as file:
        curves = {name: artifacts.read_array(file, name, np.float64, ()) for name in CURVES}  # each (epochs,)
    lengths = {name: len(values) for name, values in curves.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{path}: found {lengths} epochs, expected as many of each; train the model again")
    for name, values in curves.items():
        highest = 1 if "accuracy" in name else np.inf
        if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= highest):
            expected = "shares from 0 to 1" if highest == 1 else "finite numbers from 0 on"
            raise ValueError(f"{path}: found {values.tolist()!s:.80} in '{name}', expected {expected}; train it again")
    return curves


def read_results(path: Path) -> Results:
    """Return what the evaluation found.

    Raises: FileNotFoundError; ValueError for any other file, or one that contradicts itself.
    """
    with artifacts.reading(path) as file:
        source = artifacts.read_text(file, "source")
        probabilities = artifacts.read_array(file, "probabilities", np.float32, (CLASSES,))  # (n, 10)
        labels = artifacts.read_array(file, "labels", np.uint8, ())  # (n,)
        predicted = artifacts.read_array(file, "predicted", np.uint8, ())  # (n,)
        confusion = artifacts.read_array(file, "confusion", np.int64, (CLASSES,))  # (10, 10)
        scores = {name: artifacts.read_array(file, name, np.float64, ()) for name in SCORES_PER_CLASS}  # each (10,)
    if fault := fault_of_predictions(labels, predicted, probabilities):
        raise ValueError(f"{path}: {fault}; {EVALUATE_AGAIN}")
    if not np.array_equal(confusion, confusion_from(labels, predicted)):
        raise ValueError(f"{path}: found a 'confusion' that its labels and predictions do not give; {EVALUATE_AGAIN}")
    for name, values in scores.items():
        if not (values.shape == (CLASSES,) and 0 <= values.min() <= values.max() <= 1):  # false for NaN
            found = f"found {values.tolist()!s:.80} in '{name}'"
            raise ValueError(f"{path}: {found}, expected {CLASSES} numbers from 0 to 1; {EVALUATE_AGAIN}")
    return Results(source, labels, predicted, probabilities.max(axis=1), confusion, scores)


def fault_of_predictions(labels: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray) -> str:
    """Return what is wrong with predictions, or an empty text.

    Shapes: `labels` and `predicted`: uint8 (n,); `probabilities`: float32 (n, classes).
    """
    if not len(labels) == len(predicted) == len(probabilities):
        found = f"found {len(predicted):,} predictions and {len(probabilities):,} rows of probabilities"
        return f"{found}, expected one for each of {len(labels):,} labels"
    if labels.max() >= CLASSES:
        return f"found label {labels.max()}, expected 0 to {CLASSES - 1}"
    sums = probabilities.sum(axis=1, dtype=np.float64)  # (n,)
    if not (probabilities.min() >= 0 and np.abs(sums - 1).max() <= SUM_TOLERANCE):  # true for NaN
        return "found rows that are not probabilities, expected numbers from 0 to 1 that add up to 1"
    if not np.array_equal(probabilities.argmax(axis=1), predicted):
        return "found predictions that are not the most probable classes, expected them to be"
    return ""


def confusion_from(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the confusion matrix: how often each class was taken for each.

    Shapes: `labels` and `predicted`: uint8 (n,), below 10; the result: int64 (10, 10), true by predicted.
    """
    pairs = labels.astype(np.int64) * CLASSES + predicted  # (n,)
    return np.bincount(pairs, minlength=CLASSES**2).reshape(CLASSES, CLASSES)  # (10, 10)


def read_test_images(path: Path, results: Results) -> np.ndarray:
    """Return the test images, which must be those that were evaluated.

    Shapes: float32 (n, 28, 28), in [0, 1].
    Raises: FileNotFoundError; ValueError.
    """
    with artifacts.reading(path) as file:
        source = artifacts.read_text(file, "source")
    images, labels = normalizer.read_part(path, "test")  # (n, 28, 28, 1), (n,)
    if source != results.source or not np.array_equal(labels, results.labels):
        found = f"found {len(labels):,} test images of {source!r:.80}"
        expected = f"expected the {len(results.labels):,} of {results.source!r:.80} that were evaluated"
        raise ValueError(f"{path}: {found}, {expected}; {EVALUATE_AGAIN}")
    if not (0 <= images.min() <= images.max() <= 1):  # false for NaN
        raise ValueError(f"{path}: found intensities that are not in [0, 1]; normalise the images again")
    return images[..., 0]  # (n, 28, 28)
