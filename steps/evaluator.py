"""Step 5: measure the model on the test images, which it has never seen.

The name of the data set is stored beside each accuracy, so that no accuracy is taken for MNIST's when it is not.
"""

from pathlib import Path

import numpy as np
from sklearn import metrics as sklearn_metrics

from steps import artifacts, dataset, normalizer
from steps.backend import deterministic, load

SCORES_PER_CLASS = ("precision", "recall", "f1", "support")


def run(normalized: Path, model: Path, evaluation: Path, metrics: Path, *, batch_size: int = 512) -> dict[str, float]:
    """Evaluate the model on the test images; return its accuracy, loss and macro F1.

    batch_size: images per prediction
    """
    if batch_size < 1:
        raise ValueError(f"batch_size: found {batch_size}, expected 1 or more; try 512")
    with artifacts.reading(normalized) as file:
        source = artifacts.read_text(file, "source")
    images, labels = normalizer.read_part(normalized, "test")  # (n, 28, 28, 1), (n,)
    deterministic(seed=0)
    trained = load(model, images.shape[1:], dataset.CLASSES)
    probabilities = trained.predict(images, batch_size, verbose=0)  # (n, classes)
    scores = scores_from(labels, probabilities)
    with artifacts.writing(evaluation, source=source) as file:
        artifacts.write_array(file, "probabilities", probabilities)
        artifacts.write_array(file, "predicted", probabilities.argmax(axis=1).astype(np.uint8))
        artifacts.write_array(file, "labels", labels)
        for name in ("confusion", *SCORES_PER_CLASS):
            artifacts.write_array(file, name, scores[name])
    totals = {name: float(scores[name]) for name in ("accuracy", "loss", "macro_f1")}
    per_class = {
        label: {name: scores[name][label].item() for name in SCORES_PER_CLASS} for label in range(dataset.CLASSES)
    }
    artifacts.write_json(metrics, {"source": source, "images": len(labels), "per_class": per_class, **totals})
    print(f"Test accuracy {100 * totals['accuracy']:.2f} % on {source} ({len(labels):,} images).")
    return totals


def scores_from(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """Return the scores of predictions by name.

    Shapes: `labels`: uint8 (n,); `probabilities`: float32 (n, classes); the results: confusion (classes, classes), true
    by predicted; precision, recall, f1 and support (classes,); accuracy, loss and macro_f1 ().
    """
    classes = np.arange(probabilities.shape[1])  # (classes,)
    predicted = probabilities.argmax(axis=1)  # (n,)
    precision, recall, f1, support = sklearn_metrics.precision_recall_fscore_support(
        labels, predicted, labels=classes, zero_division=0
    )  # each (classes,)
    sums = probabilities.sum(axis=1, keepdims=True, dtype=np.float64)  # (n, 1), 1 but for rounding
    rescaled = probabilities.astype(np.float64) / sums  # (n, classes), each row adds up to 1 in float64
    return {
        "accuracy": np.float64(sklearn_metrics.accuracy_score(labels, predicted)),
        "loss": np.float64(sklearn_metrics.log_loss(labels, rescaled, labels=classes)),
        "macro_f1": f1.mean(),
        "confusion": sklearn_metrics.confusion_matrix(labels, predicted, labels=classes),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "support": support,
    }
