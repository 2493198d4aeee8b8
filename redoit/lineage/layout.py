"""Layered drawing of an acyclic graph: boxes in columns, from left to right, and lines between them.

igraph orders the boxes of each column so that few lines cross. Each box is placed as near to its neighbours as the
others in its column allow. Knows nothing of the boxes but their sizes.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

COLUMN_GAP, ROW_GAP = 46.0, 22.0  # between boxes
FREE_LINES, GAP_PER_LINE, MAX_COLUMN_GAP = 8, 2.0, 150.0  # each line beyond the free ones widens the gap of columns
LANE_HEIGHT, LANE_GAP = 6.0, 6.0  # of a line that passes a column
SWEEPS = 21  # over all columns; each moves boxes nearer to their neighbours
MAX_LANES = 20_000  # with more, lines pass below boxes
MAX_LAST_SHIFT = 16.0  # of a box in the last sweep, to straighten its lines
LANE_WEIGHT = 4.0  # of a lane where boxes and lanes push each other; a box has 1

Route = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Box:
    """A box. `ports`: heights within it at which lines leave to the right; `entry`: at which they enter."""

    width: float
    height: float
    ports: tuple[float, ...] = ()
    entry: float = 0.0


@dataclass(frozen=True)
class Line:
    """A line from a port of a box to another box, all by number."""

    source: int
    port: int
    target: int


@dataclass(frozen=True)
class Drawing:
    """`places`: left upper corners of boxes. `routes`: points that each line passes. `width`, `height`: of all."""

    places: tuple[tuple[float, float], ...]
    routes: tuple[Route, ...]
    width: float
    height: float


@dataclass
class _Slot:
    """A place in a column: of a box, or of a lane through which the lines of one port pass."""

    column: int
    height: float
    lane: bool = False
    top: float = 0.0


def drawing(boxes: Sequence[Box], lines: Sequence[Line]) -> Drawing:
    """Return a drawing. The boxes are sorted topologically."""
    columns = _columns(len(boxes), lines)
    slots = [_Slot(column, box.height) for column, box in zip(columns, boxes, strict=True)]
    lanes = _lanes(slots, lines)
    links = _links(boxes, lines, lanes, columns)
    order = _order(slots, links)
    _settle(slots, order, links)
    edges = _edges(boxes, columns, [slots[right].column for _, right in links])
    top = min((slot.top for slot in slots), default=0.0)
    for slot in slots:
        slot.top -= top
    places = tuple((edges[columns[number]][0], slots[number].top) for number in range(len(boxes)))
    routes = []
    for line in lines:
        (left, top), box = places[line.source], boxes[line.source]
        start = left + box.width, top + box.ports[line.port]
        end = places[line.target][0], places[line.target][1] + boxes[line.target].entry
        routes.append(_route(start, [slots[lane] for lane in _steps(lanes, columns, line)], edges, end))
    return Drawing(
        places,
        tuple(routes),
        edges[-1][1] if edges else 0.0,
        max((slot.top + slot.height for slot in slots), default=0.0),
    )


def _columns(number: int, lines: Sequence[Line]) -> list[int]:
    """Return the column of each box: right of all its sources; one without sources is just left of its targets."""
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


def _lanes(slots: list[_Slot], lines: Sequence[Line]) -> dict[tuple[int, int], list[int]]:
    """Add a lane for each column that lines of a port pass; return port -> its lanes, from left to right."""
    last: dict[tuple[int, int], int] = {}
    for line in lines:
        port = line.source, line.port
        last[port] = max(last.get(port, 0), slots[line.target].column)
    if sum(end - slots[box].column - 1 for (box, _), end in last.items()) > MAX_LANES:
        return {}
    lanes: dict[tuple[int, int], list[int]] = {}
    for port, end in last.items():
        passed = range(slots[port[0]].column + 1, end)
        lanes[port] = list(range(len(slots), len(slots) + len(passed)))
        slots.extend(_Slot(column, LANE_HEIGHT, lane=True) for column in passed)
    return lanes


def _links(
    boxes: Sequence[Box], lines: Sequence[Line], lanes: dict[tuple[int, int], list[int]], columns: list[int]
) -> dict[tuple[int, int], tuple[float, float]]:
    """Return pairs of slots that lines join, with the heights within them at which the line meets them."""
    links = {}
    for line in lines:
        steps = _steps(lanes, columns, line)
        for left, right in pairwise((line.source, *steps, line.target)):
            leaves = boxes[left].ports[line.port] if left == line.source else LANE_HEIGHT / 2
            links[left, right] = leaves, boxes[right].entry if right == line.target else LANE_HEIGHT / 2
    return links


def _steps(lanes: dict[tuple[int, int], list[int]], columns: list[int], line: Line) -> list[int]:
    """Return the lanes through which a line passes."""
    return lanes.get((line.source, line.port), [])[: columns[line.target] - columns[line.source] - 1]


def _order(slots: Sequence[_Slot], links: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return the slots of each column, from top to bottom, in an order with few crossings."""
    import igraph

    graph = igraph.Graph(len(slots), list(links), directed=True)
    order = graph.layout_sugiyama(layers=[slot.column for slot in slots])
    columns: list[list[int]] = [[] for _ in range(max((slot.column for slot in slots), default=-1) + 1)]
    for number in sorted(range(len(slots)), key=lambda number: (order[number][0], number)):
        columns[slots[number].column].append(number)
    return columns


