"""The graph of stages and files as a picture: the texts of its cards, and the paths of its lines. Pure.

A stage is a card with a row for each file that it makes; a file that no stage makes is a card of its own.
"""

import os
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from redoit.lineage.layout import Box, Line, drawing
from redoit.lineage.lineage import Lineage
from redoit.model import Stage
from redoit.text import one_line

HEADER_HEIGHT, ROW_HEIGHT, FOOTER_HEIGHT = 68.0, 22.0, 8.0  # of a stage's card, in pixels if it is not scaled
SOURCE = Box(34.0, (17.0,))  # a source's card
MAX_ROWS = 8  # files that a card shows
TITLE_WIDTH, LABEL_WIDTH = 16.0, 24.0  # in letters of average width
NARROW, BROAD = frozenset("fijlrtI.,:;|!'`()[]- "), frozenset("mwMW@%QOGDNHU&#")


class Row(NamedTuple):
    """A file in a stage's card. `label`: `path`, shortened. `top`: of the middle of its row, within the card."""

    label: str
    path: str
    top: float


class Card(NamedTuple):
    """A stage, by number, or a source, whose number is None. `label`: `name`, shortened."""

    stage: int | None
    name: str
    label: str
    left: float
    top: float
    height: float
    rows: tuple[Row, ...] = ()


class Thread(NamedTuple):
    """A line between two cards, by their numbers, for a file. `path`: of its curve, in SVG."""

    source: int
    target: int
    file: str
    path: str


class Picture(NamedTuple):
    """Cards and the lines between them. `width`, `height`: of all."""

    cards: tuple[Card, ...]
    threads: tuple[Thread, ...]
    width: float
    height: float


def picture(lineage: Lineage) -> Picture:
    """Return the picture of the stages as they are declared now."""
    labels = _labels((*lineage.sources, *lineage.makers))
    first = len(lineage.sources)
    boxes = [SOURCE] * first + [_box(stage) for stage in lineage.stages]
    ports = {path: (number, 0) for number, path in enumerate(lineage.sources)}
    for number, stage in enumerate(lineage.stages, first):
        ports |= {path: (number, min(row, MAX_ROWS - 1)) for row, path in enumerate(stage.outputs.values())}
    inputs = [
        (path, Line(*ports[path], number))
        for number, stage in enumerate(lineage.stages, first)
        for path in dict.fromkeys(stage.inputs.values())
    ]
    drawn = drawing(boxes, [line for _, line in inputs])
    places = iter(drawn.places)
    cards = [Card(None, one_line(path), labels[path], *next(places), SOURCE.height) for path in lineage.sources]
    for number, (stage, box) in enumerate(zip(lineage.stages, boxes[first:], strict=True)):
        title, rows = shortened(stage.name, TITLE_WIDTH), _rows(stage, box, labels)
        cards.append(Card(number, one_line(stage.name), title, *next(places), box.height, rows))
    threads = (
        Thread(line.source, line.target, one_line(path), _curve(route))
        for (path, line), route in zip(inputs, drawn.routes, strict=True)
    )
    return Picture(tuple(cards), tuple(threads), drawn.width, drawn.height)


def shortened(text: str, room: float) -> str:
    """Return a text, without its middle if it is wider than `room`."""
    text = one_line(text)
    if sum(map(_width, text)) <= room:
        return text

    def cut(kept: int) -> str:
        return f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"

    fitting = bisect_right(range(len(text)), room, key=lambda kept: sum(map(_width, cut(kept))))
    return cut(fitting - 1)


def _width(sign: str) -> float:
    """Return the width of a letter; 1 is average."""
    if unicodedata.east_asian_width(sign) in "WF":
        return 2.0
    return 1.5 if sign in BROAD else 0.55 if sign in NARROW else 1.2 if sign.isupper() else 1.0


def _labels(paths: Iterable[str]) -> dict[str, str]:
    """Return the labels of files: their names alone, unless two have the same."""
    names = {path: os.path.basename(path) for path in paths}
    count = Counter(names.values())
    return {path: shortened(name if name and count[name] == 1 else path, LABEL_WIDTH) for path, name in names.items()}


def _box(stage: Stage) -> Box:
    rows = min(len(stage.outputs), MAX_ROWS)
    ports = tuple(HEADER_HEIGHT + ROW_HEIGHT * (row + 0.5) for row in range(rows))
    return Box(HEADER_HEIGHT + ROW_HEIGHT * rows + FOOTER_HEIGHT, ports)


def _rows(stage: Stage, box: Box, labels: dict[str, str]) -> tuple[Row, ...]:
    paths = list(stage.outputs.values())
    rows = [Row(labels[path], one_line(path), top) for path, top in zip(paths, box.ports, strict=False)]
    if len(paths) > MAX_ROWS:
        rest = paths[MAX_ROWS - 1 :]
        rows[-1] = Row(f"and {len(rest)} more files", one_line(", ".join(rest)), rows[-1].top)
    return tuple(rows)


def _curve(points: tuple[tuple[float, float], ...]) -> str:
    """Return the path of a line: a curve from column to column, after a straight stretch through the column."""
    path = f"M{points[0][0]:.0f} {points[0][1]:.1f}"
    for (left, top), (right, bottom) in zip(points[::2], points[1::2], strict=True):
        middle = (left + right) / 2
        path += f"H{left:.0f}C{middle:.0f} {top:.1f} {middle:.0f} {bottom:.1f} {right:.0f} {bottom:.1f}"
    return path
