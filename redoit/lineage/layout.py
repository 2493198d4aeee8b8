"""Places boxes in columns, from left to right, and lines between them: a layered drawing of a graph without circles.

igraph puts the boxes of each column in an order with few crossings. Where they stand follows from their sizes: each as
near to its neighbours as the others in its column allow. Knows nothing of what is in the boxes.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

COLUMN_GAP, ROW_GAP = 46.0, 22.0  # between boxes
FEW, CROWDED, WIDEST = 8, 2.0, 150.0  # lines between columns; by how much each more widens their gap, up to that
LANE, LANE_GAP = 6.0, 6.0  # height that a line takes where it passes a column; between lines there
SWEEPS = 21  # over all columns, each of which moves boxes nearer to their neighbours
MANY = 20_000  # lanes; beyond that lines may pass below boxes
SLANT = 16.0  # by which a box is moved in the end so that a line is quite straight
STEADY = 4.0  # how much more a line resists to be bent than a box to be moved


Route = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Box:
    """A box by its size, and the heights at which lines leave it to the right; they enter at height `entry`."""

    width: float
    height: float
    ports: tuple[float, ...] = ()
    entry: float = 0.0


@dataclass(frozen=True)
class Line:
    """A line from a port of a box to another box; boxes by number."""

    source: int
    port: int
    target: int


@dataclass(frozen=True)
class Drawing:
    """Where boxes are, by left upper corner, and the points that each line passes; the width and height of all."""

    places: tuple[tuple[float, float], ...]
    routes: tuple[Route, ...]
    width: float
    height: float


@dataclass
class _Knot:
    """What stands in a column: a box, or a lane in which the lines of one port pass it."""

    column: int
    height: float
    lane: bool = False
    top: float = 0.0


def drawing(boxes: Sequence[Box], lines: Sequence[Line]) -> Drawing:
    """Return a drawing. Boxes are in an order in which lines lead forward only."""
    columns = _columns(len(boxes), lines)
    knots = [_Knot(column, box.height) for column, box in zip(columns, boxes, strict=True)]
    lanes = _lanes(knots, lines)
    links = _links(boxes, lines, lanes, columns)
    order = _order(knots, links)
    _settle(knots, order, links)
    edges = _edges(boxes, columns, [knots[right].column for _, right in links])
    top = min((knot.top for knot in knots), default=0.0)
    for knot in knots:
        knot.top -= top
    places = tuple((edges[columns[number]][0], knots[number].top) for number in range(len(boxes)))
    routes = []
    for line in lines:
        (left, top), box = places[line.source], boxes[line.source]
        start = left + box.width, top + box.ports[line.port]
        end = places[line.target][0], places[line.target][1] + boxes[line.target].entry
        routes.append(_route(start, [knots[one] for one in _steps(lanes, columns, line)], edges, end))
    return Drawing(
        places,
        tuple(routes),
        edges[-1][1] if edges else 0.0,
        max((knot.top + knot.height for knot in knots), default=0.0),
    )


def _columns(number: int, lines: Sequence[Line]) -> list[int]:
    """Return the column of each box: behind all that lead to it, or just before its readers if nothing does."""
    columns, read = [0] * number, defaultdict[int, list[int]](list)
    entered = set[int]()
    for line in sorted(lines, key=lambda line: line.source):
        columns[line.target] = max(columns[line.target], columns[line.source] + 1)
        entered.add(line.target)
        read[line.source].append(line.target)
    for box, readers in read.items():
        if box not in entered:
            columns[box] = min(columns[reader] for reader in readers) - 1
    return columns


def _lanes(knots: list[_Knot], lines: Sequence[Line]) -> dict[tuple[int, int], list[int]]:
    """Add a lane for each column that lines of a port pass; return port -> its lanes, from left to right."""
    last: dict[tuple[int, int], int] = {}
    for line in lines:
        port = line.source, line.port
        last[port] = max(last.get(port, 0), knots[line.target].column)
    if sum(end - knots[box].column - 1 for (box, _), end in last.items()) > MANY:
        return {}
    lanes: dict[tuple[int, int], list[int]] = {}
    for port, end in last.items():
        passed = range(knots[port[0]].column + 1, end)
        lanes[port] = list(range(len(knots), len(knots) + len(passed)))
        knots.extend(_Knot(column, LANE, lane=True) for column in passed)
    return lanes


def _links(
    boxes: Sequence[Box], lines: Sequence[Line], lanes: dict[tuple[int, int], list[int]], columns: list[int]
) -> dict[tuple[int, int], tuple[float, float]]:
    """Return pairs of knots that lines join, each with the heights within them at which the line meets them."""
    found = {}
    for line in lines:
        steps = _steps(lanes, columns, line)
        for left, right in pairwise((line.source, *steps, line.target)):
            leaves = boxes[left].ports[line.port] if left == line.source else LANE / 2
            found[left, right] = leaves, boxes[right].entry if right == line.target else LANE / 2
    return found


def _steps(lanes: dict[tuple[int, int], list[int]], columns: list[int], line: Line) -> list[int]:
    """Return the lanes through which a line passes."""
    return lanes.get((line.source, line.port), [])[: columns[line.target] - columns[line.source] - 1]


def _order(knots: Sequence[_Knot], links: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return the knots of each column, from top to bottom, in an order with few crossings."""
    import igraph

    graph = igraph.Graph(len(knots), list(links), directed=True)
    found = graph.layout_sugiyama(layers=[knot.column for knot in knots])
    columns: list[list[int]] = [[] for _ in range(max((knot.column for knot in knots), default=-1) + 1)]
    for number in sorted(range(len(knots)), key=lambda number: (found[number][0], number)):
        columns[knots[number].column].append(number)
    return columns


