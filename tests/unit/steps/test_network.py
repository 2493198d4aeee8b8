"""The network: its shapes, its weights, and the learning rate over the steps."""

import pytest
from fresh_process import finished

STEPS = 1200
CODE = """
import json, sys
from steps import network

model = network.convolutional(10)
facts = {
    "input": model.input_shape,
    "shapes": [layer.output.shape for layer in model.layers],
    "weights": model.count_params(),
    "other": network.convolutional(3).output_shape,
}
steps = int(sys.argv[1])
facts["same"] = network.compiled(model, 0.01, steps) is model
rate = model.optimizer._learning_rate
facts["rates"] = {step: float(rate(step)) for step in (0, steps // 24, steps // 12, steps // 2, steps, 2 * steps)}
brief = network.compiled(network.convolutional(10), 0.01, 1).optimizer._learning_rate
facts["brief"] = [float(brief(step)) for step in (0, 1)]
facts["loss"] = model.loss
print(json.dumps(facts))
"""


@pytest.fixture(scope="module")
def facts():
    """Return what a process found out about the network."""
    return finished(CODE, STEPS).facts


def test_the_shapes_are_those_that_the_comments_say(facts):
    """Images of 28x28 become probabilities, with the shapes between that stand beside each layer."""
    assert facts["input"] == [None, 28, 28, 1]
    assert facts["shapes"] == [
        [None, 24, 24, 16],
        [None, 12, 12, 16],
        [None, 8, 8, 32],
        [None, 4, 4, 32],
        [None, 512],
        [None, 512],
        [None, 128],
        [None, 128],
        [None, 10],
    ]
    assert facts["other"] == [None, 3]


def test_the_network_has_as_many_weights_as_it_says(facts):
    """The number of weights for ten classes is that of the module's first line."""
    assert facts["weights"] == 80_202


def test_the_learning_rate_rises_then_falls(facts):
    """It starts at a tenth, is highest after a twelfth of the steps, and ends at 0, where it stays."""
    start, rising, highest, half, end, after = facts["rates"].values()
    assert start == pytest.approx(0.001)
    assert start < rising < highest
    assert highest == pytest.approx(0.01)
    assert 0 < half < highest
    assert end == after == pytest.approx(0, abs=1e-9)


def test_a_training_of_one_step_needs_no_rise(facts):
    """Of fewer than twelve steps none is for the rise, and the rate is a number all the same."""
    assert all(0 <= rate <= 0.01 for rate in facts["brief"])


def test_a_compiled_network_is_the_network(facts):
    """To compile a network changes it, and labels stay numbers."""
    assert facts["same"]
    assert facts["loss"] == "sparse_categorical_crossentropy"
