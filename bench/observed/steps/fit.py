"""Fits a small network."""

from pathlib import Path

import keras
import numpy as np

from steps import shared


def run(sizes: Path, made: Path) -> None:
    """Fit a convolutional network to random images.

    Shapes: images: float32 (n, 28, 28, 1).
    """
    given = shared.sizes_of(sizes)
    keras.utils.set_random_seed(1)
    images = np.random.default_rng(1).random((given["images"], 28, 28, 1), dtype=np.float32)
    layers = [
        keras.layers.Conv2D(16, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="softmax"),
    ]
    model = keras.Sequential(layers)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    model.fit(images, np.arange(given["images"]) % 10, epochs=given["epochs"], verbose=0)
    made.write_text(str(model.count_params()))
