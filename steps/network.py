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
    """Return the network, ready to be trained with Adam; the learning rate falls to 0 along a cosine in `steps`."""
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, decay_steps=steps)
    network.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return network
