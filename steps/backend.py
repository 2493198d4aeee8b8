"""TensorFlow and Keras, imported without their start-up messages and set up to give the same result each time.

Steps import Keras from here, because what silences TensorFlow must happen before its first import.
"""

import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["deterministic", "keras", "load"]


@contextmanager
def stderr_held_back() -> Iterator[None]:
    """Hold back what native code writes to standard error, and show it only if the body fails.

    TensorFlow writes some lines while it is being loaded, before it reads TF_CPP_MIN_LOG_LEVEL.
    """
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(stderr, held.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


# Set whatever the user has there: a result must not depend on a variable that no stage declares.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # 3: errors become Python exceptions anyway
os.environ["KERAS_BACKEND"] = "tensorflow"

with stderr_held_back():
    import keras
    import tensorflow as tf


def deterministic(seed: int) -> None:
    """Seed all random numbers and choose operations that repeat bit for bit; take GPU memory only as needed."""
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)  # noqa: FBT003 - its parameter has no keyword
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def load(path: Path, sample_shape: tuple[int, ...], classes: int) -> keras.Model:
    """Load a model from a `.keras` file in Keras's safe mode, which refuses code that a file may carry.

    Shapes: the model takes (n, *sample_shape) and gives (n, classes).
    Raises: FileNotFoundError; ValueError if it is not an intact `.keras` file, or its model has other shapes.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file, expected a Keras model; train one first")
    try:
        check_sums(path)
        model = keras.models.load_model(path, compile=False, safe_mode=True)
        shapes = (model.input_shape, model.output_shape)
    except Exception as error:  # Keras lets through what zipfile, json, h5py and its layers raise
        fault = f"found a file that Keras can't load ({type(error).__name__}), expected a .keras model"
        raise ValueError(f"{path}: {fault}; train it again") from error
    expected = ((None, *sample_shape), (None, classes))
    if shapes != expected:
        raise ValueError(f"{path}: found a model of shapes {shapes}, expected {expected}; train it again")
    return model


def check_sums(path: Path) -> None:
    """Compare all members of a zip file with their checksums, which Keras does not do.

    Raises: zipfile.BadZipFile.
    """
    with zipfile.ZipFile(path) as archive:
        if damaged := archive.testzip():
            raise zipfile.BadZipFile(f"{damaged} does not match its checksum")
