"""The report's plots: scales, colours, and bytes that depend on the arrays alone."""

import io

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import image

from steps import plots

LOSS = np.array([0.5, 0.25])
COUNTS = np.array([[8, 2, 0], [0, 0, 0], [1, 0, 9]])
GREY = np.linspace(0, 1, 28 * 28, dtype=np.float32).reshape(28, 28)
DRAWN = {
    "curves": lambda: plots.curves("Loss", LOSS, LOSS / 2, percent=False),
    "confusion": lambda: plots.confusion("Confusion", COUNTS),
    "samples": lambda: plots.samples([np.stack([GREY, GREY]), np.stack([GREY])]),
    "mistakes": lambda: plots.mistakes([GREY], ["3, taken for 8"]),
    "digit": lambda: plots.digit(GREY),
}


def test_configuration_of_the_process_stays_as_it_was():
    """Drawing leaves matplotlib's global state unchanged."""
    with mpl.rc_context({"font.size": 30}):
        before = dict(mpl.rcParams)
        plots.curves("Loss", np.array([1.0]), np.array([2.0]), percent=False)
        assert dict(mpl.rcParams) == before


def test_curves_of_equal_and_of_huge_values_have_a_scale():
    """Values that do not differ, or are beyond all measure, are drawn without a warning."""
    for values in (np.zeros(3), np.ones(3), np.array([1e-9, 1e-9]), np.array([0.1, 1e30])):
        low, high, ticks = plots.axis_scale(values, np.inf)
        assert low <= values.min() <= values.max() <= high
        assert ticks
        assert plots.curves("Loss", values, values, percent=False)
    assert max(plots.axis_scale(np.array([0.9, 1.0]), 1)[2]) == 1


@pytest.mark.parametrize("name", DRAWN)
def test_equal_arrays_give_equal_bytes(name):
    """A plot drawn twice has the same bytes, and they name neither a date nor a version of matplotlib."""
    first, second = DRAWN[name](), DRAWN[name]()
    assert first == second
    assert mpl.__version__.encode() not in first
    assert b"<dc:date>" not in first


@pytest.mark.parametrize(
    ("epochs", "ticks"), [(1, [1]), (2, [1, 2]), (5, [1, 2, 3, 4, 5]), (100, [1, 15, 30, 45, 60, 75, 90])]
)
def test_ticks_are_whole_epochs(epochs, ticks):
    """Each tick is an epoch that there was, the first always."""
    assert plots.epoch_ticks(epochs) == ticks


def test_a_measure_that_has_a_limit_has_no_tick_beyond_it():
    """The axis of an accuracy leaves room above 100 %, without a number there."""
    low, high, ticks = plots.axis_scale(np.array([0.5, 1.0]), 1)
    assert low < 0.5
    assert high > 1
    assert max(ticks) == 1


def test_opacities_show_shares():
    """A correct cell is as dark as its class was recognised, the most frequent mistake the darkest; none is unseen."""
    opacity = plots.opacities(COUNTS)
    np.testing.assert_allclose(opacity.diagonal(), [0.8, 0.1, 0.9])
    assert opacity[0, 1] == pytest.approx(0.5)
    assert opacity[2, 0] == pytest.approx(0.1 + 0.4 * np.sqrt(0.5))
    assert opacity[1, 2] == pytest.approx(0.1)
    assert plots.opacities(np.zeros((3, 3), int)).max() == pytest.approx(0.1)


def test_a_confusion_matrix_shows_each_count():
    """Each count is a text in its cell, and a zero a dot."""
    text = plots.confusion("Confusion of <some>", COUNTS).decode()
    assert all(f">{count}</text>" in text for count in (8, 2, 1, 9))
    assert text.count(">·</text>") == 5
    assert "Confusion of &lt;some&gt;" in text


def test_a_digit_is_dark_on_white_pixel_by_pixel():
    """The PNG of an image has its size; 0 is white, and 1 is black."""
    found = image.imread(io.BytesIO(plots.digit(GREY)))
    assert found.shape[:2] == (28, 28)
    assert found[0, 0, :3].tolist() == [1, 1, 1]
    assert found[-1, -1, :3].tolist() == [0, 0, 0]


@pytest.mark.parametrize(("count", "rows"), [(0, 1), (1, 1), (5, 1), (6, 2)])
def test_mistakes_stand_in_rows_of_five(count, rows):
    """A picture of mistakes has as many rows as it needs, and one where there is none."""
    found = image.imread(io.BytesIO(plots.mistakes([GREY] * count, ["wrong"] * count)))
    assert found.shape[:2] == (round(1.9 * 120 * rows), round(1.5 * 120 * plots.MISTAKES_PER_ROW))


def test_each_colour_has_one_for_dark_pages():
    """No two colours are replaced by one rule, and no dark one is a light one."""
    assert len(set(plots.COLOURS.values())) == len(plots.COLOURS)
    assert not set(plots.COLOURS) & set(plots.COLOURS.values())
    assert plots.DARK_RULES.count("!important") == 2 * len(plots.COLOURS)
