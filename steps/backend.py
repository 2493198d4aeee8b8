"""TensorFlow and Keras, imported without their start-up noise and set up to repeat themselves.

Whoever needs Keras takes it from here, since what silences TensorFlow must happen before its first import.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from steps import model_file

__all__ = ["deterministic", "keras", "load"]


@contextmanager
def hushed() -> Iterator[None]:
    """Hold back what native code writes to the standard error, and show it only if the body fails.

    TensorFlow writes some lines while it is being loaded, before it looks at TF_CPP_MIN_LOG_LEVEL.
    """
    sys.stderr.flush()
    shown = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(shown, held.read())
            raise
        finally:
            os.dup2(shown, 2)
            os.close(shown)


# Set, whatever the user has there: a result must not depend on what nobody declared.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # 3: errors become Python exceptions anyway
os.environ["KERAS_BACKEND"] = "tensorflow"

with hushed():
    import keras
    import tensorflow as tf


def deterministic(seed: int) -> None:
    """Seed all random numbers and keep to operations that repeat bit for bit; use GPUs, if any, as needed."""
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)  # noqa: FBT003 - its parameter has no keyword
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def load(path: Path, shape: tuple[int, ...], classes: int) -> keras.Model:
    """Load a model from a `.keras` file, for samples of this shape, executing nothing that it may carry.

    Raises: FileNotFoundError; ValueError if it is no intact `.keras` file, or has more in it than `model_file` allows.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model.keras"  # what was checked is what is loaded, and its name says what it is
        model_file.copy_checked(path, copy, shape)
        try:
            model = keras.models.load_model(copy, compile=False, safe_mode=True)
        except Exception as error:  # Keras lets through whatever zipfile, json, h5py or its layers raise
            fault = f"found a file that Keras can't load ({type(error).__name__}), expected a .keras model"
            raise ValueError(f"{path}: {fault}; train it again") from error
    if model.output_shape != (None, classes):
        fault = f"found predictions of shape {model.output_shape}, expected (n, {classes})"
        raise ValueError(f"{path}: {fault}; train it again")
    return model
