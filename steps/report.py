"""Step 6: a page and plots for people: what the digits look like, how the training went, and what went wrong.

The page is one file that needs no network. Its template is an input, as any other file that decides the page's bytes.
The name of the data set goes wherever an accuracy goes.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np

from steps import dataset, plots
from steps.results import Results, history_from, images_of, results_from

LARGEST = 500  # images of a kind: a PNG of twice as many side by side would be too wide to be drawn


@dataclass(frozen=True)
class Mistake:
    """A wrong prediction. `number`: of the image; `confidence`: the probability of the prediction, in percent.

    Shapes: `image`: float32 (28, 28), in [0, 1].
    """

    number: int
    true: int
    predicted: int
    confidence: str
    image: np.ndarray


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


def mistakes_from(results: Results, images: np.ndarray, count: int) -> list[Mistake]:
    """Return the worst mistakes, the worst first, `count` at most.

    Shapes: `images`: float32 (n, 28, 28), in [0, 1].
    """
    return [
        Mistake(
            number=int(number),
            true=int(results.labels[number]),
            predicted=int(results.predicted[number]),
            confidence=percent(float(results.confidence[number])),
            image=images[number],
        )
        for number in worst_of(results.labels, results.predicted, results.confidence, count)
    ]


def confused_most(confusion: np.ndarray) -> tuple[int, int, int]:
    """Return the most frequent mistake: the true class, what it was taken for, and how often.

    Shapes: `confusion`: int64 (classes, classes).
    """
    mistakes = confusion - np.diag(confusion.diagonal())  # (classes, classes)
    true, predicted = np.unravel_index(mistakes.argmax(), mistakes.shape)
    return int(true), int(predicted), int(mistakes.max())


def pictures_from(
    record: Mapping[str, np.ndarray], results: Results, samples: list[np.ndarray], mistakes: list[Mistake]
) -> dict[str, bytes]:
    """Return the plots by name.

    Shapes: each of `record`: float64 (epochs,); each of `samples`, one for a class: float32 (count, 28, 28), in [0, 1].
    """
    source = results.source
    captions = [f"{one.true} taken for {one.predicted}\n{one.confidence} sure" for one in mistakes]
    return {
        "samples": plots.samples(samples),
        "accuracy": plots.curves(f"Accuracy on {source:.24}", record["accuracy"], record["val_accuracy"], percent=True),
        "loss": plots.curves("Loss", record["loss"], record["val_loss"], percent=False),
        "confusion": plots.confusion(f"Test images of {source:.40}", results.confusion),
        "mistakes": plots.mistakes([one.image for one in mistakes], captions),
    }


def percent(share: float, digits: int = 2) -> str:
    """Return a share in percent; what is not all is never shown as 100."""
    text = f"{100 * share:.{digits}f}"
    if share < 1 and float(text) == 100:  # noqa: PLR2004
        text = f"> {100 - 10**-digits:.{digits}f}"
    return f"{text}\N{NO-BREAK SPACE}%"


def uri(content: bytes) -> str:
    """Return a picture as a `data:` URI, so that a page holds it."""
    kind = "png" if content.startswith(b"\x89PNG") else "svg+xml"
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
    environment.filters.update(percent=percent, uri=uri, digit=plots.digit)
    try:
        return environment.from_string(template.read_text(encoding="utf-8")).render(values)
    except (jinja2.TemplateError, UnicodeDecodeError) as error:
        raise ValueError(f"{template}: found {error!s:.200}, expected a template of Jinja2") from error


def check(**counts: int) -> None:
    """Say which setting is out of bounds.

    Raises: ValueError.
    """
    for name, value in counts.items():
        if not 1 <= value <= LARGEST:
            raise ValueError(f"{name}: found {value}, expected 1 to {LARGEST:,}")


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
    worst: int = 25,
) -> dict[str, float]:
    """Write the page and its plots; return how many mistakes there are, and the accuracy.

    per_class: sample digits of each class to show, at most
    worst: mistakes to show, at most
    """
    check(per_class=per_class, worst=worst)
    record, results = history_from(history), results_from(evaluation)
    images = images_of(normalized, results)  # (n, 28, 28)
    shown = mistakes_from(results, images, worst)
    digits = [images[of_class] for of_class in first_of_each(results.labels, per_class)]
    pictures = pictures_from(record, results, digits, shown)
    paths = {"samples": samples, "accuracy": accuracy, "loss": loss, "confusion": confusion, "mistakes": mistakes}
    for name, path in paths.items():
        path.write_bytes(pictures[name])
    wrong = len(results.labels) - results.hits
    values = {
        "results": results,
        "record": record,
        "pictures": pictures,
        "mistakes": shown,
        "wrong": wrong,
        "confused": confused_most(results.confusion),
        "per_class": per_class,
    }
    report.write_text(page_from(template, values), encoding="utf-8")
    print(f"Reported {wrong:,} mistakes in {len(results.labels):,} test images of {results.source}.")
    return {"mistakes": wrong, "accuracy": results.accuracy}
