"""Step 4: fit the network, and keep the weights and how they came about.

The same inputs and settings give the same weights, bit for bit, on the same kind of machine.
"""

import math
import sys
from pathlib import Path

import numpy as np

from steps import artifacts, network
from steps.backend import deterministic, keras


class Lines(keras.callbacks.Callback):
    """Progress for where there is no terminal: one line per epoch."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Print the line."""
        logs = logs or {}
        numbers = ", ".join(f"{name} {value:.4f}" for name, value in sorted(logs.items()))
        print(f"Epoch {epoch + 1}/{self.params['epochs']}: {numbers}", flush=True)


def part_from(normalized: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and labels of one part of the data set.

    Shapes: float32 (n, 28, 28, 1) and uint8 (n,).
    """
    with artifacts.reading(normalized) as file:
        images = artifacts.rows(artifacts.dataset(file, f"{part}/images"))  # (n, 28, 28)
        labels = artifacts.rows(artifacts.dataset(file, f"{part}/labels"))  # (n,)
    return images[..., np.newaxis], labels


def repetitions(count: int, batch_size: int, epochs: int, min_steps: int) -> int:
    """Return how often an epoch goes through `count` samples, so that the training has `min_steps` at least."""
    return max(1, math.ceil(min_steps / (epochs * math.ceil(count / batch_size))))


def run(
    normalized: Path,
    model: Path,
    history: Path,
    *,
    epochs: int = 4,
    batch_size: int = 128,
    learning_rate: float = 0.003,
    min_steps: int = 300,
    seed: int = 7,
) -> dict[str, float]:
    """Fit a small convolutional network; return the last epoch's loss and accuracy.

    epochs: how often the training goes through the images
    batch_size: images per optimizer step
    learning_rate: of Adam, at the start; it falls to 0 along a cosine
    min_steps: optimizer steps in all, at least; a small set is repeated within each epoch to give as many
    seed: of the first weights, the order of images and the dropout
    """
    if min(epochs, batch_size) < 1 or not 0 < learning_rate < math.inf:
        found = f"{epochs}, {batch_size} and {learning_rate:g}"
        message = f"epochs, batch_size, learning_rate: found {found}, expected 1 or more, 1 or more, and above 0"
        raise ValueError(message)
    deterministic(seed)
    images, labels = part_from(normalized, "train")  # (n, 28, 28, 1), (n,)
    repeats = repetitions(len(images), batch_size, epochs, min_steps)
    order = np.tile(np.arange(len(images)), repeats)  # (n * repeats,)
    fitted = network.compiled(
        network.convolutional(artifacts_classes(normalized)),
        learning_rate,
        steps=epochs * math.ceil(len(order) / batch_size),
    )
    bar = sys.stdout.isatty()
    record = fitted.fit(
        images if repeats == 1 else images[order],
        labels if repeats == 1 else labels[order],
        batch_size=batch_size,
        epochs=epochs,
        validation_data=part_from(normalized, "validation"),
        callbacks=[] if bar else [Lines()],
        verbose=1 if bar else 0,
    ).history
    return kept(fitted, record, model, history)
