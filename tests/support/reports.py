"""Results as training and evaluation would leave them, made up, for reports on them."""

from pathlib import Path

import numpy as np

from steps import artifacts, report, results

TEMPLATE = Path(report.__file__).with_name("templates") / "page.html"
PLOTS = ("samples.png", "accuracy.svg", "loss.svg", "confusion.svg", "mistakes.png")


def evaluated(labels: np.ndarray, wrong: int) -> np.ndarray:
    """Return probabilities that take the first `wrong` samples for the next class, the later the surer.

    Shapes: `labels`: uint8 (n,); the result: float32 (n, 10).
    """
    confidence = np.linspace(0.6, 0.95, len(labels), dtype=np.float32)  # (n,)
    probabilities = np.repeat((1 - confidence)[:, np.newaxis] / 9, 10, axis=1)  # (n, 10)
    predicted = (labels + (np.arange(len(labels)) < wrong)) % 10  # (n,)
    probabilities[np.arange(len(labels)), predicted] = confidence
    return probabilities


def write(folder: Path, images: np.ndarray, labels: np.ndarray, *, wrong: int, epochs: int, source: str) -> Path:
    """Write the three files that the report is made of, as training and evaluation would have."""
    probabilities = evaluated(labels, wrong)
    predicted = probabilities.argmax(axis=1).astype(np.uint8)
    falling = np.linspace(0.5, 0.1, epochs)
    with artifacts.writing(folder / "history.h5") as file:
        for name in results.CURVES:
            artifacts.write_array(file, name, 1 - falling if "accuracy" in name else falling)
    with artifacts.writing(folder / "evaluation.h5", source=source) as file:
        artifacts.write_array(file, "probabilities", probabilities)
        artifacts.write_array(file, "predicted", predicted)
        artifacts.write_array(file, "labels", labels)
        artifacts.write_array(file, "confusion", results.confusion_from(labels, predicted))
        for name in results.SCORES_PER_CLASS:
            artifacts.write_array(file, name, np.linspace(0.9, 1, 10))
    with artifacts.writing(folder / "normalized.h5", source=source, classes=10) as file:
        artifacts.write_array(file, "test/images", images)
        artifacts.write_array(file, "test/labels", labels)
    return folder


def paths_of(folder: Path, made: Path) -> list[Path]:
    """Return the paths that the step takes: its inputs in one folder, its outputs in another."""
    made.mkdir(parents=True, exist_ok=True)
    inputs = [folder / f"{name}.h5" for name in ("history", "evaluation", "normalized")]
    return [*inputs, TEMPLATE, *(made / name for name in ("report.html", *PLOTS))]
