"""The report's plots: arrays become the bytes of SVG and PNG files, equal bytes for equal arrays.

Nothing of the user's reaches them: no matplotlibrc, no fonts but the one that comes with matplotlib, no clock, no
global state of pyplot. An SVG is drawn in the colours of a light page, and has rules of its own for a dark one; its
text stays text. Knows nothing of files and pages.
"""

import io
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

COLOURS = {  # on a light page -> on a dark one; each light one has one meaning, since rules find it by its value
    "#ffffff": "#171c24",  # surface
    "#1c2430": "#e6eaf0",  # ink
    "#5a6675": "#9fabba",  # quiet ink
    "#b4bdc8": "#4c5867",  # what should hardly be seen
    "#e2e6eb": "#2b333e",  # rules
    "#1d5fbf": "#7db0ff",  # right, and the validation set
    "#fefefe": "#0f141b",  # ink on it
    "#c2410c": "#ff9a66",  # wrong
    "#76869a": "#8b9bb0",  # the training set
}
SURFACE, INK, QUIET, FAINT, RULE, RIGHT, ON_RIGHT, WRONG, TRAINING = COLOURS
STYLE = {
    "font.sans-serif": ["DejaVu Sans"],
    "svg.fonttype": "none",
    "svg.hashsalt": "report",  # ids come from content, not from chance
    "text.parse_math": False,  # a dollar is a dollar
}
FAMILY = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
MARKED = 30  # epochs at most whose points are marked; a single one would be invisible without
ACROSS = 5  # mistakes side by side
SOLID = 0.75  # opacity from which a cell needs another ink


@contextmanager
def plain() -> Iterator[None]:
    """Draw as matplotlib does where nobody has configured it, and as `STYLE` says; leave what is set as it was."""
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .*missing", UserWarning)  # of a data set's name: a box will do
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def font(size: float) -> FontProperties:
    """Return matplotlib's own font, whatever others the machine has. `size`: in points."""
    return FontProperties(fname=Path(mpl.get_data_path(), "fonts/ttf/DejaVuSans.ttf"), size=size)


@plain()
def curves(title: str, training: np.ndarray, validation: np.ndarray, *, percent: bool) -> bytes:
    """Return a plot of two values over the epochs, as SVG.

    Shapes: `training` and `validation`: float64 (epochs,).
    """
    figure = Figure((4.6, 3.1), facecolor=SURFACE)
    axes = bare(figure.add_axes((0.125, 0.155, 0.845, 0.665)))
    epochs = np.arange(1, len(training) + 1)  # (epochs,)
    marked = len(epochs) <= MARKED
    for label, values, colour, line, marker in (
        ("training", training, TRAINING, "--", "s"),
        ("validation", validation, RIGHT, "-", "o"),
    ):
        look = {"linestyle": line, "linewidth": 1.8, "marker": marker if marked else "", "markersize": 5.5}
        axes.plot(epochs, values, label=label, color=colour, markeredgecolor=SURFACE, clip_on=False, **look)
    axes.set_xlim(epochs[0] - 0.5 * (len(epochs) == 1), epochs[-1] + 0.5 * (len(epochs) == 1))
    columns = whole_ticks(len(epochs))
    axes.set_xticks(columns, [f"{tick:,}" for tick in columns], fontproperties=font(8.5), color=QUIET)
    low, high, rows = scale(np.concatenate([training, validation]), 1 if percent else np.inf)
    axes.set_ylim(low, high)
    labels = [f"{100 * tick:g} %" if percent else f"{tick:g}" for tick in rows]
    axes.set_yticks(rows, labels, fontproperties=font(8.5), color=QUIET)
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.axhline(low, color=FAINT, linewidth=0.8)
    figure.text(0.03, 0.92, title, fontproperties=font(10.5), color=INK)
    figure.text(0.97, 0.025, "epoch", fontproperties=font(8.5), color=QUIET, ha="right")
    legend = {"loc": "lower right", "bbox_to_anchor": (1.0, 0.985), "ncols": 2, "frameon": False, "borderpad": 0}
    axes.legend(prop=font(8.5), labelcolor=QUIET, handlelength=2, columnspacing=1.4, **legend)
    return svg(figure)


def whole_ticks(epochs: int) -> list[int]:
    """Return which epochs to name along an axis."""
    ticks = MaxNLocator(8, integer=True).tick_values(1, max(epochs, 2))
    return sorted({int(tick) for tick in ticks if 1 <= tick <= epochs} | {1})


def scale(values: np.ndarray, most: float) -> tuple[float, float, list[float]]:
    """Return the ends of an axis for values from 0 to `most`, with room about them, and where its ticks are."""
    least, greatest = float(values.min()), float(values.max())
    room = 0.08 * (greatest - least) or max(0.05 * greatest, 0.01)
    low, high = max(least - room, 0.0), greatest + room
    ticks = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, min(high, most))
    return low, high, [float(tick) for tick in ticks if low <= tick <= min(high, most)]


