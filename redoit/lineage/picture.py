"""The graph of stages and files as a picture: what stands in each box, and the paths of its lines. Pure.

A stage is a card with a row for each file that it makes; a file that no stage makes is a card of its own.
"""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from redoit.lineage.layout import Box, Drawing, Line, drawing
from redoit.lineage.lineage import Lineage
from redoit.model import Stage
from redoit.text import one_line

WIDTH = 204.0  # of a card; a unit is a pixel where the picture is not scaled
HEADER, ROW, FOOT = 68.0, 22.0, 8.0  # heights of a card's parts
FILE = 34.0  # height of a source's card
ROWS = 8  # files that a card shows
TITLE, LABEL = 16.0, 24.0  # widths of texts that fit, in letters of middling width
NARROW, BROAD = frozenset("fijlrtI.,:;|!'`()[]- "), frozenset("mwMW@%QOGDNHU&#")


@dataclass(frozen=True)
class Row:
    """A file in a stage's card. `label`: what is shown of `path`; `top`: of its text's line, within the card."""

    label: str
    path: str
    top: float


@dataclass(frozen=True)
class Card:
    """A stage, by number, or a source, whose number is None."""

    stage: int | None
    name: str
    label: str
    left: float
    top: float
    height: float
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Thread:
    """A line from a card to a card, by their numbers, as the path of a curve; `file`: what it stands for."""

    source: int
    target: int
    file: str
    path: str


@dataclass(frozen=True)
class Picture:
    """Cards and what joins them; the width and height of all."""

    cards: tuple[Card, ...]
    threads: tuple[Thread, ...]
    width: float
    height: float


def picture(lineage: Lineage) -> Picture:
    """Return the picture of the stages as they are declared now."""
    files = (*lineage.sources, *lineage.makers)
    labels = _labels(files)
    sources = {path: number for number, path in enumerate(lineage.sources)}
    first = len(sources)
    boxes = [Box(WIDTH, FILE, (FILE / 2,)) for _ in sources] + [_box(stage) for stage in lineage.stages]
    lines, named = [], []
    makers = {
        path: (first + number, min(row, ROWS - 1))
        for number, stage in enumerate(lineage.stages)
        for row, path in enumerate(stage.outputs.values())
    }
    for number, stage in enumerate(lineage.stages):
        for path in dict.fromkeys(stage.inputs.values()):
            source, port = (sources[path], 0) if path in sources else makers[path]
            lines.append(Line(source, port, first + number))
            named.append(one_line(path))
    drawn = drawing(boxes, lines)
    cards = [
        Card(None, one_line(path), labels[path], *place, FILE)
        for path, place in zip(sources, drawn.places[:first], strict=True)
    ]
    for number, (stage, place) in enumerate(zip(lineage.stages, drawn.places[first:], strict=True)):
        height = boxes[first + number].height
        cards.append(
            Card(number, one_line(stage.name), shortened(stage.name, TITLE), *place, height, _rows(stage, labels))
        )
    return Picture(tuple(cards), _threads(lines, named, drawn), drawn.width, drawn.height)


def shortened(text: str, room: float) -> str:
    """Return a text without its middle, if it is wider than there is room."""
    text = one_line(text)
    if _width(text) <= room:
        return text
    left, right, used = "", "", 1.0
    for head, tail in zip(text, reversed(text), strict=True):
        if used + _width(head) > room:
            break
        left, used = left + head, used + _width(head)
        if used + _width(tail) > room:
            break
        right, used = tail + right, used + _width(tail)
    return f"{left}…{right}"


def _width(text: str) -> float:
    return sum(
        2.0
        if unicodedata.east_asian_width(sign) in "WF"
        else 1.5
        if sign in BROAD
        else 0.55
        if sign in NARROW
        else 1.2
        if sign.isupper()
        else 1.0
        for sign in text
    )


def _labels(paths: Iterable[str]) -> dict[str, str]:
    """Return what is shown of files: their names alone, if no two have the same."""
    paths = list(paths)
    count = Counter(map(os.path.basename, paths))
    names = {path: os.path.basename(path) if count[os.path.basename(path)] == 1 else path for path in paths}
    return {path: shortened(name or path, LABEL) for path, name in names.items()}


def _box(stage: Stage) -> Box:
    shown = min(len(stage.outputs), ROWS)
    ports = tuple(HEADER + ROW * (row + 0.5) for row in range(shown))
    return Box(WIDTH, HEADER + ROW * shown + FOOT, ports, ports[0])


def _rows(stage: Stage, labels: dict[str, str]) -> tuple[Row, ...]:
    paths = list(stage.outputs.values())
    rows = [
        Row(labels[path], one_line(path), HEADER + ROW * (number + 0.5)) for number, path in enumerate(paths[:ROWS])
    ]
    if len(paths) > ROWS:
        rest = paths[ROWS - 1 :]
        rows[-1] = Row(f"and {len(rest)} more files", one_line(", ".join(rest)), rows[-1].top)
    return tuple(rows)


def _threads(lines: list[Line], named: list[str], drawn: Drawing) -> tuple[Thread, ...]:
    routes = zip(lines, named, drawn.routes, strict=True)
    return tuple(Thread(line.source, line.target, file, _curve(route)) for line, file, route in routes)


def _curve(points: tuple[tuple[float, float], ...]) -> str:
    """Return the path of a line: curves from column to column, straight where it passes one."""
    path = f"M{points[0][0]:.0f} {points[0][1]:.1f}"
    for number, ((left, top), (right, bottom)) in enumerate(pairwise(points)):
        if number % 2:
            path += f"H{right:.0f}"
        else:
            middle = (left + right) / 2
            path += f"C{middle:.0f} {top:.1f} {middle:.0f} {bottom:.1f} {right:.0f} {bottom:.1f}"
    return path
