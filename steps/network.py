"""The network: two convolutions, each with pooling, and two dense layers, after LeNet-5. 80,202 weights.

Source: LeCun, Bottou, Bengio and Haffner, Gradient-Based Learning Applied to Document Recognition, 1998, II.B.
"""

from steps.backend import keras


def convolutional(classes: int) -> keras.Model:
    """Return the untrained network.

    Shapes: float32 (n, 28, 28, 1) to float32 (n, classes).
    Units: intensity in [0, 1] to probabilities.
    """
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(16, kernel_size=5, activation="relu"),  # (n, 24, 24, 16)
            layers.MaxPooling2D(),  # (n, 12, 12, 16)
            layers.Conv2D(32, kernel_size=5, activation="relu"),  # (n, 8, 8, 32)
            layers.MaxPooling2D(),  # (n, 4, 4, 32)
            layers.Flatten(),  # (n, 512)
            layers.Dropout(0.3),
            layers.Dense(128, activation="relu"),  # (n, 128)
            layers.Dropout(0.3),
            layers.Dense(classes, activation="softmax"),  # (n, classes)
        ]
    )


def compiled(network: keras.Model, learning_rate: float, steps: int) -> keras.Model:
    """Return the network, compiled for training with Adam.

    The learning rate rises from a tenth in the first twelfth of the `steps`, then falls to 0 along a cosine.
    """
    warmup_steps = steps // 12
    schedule = keras.optimizers.schedules.CosineDecay(
        learning_rate / 10, decay_steps=steps - warmup_steps, warmup_target=learning_rate, warmup_steps=warmup_steps
    )
    network.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=32,  # between returns to Python: the same weights in less time
    )
    return network