def _settle(
    knots: Sequence[_Knot], columns: Sequence[Sequence[int]], links: dict[tuple[int, int], tuple[float, float]]
) -> None:
    """Move knots to where their lines are straightest."""
    before, behind = defaultdict[int, list[tuple[int, float]]](list), defaultdict[int, list[tuple[int, float]]](list)
    for (left, right), (leaves, enters) in links.items():
        before[right].append((left, leaves - enters))
        behind[left].append((right, enters - leaves))
    for column in columns:
        top = 0.0
        for number in column:
            knots[number].top = top
            top += knots[number].height + ROW_GAP
    for sweep in range(SWEEPS):
        last = sweep == SWEEPS - 1
        both = sweep >= SWEEPS // 2 and not last
        forward = sweep % 2 == 0
        for column in columns if forward else reversed(columns):
            wanted = []
            for number in column:
                near = [*before[number], *behind[number]] if both else (before if forward else behind)[number]
                places = [knots[other].top + shift for other, shift in near]
                here = knots[number].top
                want = sum(places) / len(places) if places else here
                wanted.append(here if last and abs(want - here) > SLANT else want)
            for number, top in zip(column, _apart([knots[n] for n in column], wanted), strict=True):
                knots[number].top = top


def _apart(knots: Sequence[_Knot], wanted: Sequence[float]) -> list[float]:
    """Return tops, in this order and not overlapping, whose squared distances to those wanted are least.

    Source: Ayer et al. 1955, the pool-adjacent-violators algorithm.
    """
    offset, offsets = 0.0, []
    pools: list[tuple[float, float, int]] = []  # mean, weight, members
    for number, (knot, want) in enumerate(zip(knots, wanted, strict=True)):
        if number:
            offset += knots[number - 1].height + _gap(knots[number - 1], knot)
        offsets.append(offset)
        mean, weight, members = want - offset, STEADY if knot.lane else 1.0, 1
        while pools and pools[-1][0] >= mean:
            other, heavy, more = pools.pop()
            mean = (mean * weight + other * heavy) / (weight + heavy)
            weight, members = weight + heavy, members + more
        pools.append((mean, weight, members))
    means = [mean for mean, _, members in pools for _ in range(members)]
    return [mean + shift for mean, shift in zip(means, offsets, strict=True)]


def _gap(above: _Knot, below: _Knot) -> float:
    """Return how far two knots in a column stay apart."""
    return (LANE_GAP if above.lane else ROW_GAP) / 2 + (LANE_GAP if below.lane else ROW_GAP) / 2


def _edges(boxes: Sequence[Box], columns: Sequence[int], ends: Iterable[int]) -> list[tuple[float, float]]:
    """Return the left and right edge of each column. `ends`: the columns in which links between neighbours end."""
    widths = [0.0] * (max(columns, default=-1) + 1)
    for box, column in zip(boxes, columns, strict=True):
        widths[column] = max(widths[column], box.width)
    crowd = Counter(ends)
    edges, right = [], 0.0
    for column, width in enumerate(widths):
        gap = min(COLUMN_GAP + CROWDED * max(crowd[column] - FEW, 0), WIDEST) if column else 0.0
        edges.append((right + gap, right + gap + width))
        right += gap + width
    return edges


def _route(
    start: tuple[float, float], lanes: Iterable[_Knot], edges: Sequence[tuple[float, float]], end: tuple[float, float]
) -> Route:
    """Return the points of a line; each second stretch of it is straight."""
    points = [start]
    for lane in lanes:
        middle = lane.top + LANE / 2
        points += [(edge, middle) for edge in edges[lane.column]]
    return (*points, end)
