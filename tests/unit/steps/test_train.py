"""Training and evaluation, each in a process of its own, as the steps are run."""

import json
import os
import pty
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from steps import normalizer

ROOT = Path(normalizer.__file__).parents[1]
BRIEF = "epochs=2, batch_size=64, min_steps=1"
RUN = """
import sys
from pathlib import Path
from steps import train
normalized, model, history = map(Path, sys.argv[1:])
train.run(normalized, model, history, {settings})
"""
EVALUATE = """
import sys
from pathlib import Path
from steps import evaluator
normalized, model, evaluation, metrics, *wrong_models = map(Path, sys.argv[1:])
evaluator.run(normalized, model, evaluation, metrics)
for wrong_model in wrong_models:
    try:
        evaluator.run(normalized, wrong_model, evaluation, metrics)
    except (ValueError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
"""
WRONG_MODELS = """
import sys
from pathlib import Path
from steps.backend import keras
folder = Path(sys.argv[1])
keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten()]).save(folder / "flatten.keras")
doubled = keras.layers.Lambda(lambda images: 2 * images)
keras.Sequential([keras.Input((28, 28, 1)), doubled, keras.layers.Flatten()]).save(folder / "lambda.keras")
"""


def run(code: str, *paths: Path, **options) -> subprocess.CompletedProcess:
    """Run code in a fresh process."""
    return subprocess.run(
        [sys.executable, "-c", code, *paths],
        check=True, cwd=ROOT, text=True, **({"capture_output": True} | options),
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory, raw):
    """Return a folder with normalized.h5, and the results of training on it with the default settings."""
    folder = tmp_path_factory.mktemp("train")
    normalizer.run(raw, folder / "normalized.h5")
    paths = [folder / name for name in ("normalized.h5", "model.keras", "history.h5")]
    done = run(RUN.format(settings=""), *paths)
    (folder / "stdout.txt").write_text(done.stdout)
    (folder / "stderr.txt").write_text(done.stderr)
    return folder


@pytest.fixture(scope="module")
def evaluated(folder):
    """Return what the evaluation of the model and of five wrong ones printed; its files are in the folder."""
    run(WRONG_MODELS, folder)
    (folder / "empty.keras").touch()
    flipped = bytearray((folder / "model.keras").read_bytes())
    flipped[len(flipped) // 2] ^= 1  # among the weights
    (folder / "flipped.keras").write_bytes(flipped)
    wrong = ("absent.keras", "empty.keras", "flipped.keras", "flatten.keras", "lambda.keras")
    names = ("normalized.h5", "model.keras", "evaluation.h5", "metrics.json", *wrong)
    return run(EVALUATE, *(folder / name for name in names))


def test_default_settings_learn_the_embedded_digits(folder, evaluated):
    """More than 90 % of the test images, which are not MNIST's and are not said to be, are recognised."""
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["accuracy"] >= 0.9
    assert (metrics["source"], metrics["images"]) == ("scikit-learn digits", 360)
    accuracy = f"{100 * metrics['accuracy']:.2f}"
    assert evaluated.stdout.splitlines()[-1] == f"Test accuracy {accuracy} % on scikit-learn digits (360 images)."


def test_progress_away_from_a_terminal_is_one_line_per_epoch(folder):
    """Each epoch prints one plain line, and TensorFlow prints nothing at all."""
    lines = (folder / "stdout.txt").read_text().splitlines()
    assert [line.split(":")[0] for line in lines] == [f"Epoch {epoch}/3" for epoch in (1, 2, 3)]
    assert (folder / "stderr.txt").read_text() == ""


def test_history_has_a_number_for_each_epoch(folder):
    """history.h5 holds the losses and accuracies of the three epochs, and the loss falls."""
    with h5py.File(folder / "history.h5") as file:
        assert sorted(file) == ["accuracy", "loss", "val_accuracy", "val_loss"]
        assert all(file[name].shape == (3,) for name in file)
        assert file["loss"][-1] < file["loss"][0]


def test_evaluation_agrees_with_itself(folder, evaluated):
    """Predictions, confusion matrix and scores per class say the same thing in evaluation.h5 and metrics.json."""
    metrics = json.loads((folder / "metrics.json").read_text())
    with h5py.File(folder / "evaluation.h5") as file:
        assert file["probabilities"].shape == (360, 10)
        assert file["probabilities"].dtype == np.float32
        np.testing.assert_array_equal(file["predicted"][...], file["probabilities"][...].argmax(axis=1))
        hits = file["predicted"][...] == file["labels"][...]
        confusion = file["confusion"][...]
        np.testing.assert_array_equal(confusion.sum(axis=1), file["support"][...])
        np.testing.assert_allclose(file["recall"][...], confusion.diagonal() / confusion.sum(axis=1))
        recall = file["recall"][...].tolist()
        assert file.attrs["source"] == "scikit-learn digits"
    assert confusion.trace() == hits.sum()
    assert metrics["accuracy"] == pytest.approx(hits.mean())
    assert [metrics["per_class"][str(label)]["recall"] for label in range(10)] == recall


def test_wrong_model_is_one_clear_line(evaluated):
    """Each file that is not an intact and safe model for these images is one error that names it."""
    absent, empty, flipped, flatten, unsafe = evaluated.stderr.splitlines()
    assert "absent.keras: no such file, expected a Keras model" in absent
    assert "empty.keras: found a file that Keras can't load (BadZipFile)" in empty
    assert "flipped.keras: found a file that Keras can't load (BadZipFile)" in flipped
    assert "flatten.keras: found a model of shapes ((None, 28, 28, 1), (None, 784)), expected" in flatten
    assert "lambda.keras: found a file that Keras can't load (ValueError)" in unsafe


def weights(model: Path) -> dict[str, np.ndarray]:
    """Return all weights in a `.keras` file by name."""
    with zipfile.ZipFile(model) as archive, archive.open("model.weights.h5") as member, h5py.File(member) as file:
        found: dict[str, np.ndarray] = {}
        file.visititems(lambda name, item: found.update({name: item[...]}) if hasattr(item, "shape") else None)
    return found


def test_two_processes_train_the_same_weights_with_and_without_a_terminal(folder):
    """The weights are equal bit for bit, and history.h5 byte for byte; in a terminal a bar shows the progress."""
    code = RUN.format(settings=BRIEF)
    paths = [[folder / "normalized.h5", folder / f"{name}.keras", folder / f"{name}.h5"] for name in "ab"]
    run(code, *paths[0])
    screen, terminal = pty.openpty()
    with os.fdopen(screen, "rb", buffering=0) as shown:
        with os.fdopen(terminal, "wb") as written:
            started = subprocess.Popen([sys.executable, "-c", code, *paths[1]], cwd=ROOT, stdout=written)
        text = b""
        try:
            while block := shown.read(65536):
                text += block
        except OSError:
            pass  # how Linux says that the other end of a terminal is closed
        assert started.wait() == 0
    one, other = weights(paths[0][1]), weights(paths[1][1])
    assert one.keys() == other.keys()
    assert len(one) > 8
    assert all(one[name].tobytes() == other[name].tobytes() for name in one)
    assert paths[0][2].read_bytes() == paths[1][2].read_bytes()
    assert "Epoch 2/2" in text.decode()
    assert "━" in text.decode()
