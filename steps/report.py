"""Step 6: write a page with plots: sample digits, learning curves, confusion matrix, scores and the worst mistakes.

The page is one file that needs no network. Its template is an input, as every file that decides the page's bytes.
The name of the data set is shown beside each accuracy.
"""

import base64
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np

from steps import plots
from steps.dataset import CLASSES
from steps.results import Results, read_history, read_results, read_test_images

MAX_IMAGES = 500  # of a kind; a PNG of twice as many side by side is too wide for matplotlib


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
    for name, count in (("per_class", per_class), ("worst", worst)):
        if not 1 <= count <= MAX_IMAGES:
            raise ValueError(f"{name}: found {count}, expected 1 to {MAX_IMAGES:,}")
    curves, results = read_history(history), read_results(evaluation)
    images = read_test_images(normalized, results)  # (n, 28, 28)
    shown = mistakes_from(results, images, worst)
    figures = figures_from(curves, results, samples_from(results.labels, images, per_class), shown)
    paths = {"samples": samples, "accuracy": accuracy, "loss": loss, "confusion": confusion, "mistakes": mistakes}
    for name, path in paths.items():
        path.write_bytes(figures[name])
    wrong = len(results.labels) - results.hits
    values = {"curves": curves, "results": results, "mistakes": shown, "figures": figures, "wrong": wrong}
    values |= {"confused": most_confused(results.confusion), "per_class": per_class}
    report.write_text(page_from(template, values), encoding="utf-8")
    print(f"Reported {wrong:,} mistakes in {len(results.labels):,} test images of {results.source}.")
    return {"mistakes": wrong, "accuracy": results.accuracy}


def samples_from(labels: np.ndarray, images: np.ndarray, count: int) -> list[np.ndarray]:
    """Return the first `count` images of each class, or fewer if it has fewer.

    Shapes: `labels`: uint8 (n,); `images`: float32 (n, 28, 28); the result: float32 (count, 28, 28) for each class.
    """
    return [images[labels == label][:count] for label in range(CLASSES)]


def mistakes_from(results: Results, images: np.ndarray, count: int) -> list[Mistake]:
    """Return the wrong predictions of which the model was most confident, at most `count`.

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


def worst_of(labels: np.ndarray, predicted: np.ndarray, confidence: np.ndarray, count: int) -> np.ndarray:
    """Return the numbers of the wrong predictions, the most confident first, the earlier first among equals.

    Shapes: each (n,); the result: int64 (at most count,).
    """
    wrong = np.flatnonzero(labels != predicted)  # (wrong,)
    return wrong[np.argsort(-confidence[wrong], kind="stable")][:count]  # (at most count,)


def most_confused(confusion: np.ndarray) -> tuple[int, int, int]:
    """Return the most frequent mistake: the true class, the predicted class, and how often.

    Shapes: `confusion`: int64 (classes, classes), true by predicted.
    """
    mistakes = confusion - np.diag(confusion.diagonal())  # (classes, classes)
    true, predicted = np.unravel_index(mistakes.argmax(), mistakes.shape)
    return int(true), int(predicted), int(mistakes.max())


def figures_from(
    curves: dict[str, np.ndarray], results: Results, samples: list[np.ndarray], mistakes: list[Mistake]
) -> dict[str, bytes]:
    """Return the plots by name, as SVG or PNG.

    Shapes: each of `curves`: float64 (epochs,); each of `samples`: float32 (count, 28, 28), in [0, 1].
    """
    source = results.source
    captions = [f"{one.true} taken for {one.predicted}\n{one.confidence} sure" for one in mistakes]
    return {
        "samples": plots.samples(samples),
        "accuracy": plots.curves(f"Accuracy on {source:.24}", curves["accuracy"], curves["val_accuracy"], percent=True),
        "loss": plots.curves("Loss", curves["loss"], curves["val_loss"], percent=False),
        "confusion": plots.confusion(f"Test images of {source:.40}", results.confusion),
        "mistakes": plots.mistakes([one.image for one in mistakes], captions),
    }


def page_from(template: Path, values: dict[str, object]) -> str:
    """Return the page. All values are escaped, so markup in them is shown as text.

    Raises: ValueError if the template is malformed, or uses a value that is not given.
    """
    environment = jinja2.Environment(
        loader=jinja2.DictLoader({}),  # nothing to include, because included files would not be inputs of the stage
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(percent=percent, uri=data_uri, digit=plots.digit)
    try:
        return environment.from_string(template.read_text(encoding="utf-8")).render(values)
    except (jinja2.TemplateError, UnicodeDecodeError) as error:
        raise ValueError(f"{template}: found {error!s:.200}, expected a template of Jinja2") from error


def percent(share: float) -> str:
    """Return a share in percent. A share below 1 is never rounded to 100 %."""
    text = f"{100 * share:.2f}"
    if share < 1 and text == "100.00":
        text = "> 99.99"
    return f"{text}\N{NO-BREAK SPACE}%"


def data_uri(figure: bytes) -> str:
    """Return a plot as a `data:` URI, which puts it into the page itself."""
    kind = "png" if figure.startswith(b"\x89PNG") else "svg+xml"
    return f"data:image/{kind};base64,{base64.b64encode(figure).decode()}"
