"""The report's plots: turns arrays into the bytes of SVG and PNG files, with equal bytes for equal arrays.

Plots do not depend on the user's machine: they use no matplotlibrc, no clock, no state of pyplot, and only the font
that comes with matplotlib. An SVG has the colours of a light page and style rules for a dark one; its text stays text.
"""

import io
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import image
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

COLOURS = {  # on a light page -> on a dark one; each light one has one meaning: style rules find it by value
    "#ffffff": "#171c24",  # background
    "#1c2430": "#e6eaf0",  # text
    "#5a6675": "#9fabba",  # secondary text
    "#b4bdc8": "#4c5867",  # zeros and base lines
    "#e2e6eb": "#2b333e",  # grid lines
    "#1d5fbf": "#7db0ff",  # correct predictions, validation curves
    "#fefefe": "#0f141b",  # text on the colour above
    "#c2410c": "#ff9a66",  # mistakes
    "#76869a": "#8b9bb0",  # training curves
}
BACKGROUND, TEXT, SECONDARY_TEXT, FAINT, GRID, CORRECT, TEXT_ON_CORRECT, MISTAKE, TRAINING = COLOURS
STYLE = {
    "font.sans-serif": ["DejaVu Sans"],
    "svg.fonttype": "none",
    "svg.hashsalt": "report",  # makes ids depend on content instead of chance
    "text.parse_math": False,  # a dollar sign in a name is shown as it is
}
FAMILY = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
MAX_MARKED_EPOCHS = 30  # up to here each epoch has a marker; without one, a single epoch is invisible
MISTAKES_PER_ROW = 5
LIGHT_TEXT_OPACITY = 0.75  # from here on the text in a cell is light
DARK_RULES = "".join(
    f'[style*="{attribute}: {light}"] {{ {attribute}: {dark} !important }}\n'
    for light, dark in COLOURS.items()
    for attribute in ("fill", "stroke")
)
STYLE_RULES = f"""
text {{ font-family: {FAMILY} !important }}
@media screen and (prefers-color-scheme: dark) {{
{DARK_RULES}}}
"""


@contextmanager
def fixed_style() -> Iterator[None]:
    """Draw with matplotlib's defaults and `STYLE`, whatever the user has configured; restore that afterwards."""
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .*missing", UserWarning)  # in a name; drawn as a box
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def font(size: float) -> FontProperties:
    """Return the font that comes with matplotlib. `size`: in points."""
    return FontProperties(fname=Path(mpl.get_data_path(), "fonts/ttf/DejaVuSans.ttf"), size=size)


@fixed_style()
def curves(title: str, training: np.ndarray, validation: np.ndarray, *, percent: bool) -> bytes:
    """Return the training and validation curves of a measure over the epochs, as SVG.

    Shapes: `training` and `validation`: float64 (epochs,).
    """
    figure = Figure((4.6, 3.1), facecolor=BACKGROUND)
    epochs = np.arange(1, len(training) + 1)  # (epochs,)
    margin = 0.5 if len(epochs) == 1 else 0
    axes = bare(figure.add_axes((0.125, 0.155, 0.845, 0.665)))
    markersize = 5.5 if len(epochs) <= MAX_MARKED_EPOCHS else 0  # points
    common = {"linewidth": 1.8, "markersize": markersize, "markeredgecolor": BACKGROUND, "clip_on": False}
    axes.plot(epochs, training, label="training", color=TRAINING, linestyle="--", marker="s", **common)
    axes.plot(epochs, validation, label="validation", color=CORRECT, linestyle="-", marker="o", **common)
    axes.set_xlim(epochs[0] - margin, epochs[-1] + margin)
    ticks = epoch_ticks(len(epochs))
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks], fontproperties=font(8.5), color=SECONDARY_TEXT)
    low, high, ticks = axis_scale(np.concatenate([training, validation]), 1 if percent else np.inf)
    axes.set_ylim(low, high)
    labels = [f"{100 * tick:g} %" if percent else f"{tick:g}" for tick in ticks]
    axes.set_yticks(ticks, labels, fontproperties=font(8.5), color=SECONDARY_TEXT)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.axhline(low, color=FAINT, linewidth=0.8)
    figure.text(0.03, 0.92, title, fontproperties=font(10.5), color=TEXT)
    figure.text(0.97, 0.025, "epoch", fontproperties=font(8.5), color=SECONDARY_TEXT, ha="right")
    legend = {"loc": "lower right", "bbox_to_anchor": (1.0, 0.985), "ncols": 2, "frameon": False, "borderpad": 0}
    axes.legend(prop=font(8.5), labelcolor=SECONDARY_TEXT, handlelength=2, columnspacing=1.4, **legend)
    return svg(figure)