def _settle(
    slots: Sequence[_Slot], columns: Sequence[Sequence[int]], links: dict[tuple[int, int], tuple[float, float]]
) -> None:
    """Move slots to where their lines are straightest."""
    before, behind = defaultdict[int, list[tuple[int, float]]](list), defaultdict[int, list[tuple[int, float]]](list)
    for (left, right), (leaves, enters) in links.items():
        before[right].append((left, leaves - enters))
        behind[left].append((right, enters - leaves))
    for column in columns:
        top = 0.0
        for number in column:
            slots[number].top = top
            top += slots[number].height + ROW_GAP
    for sweep in range(SWEEPS):
        last = sweep == SWEEPS - 1
        both = sweep >= SWEEPS // 2 and not last
        forward = sweep % 2 == 0
        for column in columns if forward else reversed(columns):
            wanted = []
            for number in column:
                near = [*before[number], *behind[number]] if both else (before if forward else behind)[number]
                places = [slots[other].top + shift for other, shift in near]
                here = slots[number].top
                want = sum(places) / len(places) if places else here
                wanted.append(here if last and abs(want - here) > MAX_LAST_SHIFT else want)
            for number, top in zip(column, _apart([slots[n] for n in column], wanted), strict=True):
                slots[number].top = top


def _apart(slots: Sequence[_Slot], wanted: Sequence[float]) -> list[float]:
    """Return tops without overlap, in this order, that have the least squared distances to those wanted.

    Source: Ayer et al. 1955, the pool-adjacent-violators algorithm.
    """
    offset, offsets = 0.0, []
    pools: list[tuple[float, float, int]] = []  # mean, weight, members
    for number, (slot, want) in enumerate(zip(slots, wanted, strict=True)):
        if number:
            offset += slots[number - 1].height + _gap(slots[number - 1], slot)
        offsets.append(offset)
        mean, weight, members = want - offset, LANE_WEIGHT if slot.lane else 1.0, 1
        while pools and pools[-1][0] >= mean:
            other, heavy, more = pools.pop()
            mean = (mean * weight + other * heavy) / (weight + heavy)
            weight, members = weight + heavy, members + more
        pools.append((mean, weight, members))
    means = [mean for mean, _, members in pools for _ in range(members)]
    return [mean + shift for mean, shift in zip(means, offsets, strict=True)]


def _gap(above: _Slot, below: _Slot) -> float:
    """Return the distance of two neighbours in a column."""
    return (LANE_GAP if above.lane else ROW_GAP) / 2 + (LANE_GAP if below.lane else ROW_GAP) / 2


def _edges(boxes: Sequence[Box], columns: Sequence[int], ends: Iterable[int]) -> list[tuple[float, float]]:
    """Return the left and right edge of each column. `ends`: the columns in which links between neighbours end."""
    widths = [0.0] * (max(columns, default=-1) + 1)
    for box, column in zip(boxes, columns, strict=True):
        widths[column] = max(widths[column], box.width)
    crowd = Counter(ends)
    edges, right = [], 0.0
    for column, width in enumerate(widths):
        gap = min(COLUMN_GAP + GAP_PER_LINE * max(crowd[column] - FREE_LINES, 0), MAX_COLUMN_GAP) if column else 0.0
        edges.append((right + gap, right + gap + width))
        right += gap + width
    return edges


def _route(
    start: tuple[float, float], lanes: Iterable[_Slot], edges: Sequence[tuple[float, float]], end: tuple[float, float]
) -> Route:
    """Return the points of a line; each second stretch of it is straight."""
    points = [start]
    for lane in lanes:
        middle = lane.top + LANE_HEIGHT / 2
        points += [(edge, middle) for edge in edges[lane.column]]
    return (*points, end)
