"""Step 6: a page and plots for people: what the digits look like, how the training went, and what went wrong.

The page is one file that needs no network. Its template is an input, as any other file that decides the page's bytes.
The name of the data set goes wherever an accuracy goes.
"""

import base64
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np

from steps import artifacts, dataset, normalizer, plots

CURVES = ("loss", "accuracy", "val_loss", "val_accuracy")
PER_CLASS = ("precision", "recall", "f1")
AGAIN = "evaluate the model again"
LARGEST = 1000  # images of a kind on the page
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


def worst_of(labels: np.ndarray, predicted: np.ndarray, confidence: np.ndarray, count: int) -> np.ndarray:
    """Return which predictions are wrong, the most confident first, `count` at most; among equals the earlier first.

    Shapes: each (n,); the result: int64 (count or fewer,).
    """
    wrong = np.flatnonzero(labels != predicted)  # (wrong,)
    return wrong[np.argsort(-confidence[wrong], kind="stable")][:count]


def first_of_each(labels: np.ndarray, count: int) -> list[np.ndarray]:
    """Return the first `count` samples of each class, or as many as it has.

    Shapes: `labels`: uint8 (n,), below 10; the result: 10 times int64 (count or fewer,).
    """
    return [np.flatnonzero(labels == label)[:count] for label in range(dataset.CLASSES)]


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


def percent(share: float, digits: int = 2) -> str:
    """Return a share in percent; what is not all is never shown as 100."""
    text = f"{100 * share:.{digits}f}"
    return f"> {100 - 10**-digits:.{digits}f} %" if share < 1 and float(text) == 100 else f"{text} %"  # noqa: PLR2004


def uri(content: bytes, kind: str) -> str:
    """Return a picture as a `data:` URI, so that a page holds it."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def page_from(template: Path, values: dict[str, object]) -> str:
    """Return the page; whatever the values hold is text in it.

    Raises: ValueError if the template is none, or asks for what isn't there.
    """
    environment = jinja2.Environment(
        loader=jinja2.DictLoader({}),  # whatever it might include is no input
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["percent"] = percent
    try:
        return environment.from_string(template.read_text(encoding="utf-8")).render(values)
    except (jinja2.TemplateError, UnicodeDecodeError) as error:
        raise ValueError(f"{template}: found {error!s:.200}, expected a template of Jinja2") from error


def confused_most(confusion: np.ndarray) -> tuple[int, int, int]:
    """Return the most frequent mistake: the true class, what it was taken for, and how often.

    Shapes: `confusion`: int64 (classes, classes).
    """
    mistakes = confusion - np.diag(confusion.diagonal())  # (classes, classes)
    true, predicted = np.unravel_index(mistakes.argmax(), mistakes.shape)
    return int(true), int(predicted), int(mistakes.max())


def run(  # noqa: PLR0917 - one for each file
    history: Path,
    evaluation: Path,
    normalized: Path,
    template: Path,
    report: Path,
    samples: Path,
    accuracy: Path,
    loss: Path,
    confusion: Path,
    mistakes: Path,
    *,
    per_class: int = 16,
    worst: int = 24,
) -> dict[str, float]:
    """Write the page and its plots; return how many mistakes there are, and the accuracy.

    per_class: sample digits of each class to show, at most
    worst: mistakes to show, at most
    """
    for name, value in (("per_class", per_class), ("worst", worst)):
        if not 1 <= value <= LARGEST:
            raise ValueError(f"{name}: found {value}, expected 1 to {LARGEST:,}")
    record, results = history_from(history), results_from(evaluation)
    images = images_of(normalized, results)  # (n, 28, 28)
    chosen = worst_of(results.labels, results.predicted, results.confidence, worst)  # (worst or fewer,)
    shown = [
        {
            "number": int(number),
            "true": int(results.labels[number]),
            "predicted": int(results.predicted[number]),
            "confidence": percent(float(results.confidence[number])),
        }
        for number in chosen
    ]
    captions = ["{true} taken for {predicted}\n{confidence} sure".format_map(mistake) for mistake in shown]
    name = results.source
    pictures = {
        samples: plots.samples([images[of_class] for of_class in first_of_each(results.labels, per_class)]),
        accuracy: plots.curves(f"Accuracy on {name:.24}", record["accuracy"], record["val_accuracy"], percent=True),
        loss: plots.curves("Loss", record["loss"], record["val_loss"], percent=False),
        confusion: plots.confusion(f"Test images of {name:.40}", results.confusion),
        mistakes: plots.mistakes(list(images[chosen]), captions),
    }
    for path, content in pictures.items():
        path.write_bytes(content)
    for mistake in shown:
        mistake["image"] = uri(plots.digit(images[mistake["number"]]), "png")
    values = {
        "results": results,
        "record": record,
        "epochs": len(record["loss"]),
        "confused": confused_most(results.confusion),
        "support": results.confusion.sum(axis=1),
        "mistakes": shown,
        "wrong": len(results.labels) - results.hits,
        "samples_shown": per_class,
        "pictures": {
            "samples": uri(pictures[samples], "png"),
            "accuracy": uri(pictures[accuracy], "svg+xml"),
            "loss": uri(pictures[loss], "svg+xml"),
            "confusion": uri(pictures[confusion], "svg+xml"),
        },
    }
    report.write_text(page_from(template, values), encoding="utf-8")
    print(f"Reported {values['wrong']:,} mistakes in {len(results.labels):,} test images of {name}.")
    return {"mistakes": values["wrong"], "accuracy": results.accuracy}
