"""The evaluator: its scores, which training on real images is not needed for."""

import math

import pytest
from fresh_process import finished

CODE = """
import json, warnings
from pathlib import Path
import numpy as np
from steps import evaluator

warnings.simplefilter("error")

def scores(labels, rows):
    found = evaluator.scores_from(np.array(labels, np.uint8), np.array(rows, np.float32))
    return {name: values.tolist() for name, values in found.items()}

sure, unsure = [1.0, 0.0, 0.0], [0.5, 0.25, 0.25]
facts = {
    "right": scores([0, 1, 2], [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
    "mixed": scores([0, 0, 1, 1], [unsure, unsure, unsure, [0.25, 0.5, 0.25]]),
    "wrong": scores([1], [sure]),
    "rounded": scores([0, 1], [[0.6, 0.2, 0.2001], [0.2001, 0.6, 0.2]]),
}
try:
    evaluator.run(*[Path("absent")] * 4, batch_size=0)
except ValueError as error:
    facts["batch size"] = str(error)
try:
    evaluator.run(*[Path("absent.h5")] * 4)
except FileNotFoundError as error:
    facts["absent"] = str(error)
print(json.dumps(facts))
"""


@pytest.fixture(scope="module")
def facts():
    """Return the scores that a process computed for a few predictions."""
    return finished(CODE).facts


def test_right_predictions_have_the_best_scores(facts):
    """If each sure prediction is right, all shares are 1, and nothing is lost."""
    found = facts["right"]
    assert (found["accuracy"], found["macro_f1"]) == (1, 1)
    assert found["loss"] == pytest.approx(0, abs=1e-6)
    assert found["confusion"] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_mixed_predictions(facts):
    """Of four predictions one is wrong: shares are of what was predicted, of what is true, and of each class alike."""
    found = facts["mixed"]
    assert found["accuracy"] == 0.75
    assert found["confusion"] == [[2, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert found["precision"] == pytest.approx([2 / 3, 1, 0])
    assert found["recall"] == pytest.approx([1, 0.5, 0])
    assert found["f1"] == pytest.approx([0.8, 2 / 3, 0])
    assert found["support"] == [2, 2, 0]
    assert found["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 3)
    assert found["loss"] == pytest.approx((3 * math.log(2) + math.log(4)) / 4)


def test_a_sure_mistake_has_a_finite_loss(facts):
    """A true class with probability 0 gives a large loss, and not an infinite one, which JSON can't hold."""
    assert 10 < facts["wrong"]["loss"] < 1000
    assert facts["wrong"]["accuracy"] == 0


def test_probabilities_need_not_add_up_exactly(facts):
    """Rows that float32 has rounded are scaled to a sum of 1, without a warning."""
    assert facts["rounded"]["loss"] == pytest.approx(-math.log(0.6 / 1.0001), rel=1e-5)


def test_what_is_wrong_is_named(facts):
    """A batch without images is an error before anything is read, and so is a file that is not there."""
    assert facts["batch size"] == "batch_size: found 0, expected 1 or more; try 512"
    assert facts["absent"].startswith("absent.h5: no such file")