def epoch_ticks(epochs: int) -> list[int]:
    """Return the epochs that have a tick on the axis."""
    ticks = MaxNLocator(8, integer=True).tick_values(1, max(epochs, 2))
    return sorted({int(tick) for tick in ticks if 1 <= tick <= epochs} | {1})


def axis_scale(values: np.ndarray, limit: float) -> tuple[float, float, list[float]]:
    """Return the ends of an axis with a margin around values from 0 to `limit`, and the places of its ticks."""
    lowest, highest = float(values.min()), float(values.max())
    margin = 0.08 * (highest - lowest) or max(0.05 * highest, 0.01)
    low, high = max(lowest - margin, 0.0), highest + margin
    ticks = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, min(high, limit))
    return low, high, [float(tick) for tick in ticks if low <= tick <= min(high, limit)]


@fixed_style()
def confusion(title: str, counts: np.ndarray) -> bytes:
    """Return a confusion matrix as SVG, with correct predictions in one colour, mistakes in another, and faint zeros.

    Shapes: `counts`: int64 (classes, classes), true by predicted.
    """
    figure = Figure((5.0, 5.2), facecolor=BACKGROUND)
    last = len(counts) - 0.5  # where the last cell ends
    axes = bare(figure.add_axes((0.115, 0.02, 0.865, 0.8317)), xlim=(-0.5, last), ylim=(last, -0.5))
    opacity = opacities(counts)  # (classes, classes)
    size = min(9.5, 40 / len(str(counts.max())))  # in points, so that the longest number fits
    for (true, predicted), count in np.ndenumerate(counts):
        alpha = opacity[true, predicted]
        if count:
            corner = (predicted - 0.47, true - 0.47)
            colour = CORRECT if true == predicted else MISTAKE
            axes.add_patch(Rectangle(corner, 0.94, 0.94, facecolor=colour, linewidth=0, alpha=alpha))
        text_colour = FAINT if not count else TEXT_ON_CORRECT if alpha >= LIGHT_TEXT_OPACITY else TEXT
        draw_text(axes, (predicted, true), str(count) if count else "·", size, text_colour)
    for label in range(len(counts)):
        draw_text(axes, (label, -0.8), str(label), 9.5, SECONDARY_TEXT)
        draw_text(axes, (-0.8, label), str(label), 9.5, SECONDARY_TEXT)
    figure.text(0.02, 0.95, title, fontproperties=font(10.5), color=TEXT)
    figure.text(
        0.98, 0.905, "predicted \N{RIGHTWARDS ARROW}", fontproperties=font(8.5), color=SECONDARY_TEXT, ha="right"
    )
    figure.text(0.02, 0.863, "true \N{DOWNWARDS ARROW}", fontproperties=font(8.5), color=SECONDARY_TEXT)
    return svg(figure)


def opacities(counts: np.ndarray) -> np.ndarray:
    """Return the opacity of each cell: correct ones by their share of the class, mistakes by the most frequent one.

    Shapes: `counts`: int64 (classes, classes); the result: float64 of the same shape, in [0, 1].
    """
    recall = counts.diagonal() / np.maximum(counts.sum(axis=1), 1)  # (classes,)
    mistakes = counts - np.diag(counts.diagonal())  # (classes, classes)
    opacity = 0.1 + 0.4 * np.sqrt(mistakes / max(mistakes.max(), 1))  # (classes, classes)
    np.fill_diagonal(opacity, np.maximum(recall, 0.1))
    return opacity


