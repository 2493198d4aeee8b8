"""What training and evaluation have found, read from their files and checked against each other.

Knows nothing of how it is shown.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from steps import artifacts, dataset, normalizer

CURVES = ("loss", "accuracy", "val_loss", "val_accuracy")
PER_CLASS = ("precision", "recall", "f1")
AGAIN = "evaluate the model again"
TOLERANCE = 1e-3  # by which probabilities in float32 may add up to something else than 1


@dataclass(frozen=True)
class Results:
    """What the evaluation found.

    Shapes: `labels` and `predicted`: uint8 (n,), `confidence`: float32 (n,), the probability of the prediction;
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
        """How many predictions are right."""
        return int(self.confusion.trace())

    @property
    def accuracy(self) -> float:
        """The share of predictions that are right."""
        return self.hits / len(self.labels)


def confusion_from(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return how often each class was taken for each.

    Shapes: `labels` and `predicted`: uint8 (n,), below 10; the result: int64 (10, 10), true by predicted.
    """
    pairs = labels.astype(np.int64) * dataset.CLASSES + predicted  # (n,)
    return np.bincount(pairs, minlength=dataset.CLASSES**2).reshape(dataset.CLASSES, dataset.CLASSES)


def history_from(path: Path) -> dict[str, np.ndarray]:
    """Return the losses and accuracies of the training, by name.

    Shapes: each float64 (epochs,).
    Raises: FileNotFoundError; ValueError for any other file.
    """
    with artifacts.reading(path) as file:
        record = {name: artifacts.rows(artifacts.dataset(file, name, np.float64, ())) for name in CURVES}
    lengths = {name: len(values) for name, values in record.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{path}: found {lengths} epochs, expected as many of each; train the model again")
    for name, values in record.items():
        most = 1 if "accuracy" in name else np.inf
        if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= most):
            expected = "shares from 0 to 1" if most == 1 else "finite numbers from 0 on"
            raise ValueError(f"{path}: found {values.tolist()!s:.80} in '{name}', expected {expected}; train it again")
    return record


def results_from(path: Path) -> Results:
    """Return what the evaluation found.

    Raises: FileNotFoundError; ValueError for any other file, or one that contradicts itself.
    """
    classes = dataset.CLASSES
    with artifacts.reading(path) as file:
        source = artifacts.text(file, "source")
        probabilities = artifacts.rows(artifacts.dataset(file, "probabilities", np.float32, (classes,)))  # (n, 10)
        labels = artifacts.rows(artifacts.dataset(file, "labels", np.uint8, ()))  # (n,)
        predicted = artifacts.rows(artifacts.dataset(file, "predicted", np.uint8, ()))  # (n,)
        confusion = artifacts.rows(artifacts.dataset(file, "confusion", np.int64, (classes,)))  # (10, 10)
        scores = {name: artifacts.rows(artifacts.dataset(file, name, np.float64, ())) for name in PER_CLASS}
    check_predictions(f"{path}: ", labels, predicted, probabilities)
    if not np.array_equal(confusion, confusion_from(labels, predicted)):
        raise ValueError(f"{path}: found a 'confusion' that its labels and predictions do not give; {AGAIN}")
    for name, values in scores.items():
        if not (values.shape == (classes,) and np.isfinite(values).all() and 0 <= values.min() <= values.max() <= 1):
            expected = f"expected {classes} numbers from 0 to 1"
            raise ValueError(f"{path}: found {values.tolist()!s:.80} in '{name}', {expected}; {AGAIN}")
    return Results(source, labels, predicted, probabilities.max(axis=1), confusion, scores)


def check_predictions(subject: str, labels: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray) -> None:
    """Say what is wrong with predictions.

    Shapes: `labels` and `predicted`: uint8 (n,), `probabilities`: float32 (n, classes).
    Raises: ValueError.
    """
    counts = {len(labels), len(predicted), len(probabilities)}
    if len(counts) > 1:
        fault = f"found {len(predicted):,} predictions and {len(probabilities):,} rows of probabilities"
        fault += f", expected one for each of {len(labels):,} labels"
    elif labels.max() >= dataset.CLASSES:
        fault = f"found label {labels.max()}, expected 0 to {dataset.CLASSES - 1}"
    elif not np.isfinite(probabilities).all():
        fault = "found probabilities that are no numbers, expected finite ones"
    elif probabilities.min() < 0 or np.abs(probabilities.sum(axis=1, dtype=np.float64) - 1).max() > TOLERANCE:
        fault = "found rows of probabilities that are none, expected each to add up to 1"
    elif not np.array_equal(probabilities.argmax(axis=1), predicted):
        fault = "found predictions that are not the most probable classes, expected them to be"
    else:
        return
    raise ValueError(f"{subject}{fault}; {AGAIN}")


def images_of(path: Path, results: Results) -> np.ndarray:
    """Return the test images, once they are known to be those that were evaluated.

    Shapes: float32 (n, 28, 28), in [0, 1].
    Raises: FileNotFoundError; ValueError.
    """
    with artifacts.reading(path) as file:
        source = artifacts.text(file, "source")
    images, labels = normalizer.part_of(path, "test")  # (n, 28, 28, 1), (n,)
    if source != results.source or not np.array_equal(labels, results.labels):
        found = f"found {len(labels):,} test images of {source!r:.80}"
        expected = f"expected the {len(results.labels):,} of {results.source!r:.80} that were evaluated"
        raise ValueError(f"{path}: {found}, {expected}; {AGAIN}")
    if not (0 <= images.min() <= images.max() <= 1):  # NaN is in no order
        raise ValueError(f"{path}: found intensities that are not in [0, 1]; normalise the images again")
    return images[..., 0]
