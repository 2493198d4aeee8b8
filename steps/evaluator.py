"""Step 5: how good the model is on images that it has never seen, as numbers for people and for programs.

The name of the data set goes wherever the accuracy goes, so that no accuracy is taken for MNIST's when it isn't.
"""

from pathlib import Path

import numpy as np
from sklearn import metrics as scores

from steps import artifacts, dataset, normalizer
from steps.backend import deterministic, load

PER_CLASS = ("precision", "recall", "f1", "support")


def scores_from(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """Return each score by its name; per class where a class can have it, else a single number.

    Shapes: `labels`: uint8 (n,), `probabilities`: float32 (n, classes).
    """
    classes = np.arange(probabilities.shape[1])  # (classes,)
    predicted = probabilities.argmax(axis=1)  # (n,)
    precision, recall, f1, support = scores.precision_recall_fscore_support(
        labels, predicted, labels=classes, zero_division=0
    )  # each (classes,)
    certain = probabilities.astype(np.float64) / probabilities.sum(axis=1, keepdims=True, dtype=np.float64)
    return {
        "accuracy": np.float64(scores.accuracy_score(labels, predicted)),
        "loss": np.float64(scores.log_loss(labels, certain, labels=classes)),
        "macro_f1": f1.mean(),
        "confusion": scores.confusion_matrix(labels, predicted, labels=classes),  # (true, predicted)
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "support": support,
    }


def run(normalized: Path, model: Path, evaluation: Path, metrics: Path, *, batch_size: int = 512) -> dict[str, float]:
    """Evaluate the model on the test images; return its accuracy, loss and macro F1.

    batch_size: images per prediction
    """
    if batch_size < 1:
        raise ValueError(f"batch_size: found {batch_size}, expected 1 or more; try 512")
    with artifacts.reading(normalized) as file:
        source = artifacts.text(file, "source")
    images, labels = normalizer.part_of(normalized, "test")  # (n, 28, 28, 1), (n,)
    deterministic(seed=0)
    probabilities = load(model, images.shape[1:], dataset.CLASSES).predict(
        images, batch_size, verbose=0
    )  # (n, classes)
    results = scores_from(labels, probabilities)
    with artifacts.writing(evaluation, source=source) as file:
        artifacts.store(file, "probabilities", probabilities)
        artifacts.store(file, "predicted", probabilities.argmax(axis=1).astype(np.uint8))
        artifacts.store(file, "labels", labels)
        for name in ("confusion", *PER_CLASS):
            artifacts.store(file, name, results[name])
    numbers = {name: float(results[name]) for name in ("accuracy", "loss", "macro_f1")}
    per_class = {label: {name: results[name][label].item() for name in PER_CLASS} for label in range(dataset.CLASSES)}
    artifacts.write_json(metrics, {"source": source, "images": len(labels), "per_class": per_class, **numbers})
    print(f"Test accuracy {100 * numbers['accuracy']:.2f} % on {source} ({len(labels):,} images).")
    return numbers
