"""Step 4: fit the network, and keep its weights and the history of the training.

The same inputs and settings give the same weights, bit for bit, on the same kind of machine.
"""

import math
import sys
from pathlib import Path

import numpy as np

from steps import artifacts, dataset, network, normalizer
from steps.backend import deterministic, keras


def run(
    normalized: Path,
    model: Path,
    history: Path,
    *,
    epochs: int = 3,
    batch_size: int = 128,
    learning_rate: float = 0.004,
    min_steps: int = 300,
    seed: int = 7,
) -> dict[str, float]:
    """Fit a small convolutional network; return the last epoch's loss and accuracy.

    epochs: how often the training goes through the images
    batch_size: images per optimizer step
    learning_rate: of Adam, at most; it rises to that at first, then falls to 0 along a cosine
    min_steps: optimizer steps in all, at least; a small set is repeated within each epoch to give as many
    seed: of the first weights, the order of images and the dropout
    """
    if min(epochs, batch_size) < 1 or not 0 < learning_rate < math.inf:
        found = f"{epochs}, {batch_size} and {learning_rate:g}"
        raise ValueError(f"epochs, batch_size, learning_rate: found {found}, expected 1 or more, and a rate above 0")
    deterministic(seed)
    images, labels = normalizer.read_part(normalized, "train")  # (n, 28, 28, 1), (n,)
    repeats = repeats_per_epoch(len(images), batch_size, math.ceil(min_steps / epochs))
    if repeats > 1:
        images = np.concatenate([images] * repeats)  # (n * repeats, 28, 28, 1)
        labels = np.concatenate([labels] * repeats)  # (n * repeats,)
    steps = epochs * math.ceil(len(images) / batch_size)
    fitted = network.compiled(network.convolutional(dataset.CLASSES), learning_rate, steps)
    validation = normalizer.read_part(normalized, "validation")  # (n, 28, 28, 1), (n,)
    progress = {"verbose": 1} if sys.stdout.isatty() else {"verbose": 0, "callbacks": [LinePerEpoch()]}
    fitted.fit(images, labels, batch_size, epochs, validation_data=validation, **progress)
    curves = curves_from(fitted)
    fitted.save(model)
    with artifacts.writing(history) as file:
        for name, values in curves.items():
            artifacts.write_array(file, name, values)
    return {name: float(values[-1]) for name, values in curves.items()}


def repeats_per_epoch(count: int, batch_size: int, steps: int) -> int:
    """Return how often an epoch must go through `count` samples to make at least `steps` optimizer steps."""
    return max(1, math.ceil(steps * batch_size / count))


def curves_from(fitted: keras.Model) -> dict[str, np.ndarray]:
    """Return the losses and accuracies of each epoch, by name.

    Shapes: each float64 (epochs,).
    Raises: ValueError if the training diverged.
    """
    curves = {name: np.array(values) for name, values in sorted(fitted.history.history.items())}  # each (epochs,)
    if not all(np.isfinite(values).all() for values in curves.values()):
        raise ValueError(f"loss: found {curves['loss'].tolist()}, expected numbers; lower the learning_rate")
    return curves


class LinePerEpoch(keras.callbacks.Callback):
    """Prints one line per epoch, for output that is not a terminal."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Print the line."""
        numbers = ", ".join(f"{name} {value:.4f}" for name, value in sorted((logs or {}).items()))
        print(f"Epoch {epoch + 1}/{self.params['epochs']}: {numbers}", flush=True)
