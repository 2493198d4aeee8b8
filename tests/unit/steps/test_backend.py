"""TensorFlow and Keras as steps import them: silent, the same each time, and careful with files."""

import pytest
from fresh_process import finished

CODE = """
import contextlib, json, os, sys, zipfile
from pathlib import Path
os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "0", "KERAS_BACKEND": "jax"}
from steps import backend
from steps.backend import keras

def drawn(seed):
    backend.deterministic(seed)
    return keras.random.uniform((4,)).numpy().tolist()

def error_of(action, *given):
    try:
        action(*given)
    except Exception as error:
        return f"{type(error).__name__}: {error}"

facts = {"backend": keras.config.backend(), "draws": [drawn(seed) for seed in (1, 1, 2)]}
facts["variables"] = [os.environ[name] for name in ("TF_CPP_MIN_LOG_LEVEL", "KERAS_BACKEND")]

with contextlib.suppress(KeyError), backend.stderr_held_back():
    os.write(2, b"of a failure\\n")
    raise KeyError
with backend.stderr_held_back():
    os.write(2, b"of a success\\n")
os.write(2, b"afterwards\\n")

folder = Path(sys.argv[1])
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
model.save(folder / "whole.keras")
loaded = backend.load(folder / "whole.keras", (4,), 2)
pairs = zip(model.get_weights(), loaded.get_weights(), strict=True)
facts["same weights"] = all((one == other).all() for one, other in pairs)
facts["compiled"] = loaded.compiled
data = bytearray((folder / "whole.keras").read_bytes())
data[data.index(b"config.json") + 20] ^= 1
(folder / "flipped.keras").write_bytes(data)
facts["errors"] = {
    "shapes": error_of(backend.load, folder / "whole.keras", (4,), 3),
    "absent": error_of(backend.load, folder / "absent.keras", (4,), 2),
    "folder": error_of(backend.load, folder, (4,), 2),
    "flipped": error_of(backend.load, folder / "flipped.keras", (4,), 2),
    "sums": error_of(backend.check_sums, folder / "flipped.keras"),
    "whole": error_of(backend.check_sums, folder / "whole.keras"),
}
print(json.dumps(facts))
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Return what a process that uses the module found, and what it wrote to standard error."""
    return finished(CODE, tmp_path_factory.mktemp("backend"))


def test_the_users_variables_change_nothing(done):
    """Keras runs on TensorFlow, and that is silent, whatever the environment says."""
    assert done.facts["backend"] == "tensorflow"
    assert done.facts["variables"] == ["3", "tensorflow"]


def test_random_numbers_depend_on_the_seed_alone(done):
    """One seed gives the same numbers twice, and another one others."""
    first, second, other = done.facts["draws"]
    assert first == second != other


def test_standard_error_is_held_back_until_a_failure(done):
    """What is written while it is held back appears if the body fails, else never; afterwards all appears."""
    assert done.stderr.splitlines() == ["of a failure", "afterwards"]


def test_a_model_is_loaded_to_predict(done):
    """A loaded model has the weights that were saved, and no optimizer."""
    assert done.facts["same weights"]
    assert not done.facts["compiled"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("shapes", ["ValueError", "whole.keras: found a model of shapes ((None, 4), (None, 2)), expected", "train it"]),
        ("absent", ["FileNotFoundError", "absent.keras: no such file, expected a Keras model; train one first"]),
        ("folder", ["FileNotFoundError", "no such file"]),
        ("flipped", ["ValueError", "flipped.keras: found a file that Keras can't load (", "train it again"]),
    ],
)
def test_a_file_that_is_no_such_model_is_one_clear_error(done, name, words):
    """The error of another file names it, what was found, and the way out."""
    assert all(word in done.facts["errors"][name] for word in words)
    assert "\n" not in done.facts["errors"][name]


def test_checksums_are_compared(done):
    """A zip file with a changed byte is refused, and a whole one is not."""
    assert done.facts["errors"]["sums"].startswith(("BadZipFile", "error"))
    assert done.facts["errors"]["whole"] is None