@plain()
def confusion(title: str, counts: np.ndarray) -> bytes:
    """Return a confusion matrix, as SVG: hits in one colour, mistakes in another, and what never happens quiet.

    Shapes: `counts`: int64 (classes, classes), true by predicted.
    """
    figure = Figure((5.0, 5.2), facecolor=SURFACE)
    axes = bare(figure.add_axes((0.115, 0.02, 0.865, 0.8317)))
    classes = len(counts)
    axes.set_xlim(-0.5, classes - 0.5)
    axes.set_ylim(classes - 0.5, -0.5)
    strength = opacities(counts)  # (classes, classes)
    size = min(9.5, 40 / len(str(counts.max())))  # in points, so that the longest number fits
    for (true, predicted), count in np.ndenumerate(counts):
        opacity = strength[true, predicted]
        colour = RIGHT if true == predicted else WRONG
        if count:
            corner = (predicted - 0.47, true - 0.47)
            axes.add_patch(Rectangle(corner, 0.94, 0.94, facecolor=colour, linewidth=0, alpha=opacity))
        ink = FAINT if not count else ON_RIGHT if opacity >= SOLID else INK
        write(axes, (predicted, true), str(count) if count else "·", size, ink)
    for label in range(classes):
        write(axes, (label, -0.8), str(label), 9.5, QUIET)
        write(axes, (-0.8, label), str(label), 9.5, QUIET)
    figure.text(0.02, 0.95, title, fontproperties=font(10.5), color=INK)
    figure.text(0.98, 0.905, "predicted \N{RIGHTWARDS ARROW}", fontproperties=font(8.5), color=QUIET, ha="right")
    figure.text(0.02, 0.863, "true \N{DOWNWARDS ARROW}", fontproperties=font(8.5), color=QUIET)
    return svg(figure)


def opacities(counts: np.ndarray) -> np.ndarray:
    """Return how solid each cell is: hits by their share of the class, mistakes by the most frequent one.

    Shapes: `counts`: int64 (classes, classes); the result: float64 of the same shape, in [0, 1].
    """
    hits = counts.diagonal() / np.maximum(counts.sum(axis=1), 1)  # (classes,)
    mistakes = counts - np.diag(counts.diagonal())  # (classes, classes)
    strength = 0.1 + 0.4 * np.sqrt(mistakes / max(mistakes.max(), 1))  # (classes, classes)
    np.fill_diagonal(strength, np.maximum(hits, 0.1))
    return strength


@plain()
def samples(images: Sequence[Sequence[np.ndarray]]) -> bytes:
    """Return images of each class, a row per class with its label before it, as PNG.

    Shapes: each of a class's images: float32 (28, 28), in [0, 1].
    """
    columns = max(map(len, images))
    figure = Figure((0.7 * columns + 0.5, 0.7 * len(images)), facecolor="white", dpi=96)
    axes = bare(figure.add_axes((0, 0, 1, 1)))
    axes.set_xlim(-1.21, columns - 0.5)
    axes.set_ylim(len(images) - 0.5, -0.5)
    for row, of_class in enumerate(images):
        write(axes, (-0.85, row), str(row), 17, "#666666")
        for column, values in enumerate(of_class):
            draw(axes, values, (column, row), (0.84, 0.84))
    return png(figure)


@plain()
def mistakes(images: Sequence[np.ndarray], captions: Sequence[str]) -> bytes:
    """Return images with a caption below each, as PNG; without any, a sentence that says so.

    Shapes: each of `images`: float32 (28, 28), in [0, 1].
    """
    rows = max(-(-len(images) // ACROSS), 1)
    figure = Figure((1.5 * ACROSS, 1.9 * rows), facecolor="white", dpi=120)
    axes = bare(figure.add_axes((0, 0, 1, 1)))
    axes.set_xlim(-0.5, ACROSS - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    if not images:
        write(axes, ((ACROSS - 1) / 2, 0), "No mistakes", 14, "#444444")
    for number, (values, caption) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(number, ACROSS)
        draw(axes, values, (column, row - 0.13), (0.8, 0.8 * 1.5 / 1.9))
        write(axes, (column, row + 0.33), caption, 8.5, "#222222")
    return png(figure)


@plain()
def digit(values: np.ndarray) -> bytes:
    """Return one image as PNG, a pixel for a pixel, dark on white.

    Shapes: float32 (28, 28), in [0, 1].
    """
    target = io.BytesIO()
    image.imsave(target, values, vmin=0, vmax=1, cmap="gray_r", format="png", metadata={"Software": None})
    return target.getvalue()


def bare(axes: Axes) -> Axes:
    """Return axes without a frame, ticks and ground of their own."""
    axes.set_axisbelow(True)
    axes.tick_params(length=0, pad=5)
    axes.set(xticks=[], yticks=[], facecolor="none")
    axes.spines[:].set_visible(False)
    return axes


def write(axes: Axes, middle: tuple[float, float], text: str, size: float, colour: str) -> None:
    """Write a text around a place."""
    axes.text(*middle, text, fontproperties=font(size), color=colour, ha="center", va="center_baseline")


def draw(axes: Axes, values: np.ndarray, middle: tuple[float, float], size: tuple[float, float]) -> None:
    """Draw an image around a place, dark on white; the y axis runs downwards."""
    (x, y), (width, height) = middle, (size[0] / 2, size[1] / 2)
    extent = (x - width, x + width, y + height, y - height)
    axes.imshow(values, "gray_r", vmin=0, vmax=1, interpolation="nearest", extent=extent, aspect="auto", clip_on=False)


def png(figure: Figure) -> bytes:
    """Return a figure as PNG, without a word on what has made it."""
    target = io.BytesIO()
    figure.savefig(target, format="png", metadata={"Software": None})
    return target.getvalue()


def svg(figure: Figure) -> bytes:
    """Return a figure as SVG, which suits a light page, paper and a dark page, without a word on what has made it."""
    target = io.BytesIO()
    figure.savefig(target, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return target.getvalue().replace(b"</style>", RULES.encode() + b"</style>", 1)


RULES = f"\ntext {{ font-family: {FAMILY} !important }}\n@media screen and (prefers-color-scheme: dark) {{\n"
RULES += "".join(
    f'[style*="{what}: {light}"] {{ {what}: {dark} !important }}\n'
    for light, dark in COLOURS.items()
    for what in ("fill", "stroke")
)
RULES += "}\n"