@fixed_style()
def samples(images: Sequence[np.ndarray]) -> bytes:
    """Return sample images as PNG, one row per class with the label in front.

    Shapes: one for each class: float32 (count, 28, 28), in [0, 1].
    """
    columns = max(map(len, images))
    figure = Figure((0.7 * columns + 0.5, 0.7 * len(images)), facecolor="white", dpi=96)
    axes = bare(figure.add_axes((0, 0, 1, 1)), xlim=(-1.21, columns - 0.5), ylim=(len(images) - 0.5, -0.5))
    for row, of_class in enumerate(images):
        draw_text(axes, (-0.85, row), str(row), 17, "#666666")
        for column, values in enumerate(of_class):
            draw_image(axes, values, (column, row), (0.84, 0.84))
    return png(figure)


@fixed_style()
def mistakes(images: Sequence[np.ndarray], captions: Sequence[str]) -> bytes:
    """Return images with captions below them as PNG, or the words "No mistakes" if there are none.

    Shapes: each of `images`: float32 (28, 28), in [0, 1].
    """
    rows = max(math.ceil(len(images) / MISTAKES_PER_ROW), 1)
    figure = Figure((1.5 * MISTAKES_PER_ROW, 1.9 * rows), facecolor="white", dpi=120)
    axes = bare(figure.add_axes((0, 0, 1, 1)), xlim=(-0.5, MISTAKES_PER_ROW - 0.5), ylim=(rows - 0.5, -0.5))
    if not images:
        draw_text(axes, ((MISTAKES_PER_ROW - 1) / 2, 0), "No mistakes", 14, "#444444")
    for number, (values, caption) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(number, MISTAKES_PER_ROW)
        draw_image(axes, values, (column, row - 0.13), (0.8, 0.8 * 1.5 / 1.9))
        draw_text(axes, (column, row + 0.33), caption, 8.5, "#222222")
    return png(figure)


@fixed_style()
def digit(values: np.ndarray) -> bytes:
    """Return one image as PNG of the same size, dark on white.

    Shapes: float32 (28, 28), in [0, 1].
    """
    target = io.BytesIO()
    image.imsave(target, values, vmin=0, vmax=1, cmap="gray_r", format="png", metadata={"Software": None})
    return target.getvalue()


def bare(axes: Axes, **limits: tuple[float, float]) -> Axes:
    """Remove frame, ticks and background from axes, set their limits, and return them."""
    axes.set_axisbelow(True)
    axes.tick_params(length=0, pad=5)
    axes.set(xticks=[], yticks=[], facecolor="none", **limits)
    axes.spines[:].set_visible(False)
    return axes


def draw_text(axes: Axes, centre: tuple[float, float], text: str, size: float, colour: str) -> None:
    """Draw a text centred at a place. `size`: in points."""
    axes.text(*centre, text, fontproperties=font(size), color=colour, ha="center", va="center_baseline")


def draw_image(axes: Axes, values: np.ndarray, centre: tuple[float, float], size: tuple[float, float]) -> None:
    """Draw an image centred at a place, dark on white; the y axis runs downwards."""
    left, top = centre[0] - size[0] / 2, centre[1] - size[1] / 2
    right, bottom = centre[0] + size[0] / 2, centre[1] + size[1] / 2
    extent = (left, right, bottom, top)
    axes.imshow(values, "gray_r", vmin=0, vmax=1, interpolation="nearest", extent=extent, aspect="auto", clip_on=False)


def png(figure: Figure) -> bytes:
    """Return a figure as PNG, without the name and version of matplotlib."""
    target = io.BytesIO()
    figure.savefig(target, format="png", metadata={"Software": None})
    return target.getvalue()


def svg(figure: Figure) -> bytes:
    """Return a figure as SVG for light and dark pages, without date and version of matplotlib."""
    target = io.BytesIO()
    figure.savefig(target, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return target.getvalue().replace(b"</style>", STYLE_RULES.encode() + b"</style>", 1)
